#include "data/dataset.h"

#include <stdio.h>
#include <string.h>
#include "base/hash.h"
#include "base/memory.h"

enum { INPUTS_MAX = 1 << 30 };

static void free_names(char **name, int64_t count)
{
    for (int64_t i = 0; name && i < count; i++) ls_free(name[i]);
    ls_free(name);
}

void ls_dataset_free(ls_dataset *dataset)
{
    free_names(dataset->class_names, dataset->classes);
    for (int64_t i = 0; dataset->output_class_names && dataset->output_classes && i < dataset->outputs; i++)
        free_names(dataset->output_class_names[i], dataset->output_classes[i]);
    ls_free(dataset->output_class_names);
    ls_free(dataset->output_classes);
    free_names(dataset->output_names, dataset->outputs);
    ls_free(dataset->bytes);
    ls_free(dataset->floats);
    ls_free(dataset->targets);
    ls_free(dataset->labels);
    ls_free(dataset->path);
    ls_free(dataset->file_row);
    *dataset = (ls_dataset){0};
}

static uint64_t hash_number(int64_t number, uint64_t digest)
{
    return ls_hash(&number, sizeof number, digest);
}

/* The length goes in as well, so that nothing moves unseen from one array to the next; -1: absent. */
static uint64_t hash_array(const void *array, int64_t count, size_t size, uint64_t digest)
{
    digest = hash_number(array ? count : -1, digest);
    return array ? ls_hash(array, (size_t)count * size, digest) : digest;
}

static uint64_t hash_names(char *const *name, int64_t count, uint64_t digest)
{
    digest = hash_number(name ? count : -1, digest);
    for (int64_t i = 0; name && i < count; i++)
        digest = hash_array(name[i], name[i] ? (int64_t)strlen(name[i]) : 0, 1, digest);
    return digest;
}

uint64_t ls_dataset_digest(const ls_dataset *dataset)
{
    int64_t rows = dataset->rows;
    uint64_t digest = hash_number(rows, 0);
    digest = hash_number(dataset->inputs, digest);
    digest = hash_array(dataset->shape, dataset->rank, sizeof dataset->shape[0], digest);
    digest = hash_number(dataset->outputs, digest);
    digest = hash_number(dataset->classes, digest);
    digest = hash_array(dataset->bytes, rows * dataset->inputs, sizeof *dataset->bytes, digest);
    digest = hash_array(dataset->floats, rows * dataset->inputs, sizeof *dataset->floats, digest);
    digest = hash_array(dataset->targets, rows * dataset->outputs, sizeof *dataset->targets, digest);
    digest = hash_array(dataset->labels, rows, sizeof *dataset->labels, digest);
    if (dataset->output_classes) {
        digest =
            hash_array(dataset->output_classes, dataset->outputs, sizeof *dataset->output_classes, digest);
        for (int64_t i = 0; i < dataset->outputs; i++)
            digest = hash_names(dataset->output_class_names[i], dataset->output_classes[i], digest);
    }
    digest = hash_names(dataset->class_names, dataset->classes, digest);
    return hash_names(dataset->output_names, dataset->outputs, digest);
}

ls_status ls_names_copy(char *const *from, int64_t count, char ***to)
{
    if (!from) return LS_OK;
    *to = ls_alloc((size_t)count, sizeof **to);
    if (!*to) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        (*to)[i] = ls_strdup(from[i]);
        if (from[i] && !(*to)[i]) return LS_ERROR_MEMORY;
    }
    return LS_OK;
}

ls_status ls_names_number(int64_t count, char ***to)
{
    *to = ls_alloc((size_t)count, sizeof **to);
    if (!*to) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        (*to)[i] = ls_format("%lld", (long long)i);
        if (!(*to)[i]) return LS_ERROR_MEMORY;
    }
    return LS_OK;
}

ls_status ls_dataset_name_classes(const char *const *name, ls_dataset *dataset)
{
    if (!name) return ls_names_number(dataset->classes, &dataset->class_names);
    return ls_names_copy((char *const *)name, dataset->classes, &dataset->class_names);
}

ls_status ls_dataset_copy_output_classes(const ls_dataset *from, ls_dataset *to)
{
    if (!from->output_classes) return LS_OK;
    to->output_classes = ls_alloc((size_t)from->outputs, sizeof *to->output_classes);
    to->output_class_names = ls_alloc((size_t)from->outputs, sizeof *to->output_class_names);
    if (!to->output_classes || !to->output_class_names) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < from->outputs; i++) {
        to->output_classes[i] = from->output_classes[i];
        LS_TRY(
            ls_names_copy(from->output_class_names[i], from->output_classes[i], &to->output_class_names[i]));
    }
    return LS_OK;
}

