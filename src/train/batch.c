#include "train/batch.h"

#include <math.h>
#include <string.h>
#include "data/augment.h"

enum { LANES_MAX = LS_PANEL_LANES_MAX };

static int64_t row_at(const ls_rows *rows, int64_t position)
{
    return rows->order == NULL ? rows->first + position : (int64_t)rows->order[rows->first + position];
}

void ls_batch_gather(const ls_panel *panel, const ls_rows *rows, int64_t begin, int64_t count,
                     bool past_caches)
{
    const ls_dataset *data = rows->data;
    const float *shift = rows->normalisation != NULL ? rows->normalisation->shift : NULL;
    const float *scale = rows->normalisation != NULL ? rows->normalisation->scale : NULL;
    if (rows->augment != NULL) past_caches = false; /* they are changed at once */
    float *to = ls_panel_value(panel, 0);
    if (data->bytes != NULL) {
        const uint8_t *row[LANES_MAX];
        for (int64_t n = 0; n < count; n++) row[n] = data->bytes + row_at(rows, begin + n) * data->inputs;
        panel->kernels->gather_bytes(row, count, data->inputs, shift, scale, panel->lanes, past_caches, to);
    } else {
        const float *row[LANES_MAX];
        for (int64_t n = 0; n < count; n++) row[n] = data->floats + row_at(rows, begin + n) * data->inputs;
        panel->kernels->gather_floats(row, count, data->inputs, shift, scale, panel->lanes, past_caches, to);
    }
    for (int64_t n = 0; rows->augment != NULL && n < count; n++)
        ls_augment_apply(rows->augment, rows->seed, rows->epoch, row_at(rows, begin + n), data, panel->lanes,
                         to + n);
}

/* The class of a row: its label, or the target value that the head is for. */
static int32_t class_of(const ls_head *head, const ls_dataset *data, int64_t row)
{
    if (head->column == NULL) return data->labels[row];
    return (int32_t)data->targets[row * data->outputs + head->column[0]];
}

/* Whether the head's targets are classes. */
static bool has_classes(const ls_head *head, const ls_dataset *data)
{
    return head->column == NULL ? data->labels != NULL : head->classes > 0;
}

/* The classes of the scratch's labels as values: a class as 0 or 1 for one unit, else one-hot; 0 in the lanes
 * without a row. What was stored number by number is read so, as a vector would wait for it. */
static void fill_classes(int64_t units, int64_t count, int64_t lanes, ls_batch_scratch *scratch)
{
    memset(scratch->values, 0, (size_t)(units * lanes) * sizeof *scratch->values);
    for (int64_t n = 0; n < count; n++) {
        const int32_t class = scratch->label[n];
        if (units == 1)
            scratch->values[n] = (float)class;
        else
            for (int64_t u = 0; u < units; u++) scratch->values[u * lanes + n] = class == u;
    }
}

static void fill_values(const ls_head *head, const ls_rows *rows, int64_t begin, int64_t count, int64_t lanes,
                        float *values)
{
    const ls_dataset *data = rows->data;
    memset(values, 0, (size_t)(head->units * lanes) * sizeof *values);
    for (int64_t n = 0; n < count; n++) {
        const float *from = data->targets + row_at(rows, begin + n) * data->outputs;
        for (int64_t u = 0; u < head->units; u++)
            values[u * lanes + n] = from[head->column == NULL ? u : head->column[u]];
    }
}

static bool is_weighted(const ls_component *loss)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    return type->weighted != NULL && type->weighted(loss->options);
}

static void leave_out_ignored(const ls_head *head, int64_t count, ls_batch_scratch *scratch)
{
    for (int64_t n = 0; n < count; n++)
        if (ls_head_type(head)->ignores(head->loss->options, scratch->label[n])) scratch->weight[n] = 0;
}

void ls_batch_targets(const ls_panel *panel, const ls_head *head, const ls_rows *rows, int64_t begin,
                      int64_t count, ls_batch_scratch *scratch)
{
    const ls_dataset *data = rows->data;
    bool classes = has_classes(head, data);
    for (int64_t first = 0; first < panel->lanes; first += LS_LANES) {
        const int32_t left = (int32_t)(count - first);
        for (int32_t n = 0; n < LS_LANES; n++) scratch->weight[first + n] = n < left ? 1 : 0;
        for (int32_t n = 0; n < LS_LANES; n++) scratch->label[first + n] = 0;
    }
    for (int64_t n = 0; n < count && classes; n++)
        scratch->label[n] = class_of(head, data, row_at(rows, begin + n));
    if (classes && ls_head_type(head)->ignores != NULL) leave_out_ignored(head, count, scratch);
    if (ls_head_type(head)->target != LS_TARGET_VALUES) return;
    if (classes)
        fill_classes(head->units, count, panel->lanes, scratch);
    else
        fill_values(head, rows, begin, count, panel->lanes, scratch->values);
}

