/* An IDX file: two bytes 0, a byte for the type, a byte for the rank, each dimension in four bytes, then the
   values with the last dimension fastest; all numbers begin with the most significant byte. */
#include "data/idx.h"

#include <math.h>
#include <string.h>
#include "base/memory.h"

enum { TYPE_UBYTE = 0x08, TYPE_FLOAT = 0x0d, RANK_MAX = 4 };

typedef struct idx_header {
    int type, rank;
    int64_t dim[RANK_MAX];
    size_t size; /* bytes before the values */
} idx_header;

static uint32_t big_endian(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static const char *type_name(int type)
{
    switch (type) {
    case 0x08:
        return "unsigned bytes";
    case 0x09:
        return "signed bytes";
    case 0x0b:
        return "16-bit integers";
    case 0x0c:
        return "32-bit integers";
    case 0x0d:
        return "32-bit floats";
    case 0x0e:
        return "64-bit floats";
    default:
        return NULL;
    }
}

static ls_status read_header(const char *path, const char *content, size_t size, idx_header *header)
{
    if (size < 4)
        return ls_error(LS_ERROR_DATA, "%s: %zu bytes, expected an IDX file, which has at least 4", path,
                        size);
    header->type = (unsigned char)content[2];
    header->rank = (unsigned char)content[3];
    if (content[0] != 0 || content[1] != 0 || !type_name(header->type))
        return ls_error(LS_ERROR_DATA,
                        "%s: byte 0: begins with %08x, expected the 0000TTRR of an IDX file (00000803 for "
                        "images, 00000801 for labels)",
                        path, (unsigned)big_endian(content));
    if (header->rank < 1 || header->rank > RANK_MAX)
        return ls_error(LS_ERROR_DATA, "%s: byte 3: %d dimensions, expected 1 to %d", path, header->rank,
                        RANK_MAX);
    header->size = 4 + 4 * (size_t)header->rank;
    if (size < header->size)
        return ls_error(LS_ERROR_DATA,
                        "%s: ends after %zu bytes within its header, expected %zu; the file is cut "
                        "off",
                        path, size, header->size);
    for (int i = 0; i < header->rank; i++) header->dim[i] = big_endian(content + 4 + 4 * i);
    return LS_OK;
}

/* Compares the number of values of width bytes that the header promises with the size of the file. */
static ls_status check_size(const char *path, const idx_header *header, size_t width, size_t size)
{
    size_t expected = width;
    bool overflow = false;
    for (int i = 0; i < header->rank; i++) {
        if (header->dim[i] == 0)
            return ls_error(LS_ERROR_DATA, "%s: byte %d: dimension %d is 0, expected at least 1", path,
                            4 + 4 * i, i + 1);
        overflow = overflow || __builtin_mul_overflow(expected, (size_t)header->dim[i], &expected);
    }
    size_t present = size - header->size;
    if (overflow || present < expected)
        return ls_error(LS_ERROR_DATA, "%s: %zu bytes of values, expected %s%zu; the file is cut off", path,
                        present, overflow ? "more than " : "", overflow ? SIZE_MAX : expected);
    if (present > expected)
        return ls_error(LS_ERROR_DATA, "%s: byte %zu: %zu bytes too many, expected the end of the file", path,
                        header->size + expected, present - expected);
    return LS_OK;
}

static ls_status check_type(const char *path, const idx_header *header, bool floats)
{
    if (header->type == TYPE_UBYTE || (floats && header->type == TYPE_FLOAT)) return LS_OK;
    return ls_error(LS_ERROR_DATA, "%s: byte 2: values of type 0x%02x (%s), expected 0x08 (unsigned bytes)%s",
                    path, (unsigned)header->type, type_name(header->type),
                    floats ? " or 0x0d (32-bit floats)" : "");
}

static void set_shape(const idx_header *header, ls_dataset *dataset)
{
    int64_t channels = header->rank == 4 ? header->dim[1] : 1;
    int64_t height = header->dim[header->rank - 2], width = header->dim[header->rank - 1];
    dataset->rank = header->rank == 2 ? 1 : 3;
    if (header->rank == 2) {
        dataset->shape[0] = dataset->inputs = width;
        return;
    }
    dataset->shape[0] = channels;
    dataset->shape[1] = height;
    dataset->shape[2] = width;
    dataset->inputs = channels * height * width;
}

/* From the order of the file to that of the machine, in place. */
static ls_status convert_floats(const char *path, const char *bytes, size_t header_size, float *value,
                                int64_t rows, int64_t inputs)
{
    for (int64_t i = 0; i < rows * inputs; i++) {
        uint32_t bits = big_endian(bytes + 4 * i);
        memcpy(&value[i], &bits, sizeof bits);
        if (!isfinite(value[i]))
            return ls_error(LS_ERROR_DATA, "%s: byte %lld: value %lld of row %lld is not finite", path,
                            (long long)header_size + 4 * (long long)i, (long long)(i % inputs) + 1,
                            (long long)(i / inputs) + 1);
    }
    return LS_OK;
}

static ls_status parse_images(const char *path, char *content, size_t size, ls_dataset *dataset)
{
    idx_header header;
    LS_TRY(read_header(path, content, size, &header));
    LS_TRY(check_type(path, &header, true));
    if (header.rank < 2)
        return ls_error(LS_ERROR_DATA,
                        "%s: byte 3: one dimension, expected 2 to 4; is this the file of the labels?", path);
    LS_TRY(check_size(path, &header, header.type == TYPE_FLOAT ? 4 : 1, size));
    set_shape(&header, dataset);
    /* The values move to the front of the memory they came in, which keeps its alignment. */
    size_t count = size - header.size;
    memmove(content, content + header.size, count);
    dataset->rows = header.dim[0];
    if (header.type == TYPE_UBYTE) {
        dataset->bytes = (uint8_t *)content;
        return LS_OK;
    }
    dataset->floats = (float *)(void *)content;
    return convert_floats(path, content, header.size, dataset->floats, dataset->rows, dataset->inputs);
}

ls_status ls_idx_parse_images(const char *path, char *content, size_t size, ls_dataset *dataset)
{
    ls_status status = parse_images(path, content, size, dataset);
    bool taken = (char *)dataset->bytes == content || (char *)dataset->floats == content;
    if (!taken) ls_free(content);
    return status;
}

static ls_status parse_labels(const char *path, const char *content, size_t size, int classes,
                              ls_dataset *dataset)
{
    idx_header header;
    LS_TRY(read_header(path, content, size, &header));
    LS_TRY(check_type(path, &header, false));
    if (header.rank != 1)
        return ls_error(LS_ERROR_DATA,
                        "%s: byte 3: %d dimensions, expected 1 for labels; is this the file of the "
                        "images?",
                        path, header.rank);
    LS_TRY(check_size(path, &header, 1, size));
    if (header.dim[0] != dataset->rows)
        return ls_error(LS_ERROR_DATA, "%s: %lld labels, expected %lld, one for each row of the images", path,
                        (long long)header.dim[0], (long long)dataset->rows);
    dataset->labels = ls_alloc((size_t)dataset->rows, sizeof *dataset->labels);
    if (!dataset->labels) return LS_ERROR_MEMORY;
    int largest = 0;
    for (int64_t i = 0; i < dataset->rows; i++) {
        int label = (unsigned char)content[header.size + (size_t)i];
        if (classes > 0 && label >= classes)
            return ls_error(LS_ERROR_DATA,
                            "%s: byte %lld: label %d of row %lld is out of range, expected 0 to %d", path,
                            (long long)header.size + (long long)i, label, (long long)i + 1, classes - 1);
        if (label > largest) largest = label;
        dataset->labels[i] = label;
    }
    dataset->classes = classes > 0 ? classes : largest + 1;
    return LS_OK;
}

ls_status ls_idx_parse_labels(const char *path, char *content, size_t size, int classes, ls_dataset *dataset)
{
    ls_status status = parse_labels(path, content, size, classes, dataset);
    ls_free(content);
    return status;
}
