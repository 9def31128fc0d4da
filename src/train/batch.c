#include "train/batch.h"

enum { LANES_MAX = LS_PANEL_LANES_MAX };

static int64_t row_at(const ls_rows *rows, int64_t position)
{
    return rows->order == NULL ? rows->first + position : (int64_t)rows->order[rows->first + position];
}

void ls_batch_gather(const ls_panel *panel, const ls_rows *rows, int64_t begin, int64_t count)
{
    const ls_dataset *data = rows->data;
    const float *shift = rows->normalisation != NULL ? rows->normalisation->shift : NULL;
    const float *scale = rows->normalisation != NULL ? rows->normalisation->scale : NULL;
    float *to = ls_panel_value(panel, 0);
    if (data->bytes != NULL) {
        const uint8_t *row[LANES_MAX];
        for (int64_t n = 0; n < count; n++) row[n] = data->bytes + row_at(rows, begin + n) * data->inputs;
        panel->kernels->gather_bytes(row, count, data->inputs, shift, scale, panel->lanes, to);
    } else {
        const float *row[LANES_MAX];
        for (int64_t n = 0; n < count; n++) row[n] = data->floats + row_at(rows, begin + n) * data->inputs;
        panel->kernels->gather_floats(row, count, data->inputs, shift, scale, panel->lanes, to);
    }
}

/* Targets as values: those of the data, a label as 0 or 1 for one unit, else one-hot. */
static void fill_values(const ls_rows *rows, int64_t begin, int64_t count, int64_t units, int64_t lanes,
                        float *values)
{
    const ls_dataset *data = rows->data;
    for (int64_t u = 0; u < units; u++) {
        for (int64_t n = 0; n < lanes; n++) {
            float value = 0;
            if (n < count) {
                int64_t row = row_at(rows, begin + n);
                if (data->targets != NULL)
                    value = data->targets[row * data->outputs + u];
                else
                    value = (float)(units == 1 ? data->labels[row] : data->labels[row] == u);
            }
            values[u * lanes + n] = value;
        }
    }
}

static void count_correct(const ls_panel *panel, const ls_component *loss, const int32_t *label,
                          int64_t count, ls_score *score)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    int last = panel->plan->tensor_count - 1;
    int32_t index[LANES_MAX];
    type->classify(loss->options, panel->kernels, panel->plan->slot[last].units, panel->lanes,
                   ls_panel_value(panel, last), index);
    for (int64_t n = 0; n < count; n++) score->correct += index[n] == label[n];
}

static void add_squares(const ls_panel *panel, int64_t units, int64_t count, const float *x,
                        const float *values, ls_score *score)
{
    for (int64_t u = 0; u < units; u++) {
        for (int64_t n = 0; n < count; n++) {
            float error = x[u * panel->lanes + n] - values[u * panel->lanes + n];
            ls_wide_add(&score->squares, (double)error * (double)error);
        }
    }
}

void ls_batch_loss(const ls_panel *panel, const ls_component *loss, const ls_rows *rows, int64_t begin,
                   int64_t count, bool with_delta, ls_batch_scratch *scratch, ls_score *score)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    const ls_dataset *data = rows->data;
    int last = panel->plan->tensor_count - 1;
    int64_t lanes = panel->lanes, units = panel->plan->slot[last].units;
    const float *x = ls_panel_value(panel, last);
    _Alignas(64) float weight[LANES_MAX] = {0};
    _Alignas(64) float sample_loss[LANES_MAX];
    _Alignas(64) int32_t label[LANES_MAX] = {0};
    for (int64_t n = 0; n < count; n++) weight[n] = 1;
    if (data->labels != NULL) {
        for (int64_t n = 0; n < count; n++) label[n] = data->labels[row_at(rows, begin + n)];
    }
    ls_loss_target target = {.label = label, .weight = weight, .values = scratch->values};
    if (type->target == LS_TARGET_VALUES) fill_values(rows, begin, count, units, lanes, scratch->values);
    if (data->labels != NULL && type->classify != NULL) count_correct(panel, loss, label, count, score);
    if (data->targets != NULL && !with_delta) add_squares(panel, units, count, x, scratch->values, score);
    type->panel(loss->options, panel->kernels, units, lanes, x, &target,
                with_delta ? ls_panel_delta(panel, last) : NULL, sample_loss);
    for (int64_t n = 0; n < count; n++) ls_wide_add(&score->loss, (double)sample_loss[n]);
    score->samples += count;
}

void ls_score_clear(ls_score *score)
{
    ls_wide_clear(&score->loss);
    ls_wide_clear(&score->squares);
    score->correct = 0;
    score->samples = 0;
}

void ls_score_merge(ls_score *score, const ls_score *other)
{
    ls_wide_merge(&score->loss, &other->loss);
    ls_wide_merge(&score->squares, &other->squares);
    score->correct += other->correct;
    score->samples += other->samples;
}