static void count_correct(const ls_panel *panel, const ls_head *head, int64_t count,
                          ls_batch_scratch *scratch, ls_head_score *score)
{
    ls_head_type(head)->classify(head->loss->options, panel->kernels, head->units, panel->lanes,
                                 ls_panel_value(panel, head->tensor), scratch->index);
    int64_t counted = 0, correct = 0;
    for (int64_t n = 0; n < count; n++) {
        bool counts = scratch->weight[n] != 0;
        counted += counts;
        correct += counts & (scratch->index[n] == scratch->label[n]);
    }
    score->counted += counted;
    score->correct += correct;
}

void ls_batch_loss(const ls_panel *panel, const ls_head *head, const ls_rows *rows, int64_t count,
                   float *delta, ls_batch_scratch *scratch, ls_head_score *score)
{
    const ls_loss_type *type = ls_head_type(head);
    const void *options = head->loss->options;
    ls_loss_target target = {.label = scratch->label, .weight = scratch->weight, .values = scratch->values};
    if (has_classes(head, rows->data) && type->classify != NULL)
        count_correct(panel, head, count, scratch, score);
    type->panel(options, panel->kernels, head->units, panel->lanes, ls_panel_value(panel, head->tensor),
                &target, delta, scratch->loss);
    ls_wide_add_floats(&score->loss, scratch->loss, count);
    for (int64_t n = 0; n < count && is_weighted(head->loss); n++)
        ls_wide_add(&score->weight, (double)type->weight(options, scratch->label[n]));
}

void ls_batch_metrics(const ls_panel *panel, const ls_head *head, int64_t first, int64_t count,
                      ls_batch_scratch *scratch, int thread, ls_metric_set *set)
{
    const float *x = ls_panel_value(panel, head->tensor);
    ls_head_type(head)->predict(head->loss->options, panel->kernels, head->units, panel->lanes, x,
                                scratch->predicted);
    for (int64_t n = 0; n < count; n++)
        if (scratch->weight[n] == 0) scratch->label[n] = -1;
    ls_metric_panel judged = {.fit = &set->fit,
                              .lanes = panel->lanes,
                              .count = count,
                              .x = x,
                              .predicted = scratch->predicted,
                              .index = scratch->index,
                              .label = scratch->label,
                              .values = scratch->values};
    ls_metric_set_add(set, thread, first, &judged);
}

/* What the sum of the losses of one head is divided by for its mean. */
static double weight_of(const ls_head *head, const ls_rows *rows)
{
    const ls_loss_type *type = ls_head_type(head);
    if (ls_head_options(head)->reduction != 0) return 1;
    if (!is_weighted(head->loss) || !has_classes(head, rows->data)) return (double)rows->count;
    ls_wide sum;
    ls_wide_clear(&sum);
    for (int64_t n = 0; n < rows->count; n++) {
        int32_t class = class_of(head, rows->data, row_at(rows, n));
        ls_wide_add(&sum, (double)type->weight(head->loss->options, class));
    }
    return ls_wide_value(&sum);
}

double ls_batch_factor(const ls_objective *objective, const ls_rows *rows, float *scale)
{
    if (objective->head_count == 1) {
        double weight = weight_of(&objective->head[0], rows);
        scale[0] = 1;
        return weight > 0 ? objective->head[0].weight / weight : 0;
    }
    for (int h = 0; h < objective->head_count; h++) {
        const ls_head *head = &objective->head[h];
        double weight = weight_of(head, rows);
        scale[h] = weight > 0 ? (float)(head->weight * ((double)rows->count / weight)) : 0;
    }
    return 1 / (double)rows->count;
}

void ls_batch_put_delta(const float *from, float scale, bool add, int64_t count, float *delta)
{
    for (int64_t i = 0; i < count; i++) {
        float scaled = from[i] * scale;
        delta[i] = add ? delta[i] + scaled : scaled;
    }
}

static double mean_loss(const ls_score *score, const ls_component *loss, const ls_head_score *head,
                        int64_t batches)
{
    const ls_loss_options *options = loss->options;
    double count = (double)batches;
    if (options->reduction == 0)
        count = is_weighted(loss) ? ls_wide_value(&head->weight) : (double)score->samples;
    return score->samples > 0 && count > 0 ? ls_wide_value(&head->loss) / count : NAN;
}

double ls_score_head_loss(const ls_score *score, const ls_recipe *recipe, int head, int64_t batches)
{
    return mean_loss(score, ls_recipe_loss(recipe, head), &score->head[head], batches);
}

double ls_score_loss(const ls_score *score, const ls_recipe *recipe, int64_t batches)
{
    double sum = 0;
    for (int h = 0; h < ls_recipe_loss_count(recipe); h++) {
        const ls_loss_options *options = ls_recipe_loss(recipe, h)->options;
        sum += options->weight * ls_score_head_loss(score, recipe, h, batches);
    }
    return sum;
}

void ls_score_clear(ls_score *score)
{
    *score = (ls_score){.samples = 0};
}

void ls_score_merge(ls_score *score, const ls_score *other, int heads)
{
    score->samples += other->samples;
    for (int h = 0; h < heads; h++) {
        ls_head_score *to = &score->head[h];
        const ls_head_score *from = &other->head[h];
        ls_wide_merge(&to->loss, &from->loss);
        ls_wide_merge(&to->weight, &from->weight);
        to->counted += from->counted;
        to->correct += from->correct;
    }
}
