/* What the ranks tell each other before gradients are summed: the largest values, from which the rounding
 * steps follow, with the status of each rank and the wish to stop. */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "train/host.h"
#include "train/step_run.h"

static const uint32_t INFINITY_BITS = 0x7f800000u;
static const double FLOAT_LIMIT = 0x1p127; /* a bound on sums beyond this may overflow float32 */

/* The words of a node: its largest delta, then the largest sample gradient of each parameter. They follow the
 * largest values, those of the last segment first, so that one message takes all that is known after the
 * forward pass. */
static uint32_t *words_of(const ls_step *step, int node)
{
    return step->exchange + LS_FIRST_LARGEST + step->plan.tensor_count + step->plan.exchange_word[node];
}

/* The words that are exchanged for a segment, all of what is known now and was not before: begin and end. */
static uint32_t *begin_of(const ls_step *step, int segment)
{
    const ls_plan *plan = &step->plan;
    if (segment == plan->segment_count - 1) return step->exchange;
    return step->exchange + LS_FIRST_LARGEST + plan->tensor_count + plan->segment_word[segment + 1];
}

static uint32_t *end_of(const ls_step *step, int segment)
{
    const ls_plan *plan = &step->plan;
    return step->exchange + LS_FIRST_LARGEST + plan->tensor_count + plan->segment_word[segment];
}

/* The largest of all panels of this rank. Those of the first one are in place. */
static void join_panels(const ls_step_run_state *run, uint32_t *begin, const uint32_t *end)
{
    const ls_step *step = run->step;
    const int64_t first = begin - (step->exchange + LS_FIRST_LARGEST), count = end - begin;
    if (run->panels == 0) memset(begin, 0, (size_t)count * sizeof *begin);
    for (int64_t p = 1; p < run->panels; p++) {
        const uint32_t *largest = step->largest + (p - 1) * step->largest_words + first;
        for (int64_t i = 0; i < count; i++) begin[i] = largest[i] > begin[i] ? largest[i] : begin[i];
    }
}

