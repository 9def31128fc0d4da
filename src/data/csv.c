#include "data/csv.h"

#include <stddef.h>
#include <string.h>
#include "base/memory.h"
#include "data/csv_labels.h"
#include "data/csv_layout.h"
#include "data/csv_targets.h"
#include "data/number.h"
#include "data/sources.h"

/* All that reading one file needs. */
typedef struct parse {
    const ls_csv_options *options;
    const ls_csv_model *model; /* NULL: a training file */
    ls_csv_reader reader;
    ls_csv_layout layout;
    ls_csv_labels labels;
    ls_csv_targets targets;
    bool labelled; /* the target goes through labels */
    int64_t row;
    ls_dataset *dataset;
} parse;

static ls_status bad_number(const parse *state, const ls_csv_field *field, int64_t column, bool finite)
{
    char excerpt[LS_CSV_EXCERPT];
    const char *name = state->layout.column_name ? state->layout.column_name[column] : NULL;
    const char *what = !finite ? "is not a finite number" : "is not a number";
    if (field->begin == field->end)
        return ls_csv_error(&state->reader, field->line, field->begin,
                            "row %lld, field %lld%s%.60s%s: empty, expected a number",
                            (long long)state->row + 1, (long long)column + 1, name ? " (" : "",
                            name ? name : "", name ? ")" : "");
    return ls_csv_error(&state->reader, field->line, field->begin,
                        "row %lld, field %lld%s%.60s%s: %s %s, expected a number such as -1.5e3%s",
                        (long long)state->row + 1, (long long)column + 1, name ? " (" : "", name ? name : "",
                        name ? ")" : "", ls_csv_field_excerpt(field, excerpt), what,
                        finite ? "" : " in the range of float32");
}

static ls_status ragged(const parse *state, const ls_csv_field *field, int64_t fields)
{
    if (fields < state->layout.columns)
        return ls_csv_error(&state->reader, field->line, field->end,
                            "row %lld ends after %lld fields, expected %lld", (long long)state->row + 1,
                            (long long)fields, (long long)state->layout.columns);
    return ls_csv_error(&state->reader, field->line, field->end,
                        "row %lld goes on after %lld fields, expected the end of the line",
                        (long long)state->row + 1, (long long)fields);
}

static ls_status read_row(parse *state)
{
    const ls_csv_layout *layout = &state->layout;
    ls_dataset *dataset = state->dataset;
    float *input = dataset->floats + state->row * layout->inputs;
    ls_csv_field field;
    for (int64_t column = 0; column < layout->columns; column++) {
        LS_TRY(ls_csv_field_read(&state->reader, &field));
        if (field.last != (column == layout->columns - 1)) return ragged(state, &field, column + 1);
        int32_t role = layout->role[column];
        if (role == LS_CSV_IGNORED) continue;
        if (role >= 0 && state->labelled) {
            LS_TRY(ls_csv_labels_add(&state->labels, &state->reader, &field, state->row));
            continue;
        }
        if (role >= 0 && state->targets.count > 0 && state->targets.is_class[role]) {
            LS_TRY(ls_csv_labels_add(&state->targets.labels[role], &state->reader, &field, state->row));
            continue;
        }
        float *value = role >= 0 ? &dataset->targets[state->row * layout->targets + role] : input++;
        ls_number_result result = ls_number_parse(field.begin, field.end, value);
        if (result != LS_NUMBER_OK) return bad_number(state, &field, column, result != LS_NUMBER_NOT_FINITE);
    }
    return LS_OK;
}

/* What the target column is to be, and memory for as many rows as there may be. */
static ls_status prepare(parse *state)
{
    const ls_csv_options *options = state->options;
    const ls_csv_layout *layout = &state->layout;
    ls_dataset *dataset = state->dataset;
    bool named = options->classes.count > 0 || layout->classes > 0;
    bool classes =
        state->model ? state->model->classes > 0
                     : options->task == LS_CSV_TASK_CLASSES ||
                           (options->task == LS_CSV_TASK_AUTO && named && options->class_targets.count == 0);
    bool undecided = !state->model && !classes && options->task == LS_CSV_TASK_AUTO && layout->targets == 1;
    if (classes && layout->targets > 1)
        return ls_csv_error(&state->reader, state->reader.line, state->reader.at,
                            "%lld target columns, expected one where the task is classes",
                            (long long)layout->targets);
    int64_t rows = ls_csv_rows_bound(&state->reader, layout->columns);
    dataset->inputs = dataset->shape[0] = layout->inputs;
    dataset->rank = 1;
    state->labelled = layout->targets == 1 && (classes || undecided);
    if (state->labelled) {
        LS_TRY(ls_csv_labels_create(rows, undecided, &state->labels));
    } else if (layout->targets > 0) {
        dataset->outputs = layout->targets;
        dataset->targets = ls_alloc((size_t)(rows * layout->targets), sizeof *dataset->targets);
        if (!dataset->targets) return LS_ERROR_MEMORY;
        LS_TRY(ls_csv_targets_create(options, layout->targets, rows, &state->targets));
    }
    dataset->floats = ls_alloc((size_t)(rows * layout->inputs), sizeof *dataset->floats);
    return dataset->floats ? LS_OK : LS_ERROR_MEMORY;
}

