#include "data/idx.h"

#include <stddef.h>
#include <string.h>
#include "base/memory.h"
#include "data/sources.h"

static ls_status read_images(const char *path, ls_dataset *dataset)
{
    char *content;
    size_t size;
    LS_TRY(ls_file_read(path, &content, &size));
    return ls_idx_parse_images(path, content, size, dataset);
}

static ls_status read_labels(const char *path, int classes, const char *const *name, ls_dataset *dataset)
{
    char *content;
    size_t size;
    LS_TRY(ls_file_read(path, &content, &size));
    LS_TRY(ls_idx_parse_labels(path, content, size, classes, dataset));
    return ls_dataset_name_classes(name, dataset);
}

static ls_status read_pair(const char *directory, const char *images, const char *labels, int classes,
                           ls_dataset *dataset)
{
    char *images_path = ls_path_join(directory ? directory : "", images);
    char *labels_path = ls_path_join(directory ? directory : "", labels);
    ls_status status = images_path && labels_path ? LS_OK : LS_ERROR_MEMORY;
    if (status == LS_OK) status = read_images(images_path, dataset);
    if (status == LS_OK) status = read_labels(labels_path, classes, NULL, dataset);
    ls_free(images_path);
    ls_free(labels_path);
    return status;
}

static ls_status load(const void *opaque, const char *directory, ls_dataset *train, ls_dataset *test)
{
    const ls_idx_options *options = opaque;
    LS_TRY(read_pair(directory, options->train_images, options->train_labels, (int)options->classes, train));
    if (!options->test_images || !options->test_labels) return LS_OK;
    LS_TRY(read_pair(directory, options->test_images, options->test_labels, train->classes, test));
    bool alike = train->rank == test->rank && memcmp(train->shape, test->shape, sizeof train->shape) == 0;
    if (!alike)
        return ls_error(LS_ERROR_DATA,
                        "%s: %lld numbers a row in another shape than the %lld of %s, expected the "
                        "same shape",
                        options->test_images, (long long)test->inputs, (long long)train->inputs,
                        options->train_images);
    return LS_OK;
}

ls_status ls_idx_labels_name(const char *images, char **labels)
{
    const char *slash = strrchr(images, '/'), *found = NULL;
    *labels = NULL;
    for (const char *p = slash ? slash + 1 : images; (p = strstr(p, "images")); p++) found = p;
    if (!found) return LS_OK;
    char *name = ls_strdup(images);
    if (!name) return LS_ERROR_MEMORY;
    memcpy(name + (found - images), "labels", 6);
    char *rank = strstr(name + (slash ? slash - images : 0), "idx");
    if (rank && rank[3] >= '2' && rank[3] <= '4') rank[3] = '1';
    *labels = name;
    return LS_OK;
}

/* The labels that lie beside the images, gzipped or not as it comes; NULL in *found if there are none. */
static ls_status find_labels(const char *images, char **found)
{
    char *name;
    *found = NULL;
    LS_TRY(ls_idx_labels_name(images, &name));
    if (!name) return LS_OK;
    size_t length = strlen(name);
    bool packed = length > 3 && strcmp(name + length - 3, ".gz") == 0;
    char *other = ls_format("%.*s%s", (int)(packed ? length - 3 : length), name, packed ? "" : ".gz");
    if (!other) {
        ls_free(name);
        return LS_ERROR_MEMORY;
    }
    *found = ls_file_exists(name) ? name : ls_file_exists(other) ? other : NULL;
    if (*found != name) ls_free(name);
    if (*found != other) ls_free(other);
    return LS_OK;
}

static ls_status load_file(const void *opaque, const char *path, int64_t inputs,
                           const char *const *class_names, int classes, ls_dataset *dataset)
{
    (void)opaque;
    LS_TRY(read_images(path, dataset));
    if (inputs > 0 && dataset->inputs != inputs)
        return ls_error(LS_ERROR_DATA, "%s: %lld numbers a row, expected the %lld inputs of the model", path,
                        (long long)dataset->inputs, (long long)inputs);
    char *labels;
    LS_TRY(find_labels(path, &labels));
    ls_status status =
        labels ? read_labels(labels, classes, classes > 0 ? class_names : NULL, dataset) : LS_OK;
    ls_free(labels);
    return status;
}

static ls_status describe(const void *opaque, ls_dataset *dataset)
{
    const ls_idx_options *options = opaque;
    if (options->common.shape.count == 0 || options->classes == 0)
        return ls_error(LS_ERROR_RECIPE,
                        "to look at the model without the data, give data.shape and data.classes");
    dataset->classes = (int)options->classes;
    return ls_dataset_describe_rows(&options->common.shape, dataset);
}

static const char *check(const void *opaque)
{
    const ls_idx_options *options = opaque;
    if (options->test_images && !options->test_labels) return "test_images needs test_labels as well";
    if (options->test_labels && !options->test_images) return "test_labels needs test_images as well";
    return NULL;
}

static const ls_option options_table[] = {
    LS_DATA_COMMON_OPTIONS,
    {.key = "train_images",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_idx_options, train_images),
     .default_text = NULL,
     .help = "Inputs to train on, plain or gzipped, relative to the recipe: [rows, height, width], [rows, "
             "channels, height, width] or [rows, inputs], as unsigned bytes or 32-bit floats."},
    {.key = "train_labels",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_idx_options, train_labels),
     .default_text = NULL,
     .help = "Their classes: [rows] as unsigned bytes."},
    {.key = "test_images",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_idx_options, test_images),
     .default_text = "",
     .help = "Inputs to test on; without them test_fraction of the rows is set apart."},
    {.key = "test_labels",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_idx_options, test_labels),
     .default_text = "",
     .help = "The classes of test_images."},
    {.key = "classes",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(ls_idx_options, classes),
     .minimum = 0,
     .maximum = 256,
     .default_text = "0",
     .help = "Number of classes. 0: the largest label of the training rows and one."},
    LS_OPTION_END};

const ls_source_type ls_source_idx = {
    .base = {.name = "idx",
             .help = "Images and labels in the IDX format of MNIST and its successors.",
             .options = options_table,
             .options_size = sizeof(ls_idx_options),
             .check = check},
    .load = load,
    .load_file = load_file,
    .describe = describe,
};