void ls_exchange_start(ls_step_run_state *run, int segment)
{
    ls_step *step = run->step;
    uint32_t *begin = begin_of(step, segment), *end = end_of(step, segment);
    if (ls_step_given_up(run)) return;
    if (segment == step->plan.segment_count - 1) {
        begin[LS_STATUS_WORD] = (uint32_t)run->call->status;
        begin[LS_WISH_WORD] = (uint32_t)run->call->wish;
        join_panels(run, begin + LS_FIRST_LARGEST, end);
        if (ls_fault("overflow")) begin[LS_FIRST_LARGEST] = INFINITY_BITS;
    } else {
        join_panels(run, begin, end);
    }
    if (step->host != NULL)
        memcpy(step->host->words[step->host->turn] + (begin - step->exchange), begin,
               (size_t)(end - begin) * sizeof *begin);
    else if (ls_comm_size(step->comm) > 1)
        run->status =
            ls_comm_reduce_start(step->comm, LS_MAX_UINT32, begin, end - begin, &run->exchange[segment]);
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The backward pass goes from the last node to the first, and so does what spreads through it. */
static void look_at_node(ls_step_run_state *run, int index)
{
    const ls_node *node = &run->step->model->node[index];
    const uint32_t *word = words_of(run->step, index);
    if (word[0] >= INFINITY_BITS) {
        run->bad_tensor = index + 1;
        run->bad_delta = true;
    }
    for (int p = 0; p < node->parameter_count && run->bad_tensor < 0 && run->bad_parameter < 0; p++) {
        if (word[1 + p] >= INFINITY_BITS) run->bad_parameter = node->first_parameter + p;
    }
}

static uint32_t largest_word(const uint32_t *word, const uint32_t *end)
{
    uint32_t largest = 0;
    for (; word < end; word++) largest = *word > largest ? *word : largest;
    return largest;
}

/* For the message, should a later step not be finite. outputs: the largest of them, as bits. */
static void note_largest(ls_step *step, uint32_t outputs)
{
    step->last_output = float_of(outputs);
    if (step->first_step > 0) return;
    step->first_output = step->last_output;
    step->first_step = step->steps + 1;
}

/* Whether there is no infinity or NaN in the words of a segment, as nearly always; the largest output is
 * noted then. */
static bool note_if_finite(const ls_step_run_state *run, int segment)
{
    ls_step *step = run->step;
    const uint32_t *begin = begin_of(step, segment), *end = end_of(step, segment);
    if (segment < step->plan.segment_count - 1) return largest_word(begin, end) < INFINITY_BITS;
    const uint32_t *values = begin + LS_FIRST_LARGEST, *outputs = values + 1,
                   *deltas = values + step->plan.tensor_count;
    uint32_t output = largest_word(outputs, deltas), delta = largest_word(deltas, end);
    if (*values >= INFINITY_BITS || output >= INFINITY_BITS || delta >= INFINITY_BITS) return false;
    note_largest(step, output);
    return true;
}

static void look_for_infinity(ls_step_run_state *run, int segment)
{
    const ls_plan *plan = &run->step->plan;
    const uint32_t *values = run->step->exchange + LS_FIRST_LARGEST;
    if (segment == plan->segment_count - 1) {
        for (int t = 0; t < plan->tensor_count && run->bad_tensor < 0; t++) {
            if (values[t] >= INFINITY_BITS) run->bad_tensor = t;
        }
    }
    for (int n = plan->first_node[segment + 1] - 1; n >= plan->first_node[segment]; n--) {
        if (!ls_step_given_up(run)) look_at_node(run, n);
    }
}

/* How many products of a value and a delta a sample adds to an element of the gradient. */
static double terms_of(ls_gradient_kind kind, const ls_node *node)
{
    switch (kind) {
    case LS_GRADIENT_NONE:
        return 0;
    case LS_GRADIENT_OUTER:
    case LS_GRADIENT_SUM:
    case LS_GRADIENT_SAMPLES:
        return 1;
    case LS_GRADIENT_TILE: /* each row of the gradient meets the positions of one channel */
        return (double)(ls_shape_size(&node->out) / node->out.dim[0]);
    case LS_GRADIENT_ROWS:
        return (double)ls_shape_size(&node->in[0]);
    }
    return 0;
}

void ls_exchange_prepare(ls_step *step)
{
    static const uint32_t one = 0x3f800000;
    for (int n = 0; n < step->model->node_count; n++) {
        const ls_node *node = &step->model->node[n];
        for (int p = 0; p < node->parameter_count; p++) {
            ls_gradient_kind kind = step->plan.kind[node->first_parameter + p];
            bool products = kind == LS_GRADIENT_OUTER || kind == LS_GRADIENT_TILE;
            step->bound[node->first_parameter + p] = (ls_bound){
                .terms = terms_of(kind, node),
                .value = products ? step->exchange + LS_FIRST_LARGEST + node->input[0] : &one,
                .delta = words_of(step, n) + (kind == LS_GRADIENT_SAMPLES ? 1 + p : 0),
            };
        }
    }
}

/* The rounding steps of the parameters of a segment, from the largest activations and deltas of all ranks. */
static void choose_scales(ls_step_run_state *run, int segment)
{
    ls_step *step = run->step;
    const ls_node *first = &step->model->node[step->plan.first_node[segment]],
                  *last = &step->model->node[step->plan.first_node[segment + 1] - 1];
    const double rows = 2.0 * (double)run->rows; /* twice as much: see docs/layout-invariance.md */
    const int end = last->first_parameter + last->parameter_count;
    for (int p = first->first_parameter; p < end; p++) {
        const ls_bound *from = &step->bound[p];
        double a = (double)float_of(*from->value), d = (double)float_of(*from->delta);
        double bound = rows * from->terms * a * d;
        if (bound >= FLOAT_LIMIT && run->bad_parameter < 0)
            run->bad_parameter = p;
        else
            step->scale[p] = ls_exact_scale_for(bound);
    }
}

/* The words of all ranks of the host. All of them are here now: their panels are complete as well. */
static void meet_words(ls_step *step, int segment)
{
    const ls_host *host = step->host;
    uint32_t *begin = begin_of(step, segment);
    const int64_t count = end_of(step, segment) - begin;
    ls_shared_barrier(host->shared);
    for (int r = 0; r < host->ranks; r++) {
        const uint32_t *theirs = ls_host_words(step, r) + (begin - step->exchange);
        for (int64_t i = 0; i < count; i++) begin[i] = theirs[i] > begin[i] ? theirs[i] : begin[i];
    }
}

void ls_exchange_finish(ls_step_run_state *run, int segment)
{
    ls_step *step = run->step;
    if (step->host != NULL && !ls_step_given_up(run)) meet_words(step, segment);
    if (run->exchange[segment] != NULL) {
        ls_status status = ls_request_wait(run->exchange[segment]);
        run->exchange[segment] = NULL;
        if (run->status == LS_OK) run->status = status;
    }
    if (ls_step_given_up(run)) return;
    if (segment == step->plan.segment_count - 1) {
        run->call->wish = (ls_wish)step->exchange[LS_WISH_WORD];
        if (step->exchange[LS_STATUS_WORD] != LS_OK) {
            run->leave = true;
            return;
        }
    }
    if (note_if_finite(run, segment))
        choose_scales(run, segment);
    else
        look_for_infinity(run, segment);
}

static const double GROWTH = 100; /* of outputs, that is told in the message */
static const double HUGE_OUTPUT = 1e8;

/* What to do, with what led to it where the outputs have grown from step to step. */
static const char *advice(const ls_step *step, char *text, size_t size)
{
    const char *plain = "lower optimizer.lr, set training.clip_norm, or look for unusual values in the data";
    double first = (double)step->first_output, last = (double)step->last_output;
    if (step->steps == 0)
        return "take smaller initial weights (he or glorot), or look for unusual values in the data";
    if (step->first_step > 0 && last > HUGE_OUTPUT && !(last > GROWTH * first)) {
        snprintf(text, size,
                 "the network is exploding: the largest output of a layer was %.3g in the step before; try "
                 "smaller "
                 "initial weights (he or glorot), a norm layer or training.clip_norm",
                 last);
        return text;
    }
    if (step->first_step == 0 || !(last > GROWTH * first)) return plain;
    snprintf(
        text, size,
        "the training is exploding: the largest output of a layer was %.3g in step %lld and %.3g in the last "
        "step before; try training.clip_norm, a smaller optimizer.lr or smaller initial weights",
        first, (long long)step->first_step, last);
    return text;
}

ls_status ls_step_numeric_error(const ls_step_run_state *run)
{
    const ls_model *model = run->step->model;
    long long step = (long long)run->step->steps + 1;
    char text[256];
    const char *what = advice(run->step, text, sizeof text);
    if (run->bad_parameter >= 0) {
        return ls_error(LS_ERROR_NUMERIC, "step %lld: the gradient of %s may exceed the range of float32; %s",
                        step, model->parameter[run->bad_parameter].name, what);
    }
    if (run->bad_delta) {
        return ls_error(
            LS_ERROR_NUMERIC,
            "step %lld: infinity or NaN in the derivative of the loss by the output of layer %s; %s", step,
            ls_tensor_name(model, run->bad_tensor), what);
    }
    if (run->bad_tensor == 0) {
        return ls_error(LS_ERROR_NUMERIC,
                        "step %lld: infinity or NaN in the input data of the batch; check the data files and "
                        "their normalisation",
                        step);
    }
    return ls_error(LS_ERROR_NUMERIC, "step %lld: infinity or NaN in the output of layer %s; %s", step,
                    ls_tensor_name(model, run->bad_tensor), what);
}