static ls_status read_rows(parse *state)
{
    for (state->row = 0;; state->row++) {
        bool follows;
        LS_TRY(ls_csv_row_follows(&state->reader, &follows));
        if (!follows) break;
        LS_TRY(read_row(state));
    }
    int64_t counted = state->layout.counted;
    if (counted >= 0 && counted != state->row)
        return ls_csv_error(&state->reader, 1, state->reader.begin,
                            "the first line promises %lld rows, the file has %lld; is it complete?",
                            (long long)counted, (long long)state->row);
    state->dataset->rows = state->row;
    return LS_OK;
}

static ls_status resolve_labels(parse *state)
{
    const char *const *name = (const char *const *)state->layout.class_name;
    int classes = state->layout.classes;
    if (state->model) {
        name = state->model->class_names;
        classes = state->model->classes;
    } else if (state->options->classes.count > 0) {
        name = (const char *const *)state->options->classes.value;
        classes = state->options->classes.count;
    }
    return ls_csv_labels_resolve(&state->labels, &state->reader, name, classes, state->dataset);
}

/* Of several targets. The names of a count line are those of a single one. */
static ls_status resolve_targets(parse *state)
{
    const ls_dataset *known = state->model ? state->model->known : NULL;
    const ls_csv_layout *layout = &state->layout;
    ls_csv_names counted = {(const char *const *)layout->class_name, layout->classes};
    if (state->options->class_targets.count != 1) counted.count = 0;
    return ls_csv_targets_resolve(&state->targets, &state->reader, known, &counted, state->dataset);
}

/* Names of the targets from the header, where the targets are values. */
static ls_status name_outputs(parse *state)
{
    const ls_csv_layout *layout = &state->layout;
    ls_dataset *dataset = state->dataset;
    if (!layout->column_name || dataset->outputs == 0) return LS_OK;
    dataset->output_names = ls_alloc((size_t)dataset->outputs, sizeof *dataset->output_names);
    if (!dataset->output_names) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < layout->columns; i++) {
        if (layout->role[i] < 0) continue;
        char *name = ls_strdup(layout->column_name[i]);
        if (!name) return LS_ERROR_MEMORY;
        dataset->output_names[layout->role[i]] = name;
    }
    return LS_OK;
}

static ls_status parse_text(parse *state)
{
    LS_TRY(ls_csv_layout_find(state->options, state->model, &state->reader, &state->layout));
    LS_TRY(prepare(state));
    LS_TRY(read_rows(state));
    if (state->labelled) LS_TRY(resolve_labels(state));
    LS_TRY(resolve_targets(state));
    return name_outputs(state);
}

ls_status ls_csv_parse(const ls_csv_options *options, const ls_csv_model *model, const char *path,
                       const char *text, size_t size, ls_dataset *dataset)
{
    parse state = {.options = options, .model = model, .dataset = dataset};
    state.reader = ls_csv_reader_open(path, text, size);
    dataset->path = ls_strdup(path);
    ls_status status = dataset->path ? parse_text(&state) : LS_ERROR_MEMORY;
    ls_csv_labels_free(&state.labels);
    ls_csv_targets_free(&state.targets);
    ls_csv_layout_free(&state.layout);
    return status;
}

ls_status ls_csv_read(const ls_csv_options *options, const ls_csv_model *model, const char *path,
                      ls_dataset *dataset)
{
    char *text;
    size_t size;
    LS_TRY(ls_file_read(path, &text, &size));
    ls_status status = ls_csv_parse(options, model, path, text, size, dataset);
    ls_free(text);
    return status;
}

static ls_status read_relative(const ls_csv_options *options, const ls_csv_model *model,
                               const char *directory, const char *name, ls_dataset *dataset)
{
    char *path = ls_path_join(directory ? directory : "", name);
    if (!path) return LS_ERROR_MEMORY;
    ls_status status = ls_csv_read(options, model, path, dataset);
    ls_free(path);
    return status;
}

static ls_status load(const void *opaque, const char *directory, ls_dataset *train, ls_dataset *test)
{
    const ls_csv_options *options = opaque;
    LS_TRY(read_relative(options, NULL, directory, options->train, train));
    if (!options->test) return LS_OK;
    ls_csv_model like_train = {train->inputs, (const char *const *)train->class_names, train->classes, true,
                               train};
    return read_relative(options, &like_train, directory, options->test, test);
}

static ls_status load_file(const void *opaque, const char *path, int64_t inputs,
                           const char *const *class_names, int classes, ls_dataset *dataset)
{
    ls_csv_model model = {inputs, class_names, classes, false, NULL};
    return ls_csv_read(opaque, &model, path, dataset);
}