/* Rows of size bytes each; nothing where there is no array. */
static ls_status take_array(const void *from, const uint32_t *row, int64_t rows, size_t size, void **to)
{
    if (!from) return LS_OK;
    char *copy = ls_alloc((size_t)rows, size);
    if (!copy) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < rows; i++)
        memcpy(copy + (size_t)i * size, (const char *)from + row[i] * size, size);
    *to = copy;
    return LS_OK;
}

/* Where the rows lie in their file. */
static ls_status take_places(const ls_dataset *from, const uint32_t *row, int64_t rows, ls_dataset *to)
{
    if (!from->path) return LS_OK;
    to->path = ls_strdup(from->path);
    to->file_row = ls_alloc((size_t)rows, sizeof *to->file_row);
    if (!to->path || !to->file_row) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < rows; i++) to->file_row[i] = from->file_row ? from->file_row[row[i]] : row[i];
    return LS_OK;
}

static ls_status take(const ls_dataset *from, const uint32_t *row, int64_t rows, ls_dataset *to)
{
    void *bytes = NULL, *floats = NULL, *targets = NULL, *labels = NULL;
    size_t inputs = (size_t)from->inputs, outputs = (size_t)from->outputs;
    ls_status status = take_array(from->bytes, row, rows, inputs * sizeof *from->bytes, &bytes);
    if (status == LS_OK) status = take_array(from->floats, row, rows, inputs * sizeof *from->floats, &floats);
    if (status == LS_OK)
        status = take_array(from->targets, row, rows, outputs * sizeof *from->targets, &targets);
    if (status == LS_OK) status = take_array(from->labels, row, rows, sizeof *from->labels, &labels);
    to->bytes = bytes;
    to->floats = floats;
    to->targets = targets;
    to->labels = labels;
    LS_TRY(status);
    LS_TRY(take_places(from, row, rows, to));
    LS_TRY(ls_dataset_copy_output_classes(from, to));
    LS_TRY(ls_names_copy(from->class_names, from->classes, &to->class_names));
    return ls_names_copy(from->output_names, from->outputs, &to->output_names);
}

ls_status ls_dataset_describe_rows(const ls_integers *shape, ls_dataset *dataset)
{
    dataset->inputs = 1;
    for (int d = 0; d < shape->count; d++) {
        if (shape->value[d] > INPUTS_MAX / dataset->inputs)
            return ls_error(LS_ERROR_RECIPE, "data.shape has more than %d numbers", INPUTS_MAX);
        dataset->inputs *= shape->value[d];
    }
    return LS_OK;
}

ls_status ls_dataset_give_shape(const ls_integers *shape, ls_dataset *dataset)
{
    const int most = sizeof dataset->shape / sizeof dataset->shape[0];
    char text[256] = "";
    size_t used = 0;
    double product = 1;
    if (shape->count == 0) return LS_OK;
    if (shape->count > most)
        return ls_error(LS_ERROR_RECIPE, "data.shape has %d dimensions, expected at most %d", shape->count,
                        most);
    for (int d = 0; d < shape->count; d++) {
        product *= (double)shape->value[d];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld", d > 0 ? " x " : "",
                                 (long long)shape->value[d]);
    }
    if (product != (double)dataset->inputs)
        return ls_error(LS_ERROR_RECIPE,
                        "data.shape is %s = %.0f numbers, but a row of the data has %lld inputs", text,
                        product, (long long)dataset->inputs);
    dataset->rank = shape->count;
    for (int d = 0; d < shape->count; d++) dataset->shape[d] = shape->value[d];
    return LS_OK;
}

ls_status ls_dataset_take(const ls_dataset *from, const uint32_t *row, int64_t rows, ls_dataset *to)
{
    *to = (ls_dataset){.rows = rows,
                       .inputs = from->inputs,
                       .rank = from->rank,
                       .outputs = from->outputs,
                       .classes = from->classes};
    memcpy(to->shape, from->shape, sizeof to->shape);
    ls_status status = take(from, row, rows, to);
    if (status != LS_OK) ls_dataset_free(to);
    return status;
}
