/* Unpacking gzip (RFC 1952) in memory. */
#ifndef LS_BASE_GZIP_H
#define LS_BASE_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

/* Whether the bytes begin with the magic number of gzip. */
bool ls_gzip_recognise(const char *packed, size_t packed_size);

/* Unpacks all members of a gzip file, one after the other; zeros may follow the last one. *bytes is followed
   by a NUL that is not counted; the caller frees it with ls_free (NULL on failure). path stands in messages.
 */
ls_status ls_gzip_unpack(const char *path, const char *packed, size_t packed_size, char **bytes,
                         size_t *size);

#endif
