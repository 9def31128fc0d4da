/* A data set in memory, replicated on every rank: rows of inputs as bytes or floats, and a label or target
 * values for each. */
#ifndef LS_DATA_DATASET_H
#define LS_DATA_DATASET_H

#include <stdbool.h>
#include <stdint.h>
#include "base/component.h"
#include "base/error.h"
#include "base/file.h"

typedef struct ls_dataset {
    int64_t rows;
    int64_t inputs; /* numbers a row */
    int64_t shape[4];
    int rank;            /* of one row: {inputs}, {channels, length} or {channels, height, width} */
    uint8_t *bytes;      /* [rows][inputs], or NULL */
    float *floats;       /* [rows][inputs], or NULL; exactly one of the two is set where rows > 0 */
    int64_t outputs;     /* target values a row; 0 if there are labels or neither */
    float *targets;      /* [rows][outputs], or NULL */
    int classes;         /* 0 if there are no labels */
    int32_t *labels;     /* [rows], 0..classes-1, or NULL */
    char **class_names;  /* [classes], never NULL where classes > 0 ("0", "1", ... if the source has none) */
    char **output_names; /* [outputs] or NULL */
    /* Where there are several target values, some may be classes: their values are then numbers from 0. */
    int *output_classes;        /* [outputs] how many classes, 0: a value; NULL: all are values */
    char ***output_class_names; /* [outputs][classes], NULL with output_classes */
    /* For messages alone, not part of the digest: */
    char *path;         /* of the file that the targets come from, or NULL */
    uint32_t *file_row; /* [rows] their rows in the file, from 0; NULL: in order */
} ls_dataset;

void ls_dataset_free(ls_dataset *dataset); /* what it holds, not the struct itself, which is cleared */
uint64_t ls_dataset_digest(const ls_dataset *dataset); /* hash of the content */
/* Gives rows the size that a shape says. Errors: LS_ERROR_RECIPE if that is more than data can have. */
ls_status ls_dataset_describe_rows(const ls_integers *shape, ls_dataset *dataset);
/* Gives the rows another shape of as many numbers; none where shape is empty. Errors: LS_ERROR_RECIPE. */
ls_status ls_dataset_give_shape(const ls_integers *shape, ls_dataset *dataset);
/* Parts of a copy; what they have made is freed with the data set, also on failure. */
ls_status ls_names_copy(char *const *from, int64_t count, char ***to);
ls_status ls_names_number(int64_t count, char ***to); /* "0", "1", ... */
/* Gives the classes the names, or numbers where there are none (NULL). */
ls_status ls_dataset_name_classes(const char *const *name, ls_dataset *dataset);
ls_status ls_dataset_copy_output_classes(const ls_dataset *from, ls_dataset *to);
/* A copy of the rows with the given indices (names, shape and classes are copied too). */
ls_status ls_dataset_take(const ls_dataset *from, const uint32_t *row, int64_t rows, ls_dataset *to);

/* Normalisation: x' = (x - shift) * scale for each of inputs numbers. */
typedef struct ls_normalisation {
    int64_t inputs;
    float *shift, *scale;
} ls_normalisation;
typedef enum ls_normalise { LS_NORMALISE_NONE, LS_NORMALISE_STANDARDISE, LS_NORMALISE_SCALE } ls_normalise;
/* standardise: mean and standard deviation of each input over the training rows (population; an input that
   never changes gets scale 1); of images and signals (rank above 1) one pair a channel. scale: to [0, 1] from
   the smallest and largest of each input (bytes: 1/255 for all). Exact sums, so no order matters. */
ls_status ls_normalisation_fit(ls_normalise how, const ls_dataset *train, ls_normalisation *normalisation);
void ls_normalisation_free(ls_normalisation *normalisation);

