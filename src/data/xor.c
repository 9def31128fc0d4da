/* The source "xor": the four rows of exclusive or. */
#include "data/sources.h"

#include <stddef.h>
#include <string.h>
#include "base/memory.h"

enum { ROWS = 4, INPUTS = 2, CLASSES = 2 };
static const float inputs_table[ROWS][INPUTS] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
static const int32_t labels_table[ROWS] = {0, 1, 1, 0};

static void set_shape(ls_dataset *dataset)
{
    dataset->inputs = dataset->shape[0] = INPUTS;
    dataset->rank = 1;
}

static ls_status load(const void *options, const char *directory, ls_dataset *train, ls_dataset *test)
{
    (void)options;
    (void)directory;
    set_shape(train);
    set_shape(test); /* known and without rows: nothing is to be split off */
    train->floats = ls_alloc(ROWS * INPUTS, sizeof *train->floats);
    train->labels = ls_alloc(ROWS, sizeof *train->labels);
    if (!train->floats || !train->labels) return LS_ERROR_MEMORY;
    train->rows = ROWS;
    train->classes = CLASSES;
    memcpy(train->floats, inputs_table, sizeof inputs_table);
    memcpy(train->labels, labels_table, sizeof labels_table);
    return ls_dataset_name_classes(NULL, train);
}

static ls_status load_file(const void *options, const char *path, int64_t inputs,
                           const char *const *class_names, int classes, ls_dataset *dataset)
{
    (void)options;
    return ls_source_read_table(path, inputs > 0 ? inputs : INPUTS, 1, class_names, classes, dataset);
}

static const ls_option options_table[] = {
    {.key = "test_fraction",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_data_options, test_fraction),
     .minimum = 0,
     .maximum = 0.9,
     .default_text = "0",
     .help = "Ignored: all four rows are trained on, there is no test set."},
    {.key = "normalise",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(ls_data_options, normalise),
     .choices = ls_normalise_choices,
     .default_text = "none",
     .help = "As for other sources; none keeps the inputs 0 and 1."},
    LS_OPTION_END};

const ls_source_type ls_source_xor = {
    .base = {.name = "xor",
             .help = "The built-in table of exclusive or: two inputs, four rows, the classes 0 and 1.",
             .options = options_table,
             .options_size = sizeof(ls_data_options)},
    .load = load,
    .load_file = load_file,
};
