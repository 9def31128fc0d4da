/* What reading and writing of the safetensors format have in common. */
#ifndef LS_IO_SAFETENSORS_FORMAT_H
#define LS_IO_SAFETENSORS_FORMAT_H

#include <stdbool.h>
#include "io/safetensors.h"

enum {
    LS_SAFETENSORS_PREFIX = 8,             /* bytes of the header length */
    LS_SAFETENSORS_HEADER_MAX = 100000000, /* as in the reference implementation */
    LS_SAFETENSORS_DIMS = 4,               /* of ls_tensor */
    LS_CHECKSUM_TEXT = 17                  /* 16 digits and NUL */
};

#define LS_SAFETENSORS_METADATA "__metadata__"
#define LS_SAFETENSORS_CHECKSUM "lockstep.checksum."
/* No tensor can have this name, so it does not clash with the checksum of one. */
#define LS_SAFETENSORS_CHECKSUM_OF_HEADER LS_SAFETENSORS_CHECKSUM LS_SAFETENSORS_METADATA

typedef struct ls_tensor_format {
    const char *name; /* as in the header */
    size_t size;      /* bytes of an element */
} ls_tensor_format;

enum { LS_TENSOR_TYPES = LS_TENSOR_U8 + 1 };
extern const ls_tensor_format ls_tensor_formats[LS_TENSOR_TYPES]; /* indexed by ls_tensor_type */

/* Bytes of the data of a tensor, false where they do not fit into *bytes or a dimension is negative. */
bool ls_tensor_measure(const ls_tensor *tensor, size_t *bytes);

bool ls_safetensors_is_checksum(const char *key);

/* 16 hexadecimal digits: XXH64 of the data of a tensor, seed 0. */
void ls_tensor_checksum(const ls_tensor *tensor, char text[LS_CHECKSUM_TEXT]);

/* The same of all that the checksums of tensors do not cover: names, types, shapes and metadata other than
   checksums. metadata is in the order of its keys. */
void ls_safetensors_header_checksum(const ls_safetensors *content, const ls_metadata *const *metadata,
                                    int count, char text[LS_CHECKSUM_TEXT]);

/* New pointers to the metadata of content other than checksums, in the order of their keys; ls_free. NULL
   where memory is refused. */
const ls_metadata **ls_safetensors_sorted_metadata(const ls_safetensors *content, int *count);

#endif
