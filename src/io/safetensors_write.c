/* Writing: jansson builds the header, in the order in which keys are set, so the bytes depend on the content
   alone. */
#include "io/safetensors_format.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/memory.h"

/* Takes over value; false where it is NULL or the key is not UTF-8 (or memory is refused). */
static bool set(json_t *object, const char *key, json_t *value)
{
    return value && json_object_set_new(object, key, value) == 0;
}

static ls_status set_text(json_t *object, const char *path, const char *key, const char *value)
{
    if (json_object_get(object, key)) {
        return ls_error(LS_ERROR_ARGUMENT, "%s: the metadata hold the key \"%s\" twice", path, key);
    }
    if (set(object, key, json_string(value))) return LS_OK;
    return ls_error(LS_ERROR_ARGUMENT, "%s: the metadata \"%s\" are not text in UTF-8", path, key);
}

static ls_status set_tensor_checksum(json_t *object, const char *path, const ls_tensor *tensor)
{
    char digits[LS_CHECKSUM_TEXT];
    ls_tensor_checksum(tensor, digits);
    char *key = ls_format(LS_SAFETENSORS_CHECKSUM "%s", tensor->name);
    if (!key) return LS_ERROR_MEMORY;
    ls_status status = set_text(object, path, key, digits);
    ls_free(key);
    return status;
}

static ls_status add_checksums(json_t *object, const char *path, const ls_safetensors *content,
                               const ls_metadata *const *metadata, int count)
{
    char digits[LS_CHECKSUM_TEXT];
    ls_safetensors_header_checksum(content, metadata, count, digits);
    LS_TRY(set_text(object, path, LS_SAFETENSORS_CHECKSUM_OF_HEADER, digits));
    for (int i = 0; i < content->tensor_count; i++) {
        LS_TRY(set_tensor_checksum(object, path, &content->tensor[i]));
    }
    return LS_OK;
}

static ls_status build_metadata(json_t *header, const char *path, const ls_safetensors *content,
                                bool checksums)
{
    int count;
    const ls_metadata **metadata = ls_safetensors_sorted_metadata(content, &count);
    if (!metadata) return LS_ERROR_MEMORY;
    json_t *object = json_object();
    ls_status status = object ? LS_OK : ls_error(LS_ERROR_MEMORY, "%s: no memory for its header", path);
    for (int i = 0; status == LS_OK && i < count; i++) {
        status = set_text(object, path, metadata[i]->key, metadata[i]->value);
    }
    if (status == LS_OK && checksums) status = add_checksums(object, path, content, metadata, count);
    ls_free(metadata);
    if (status != LS_OK || json_object_size(object) == 0) {
        json_decref(object);
        return status;
    }
    if (set(header, LS_SAFETENSORS_METADATA, object)) return LS_OK;
    return ls_error(LS_ERROR_MEMORY, "%s: no memory for its header", path);
}

static json_t *describe_tensor(const ls_tensor *tensor, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (int d = 0; shape && d < tensor->dims; d++) {
        json_array_append_new(shape, json_integer((json_int_t)tensor->dim[d]));
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", ls_tensor_formats[tensor->type].name, "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

/* Checks a tensor and adds it to the header; *offset moves on by its bytes. */
static ls_status add_tensor(json_t *header, const char *path, const ls_tensor *tensor, size_t *offset)
{
    const char *name = tensor->name;
    if (strcmp(name, LS_SAFETENSORS_METADATA) == 0 || json_object_get(header, name)) {
        return ls_error(LS_ERROR_ARGUMENT, "%s: tensor \"%s\": the name is taken", path, name);
    }
    size_t bytes, end;
    if ((unsigned)tensor->type >= LS_TENSOR_TYPES || !ls_tensor_measure(tensor, &bytes) ||
        __builtin_add_overflow(*offset, bytes, &end)) {
        return ls_error(LS_ERROR_ARGUMENT, "%s: tensor \"%s\": the type or shape is wrong", path, name);
    }
    if (!set(header, name, describe_tensor(tensor, *offset, end))) {
        return ls_error(LS_ERROR_ARGUMENT, "%s: tensor \"%s\": the name is not text in UTF-8", path, name);
    }
    *offset = end;
    return LS_OK;
}

/* The tensors first (they are checked there), then the metadata, which go to the front of the text. */
static ls_status build_header(const char *path, const ls_safetensors *content, bool checksums, json_t *header)
{
    json_t *tensors = json_object();
    if (!tensors) return ls_error(LS_ERROR_MEMORY, "%s: no memory for its header", path);
    size_t offset = 0;
    ls_status status = LS_OK;
    for (int i = 0; status == LS_OK && i < content->tensor_count; i++) {
        status = add_tensor(tensors, path, &content->tensor[i], &offset);
    }
    if (status == LS_OK) status = build_metadata(header, path, content, checksums);
    if (status == LS_OK && json_object_update(header, tensors) != 0) {
        status = ls_error(LS_ERROR_MEMORY, "%s: no memory for its header", path);
    }
    json_decref(tensors);
    return status;
}

/* The length, the text and its padding in one block of *size bytes; freed with ls_free. */
static ls_status print_header(const char *path, const json_t *header, char **block, size_t *size)
{
    char *text = json_dumps(header, JSON_COMPACT);
    if (!text) return ls_error(LS_ERROR_MEMORY, "%s: no memory for its header", path);
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    *size = LS_SAFETENSORS_PREFIX + padded;
    *block = NULL;
    ls_status status = LS_OK;
    if (padded > LS_SAFETENSORS_HEADER_MAX) {
        status = ls_error(LS_ERROR_ARGUMENT, "%s: the header would take %zu bytes, the format allows %d",
                          path, padded, LS_SAFETENSORS_HEADER_MAX);
    } else if (!(*block = ls_alloc(*size, 1))) {
        status = LS_ERROR_MEMORY;
    } else {
        for (int i = 0; i < LS_SAFETENSORS_PREFIX; i++) (*block)[i] = (char)(padded >> (8 * i) & 0xff);
        memcpy(*block + LS_SAFETENSORS_PREFIX, text, length);
        memset(*block + LS_SAFETENSORS_PREFIX + length, ' ', padded - length);
    }
    free(text);
    return status;
}

static ls_status replace_file(const char *path, const ls_safetensors *content, const char *block, size_t size)
{
    size_t count = 1;
    ls_file_part *part = ls_alloc((size_t)content->tensor_count + 1, sizeof *part);
    if (!part) return LS_ERROR_MEMORY;
    part[0] = (ls_file_part){block, size};
    for (int i = 0; i < content->tensor_count; i++) {
        size_t bytes = ls_tensor_bytes(&content->tensor[i]);
        if (bytes > 0) part[count++] = (ls_file_part){content->tensor[i].data, bytes};
    }
    ls_status status = ls_file_replace(path, part, count);
    ls_free(part);
    return status;
}

ls_status ls_safetensors_write(const char *path, const ls_safetensors *content, bool checksums)
{
    json_t *header = json_object();
    if (!header) return ls_error(LS_ERROR_MEMORY, "%s: no memory for its header", path);
    char *block = NULL;
    size_t size = 0;
    ls_status status = build_header(path, content, checksums, header);
    if (status == LS_OK) status = print_header(path, header, &block, &size);
    json_decref(header);
    if (status == LS_OK) status = replace_file(path, content, block, size);
    ls_free(block);
    return status;
}
