#include "data/cifar.h"

#include <glob.h>
#include <string.h>
#include "base/memory.h"
#include "data/sources.h"

enum { CHANNELS = 3, SIDE = 32, IMAGE = CHANNELS * SIDE * SIDE };

static const char *const labels_choices[] = {"cifar10", "cifar100_coarse", "cifar100_fine", NULL};

int ls_cifar_classes(ls_cifar_labels labels)
{
    static const int classes[] = {10, 20, 100};
    return classes[labels];
}

/* Where the label stands among the label bytes of a record, and how many there are. */
static size_t label_bytes(ls_cifar_labels labels)
{
    return labels == LS_CIFAR_10 ? 1 : 2;
}

static ls_status make_room(ls_dataset *dataset, int64_t rows)
{
    uint8_t *bytes = ls_alloc((size_t)(rows * IMAGE), 1);
    int32_t *labels = ls_alloc((size_t)rows, sizeof *labels);
    if (!bytes || !labels) {
        ls_free(bytes);
        ls_free(labels);
        return LS_ERROR_MEMORY;
    }
    if (dataset->rows > 0) {
        memcpy(bytes, dataset->bytes, (size_t)(dataset->rows * IMAGE));
        memcpy(labels, dataset->labels, (size_t)dataset->rows * sizeof *labels);
    }
    ls_free(dataset->bytes);
    ls_free(dataset->labels);
    dataset->bytes = bytes;
    dataset->labels = labels;
    return LS_OK;
}

ls_status ls_cifar_add(const char *path, const char *content, size_t size, ls_cifar_labels labels,
                       ls_dataset *dataset)
{
    size_t before = label_bytes(labels), record = before + IMAGE;
    int classes = ls_cifar_classes(labels);
    if (size == 0 || size % record != 0)
        return ls_error(LS_ERROR_DATA,
                        "%s: %zu bytes are %zu records of %zu and %zu bytes more, expected whole records of "
                        "%s",
                        path, size, size / record, record, size % record, labels_choices[labels]);
    int64_t rows = (int64_t)(size / record);
    LS_TRY(make_room(dataset, dataset->rows + rows));
    *dataset = (ls_dataset){.rows = dataset->rows,
                            .inputs = IMAGE,
                            .shape = {CHANNELS, SIDE, SIDE},
                            .rank = 3,
                            .bytes = dataset->bytes,
                            .classes = classes,
                            .labels = dataset->labels,
                            .class_names = dataset->class_names};
    for (int64_t r = 0; r < rows; r++) {
        const unsigned char *from = (const unsigned char *)content + (size_t)r * record;
        int label = from[labels == LS_CIFAR_100_FINE ? 1 : 0];
        if (label >= classes)
            return ls_error(LS_ERROR_DATA, "%s: record %lld: the label is %d, expected 0 to %d for %s", path,
                            (long long)r + 1, label, classes - 1, labels_choices[labels]);
        dataset->labels[dataset->rows] = label;
        memcpy(dataset->bytes + dataset->rows * IMAGE, from + before, IMAGE);
        dataset->rows++;
    }
    return LS_OK;
}

static ls_status add_file(const char *path, ls_cifar_labels labels, ls_dataset *dataset)
{
    char *content;
    size_t size;
    LS_TRY(ls_file_read(path, &content, &size));
    ls_status status = ls_cifar_add(path, content, size, labels, dataset);
    ls_free(content);
    return status;
}

/* All files that match, in the order of their names. */
static ls_status add_files(const char *pattern, ls_cifar_labels labels, ls_dataset *dataset)
{
    glob_t found;
    int failed = glob(pattern, 0, NULL, &found);
    if (failed == GLOB_NOSPACE) return ls_error(LS_ERROR_MEMORY, "cannot get memory to look for %s", pattern);
    if (failed != 0) return add_file(pattern, labels, dataset); /* says that there is no such file */
    ls_status status = LS_OK;
    for (size_t f = 0; f < found.gl_pathc && status == LS_OK; f++)
        status = add_file(found.gl_pathv[f], labels, dataset);
    globfree(&found);
    return status;
}

