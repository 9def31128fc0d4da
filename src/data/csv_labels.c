#include "data/csv_labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/memory.h"
#include "data/number.h"

enum { SLOTS = 32768 /* a power of two, well above LS_CSV_LABELS_MAX */ };

static size_t field_length(const ls_csv_field *field)
{
    return (size_t)(field->end - field->begin);
}

ls_status ls_csv_labels_create(int64_t rows, bool may_be_values, ls_csv_labels *labels)
{
    *labels = (ls_csv_labels){.may_be_values = may_be_values, .capacity = 64, .slots = SLOTS};
    labels->label = ls_alloc(labels->capacity, sizeof *labels->label);
    labels->slot = ls_alloc(labels->slots, sizeof *labels->slot);
    labels->of_row = ls_alloc((size_t)rows, sizeof *labels->of_row);
    if (may_be_values) labels->row_value = ls_alloc((size_t)rows, sizeof *labels->row_value);
    bool complete = labels->label && labels->slot && labels->of_row && (!may_be_values || labels->row_value);
    return complete ? LS_OK : LS_ERROR_MEMORY;
}

void ls_csv_labels_free(ls_csv_labels *labels)
{
    ls_free(labels->label);
    ls_free(labels->slot);
    ls_free(labels->of_row);
    ls_free(labels->row_value);
    *labels = (ls_csv_labels){0};
}

static ls_status not_a_value(const ls_csv_reader *reader, const ls_csv_field *field, int64_t row)
{
    char excerpt[LS_CSV_EXCERPT];
    return ls_csv_error(reader, field->line, field->begin,
                        "row %lld: %s in the target column is not a finite number, others are; expected "
                        "numbers alone, or 'task: classes' in the data section for names of classes",
                        (long long)row, ls_csv_field_excerpt(field, excerpt));
}

/* There are too many different labels for classes: from here on they are values, or wrong. */
static ls_status become_values(ls_csv_labels *labels, const ls_csv_reader *reader, const ls_csv_field *field,
                               int64_t row)
{
    bool numbers = labels->may_be_values;
    for (int32_t i = 0; i < labels->count; i++) numbers = numbers && labels->label[i].number;
    if (!numbers)
        return ls_csv_error(reader, field->line, field->begin,
                            "row %lld: more than %d different labels; is this the target column, and should "
                            "it be 'task: values'?",
                            (long long)row, LS_CSV_LABELS_MAX);
    labels->are_values = true;
    return LS_OK;
}

/* The index of the field's text among the labels, -1 if it is new; *slot is where it belongs. */
static int32_t find_label(const ls_csv_labels *labels, const ls_csv_field *field, size_t *slot)
{
    size_t length = field_length(field), mask = labels->slots - 1;
    size_t at = (size_t)ls_hash(field->begin, length, 0) & mask;
    for (; labels->slot[at] != 0; at = (at + 1) & mask) {
        const ls_csv_field *known = &labels->label[labels->slot[at] - 1].field;
        if (field_length(known) == length && memcmp(known->begin, field->begin, length) == 0)
            return labels->slot[at] - 1;
    }
    *slot = at;
    return -1;
}

static ls_status add_value(ls_csv_labels *labels, const ls_csv_reader *reader, const ls_csv_field *field,
                           int64_t row)
{
    if (ls_number_parse(field->begin, field->end, &labels->row_value[row]) != LS_NUMBER_OK)
        return not_a_value(reader, field, row + 1);
    return LS_OK;
}

ls_status ls_csv_labels_add(ls_csv_labels *labels, const ls_csv_reader *reader, const ls_csv_field *field,
                            int64_t row)
{
    if (field->begin == field->end)
        return ls_csv_error(reader, field->line, field->begin, "row %lld: empty target, expected %s",
                            (long long)row + 1, labels->may_be_values ? "a number or a class" : "a class");
    if (labels->are_values) return add_value(labels, reader, field, row);
    size_t slot = 0;
    int32_t index = find_label(labels, field, &slot);
    if (index < 0) {
        if (labels->count == LS_CSV_LABELS_MAX) {
            LS_TRY(become_values(labels, reader, field, row + 1));
            return add_value(labels, reader, field, row);
        }
        void *grown =
            ls_grow(labels->label, &labels->capacity, (size_t)labels->count + 1, sizeof *labels->label);
        if (!grown) return LS_ERROR_MEMORY;
        labels->label = grown;
        index = labels->count++;
        ls_csv_label *label = &labels->label[index];
        *label = (ls_csv_label){.field = *field, .row = row + 1};
        label->number = ls_number_parse(field->begin, field->end, &label->value) == LS_NUMBER_OK;
        labels->slot[slot] = index + 1;
    }
    labels->of_row[row] = index;
    if (labels->may_be_values) labels->row_value[row] = labels->label[index].value;
    return LS_OK;
}

