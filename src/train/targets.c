#include "train/targets.h"

#include <stdio.h>

static ls_status out_of_domain(const ls_component *loss, const ls_dataset *data, const char *what,
                               int64_t row, int64_t place, const char *expected)
{
    char target[128] = "the targets are none";
    const char *where = data->path != NULL ? data->path : what;
    int64_t number = data->file_row != NULL ? (int64_t)data->file_row[row] + 1 : row + 1;
    if (place < data->outputs) {
        const char *name = data->output_names != NULL ? data->output_names[place] : NULL;
        snprintf(target, sizeof target, "target %lld%s%.60s%s is %g", (long long)place + 1,
                 name != NULL ? " (" : "", name != NULL ? name : "", name != NULL ? ")" : "",
                 (double)data->targets[row * data->outputs + place]);
    }
    return ls_error(LS_ERROR_DATA, "%s: row %lld: %s, but the loss %s expects %s", where, (long long)number,
                    target, loss->type->name, expected);
}

ls_status ls_targets_check(const ls_component *loss, const ls_dataset *data, const char *what)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    if (type->outside == NULL || data->targets == NULL) return LS_OK;
    for (int64_t row = 0; row < data->rows; row++) {
        const char *expected = "";
        int64_t place =
            type->outside(loss->options, data->outputs, data->targets + row * data->outputs, &expected);
        if (place >= 0) return out_of_domain(loss, data, what, row, place, expected);
    }
    return LS_OK;
}
