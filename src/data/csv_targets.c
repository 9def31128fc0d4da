#include "data/csv_targets.h"

#include <string.h>
#include "base/memory.h"

static bool has_name(const ls_strings *list, const char *text)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->value[i], text) == 0) return true;
    return false;
}

const char *ls_csv_targets_check(const ls_csv_options *options)
{
    const ls_strings *classes = &options->class_targets;
    if (classes->count == 0) return NULL;
    if (options->target.count == 1)
        return "class_targets are for several targets; for one say 'task: classes'";
    if (options->task != LS_CSV_TASK_AUTO) return "class_targets and task exclude each other";
    if (options->classes.count > 0) return "classes are those of a single target; class_targets find theirs";
    for (int i = 0; i < classes->count; i++)
        if (!has_name(&options->target, classes->value[i]))
            return "class_targets must be some of the columns in target, written as there";
    return NULL;
}

/* Targets have the order of the option target. */
ls_status ls_csv_targets_create(const ls_csv_options *options, int64_t targets, int64_t rows,
                                ls_csv_targets *made)
{
    *made = (ls_csv_targets){.count = 0};
    if (options->class_targets.count == 0 || targets == 0) return LS_OK;
    made->is_class = ls_alloc((size_t)targets, sizeof *made->is_class);
    made->labels = ls_alloc((size_t)targets, sizeof *made->labels);
    if (!made->is_class || !made->labels) return LS_ERROR_MEMORY;
    made->count = targets;
    for (int64_t i = 0; i < targets; i++) {
        made->is_class[i] = has_name(&options->class_targets, options->target.value[i]);
        if (made->is_class[i]) LS_TRY(ls_csv_labels_create(rows, false, &made->labels[i]));
    }
    return LS_OK;
}

void ls_csv_targets_free(ls_csv_targets *made)
{
    for (int64_t i = 0; i < made->count; i++) ls_csv_labels_free(&made->labels[i]);
    ls_free(made->is_class);
    ls_free(made->labels);
    *made = (ls_csv_targets){.count = 0};
}

static ls_status resolve(ls_csv_targets *made, int64_t target, const ls_csv_reader *reader,
                         const ls_csv_names *names, ls_dataset *found, ls_dataset *dataset)
{
    LS_TRY(ls_csv_labels_resolve(&made->labels[target], reader, names->name, names->count, found));
    for (int64_t row = 0; row < dataset->rows; row++)
        dataset->targets[row * dataset->outputs + target] = (float)found->labels[row];
    dataset->output_classes[target] = found->classes;
    dataset->output_class_names[target] = found->class_names;
    found->class_names = NULL;
    found->classes = 0;
    return LS_OK;
}

ls_status ls_csv_targets_resolve(ls_csv_targets *made, const ls_csv_reader *reader, const ls_dataset *known,
                                 const ls_csv_names *names, ls_dataset *dataset)
{
    if (made->count == 0) return LS_OK;
    if (known && !known->output_classes) known = NULL;
    dataset->output_classes = ls_alloc((size_t)made->count, sizeof *dataset->output_classes);
    dataset->output_class_names = ls_alloc((size_t)made->count, sizeof *dataset->output_class_names);
    if (!dataset->output_classes || !dataset->output_class_names) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < made->count; i++) {
        if (!made->is_class[i]) continue;
        ls_dataset found = {.rows = dataset->rows};
        ls_csv_names of_model = {known ? (const char *const *)known->output_class_names[i] : NULL,
                                 known ? known->output_classes[i] : 0};
        ls_status status = resolve(made, i, reader, known ? &of_model : names, &found, dataset);
        ls_dataset_free(&found);
        LS_TRY(status);
    }
    return LS_OK;
}
