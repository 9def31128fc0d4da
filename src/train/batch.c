#include "train/batch.h"

#include <math.h>

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

static bool is_weighted(const ls_component *loss)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    return type->weighted != NULL && type->weighted(loss->options);
}

/* weight: 0 for samples that the loss ignores. */
static void count_correct(const ls_panel *panel, const ls_component *loss, const int32_t *label,
                          const float *weight, int64_t count, ls_score *score)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    int last = panel->plan->tensor_count - 1;
    int32_t index[LANES_MAX];
    type->classify(loss->options, panel->kernels, panel->plan->slot[last].units, panel->lanes,
                   ls_panel_value(panel, last), index);
    for (int64_t n = 0; n < count; n++) {
        if (weight[n] == 0) continue;
        score->counted++;
        score->correct += index[n] == label[n];
    }
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
    for (int64_t n = 0; n < count; n++) {
        weight[n] = 1;
        if (data->labels == NULL) continue;
        label[n] = data->labels[row_at(rows, begin + n)];
        if (type->ignores != NULL && type->ignores(loss->options, label[n])) weight[n] = 0;
    }
    ls_loss_target target = {.label = label, .weight = weight, .values = scratch->values};
    if (type->target == LS_TARGET_VALUES) fill_values(rows, begin, count, units, lanes, scratch->values);
    if (data->labels != NULL && type->classify != NULL)
        count_correct(panel, loss, label, weight, count, score);
    if (data->targets != NULL && !with_delta) add_squares(panel, units, count, x, scratch->values, score);
    type->panel(loss->options, panel->kernels, units, lanes, x, &target,
                with_delta ? ls_panel_delta(panel, last) : NULL, sample_loss);
    bool weighted = is_weighted(loss);
    for (int64_t n = 0; n < count; n++) {
        ls_wide_add(&score->loss, (double)sample_loss[n]);
        if (weighted) ls_wide_add(&score->weight, (double)type->weight(loss->options, label[n]));
    }
    score->samples += count;
}

double ls_batch_weight(const ls_component *loss, const ls_rows *rows)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    if (!is_weighted(loss) || rows->data->labels == NULL) return (double)rows->count;
    ls_wide sum;
    ls_wide_clear(&sum);
    for (int64_t n = 0; n < rows->count; n++)
        ls_wide_add(&sum, (double)type->weight(loss->options, rows->data->labels[row_at(rows, n)]));
    return ls_wide_value(&sum);
}

double ls_score_loss(const ls_score *score, const ls_component *loss, int64_t batches)
{
    const ls_loss_options *options = loss->options;
    double count = (double)batches;
    if (options->reduction == 0)
        count = is_weighted(loss) ? ls_wide_value(&score->weight) : (double)score->samples;
    return score->samples > 0 && count > 0 ? ls_wide_value(&score->loss) / count : NAN;
}

void ls_score_clear(ls_score *score)
{
    ls_wide_clear(&score->loss);
    ls_wide_clear(&score->squares);
    ls_wide_clear(&score->weight);
    score->correct = score->counted = 0;
    score->samples = 0;
}

void ls_score_merge(ls_score *score, const ls_score *other)
{
    ls_wide_merge(&score->loss, &other->loss);
    ls_wide_merge(&score->squares, &other->squares);
    ls_wide_merge(&score->weight, &other->weight);
    score->counted += other->counted;
    score->correct += other->correct;
    score->samples += other->samples;
}