/* Whether the label is a whole number, small enough for a float to hold it exactly. */
static bool is_whole(const ls_csv_label *label)
{
    return label->number && fabsf(label->value) < 0x1p24f && label->value == truncf(label->value);
}

static bool all_whole(const ls_csv_labels *labels)
{
    for (int32_t i = 0; i < labels->count; i++)
        if (!is_whole(&labels->label[i])) return false;
    return true;
}

/* The rule for 'task: auto', see the option's help. */
static ls_status decide(const ls_csv_labels *labels, const ls_csv_reader *reader, int64_t rows, bool *values)
{
    int32_t numbers = 0;
    for (int32_t i = 0; i < labels->count; i++) numbers += labels->label[i].number;
    *values = false;
    if (numbers == 0) return LS_OK;
    for (int32_t i = 0; i < labels->count; i++)
        if (!labels->label[i].number)
            return not_a_value(reader, &labels->label[i].field, labels->label[i].row);
    *values = true;
    if (!all_whole(labels)) return LS_OK;
    float smallest = labels->label[0].value, largest = smallest;
    for (int32_t i = 0; i < labels->count; i++) {
        smallest = fminf(smallest, labels->label[i].value);
        largest = fmaxf(largest, labels->label[i].value);
    }
    int64_t classes = labels->count;
    bool consecutive = (int64_t)largest - (int64_t)smallest + 1 == classes;
    bool from_the_start = smallest == 0 || smallest == 1;
    bool few = (classes <= 20 && rows >= 2 * classes) || (classes <= 1000 && rows >= 50 * classes);
    *values = !(classes >= 2 && few && ((consecutive && from_the_start) || classes == 2));
    return LS_OK;
}

typedef struct candidate {
    char *name;
    float value; /* of whole numbers, 0 otherwise: the first key of the order */
    int32_t label;
} candidate;

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return strcmp(x->name, y->name);
}

static ls_status make_candidates(const ls_csv_labels *labels, candidate *found)
{
    bool whole = all_whole(labels);
    for (int32_t i = 0; i < labels->count; i++) {
        const ls_csv_label *label = &labels->label[i];
        found[i].label = i;
        found[i].value = whole ? label->value + 0.0f : 0; /* + 0: no negative zero */
        found[i].name = whole ? ls_format("%d", (int)label->value) : ls_csv_field_text(&label->field);
        if (!found[i].name) return LS_ERROR_MEMORY;
    }
    return LS_OK;
}

/* Classes in sorted order; class_of[label] is the class. Texts such as 1 and 1.0 are one class. */
static ls_status sort_classes(const ls_csv_labels *labels, const ls_csv_reader *reader, candidate *found,
                              int32_t *class_of, ls_dataset *dataset)
{
    LS_TRY(make_candidates(labels, found));
    qsort(found, (size_t)labels->count, sizeof *found, compare_candidates);
    dataset->class_names = ls_alloc((size_t)labels->count, sizeof *dataset->class_names);
    if (!dataset->class_names) return LS_ERROR_MEMORY;
    for (int32_t i = 0; i < labels->count; i++) {
        if (i == 0 || compare_candidates(&found[i], &found[i - 1]) != 0) {
            dataset->class_names[dataset->classes] = ls_strdup(found[i].name);
            if (!dataset->class_names[dataset->classes]) return LS_ERROR_MEMORY;
            dataset->classes++;
        }
        class_of[found[i].label] = dataset->classes - 1;
    }
    if (dataset->classes >= 2) return LS_OK;
    const ls_csv_field *field = &labels->label[0].field;
    return ls_csv_error(reader, field->line, field->begin,
                        "all rows have the class '%s', expected at least two classes (is this the target "
                        "column?)",
                        dataset->class_names[0]);
}

static ls_status find_classes(const ls_csv_labels *labels, const ls_csv_reader *reader, int32_t *class_of,
                              ls_dataset *dataset)
{
    candidate *found = ls_alloc((size_t)labels->count, sizeof *found);
    if (!found) return LS_ERROR_MEMORY;
    ls_status status = sort_classes(labels, reader, found, class_of, dataset);
    for (int32_t i = 0; i < labels->count; i++) ls_free(found[i].name);
    ls_free(found);
    return status;
}

