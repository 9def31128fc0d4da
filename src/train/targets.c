#include "train/targets.h"

#include <stdio.h>

#include "base/memory.h"

typedef struct target_check {
    const ls_head *head;
    const ls_dataset *data;
    const char *what;
    int64_t row;
} target_check;

static int64_t column_of(const target_check *check, int64_t place)
{
    return check->head->column == NULL ? place : check->head->column[place];
}

/* place: which of the head's targets it is; beyond them: all together. */
static ls_status out_of_domain(const target_check *check, int64_t place, const char *expected)
{
    const ls_dataset *data = check->data;
    char target[128] = "the targets are none";
    const char *where = data->path != NULL ? data->path : check->what;
    int64_t number = data->file_row != NULL ? (int64_t)data->file_row[check->row] + 1 : check->row + 1;
    if (place < check->head->outputs || check->head->classes > 0) {
        int64_t column = column_of(check, place);
        const char *name = data->output_names != NULL ? data->output_names[column] : NULL;
        snprintf(target, sizeof target, "target %lld%s%.60s%s is %g", (long long)column + 1,
                 name != NULL ? " (" : "", name != NULL ? name : "", name != NULL ? ")" : "",
                 (double)data->targets[check->row * data->outputs + column]);
    }
    return ls_error(LS_ERROR_DATA, "%s: row %lld: %s, but the loss %s expects %s", where, (long long)number,
                    target, check->head->loss->type->name, expected);
}

static ls_status check_class(const target_check *check)
{
    const ls_head *head = check->head;
    const ls_loss_type *type = ls_head_type(head);
    float value = check->data->targets[check->row * check->data->outputs + head->column[0]];
    if (value >= 0 && value < (float)head->classes && value == (float)(int32_t)value) return LS_OK;
    bool whole = value > -0x1p24F && value < 0x1p24F && value == (float)(int32_t)value;
    if (whole && type->ignores != NULL && type->ignores(head->loss->options, (int32_t)value)) return LS_OK;
    char expected[64];
    snprintf(expected, sizeof expected, "the number of a class, 0 to %d", head->classes - 1);
    return out_of_domain(check, 0, expected);
}

static ls_status check_values(const target_check *check, float *values)
{
    const ls_head *head = check->head;
    const ls_loss_type *type = ls_head_type(head);
    const float *row = check->data->targets + check->row * check->data->outputs;
    const char *expected = "";
    for (int64_t i = 0; i < head->outputs; i++) values[i] = row[column_of(check, i)];
    int64_t place = type->outside(head->loss->options, head->outputs, values, &expected);
    return place < 0 ? LS_OK : out_of_domain(check, place, expected);
}

static ls_status check_head(const ls_head *head, const ls_dataset *data, const char *what)
{
    bool class = head->classes > 0;
    if (!class && ls_head_type(head)->outside == NULL) return LS_OK;
    float *values = ls_alloc((size_t)head->outputs, sizeof *values);
    if (values == NULL) return LS_ERROR_MEMORY;
    ls_status status = LS_OK;
    target_check check = {.head = head, .data = data, .what = what};
    for (; check.row < data->rows && status == LS_OK; check.row++)
        status = class ? check_class(&check) : check_values(&check, values);
    ls_free(values);
    return status;
}

ls_status ls_targets_check(const ls_objective *objective, const ls_dataset *data, const char *what)
{
    for (int h = 0; h < objective->head_count && data->targets != NULL; h++)
        LS_TRY(check_head(&objective->head[h], data, what));
    return LS_OK;
}
