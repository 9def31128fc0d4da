/* Reading: nothing in the file is believed before it is checked. */
#include "io/safetensors_format.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/memory.h"

/* Whole numbers above this are not exact in many JSON readers, so no sound file holds them. */
#define NUMBER_MAX ((json_int_t)1 << 53)

typedef struct reader {
    const char *path;
    size_t data_begin, data_size; /* in the file */
    ls_safetensors *content;
    struct span *span; /* one a tensor */
} reader;

/* Where the data of a tensor lie, and its place in the header, which decides between empty tensors. */
typedef struct span {
    size_t begin, end;
    int place;
    ls_tensor tensor;
} span;

static ls_status no_memory(const reader *in)
{
    return ls_error_prefix(LS_ERROR_MEMORY, "%s: ", in->path);
}

static ls_status read_metadata(reader *in, json_t *object)
{
    if (!json_is_object(object)) {
        return ls_error(LS_ERROR_DATA, "%s: " LS_SAFETENSORS_METADATA " must be an object of strings",
                        in->path);
    }
    ls_safetensors *content = in->content;
    if (!(content->metadata = ls_alloc(json_object_size(object), sizeof *content->metadata))) {
        return no_memory(in);
    }
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value)) {
            return ls_error(LS_ERROR_DATA, "%s: the metadata \"%s\" are not a string", in->path, key);
        }
        ls_metadata *entry = &content->metadata[content->metadata_count++];
        entry->key = ls_strdup(key);
        entry->value = ls_strdup(json_string_value(value));
        if (!entry->key || !entry->value) return no_memory(in);
    }
    return LS_OK;
}

static ls_status read_type(const reader *in, const char *name, json_t *value, ls_tensor_type *type)
{
    const char *text = json_string_value(value);
    if (!text) return ls_error(LS_ERROR_DATA, "%s: tensor \"%s\" has no dtype", in->path, name);
    for (int i = 0; i < LS_TENSOR_TYPES; i++) {
        if (strcmp(text, ls_tensor_formats[i].name) == 0) {
            *type = (ls_tensor_type)i;
            return LS_OK;
        }
    }
    return ls_error(
        LS_ERROR_DATA,
        "%s: tensor \"%s\" has the dtype \"%s\"; F32, F64, U64, I64 and U8 can be read, convert it "
        "to one of them",
        in->path, name, text);
}

static ls_status read_number(const reader *in, const char *name, const char *what, json_t *value,
                             int64_t *number)
{
    if (!json_is_integer(value)) {
        return ls_error(LS_ERROR_DATA, "%s: tensor \"%s\": %s must be whole numbers", in->path, name, what);
    }
    json_int_t n = json_integer_value(value);
    if (n < 0 || n > NUMBER_MAX) {
        return ls_error(LS_ERROR_DATA,
                        "%s: tensor \"%s\": %s must be in the range 0 to 2^53, %" JSON_INTEGER_FORMAT
                        " is not",
                        in->path, name, what, n);
    }
    *number = n;
    return LS_OK;
}

static ls_status read_shape(const reader *in, const char *name, json_t *value, ls_tensor *tensor)
{
    if (!json_is_array(value)) {
        return ls_error(LS_ERROR_DATA, "%s: tensor \"%s\" has no shape", in->path, name);
    }
    if (json_array_size(value) > LS_SAFETENSORS_DIMS) {
        return ls_error(LS_ERROR_DATA, "%s: tensor \"%s\" has %zu dimensions, at most %d can be read",
                        in->path, name, json_array_size(value), LS_SAFETENSORS_DIMS);
    }
    tensor->dims = (int)json_array_size(value);
    for (int d = 0; d < tensor->dims; d++) {
        LS_TRY(read_number(in, name, "the numbers of its shape", json_array_get(value, (size_t)d),
                           &tensor->dim[d]));
    }
    return LS_OK;
}

static ls_status read_offsets(const reader *in, const char *name, json_t *value, span *where)
{
    if (!json_is_array(value) || json_array_size(value) != 2) {
        return ls_error(LS_ERROR_DATA, "%s: tensor \"%s\" needs data_offsets of two numbers", in->path, name);
    }
    int64_t begin, end;
    LS_TRY(read_number(in, name, "its data_offsets", json_array_get(value, 0), &begin));
    LS_TRY(read_number(in, name, "its data_offsets", json_array_get(value, 1), &end));
    if (begin > end) {
        return ls_error(LS_ERROR_DATA, "%s: tensor \"%s\": its data end at %lld, before they begin at %lld",
                        in->path, name, (long long)end, (long long)begin);
    }
    where->begin = (size_t)begin;
    where->end = (size_t)end;
    return LS_OK;
}

