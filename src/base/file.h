/* Files: whole reads and atomic writes, with messages that name the path and the reason. */
#ifndef LS_BASE_FILE_H
#define LS_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

/* Reads a whole file, unpacking gzip if it begins with its magic number. *bytes is followed by a NUL that is
   not counted; the caller frees it with ls_free. Short reads and truncated gzip streams are errors. Fault
   points open, read. */
ls_status ls_file_read(const char *path, char **bytes, size_t *size);

typedef struct ls_file_part {
    const void *bytes;
    size_t size;
} ls_file_part;

/* Replaces path by the parts in order, or leaves it as it was: temporary file beside it, write, fsync,
   rename, fsync of the directory. The temporary file is removed on failure. Fault points open, write, sync,
   rename. */
ls_status ls_file_replace(const char *path, const ls_file_part *parts, size_t count);

bool ls_file_exists(const char *path);
ls_status ls_directory_make(const char *path);               /* with parents; existing is fine */
char *ls_path_join(const char *directory, const char *path); /* path itself if absolute or directory is empty;
                                                                ls_free */
char *ls_path_directory(const char *path);                   /* "." where there is none; ls_free */

#endif
