/* The safetensors format: 8 bytes little-endian header length, a JSON header padded by spaces to a multiple
   of 8, data without gaps in the order of the header. Entries of "__metadata__" are strings. Written
   deterministically: metadata keys sorted, tensors in the order given, so equal content gives equal files. */
#ifndef LS_IO_SAFETENSORS_H
#define LS_IO_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

typedef enum ls_tensor_type {
    LS_TENSOR_F32,
    LS_TENSOR_F64,
    LS_TENSOR_U64,
    LS_TENSOR_I64,
    LS_TENSOR_U8
} ls_tensor_type;

typedef struct ls_tensor {
    char *name;
    ls_tensor_type type;
    int dims;
    int64_t dim[4];
    const void *data; /* little-endian, contiguous */
} ls_tensor;

typedef struct ls_metadata {
    char *key, *value;
} ls_metadata;

typedef struct ls_safetensors {
    int tensor_count;
    ls_tensor *tensor; /* data points into bytes when read */
    int metadata_count;
    ls_metadata *metadata;
    char *bytes; /* owned when read */
} ls_safetensors;

/* Replaces path atomically (base/file.h). With checksums a metadata entry "lockstep.checksum.NAME" of 16
 * hexadecimal digits (XXH64) is added for each tensor. The struct is only read. Local. */
ls_status ls_safetensors_write(const char *path, const ls_safetensors *content, bool checksums);
/* Reads and checks everything: lengths, overlaps, gaps, types, duplicate names, shapes against sizes,
 * checksums where present. Messages name the file and the tensor. Local. */
ls_status ls_safetensors_read(const char *path, ls_safetensors *content);
void ls_safetensors_free(ls_safetensors *content); /* of one that was read, or whose names and arrays came
                                                      from ls_alloc */

const ls_tensor *ls_safetensors_find(const ls_safetensors *content, const char *name); /* NULL if there is
                                                                                          none */
const char *ls_safetensors_metadata(const ls_safetensors *content, const char *key); /* NULL if there is none
                                                                                      */
size_t ls_tensor_bytes(const ls_tensor *tensor);

#endif