static ls_status read_tensor(reader *in, const char *name, json_t *value)
{
    span *where = &in->span[in->content->tensor_count];
    ls_tensor *tensor = &where->tensor;
    if (!json_is_object(value)) {
        return ls_error(LS_ERROR_DATA, "%s: the entry of tensor \"%s\" is not an object", in->path, name);
    }
    LS_TRY(read_type(in, name, json_object_get(value, "dtype"), &tensor->type));
    LS_TRY(read_shape(in, name, json_object_get(value, "shape"), tensor));
    LS_TRY(read_offsets(in, name, json_object_get(value, "data_offsets"), where));
    size_t bytes;
    if (!ls_tensor_measure(tensor, &bytes) || bytes != where->end - where->begin) {
        return ls_error(LS_ERROR_DATA, "%s: tensor \"%s\": its shape does not fit its %zu bytes of data",
                        in->path, name, where->end - where->begin);
    }
    if (!(tensor->name = ls_strdup(name))) return no_memory(in);
    where->place = in->content->tensor_count++;
    return LS_OK;
}

static int compare_spans(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return x->place - y->place;
}

/* Every byte of the data belongs to exactly one tensor. */
static ls_status check_spans(const reader *in)
{
    size_t covered = 0;
    int count = in->content->tensor_count;
    qsort(in->span, (size_t)count, sizeof *in->span, compare_spans);
    for (int i = 0; i < count; i++) {
        const span *where = &in->span[i];
        if (where->end > in->data_size) {
            return ls_error(
                LS_ERROR_DATA,
                "%s: the data of tensor \"%s\" end at %zu, the file has %zu bytes of data; it is cut "
                "short or damaged",
                in->path, where->tensor.name, where->end, in->data_size);
        }
        if (where->begin != covered) {
            return ls_error(LS_ERROR_DATA, "%s: the data of tensor \"%s\" begin at %zu, %s %zu", in->path,
                            where->tensor.name, where->begin,
                            where->begin < covered ? "they overlap others, which end at"
                                                   : "there is a gap from",
                            covered);
        }
        covered = where->end;
    }
    if (covered == in->data_size) return LS_OK;
    return ls_error(LS_ERROR_DATA, "%s: the last %zu bytes belong to no tensor", in->path,
                    in->data_size - covered);
}

/* Points the tensors to their data. Where a foreign file does not align them, they are moved to a new block
   that does. */
