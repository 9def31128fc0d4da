#include "io/safetensors_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/memory.h"

const ls_tensor_format ls_tensor_formats[LS_TENSOR_TYPES] = {
    [LS_TENSOR_F32] = {"F32", 4}, [LS_TENSOR_F64] = {"F64", 8}, [LS_TENSOR_U64] = {"U64", 8},
    [LS_TENSOR_I64] = {"I64", 8}, [LS_TENSOR_U8] = {"U8", 1},
};

bool ls_tensor_measure(const ls_tensor *tensor, size_t *bytes)
{
    size_t product = ls_tensor_formats[tensor->type].size;
    bool fits = tensor->dims >= 0 && tensor->dims <= LS_SAFETENSORS_DIMS;
    for (int d = 0; fits && d < tensor->dims; d++) {
        fits = tensor->dim[d] >= 0 && !__builtin_mul_overflow(product, (size_t)tensor->dim[d], &product);
    }
    *bytes = fits ? product : 0;
    return fits;
}

size_t ls_tensor_bytes(const ls_tensor *tensor)
{
    size_t bytes;
    ls_tensor_measure(tensor, &bytes);
    return bytes;
}

bool ls_safetensors_is_checksum(const char *key)
{
    return strncmp(key, LS_SAFETENSORS_CHECKSUM, strlen(LS_SAFETENSORS_CHECKSUM)) == 0;
}

static void checksum_text(uint64_t hash, char text[LS_CHECKSUM_TEXT])
{
    snprintf(text, LS_CHECKSUM_TEXT, "%016" PRIx64, hash);
}

void ls_tensor_checksum(const ls_tensor *tensor, char text[LS_CHECKSUM_TEXT])
{
    checksum_text(ls_hash(tensor->data, ls_tensor_bytes(tensor), 0), text);
}

/* With its NUL, so that neighbouring texts do not run together. */
static uint64_t hash_text(const char *text, uint64_t seed)
{
    return ls_hash(text, strlen(text) + 1, seed);
}

void ls_safetensors_header_checksum(const ls_safetensors *content, const ls_metadata *const *metadata,
                                    int count, char text[LS_CHECKSUM_TEXT])
{
    uint64_t hash = 0;
    for (int i = 0; i < content->tensor_count; i++) {
        const ls_tensor *tensor = &content->tensor[i];
        hash = hash_text(tensor->name, hash);
        hash = hash_text(ls_tensor_formats[tensor->type].name, hash);
        hash = ls_hash(tensor->dim, (size_t)tensor->dims * sizeof tensor->dim[0], hash);
    }
    for (int i = 0; i < count; i++) {
        hash = hash_text(metadata[i]->key, hash);
        hash = hash_text(metadata[i]->value, hash);
    }
    checksum_text(hash, text);
}

static int compare_metadata(const void *a, const void *b)
{
    const ls_metadata *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

const ls_metadata **ls_safetensors_sorted_metadata(const ls_safetensors *content, int *count)
{
    const ls_metadata **sorted = ls_alloc((size_t)content->metadata_count, sizeof *sorted);
    *count = 0;
    if (!sorted) return NULL;
    for (int i = 0; i < content->metadata_count; i++) {
        if (!ls_safetensors_is_checksum(content->metadata[i].key)) sorted[(*count)++] = &content->metadata[i];
    }
    qsort(sorted, (size_t)*count, sizeof *sorted, compare_metadata);
    return sorted;
}

void ls_safetensors_free(ls_safetensors *content)
{
    if (!content) return;
    for (int i = 0; content->tensor && i < content->tensor_count; i++) ls_free(content->tensor[i].name);
    for (int i = 0; content->metadata && i < content->metadata_count; i++) {
        ls_free(content->metadata[i].key);
        ls_free(content->metadata[i].value);
    }
    ls_free(content->tensor);
    ls_free(content->metadata);
    ls_free(content->bytes);
    memset(content, 0, sizeof *content);
}

const ls_tensor *ls_safetensors_find(const ls_safetensors *content, const char *name)
{
    for (int i = 0; i < content->tensor_count; i++) {
        if (strcmp(content->tensor[i].name, name) == 0) return &content->tensor[i];
    }
    return NULL;
}

const char *ls_safetensors_metadata(const ls_safetensors *content, const char *key)
{
    for (int i = 0; i < content->metadata_count; i++) {
        if (strcmp(content->metadata[i].key, key) == 0) return content->metadata[i].value;
    }
    return NULL;
}