/* Options that every source has; the options of a source begin with this struct. */
typedef struct ls_data_options {
    double test_fraction;      /* of the rows, where the source has no test file; 0: no test set */
    int normalise;             /* ls_normalise */
    ls_integers shape;         /* of one row; empty: as the source has it */
    ls_component_list augment; /* data/augment.h; of training rows */
} ls_data_options;
/* The entries of a source's table for them (rows of designated initialisers, first in the table). */
#define LS_DATA_COMMON_OPTIONS                                                                               \
    {.key = "test_fraction",                                                                                 \
     .kind = LS_OPTION_REAL,                                                                                 \
     .offset = offsetof(ls_data_options, test_fraction),                                                     \
     .minimum = 0,                                                                                           \
     .maximum = 0.9,                                                                                         \
     .default_text = "0.2",                                                                                  \
     .help = "Share of the rows set apart for testing by a seeded shuffle, where no test file is given. 0: " \
             "no test set."},                                                                                \
        {.key = "normalise",                                                                                 \
         .kind = LS_OPTION_CHOICE,                                                                           \
         .offset = offsetof(ls_data_options, normalise),                                                     \
         .choices = ls_normalise_choices,                                                                    \
         .default_text = "standardise",                                                                      \
         .help =                                                                                             \
             "standardise: zero mean and unit variance of each input (of each channel for images and "       \
             "signals). scale: to the range 0 to 1. none: as they are. Constants come from the training "    \
             "rows alone."},                                                                                 \
        LS_DATA_SHAPE_OPTION(offsetof(ls_data_options, shape)),                                              \
    {                                                                                                        \
        .key = "augment", .kind = LS_OPTION_LIST, .offset = offsetof(ls_data_options, augment),              \
        .default_text = "", .registry = &ls_augment_registry,                                                \
        .help = "Random changes of the images or signals that are trained on, one after the other, new in "  \
                "each epoch (with the optimizer lbfgs the same in all)."                                     \
    }
/* The last of them, at its place in the options of a source that has not all. */
#define LS_DATA_SHAPE_OPTION(OFFSET)                                                                         \
    {                                                                                                        \
        .key = "shape", .kind = LS_OPTION_INTEGERS, .offset = OFFSET, .minimum = 1, .maximum = 1 << 24,      \
        .default_text = "",                                                                                  \
        .help = "What the numbers of a row are, in the order of the row: `[channels, height, width]` of an " \
                "image, `[channels, length]` of a signal. If absent, what the source makes of them."         \
    }
extern const char *const ls_normalise_choices[]; /* "none", "standardise", "scale", NULL */

typedef struct ls_source_type {
    ls_component_type base;
    bool pushed; /* rows come from the calling program, load is NULL */
    /* Reads train and, where the options name one, test (rows 0 otherwise; the caller then splits). Both are
       empty before; on failure they may hold parts, which the caller frees. directory: the recipe's, for
       relative paths. Local. Messages carry path, line and column of the data file. */
    ls_status (*load)(const void *options, const char *directory, ls_dataset *train, ls_dataset *test);
    /* Reads one file of the source's format for eval and predict: path instead of those in the options.
       inputs: numbers a row that the model expects (0: not known). A file without targets gives neither
       labels nor targets. class_names [classes]: of the model, labels are mapped to them; classes 0: the
       model predicts values. */
    ls_status (*load_file)(const void *options, const char *path, int64_t inputs,
                           const char *const *class_names, int classes, ls_dataset *dataset);
    /* In place of load_file where there may be several targets: known has the inputs, names and classes of
       the model, and no rows. NULL: there is load_file. */
    ls_status (*load_like)(const void *options, const char *path, const ls_dataset *known,
                           ls_dataset *dataset);
    /* What the options alone tell of the data, where rows are pushed or for looking at a model without them:
       inputs, their shape, classes or outputs. Names of classes may be left out, where they are numbers.
       Errors: LS_ERROR_RECIPE without place, saying which options are missing for that. NULL: nothing can be
       said. */
    ls_status (*describe)(const void *options, ls_dataset *dataset);
} ls_source_type;

typedef struct ls_push_options {
    ls_data_options common;
    int64_t inputs, outputs, classes;
    ls_integers target_classes; /* of each output; empty: all are values */
} ls_push_options;              /* source "push": rows come from the calling program */

extern const ls_registry ls_source_registry, ls_augment_registry;

/* Loads what a recipe's data section asks for, splits off a test set by the seed where none is given. Local
 * (the caller agrees). */
ls_status ls_data_load(const ls_component *source, const char *directory, uint64_t seed, ls_dataset *train,
                       ls_dataset *test);

/* A data set without rows, from the recipe alone. Local. Errors: LS_ERROR_RECIPE where it does not tell
 * enough, LS_ERROR_MEMORY. */
ls_status ls_data_describe(const ls_component *source, ls_dataset *dataset);

/* The global order of an epoch: order[position] is the row; a function of seed and epoch alone. */
void ls_sampler_order(uint64_t seed, int64_t epoch, bool shuffle, uint32_t *order, int64_t rows);

#endif
