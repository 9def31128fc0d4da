#include "train/inputs.h"

#include <math.h>

const ls_node *ls_inputs_whole(const ls_model *model, int64_t *values)
{
    const ls_node *found = NULL;
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        int64_t wanted = node->type->whole_numbers == NULL ? 0 : node->type->whole_numbers(node);
        if (wanted == 0 || (found != NULL && wanted >= *values)) continue;
        found = node;
        *values = wanted;
    }
    return found;
}

static float number_at(const ls_dataset *data, int64_t index)
{
    return data->bytes != NULL ? (float)data->bytes[index] : data->floats[index];
}

ls_status ls_inputs_check(const ls_model *model, const ls_dataset *data, const char *what)
{
    int64_t values = 0;
    const ls_node *node = ls_inputs_whole(model, &values);
    for (int64_t i = 0; node != NULL && i < data->rows * data->inputs; i++) {
        float x = number_at(data, i);
        if (x >= 0 && x < (float)values && x == truncf(x)) continue;
        int64_t row = i / data->inputs, column = i % data->inputs;
        if (data->file_row != NULL) row = data->file_row[row];
        return ls_error(
            LS_ERROR_DATA,
            "%s: row %lld, column %lld of the inputs is %g, but the layer %s takes whole numbers from 0 to "
            "%lld",
            data->path != NULL ? data->path : what, (long long)row + 1, (long long)column + 1, (double)x,
            node->name, (long long)values - 1);
    }
    return LS_OK;
}