static ls_status load_like(const void *opaque, const char *path, const ls_dataset *known, ls_dataset *dataset)
{
    ls_csv_model model = {known->inputs, (const char *const *)known->class_names, known->classes, false,
                          known};
    return ls_csv_read(opaque, &model, path, dataset);
}

static ls_status describe(const void *opaque, ls_dataset *dataset)
{
    const ls_csv_options *options = opaque;
    bool values = options->task == LS_CSV_TASK_VALUES || options->target.count > 1;
    if (options->class_targets.count > 0)
        return ls_error(LS_ERROR_RECIPE, "the classes of class_targets are known from the data alone");
    if (options->common.shape.count == 0 || (!values && options->classes.count == 0))
        return ls_error(LS_ERROR_RECIPE,
                        "to look at the model without the data, give data.shape, and data.classes or "
                        "data.task: values");
    LS_TRY(ls_dataset_describe_rows(&options->common.shape, dataset));
    if (values) {
        dataset->outputs = options->target.count;
        return LS_OK;
    }
    dataset->classes = options->classes.count;
    return ls_dataset_name_classes((const char *const *)options->classes.value, dataset);
}

static const char *check(const void *opaque)
{
    const ls_csv_options *options = opaque;
    const ls_strings *names = &options->classes;
    if (options->target.count == 0) return "target must name at least one column";
    const char *wrong = ls_csv_targets_check(options);
    if (wrong || names->count == 0) return wrong;
    if (names->count == 1) return "classes must name at least two";
    if (options->task == LS_CSV_TASK_VALUES) return "classes have no use where task is values";
    for (int i = 0; i < names->count; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(names->value[i], names->value[j]) == 0) return "classes must not name a class twice";
    return NULL;
}

static const char *const task_choices[] = {"auto", "classes", "values", NULL};
static const char *const header_choices[] = {"auto", "yes", "no", NULL};
static const char *const separator_choices[] = {"auto", "comma", "semicolon", "tab", "space", NULL};

static const ls_option options_table[] = {
    LS_DATA_COMMON_OPTIONS,
    {.key = "train",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_csv_options, train),
     .default_text = NULL,
     .help = "The table to train on: one row a line, plain or gzipped, relative to the recipe. A first line "
             "in the style of the UCI repository (rows, features, names of classes) is understood."},
    {.key = "test",
     .kind = LS_OPTION_PATH,
     .offset = offsetof(ls_csv_options, test),
     .default_text = "",
     .help = "A table of the same form to test on; without it test_fraction of the rows is set apart."},
    {.key = "target",
     .kind = LS_OPTION_STRINGS,
     .offset = offsetof(ls_csv_options, target),
     .default_text = "last",
     .help = "What to predict: last, first, a column's name in the header or its number from 1; a list of "
             "these for several values. last and first do not count ignored columns."},
    {.key = "task",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(ls_csv_options, task),
     .choices = task_choices,
     .default_text = "auto",
     .help = "Whether the target is a class or a value. auto: a single target is a class if it is text, if "
             "classes are named, or if it has K different whole numbers that run from 0 or 1 without a gap "
             "(or K = 2), with at most 20 classes and 2 rows for each, or at most 1,000 and 50 rows for "
             "each. All else is a value."},
    {.key = "header",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(ls_csv_options, header),
     .choices = header_choices,
     .default_text = "auto",
     .help =
         "Whether the first line names the columns. auto: it does if no field of it is a number, or if it "
         "has the name given as target."},
    {.key = "separator",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(ls_csv_options, separator),
     .choices = separator_choices,
     .default_text = "auto",
     .help =
         "What stands between fields. auto: looked up in the first two lines. space: one or more blanks."},
    {.key = "classes",
     .kind = LS_OPTION_STRINGS,
     .offset = offsetof(ls_csv_options, classes),
     .default_text = "",
     .help = "Names of the classes in the order of the model's outputs. Labels are these names, or numbers "
             "from 0. Without it: the names of a count line, or the labels of the training file in sorted "
             "order."},
    {.key = "class_targets",
     .kind = LS_OPTION_STRINGS,
     .offset = offsetof(ls_csv_options, class_targets),
     .default_text = "",
     .help = "Of several targets those that are classes, written as in target; the others are values. The "
             "names of the classes are the labels of the training file in sorted order."},
    {.key = "ignore",
     .kind = LS_OPTION_STRINGS,
     .offset = offsetof(ls_csv_options, ignore),
     .default_text = "",
     .help = "Columns to leave out, by name in the header or number from 1."},
    LS_OPTION_END};

const ls_source_type ls_source_csv = {
    .base = {.name = "csv",
             .help = "A table of numbers as text, one row a sample: comma, semicolon, tab or blanks between "
                     "fields, with or without a header.",
             .options = options_table,
             .options_size = sizeof(ls_csv_options),
             .check = check},
    .load = load,
    .load_file = load_file,
    .load_like = load_like,
    .describe = describe,
};
