/* The source "push": rows come from the program that calls the library. */
#include "data/sources.h"

#include <stddef.h>

#include "base/memory.h"

static ls_status load_file(const void *opaque, const char *path, int64_t inputs,
                           const char *const *class_names, int classes, ls_dataset *dataset)
{
    const ls_push_options *options = opaque;
    return ls_source_read_table(path, inputs > 0 ? inputs : options->inputs, options->outputs, class_names,
                                classes, dataset);
}

static ls_status describe(const void *opaque, ls_dataset *dataset)
{
    const ls_push_options *options = opaque;
    const ls_integers *classes = &options->target_classes;
    *dataset = (ls_dataset){.inputs = options->inputs,
                            .shape = {options->inputs},
                            .rank = 1,
                            .outputs = options->outputs,
                            .classes = (int)options->classes};
    if (dataset->classes > 0 || classes->count == 0) return LS_OK;
    dataset->output_classes = ls_alloc((size_t)dataset->outputs, sizeof *dataset->output_classes);
    dataset->output_class_names = ls_alloc((size_t)dataset->outputs, sizeof *dataset->output_class_names);
    if (!dataset->output_classes || !dataset->output_class_names) return LS_ERROR_MEMORY;
    for (int i = 0; i < classes->count; i++) {
        dataset->output_classes[i] = (int)classes->value[i];
        if (classes->value[i] > 0)
            LS_TRY(ls_names_number(classes->value[i], &dataset->output_class_names[i]));
    }
    return LS_OK;
}

static const char *check(const void *opaque)
{
    const ls_push_options *options = opaque;
    if ((options->outputs > 0) == (options->classes > 0)) return "either outputs or classes must be above 0";
    if (options->classes == 1) return "classes must be at least 2";
    const ls_integers *classes = &options->target_classes;
    if (classes->count > 0 && classes->count != options->outputs)
        return "target_classes must have a number for each of the outputs";
    for (int i = 0; i < classes->count; i++)
        if (classes->value[i] == 1) return "target_classes must be 0 or at least 2 each";
    return NULL;
}

/* No test_fraction and no normalise: there are no rows to take them from. They stay 0, "none". */
static const ls_option options_table[] = {
    {.key = "inputs",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(ls_push_options, inputs),
     .minimum = 1,
     .maximum = 1 << 30,
     .default_text = NULL,
     .help = "Numbers a sample."},
    {.key = "outputs",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(ls_push_options, outputs),
     .minimum = 0,
     .maximum = 1 << 24,
     .default_text = "0",
     .help = "Target values a sample; 0 where samples have a class."},
    {.key = "classes",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(ls_push_options, classes),
     .minimum = 0,
     .maximum = 1 << 24,
     .default_text = "0",
     .help = "Number of classes, where samples have a label from 0; 0 where they have target values."},
    LS_DATA_SHAPE_OPTION(offsetof(ls_push_options, common.shape)),
    {.key = "target_classes",
     .kind = LS_OPTION_INTEGERS,
     .offset = offsetof(ls_push_options, target_classes),
     .minimum = 0,
     .maximum = 1 << 24,
     .default_text = "[]",
     .help =
         "Where there are several outputs and some are classes: how many classes each has, 0 for a value. "
         "A class is given as its number from 0 among the target values."},
    LS_OPTION_END};

const ls_source_type ls_source_push = {
    .base = {.name = "push",
             .help = "Samples that a program hands over step by step as it computes them (ls_trainer_step). "
                     "Either outputs or classes is given. They are used as they come, without normalisation.",
             .options = options_table,
             .options_size = sizeof(ls_push_options),
             .check = check},
    .pushed = true,
    .load_file = load_file,
    .describe = describe,
};
