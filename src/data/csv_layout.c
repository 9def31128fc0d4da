#include "data/csv_layout.h"

#include <string.h>
#include "base/memory.h"
#include "data/number.h"

static bool is_number(const ls_csv_field *field)
{
    float value;
    return ls_number_parse(field->begin, field->end, &value) != LS_NUMBER_INVALID;
}

static bool is_empty(const ls_csv_field *field)
{
    return field->begin == field->end;
}

/* The number that text consists of, digits only; -1 if it is anything else. */
static int64_t whole_number(const char *begin, const char *end)
{
    int64_t value = 0;
    if (begin == end || end - begin > 15) return -1;
    for (; begin < end; begin++) {
        if (*begin < '0' || *begin > '9') return -1;
        value = value * 10 + (*begin - '0');
    }
    return value;
}

static int64_t field_number(const ls_csv_field *field)
{
    return whole_number(field->begin, field->end);
}

static bool is_keyword(const char *text)
{
    return strcmp(text, "last") == 0 || strcmp(text, "first") == 0;
}

static bool is_column_name(const char *text)
{
    return !is_keyword(text) && whole_number(text, text + strlen(text)) < 0;
}

static ls_status copy_texts(const ls_csv_field *field, size_t count, char ***texts)
{
    *texts = ls_alloc(count, sizeof **texts);
    if (!*texts) return LS_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        (*texts)[i] = ls_csv_field_text(&field[i]);
        if (!(*texts)[i]) return LS_ERROR_MEMORY;
    }
    return LS_OK;
}

/* The first line of the UCI layout: number of rows, number of features, names of the classes. */
static bool is_count_line(const ls_csv_row *first, const ls_csv_row *second)
{
    if (first->count < 4 || field_number(&first->field[0]) < 0) return false;
    if (field_number(&first->field[1]) + 1 != (int64_t)second->count) return false;
    for (size_t i = 2; i < first->count; i++)
        if (is_empty(&first->field[i]) || is_number(&first->field[i])) return false;
    return true;
}

static bool row_has_text(const ls_csv_row *row, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < row->count; i++) {
        const ls_csv_field *field = &row->field[i];
        if ((size_t)(field->end - field->begin) == length && memcmp(field->begin, text, length) == 0)
            return true;
    }
    return false;
}

static bool is_header(const ls_csv_options *options, const ls_csv_row *row)
{
    if (options->header != LS_CSV_HEADER_AUTO) return options->header == LS_CSV_HEADER_YES;
    for (int i = 0; i < options->target.count; i++)
        if (is_column_name(options->target.value[i]) && row_has_text(row, options->target.value[i]))
            return true;
    bool text = false;
    for (size_t i = 0; i < row->count; i++) {
        if (is_number(&row->field[i])) return false;
        text = text || !is_empty(&row->field[i]);
    }
    return text;
}

/* Reads the row that follows, or says what is missing. */
static ls_status read_next(ls_csv_reader *reader, ls_csv_row *row, const char *missing)
{
    bool follows;
    LS_TRY(ls_csv_row_follows(reader, &follows));
    if (!follows)
        return ls_csv_error(reader, reader->line, reader->at, "%s, expected rows of numbers", missing);
    return ls_csv_row_read(reader, row);
}

/* Finds count line and header; afterwards the reader is at the first row of data and row holds its fields. */
static ls_status read_preamble(const ls_csv_options *options, ls_csv_reader *reader, ls_csv_row *row,
                               ls_csv_layout *layout)
{
    ls_csv_reader start = *reader;
    LS_TRY(read_next(reader, row, "the file is empty"));
    bool follows;
    LS_TRY(ls_csv_row_follows(reader, &follows));
    if (follows && options->header != LS_CSV_HEADER_YES) {
        ls_csv_reader ahead = *reader;
        ls_csv_row second = {0};
        ls_status status = ls_csv_row_read(&ahead, &second);
        if (status == LS_OK && is_count_line(row, &second)) {
            layout->counted = field_number(&row->field[0]);
            layout->classes = (int)row->count - 2;
            status = copy_texts(row->field + 2, row->count - 2, &layout->class_name);
            start = *reader;
            if (status == LS_OK) status = ls_csv_row_read(reader, row);
        }
        ls_free(second.field);
        LS_TRY(status);
    }
    layout->columns = (int64_t)row->count;
    if (is_header(options, row)) {
        LS_TRY(copy_texts(row->field, row->count, &layout->column_name));
        start = *reader;
        LS_TRY(read_next(reader, row, "no rows after the header"));
    }
    *reader = start;
    return LS_OK;
}

/* The column that text names: by the header, or by number less shift; -1 if there is none. */
static int64_t find_column(const ls_csv_layout *layout, const char *text, int64_t shift)
{
    for (int64_t i = 0; layout->column_name && i < layout->columns; i++)
        if (strcmp(layout->column_name[i], text) == 0) return i;
    int64_t number = whole_number(text, text + strlen(text)) - shift;
    return number >= 1 && number <= layout->columns ? number - 1 : -1;
}