/* Names of the classes, one a line. */
static ls_status read_names(const char *path, const char *text, ls_dataset *dataset)
{
    dataset->class_names = ls_alloc((size_t)dataset->classes, sizeof *dataset->class_names);
    if (!dataset->class_names) return LS_ERROR_MEMORY;
    for (int i = 0; i < dataset->classes; i++) {
        size_t length = strcspn(text, "\r\n");
        if (length == 0)
            return ls_error(LS_ERROR_DATA, "%s:%d: no name, expected %d names, one a line", path, i + 1,
                            dataset->classes);
        dataset->class_names[i] = ls_format("%.*s", (int)length, text);
        if (!dataset->class_names[i]) return LS_ERROR_MEMORY;
        text += length + (text[length] == '\r' && text[length + 1] == '\n');
        if (*text != '\0') text++;
    }
    return LS_OK;
}

/* NULL path: "0", "1", ... */
static ls_status name_classes(const char *path, ls_dataset *dataset)
{
    char *text;
    size_t size;
    if (!path) return ls_dataset_name_classes(NULL, dataset);
    LS_TRY(ls_file_read(path, &text, &size));
    ls_status status = read_names(path, text, dataset);
    ls_free(text);
    return status;
}

static ls_status load_part(const ls_cifar_options *options, const char *directory, const char *pattern,
                           ls_dataset *dataset)
{
    char *path = ls_path_join(directory ? directory : "", pattern);
    char *names = options->names ? ls_path_join(directory ? directory : "", options->names) : NULL;
    ls_status status = path && (names || !options->names) ? LS_OK : LS_ERROR_MEMORY;
    if (status == LS_OK) status = add_files(path, (ls_cifar_labels)options->labels, dataset);
    if (status == LS_OK) status = name_classes(names, dataset);
    ls_free(path);
    ls_free(names);
    return status;
}

static ls_status load(const void *opaque, const char *directory, ls_dataset *train, ls_dataset *test)
{
    const ls_cifar_options *options = opaque;
    LS_TRY(load_part(options, directory, options->train, train));
    return options->test ? load_part(options, directory, options->test, test) : LS_OK;
}

/* Such a file always has labels. */
static ls_status load_file(const void *opaque, const char *path, int64_t inputs,
                           const char *const *class_names, int classes, ls_dataset *dataset)
{
    const ls_cifar_options *options = opaque;
    if (inputs > 0 && inputs != IMAGE)
        return ls_error(LS_ERROR_DATA, "%s: %d numbers a row, expected the %lld inputs of the model", path,
                        (int)IMAGE, (long long)inputs);
    LS_TRY(add_file(path, (ls_cifar_labels)options->labels, dataset));
    if (classes > 0 && classes != dataset->classes)
        return ls_error(LS_ERROR_DATA, "%s: %d classes, expected the %d of the model", path, dataset->classes,
                        classes);
    return ls_dataset_name_classes(class_names, dataset);
}

static ls_status describe(const void *opaque, ls_dataset *dataset)
{
    const ls_cifar_options *options = opaque;
    *dataset = (ls_dataset){.inputs = IMAGE,
                            .shape = {CHANNELS, SIDE, SIDE},
                            .rank = 3,
                            .classes = ls_cifar_classes((ls_cifar_labels)options->labels)};
    return LS_OK;
}

static const ls_option options_table[] = {
    LS_DATA_COMMON_OPTIONS,
    {.key = "train",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_cifar_options, train),
     .default_text = NULL,
     .help = "File or files to train on, plain or gzipped, relative to the recipe; a pattern such as "
             "`data_batch_*.bin` takes all that match, in the order of their names."},
    {.key = "test",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_cifar_options, test),
     .default_text = "",
     .help = "The same to test on; without it test_fraction of the rows is set apart."},
    {.key = "labels",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(ls_cifar_options, labels),
     .default_text = "cifar10",
     .choices = labels_choices,
     .help = "cifar10: one label byte a record. cifar100_coarse, cifar100_fine: the first or the second of "
             "two."},
    {.key = "names",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_cifar_options, names),
     .default_text = "",
     .help = "A text file with the name of a class in each line, such as batches.meta.txt; without it "
             "classes are called 0, 1 and so on."},
    LS_OPTION_END};

const ls_source_type ls_source_cifar = {
    .base = {.name = "cifar",
             .help = "Colour images of 32 by 32 with their classes, in the binary format of CIFAR-10 and "
                     "CIFAR-100.",
             .options = options_table,
             .options_size = sizeof(ls_cifar_options)},
    .load = load,
    .load_file = load_file,
    .describe = describe,
};