static ls_status place_tensors(const reader *in)
{
    enum { ALIGNMENT = 64 };
    ls_safetensors *content = in->content;
    const char *data = content->bytes + in->data_begin;
    bool aligned = true;
    size_t room = 0;
    for (int i = 0; i < content->tensor_count; i++) {
        size_t size = ls_tensor_formats[in->span[i].tensor.type].size;
        aligned = aligned && (uintptr_t)(data + in->span[i].begin) % size == 0;
        room += (in->span[i].end - in->span[i].begin + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    char *moved = aligned ? NULL : ls_alloc(room, 1);
    if (!aligned && !moved) return no_memory(in);
    size_t offset = 0;
    for (int i = 0; i < content->tensor_count; i++) {
        const span *where = &in->span[i];
        size_t bytes = where->end - where->begin;
        content->tensor[i] = where->tensor;
        content->tensor[i].data = aligned ? data + where->begin : moved + offset;
        if (!aligned && bytes > 0) memcpy(moved + offset, data + where->begin, bytes);
        offset += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    if (!aligned) {
        ls_free(content->bytes);
        content->bytes = moved;
    }
    return LS_OK;
}

static ls_status check_tensor_checksum(const reader *in, const ls_metadata *entry)
{
    const char *name = entry->key + strlen(LS_SAFETENSORS_CHECKSUM);
    const ls_tensor *tensor = ls_safetensors_find(in->content, name);
    if (!tensor) {
        return ls_error(LS_ERROR_DATA, "%s: tensor \"%s\" is missing, its checksum is there", in->path, name);
    }
    char digits[LS_CHECKSUM_TEXT];
    ls_tensor_checksum(tensor, digits);
    if (strcmp(digits, entry->value) == 0) return LS_OK;
    return ls_error(
        LS_ERROR_DATA,
        "%s: tensor \"%s\": the checksum of its data is %s, \"%s\" was written; the file is damaged or "
        "was edited",
        in->path, name, digits, entry->value);
}

static ls_status check_header_checksum(const reader *in, const ls_metadata *entry)
{
    int count;
    const ls_metadata **metadata = ls_safetensors_sorted_metadata(in->content, &count);
    if (!metadata) return no_memory(in);
    char digits[LS_CHECKSUM_TEXT];
    ls_safetensors_header_checksum(in->content, metadata, count, digits);
    ls_free(metadata);
    if (strcmp(digits, entry->value) == 0) return LS_OK;
    return ls_error(
        LS_ERROR_DATA,
        "%s: the checksum of its metadata and shapes is %s, \"%s\" was written; the file is damaged or "
        "was edited",
        in->path, digits, entry->value);
}

/* A file with checksums has all of them; otherwise a damaged key would hide what it protects. */
static ls_status check_checksums(const reader *in)
{
    int found = 0;
    for (int i = 0; i < in->content->metadata_count; i++) {
        const ls_metadata *entry = &in->content->metadata[i];
        if (!ls_safetensors_is_checksum(entry->key)) continue;
        found++;
        if (strcmp(entry->key, LS_SAFETENSORS_CHECKSUM_OF_HEADER) == 0) {
            LS_TRY(check_header_checksum(in, entry));
        } else {
            LS_TRY(check_tensor_checksum(in, entry));
        }
    }
    if (found == 0 || found == in->content->tensor_count + 1) return LS_OK;
    return ls_error(LS_ERROR_DATA, "%s: %d of %d checksums are missing; the file is damaged or was edited",
                    in->path, in->content->tensor_count + 1 - found, in->content->tensor_count + 1);
}

static ls_status read_entries(reader *in, json_t *header)
{
    size_t entries = json_object_size(header);
    in->span = ls_alloc(entries, sizeof *in->span);
    in->content->tensor = ls_alloc(entries, sizeof *in->content->tensor);
    if (!in->span || !in->content->tensor) return no_memory(in);
    const char *name;
    json_t *value;
    json_object_foreach(header, name, value)
    {
        if (strcmp(name, LS_SAFETENSORS_METADATA) == 0) {
            LS_TRY(read_metadata(in, value));
        } else {
            LS_TRY(read_tensor(in, name, value));
        }
    }
    LS_TRY(check_spans(in));
    LS_TRY(place_tensors(in));
    return check_checksums(in);
}

/* The names are in the spans until the tensors are placed; a failure before that must not lose them. */
static void drop_spans(reader *in, bool placed)
{
    for (int i = 0; !placed && in->span && i < in->content->tensor_count; i++) {
        ls_free(in->span[i].tensor.name);
    }
    ls_free(in->span);
}

static ls_status read_length(const char *path, const char *bytes, size_t size, size_t *length)
{
    uint64_t value = 0;
    if (size < LS_SAFETENSORS_PREFIX) {
        return ls_error(LS_ERROR_DATA, "%s: %zu bytes are too short for a safetensors file", path, size);
    }
    for (int i = LS_SAFETENSORS_PREFIX - 1; i >= 0; i--) value = value << 8 | (unsigned char)bytes[i];
    if (value > LS_SAFETENSORS_HEADER_MAX) {
        return ls_error(LS_ERROR_DATA,
                        "%s: not a safetensors file (a header of %llu bytes, at most %d can be)", path,
                        (unsigned long long)value, LS_SAFETENSORS_HEADER_MAX);
    }
    if (value > size - LS_SAFETENSORS_PREFIX) {
        return ls_error(LS_ERROR_DATA,
                        "%s: the header of %llu bytes goes beyond the end of the file (%zu bytes)", path,
                        (unsigned long long)value, size);
    }
    *length = (size_t)value;
    return LS_OK;
}

static ls_status parse_header(const char *path, const char *text, size_t length, json_t **header)
{
    json_error_t error;
    if (length == 0 || text[0] != '{') {
        return ls_error(LS_ERROR_DATA, "%s: not a safetensors file (the header does not begin with \"{\")",
                        path);
    }
    *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (*header) return LS_OK;
    return ls_error(LS_ERROR_DATA, "%s: the header is not sound JSON: %s (byte %d of it)", path, error.text,
                    error.position);
}

ls_status ls_safetensors_read(const char *path, ls_safetensors *content)
{
    memset(content, 0, sizeof *content);
    size_t size, length = 0;
    json_t *header = NULL;
    LS_TRY(ls_file_read(path, &content->bytes, &size));
    ls_status status = read_length(path, content->bytes, size, &length);
    if (status == LS_OK) {
        status = parse_header(path, content->bytes + LS_SAFETENSORS_PREFIX, length, &header);
    }
    if (status == LS_OK) {
        reader in = {.path = path, .content = content};
        in.data_begin = LS_SAFETENSORS_PREFIX + length;
        in.data_size = size - in.data_begin;
        status = read_entries(&in, header);
        drop_spans(&in, content->tensor_count > 0 && content->tensor && content->tensor[0].name);
    }
    json_decref(header);
    if (status != LS_OK) ls_safetensors_free(content);
    return status;
}