static int64_t find_end_column(const ls_csv_layout *layout, bool last)
{
    for (int64_t i = 0; i < layout->columns; i++) {
        int64_t column = last ? layout->columns - 1 - i : i;
        if (layout->role[column] == LS_CSV_INPUT) return column;
    }
    return -1;
}

/* Sets roles as the options say. Returns the first text that names no free column; NULL if all is well. */
static const char *assign_roles(const ls_csv_options *options, ls_csv_layout *layout)
{
    int64_t ignored = 0;
    for (int64_t i = 0; i < layout->columns; i++) layout->role[i] = LS_CSV_INPUT;
    for (int i = 0; i < options->ignore.count; i++) {
        int64_t column = find_column(layout, options->ignore.value[i], 0);
        if (column < 0) return options->ignore.value[i];
        ignored += layout->role[column] == LS_CSV_INPUT;
        layout->role[column] = LS_CSV_IGNORED;
    }
    layout->targets = 0;
    for (int i = 0; i < options->target.count; i++) {
        const char *text = options->target.value[i];
        int64_t column =
            is_keyword(text) ? find_end_column(layout, text[0] == 'l') : find_column(layout, text, 0);
        if (column < 0 || layout->role[column] != LS_CSV_INPUT) return text;
        layout->role[column] = (int32_t)layout->targets++;
    }
    layout->inputs = layout->columns - ignored - layout->targets;
    return NULL;
}

/* How many target columns stood before the column with this number (from 1), or 0 if it has none. */
static int64_t targets_before(const ls_csv_options *options, const char *text)
{
    int64_t number = whole_number(text, text + strlen(text)), before = 0;
    for (int i = 0; i < options->target.count && number > 0; i++) {
        const char *target = options->target.value[i];
        int64_t place = strcmp(target, "first") == 0 ? 1 : whole_number(target, target + strlen(target));
        before += place > 0 && place < number;
    }
    return before;
}

/* Roles of a file without its target columns, and perhaps without the ignored ones. */
static bool assign_without_targets(const ls_csv_options *options, int64_t inputs, ls_csv_layout *layout)
{
    int64_t ignored = 0;
    for (int64_t i = 0; i < layout->columns; i++) layout->role[i] = LS_CSV_INPUT;
    for (int i = 0; i < options->ignore.count && layout->columns != inputs; i++) {
        const char *text = options->ignore.value[i];
        int64_t column = find_column(layout, text, targets_before(options, text));
        if (column < 0) continue;
        ignored += layout->role[column] == LS_CSV_INPUT;
        layout->role[column] = LS_CSV_IGNORED;
    }
    layout->targets = 0;
    layout->inputs = layout->columns - ignored;
    return layout->inputs == inputs;
}

static ls_status check_roles(const ls_csv_options *options, const ls_csv_model *model, ls_csv_reader *reader,
                             ls_csv_layout *layout)
{
    const char *wrong = assign_roles(options, layout);
    bool fits = !wrong && (!model || model->inputs == 0 || layout->inputs == model->inputs);
    if (fits && layout->inputs > 0) return LS_OK;
    if (model && !model->needs_targets && model->inputs > 0 &&
        assign_without_targets(options, model->inputs, layout))
        return LS_OK;
    long long columns = (long long)layout->columns;
    if (wrong)
        return ls_csv_error(
            reader, reader->line, reader->at,
            "target or ignore names the column '%s', which this file of %lld columns does not "
            "have or which is already taken; expected a name of the header or a number from 1 "
            "to %lld",
            wrong, columns, columns);
    if (!fits)
        return ls_csv_error(reader, reader->line, reader->at,
                            "%lld columns, expected %lld inputs%s and %d for the target", columns,
                            (long long)model->inputs, options->ignore.count ? ", the ignored columns" : "",
                            options->target.count);
    return ls_csv_error(reader, reader->line, reader->at,
                        "no column is left for the inputs; %lld in all, expected at least one besides the "
                        "target (is the separator right?)",
                        columns);
}

ls_status ls_csv_layout_find(const ls_csv_options *options, const ls_csv_model *model, ls_csv_reader *reader,
                             ls_csv_layout *layout)
{
    static const char separators[] = {'\0', ',', ';', '\t', ' '};
    *layout = (ls_csv_layout){.counted = -1};
    reader->separator = separators[options->separator];
    if (reader->separator == '\0') reader->separator = ls_csv_separator_guess(reader);
    ls_csv_row row = {0};
    ls_status status = read_preamble(options, reader, &row, layout);
    ls_free(row.field);
    LS_TRY(status);
    layout->role = ls_alloc((size_t)layout->columns, sizeof *layout->role);
    if (!layout->role) return LS_ERROR_MEMORY;
    return check_roles(options, model, reader, layout);
}

void ls_csv_layout_free(ls_csv_layout *layout)
{
    for (int64_t i = 0; layout->column_name && i < layout->columns; i++) ls_free(layout->column_name[i]);
    for (int i = 0; layout->class_name && i < layout->classes; i++) ls_free(layout->class_name[i]);
    ls_free(layout->column_name);
    ls_free(layout->class_name);
    ls_free(layout->role);
    *layout = (ls_csv_layout){0};
}