/* "setosa, versicolor, ..." as far as it fits. */
static void list_names(const char *const *class_name, int classes, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < classes && used + 80 < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", i ? ", " : "", 60, class_name[i]);
    if (used + 80 >= size) snprintf(text + used, size - used, ", ...");
}

static bool names_are_numbers(const char *const *class_name, int classes)
{
    float value;
    for (int i = 0; i < classes; i++)
        if (ls_number_parse(class_name[i], class_name[i] + strlen(class_name[i]), &value) == LS_NUMBER_OK)
            return true;
    return false;
}

/* The class of a label among known names: by name, or by its number where the names are words. -1: none. */
static int32_t match_class(const ls_csv_label *label, const char *text, const char *const *class_name,
                           int classes, bool numbered)
{
    char number[32] = "";
    if (is_whole(label)) snprintf(number, sizeof number, "%d", (int)label->value);
    for (int i = 0; i < classes; i++)
        if (strcmp(class_name[i], text) == 0 || strcmp(class_name[i], number) == 0) return i;
    bool counts = numbered && number[0] && label->value >= 0 && label->value < (float)classes;
    return counts ? (int32_t)label->value : -1;
}

static ls_status match_classes(const ls_csv_labels *labels, const ls_csv_reader *reader,
                               const char *const *class_name, int classes, int32_t *class_of)
{
    bool numbered = !names_are_numbers(class_name, classes);
    for (int32_t i = 0; i < labels->count; i++) {
        const ls_csv_label *label = &labels->label[i];
        char *text = ls_csv_field_text(&label->field);
        if (!text) return LS_ERROR_MEMORY;
        class_of[i] = match_class(label, text, class_name, classes, numbered);
        ls_free(text);
        if (class_of[i] >= 0) continue;
        char excerpt[LS_CSV_EXCERPT], names[512];
        ls_csv_field_excerpt(&label->field, excerpt);
        list_names(class_name, classes, names, sizeof names);
        if (numbered && is_whole(label))
            return ls_csv_error(reader, label->field.line, label->field.begin,
                                "row %lld: label %s is out of range, expected 0 to %d, or one of the %d "
                                "classes: %s",
                                (long long)label->row, excerpt, classes - 1, classes, names);
        return ls_csv_error(reader, label->field.line, label->field.begin,
                            "row %lld: label %s is none of the %d classes, expected one of: %s",
                            (long long)label->row, excerpt, classes, names);
    }
    return LS_OK;
}

static ls_status give_values(const ls_csv_labels *labels, ls_dataset *dataset)
{
    dataset->targets = ls_alloc((size_t)dataset->rows, sizeof *dataset->targets);
    if (!dataset->targets) return LS_ERROR_MEMORY;
    memcpy(dataset->targets, labels->row_value, (size_t)dataset->rows * sizeof *dataset->targets);
    dataset->outputs = 1;
    return LS_OK;
}

static ls_status give_classes(const ls_csv_labels *labels, const ls_csv_reader *reader,
                              const char *const *class_name, int classes, int32_t *class_of,
                              ls_dataset *dataset)
{
    if (classes > 0) {
        LS_TRY(match_classes(labels, reader, class_name, classes, class_of));
        dataset->class_names = ls_alloc((size_t)classes, sizeof *dataset->class_names);
        if (!dataset->class_names) return LS_ERROR_MEMORY;
        dataset->classes = classes;
        for (int i = 0; i < classes; i++)
            if (!(dataset->class_names[i] = ls_strdup(class_name[i]))) return LS_ERROR_MEMORY;
    } else {
        LS_TRY(find_classes(labels, reader, class_of, dataset));
    }
    dataset->labels = ls_alloc((size_t)dataset->rows, sizeof *dataset->labels);
    if (!dataset->labels) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < dataset->rows; i++) dataset->labels[i] = class_of[labels->of_row[i]];
    return LS_OK;
}

ls_status ls_csv_labels_resolve(ls_csv_labels *labels, const ls_csv_reader *reader,
                                const char *const *class_name, int classes, ls_dataset *dataset)
{
    bool values = labels->are_values;
    if (labels->may_be_values && !values) LS_TRY(decide(labels, reader, dataset->rows, &values));
    if (values) return give_values(labels, dataset);
    int32_t *class_of = ls_alloc((size_t)labels->count, sizeof *class_of);
    if (!class_of) return LS_ERROR_MEMORY;
    ls_status status = give_classes(labels, reader, class_name, classes, class_of, dataset);
    ls_free(class_of);
    return status;
}
