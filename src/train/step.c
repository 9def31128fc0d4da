#include "train/step.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "parallel/agree.h"
#include "train/update.h"

enum { STATUS_WORD, WISH_WORD, FIRST_LARGEST, SEGMENTS_MAX = 32 };
static const uint32_t INFINITY_BITS = 0x7f800000u;
static const double FLOAT_LIMIT = 0x1p127; /* a bound on sums beyond this may overflow float32 */

typedef struct step_run {
    ls_step *step;
    ls_step_call *call;
    ls_rows local; /* the share of this rank */
    double factor;
    uint64_t terms;
    ls_gradient_job gradient;
    ls_update_job update;
    _Alignas(64) atomic_int next_panel[SEGMENTS_MAX]; /* the work that is handed out, one counter a phase */
    _Alignas(64) atomic_int next_task;
    _Alignas(64) atomic_int next_piece;
    _Alignas(64) atomic_int next_norm;
    /* written by thread 0 between barriers */
    ls_status status;  /* of the communicator */
    bool leave;        /* some rank failed before the step */
    int bad_tensor;    /* first tensor that is not finite, -1: none */
    int bad_parameter; /* first parameter whose sum may not be finite, -1: none */
    bool bad_delta;
    ls_request *exchange[SEGMENTS_MAX];
    ls_request *reduction[SEGMENTS_MAX];
    int posted; /* reductions that may need progress: segments >= posted */
} step_run;

const char *ls_tensor_name(const ls_model *model, int tensor)
{
    return tensor == 0 ? "input" : model->node[tensor - 1].name;
}

static bool given_up(const step_run *run)
{
    return run->status != LS_OK || run->leave || run->bad_tensor >= 0 || run->bad_parameter >= 0;
}

static ls_panel panel_of(const ls_step *step, int64_t index)
{
    const ls_plan *plan = &step->plan;
    return (ls_panel){
        .plan = plan,
        .kernels = step->kernels,
        .parameters = step->parameters,
        .lanes = plan->lanes,
        .memory = step->memory + index * plan->panel_units * plan->lanes,
        .value_largest = step->value_largest + index * plan->tensor_count,
        .delta_largest = step->delta_largest + index * plan->tensor_count,
    };
}

static int64_t panels_used(const step_run *run)
{
    int64_t lanes = run->step->plan.lanes;
    return (run->local.count + lanes - 1) / lanes;
}

static int64_t rows_of_panel(const step_run *run, int64_t index)
{
    int64_t lanes = run->step->plan.lanes, rest = run->local.count - index * lanes;
    return rest < lanes ? rest : lanes;
}

/* Backward through one segment for all panels; the last segment begins with forward and the loss. */
static void run_panels(step_run *run, int thread, int segment)
{
    ls_step *step = run->step;
    ls_thread_space *space = &step->space[thread];
    int64_t panels = panels_used(run), index;
    while ((index = atomic_fetch_add(&run->next_panel[segment], 1)) < panels) {
        ls_panel panel = panel_of(step, index);
        if (segment == step->plan.segment_count - 1) {
            int64_t begin = index * panel.lanes, count = rows_of_panel(run, index);
            ls_batch_gather(&panel, &run->local, begin, count);
            ls_panel_forward(&panel);
            ls_batch_loss(&panel, &step->recipe->loss, &run->local, begin, count, true, &space->batch,
                          &space->score);
        }
        ls_panel_backward(&panel, segment);
    }
}

static uint32_t largest_of_panels(const step_run *run, const uint32_t *largest, int tensor)
{
    uint32_t result = 0;
    int64_t panels = panels_used(run);
    for (int64_t p = 0; p < panels; p++) {
        uint32_t value = largest[p * run->step->plan.tensor_count + tensor];
        if (value > result) result = value;
    }
    return result;
}

/* Deltas lie in the order in which the backward pass makes them, so that those of a segment are one run and
 * those of the last segment follow the values: one message for all that is known after the forward pass. */
static uint32_t *delta_word(const ls_step *step, int tensor)
{
    return step->exchange + FIRST_LARGEST + 2 * step->plan.tensor_count - 1 - tensor;
}

/* Posts the small exchange of a segment: status and all largest values with the first one, largest deltas
 * with each. */
static void exchange_start(step_run *run, int segment)
{
    ls_step *step = run->step;
    const ls_plan *plan = &step->plan;
    int first = plan->first_node[segment] + 1, last = plan->first_node[segment + 1];
    if (given_up(run)) return;
    for (int t = first; t <= last; t++) {
        *delta_word(step, t) = plan->slot[t].delta < 0 ? 0 : largest_of_panels(run, step->delta_largest, t);
    }
    uint32_t *begin = delta_word(step, last);
    int64_t count = last - first + 1;
    if (segment == plan->segment_count - 1) {
        uint32_t *values = step->exchange + FIRST_LARGEST;
        step->exchange[STATUS_WORD] = (uint32_t)run->call->status;
        step->exchange[WISH_WORD] = (uint32_t)run->call->wish;
        for (int t = 0; t < plan->tensor_count; t++)
            values[t] = largest_of_panels(run, step->value_largest, t);
        if (ls_fault("overflow")) values[0] = INFINITY_BITS;
        begin = step->exchange;
        count += FIRST_LARGEST + plan->tensor_count;
    }
    if (ls_comm_size(step->comm) > 1) {
        run->status = ls_comm_reduce_start(step->comm, LS_MAX_UINT32, begin, count, &run->exchange[segment]);
    }
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void look_for_infinity(step_run *run, int segment)
{
    const ls_plan *plan = &run->step->plan;
    const uint32_t *values = run->step->exchange + FIRST_LARGEST;
    if (segment == plan->segment_count - 1) {
        for (int t = 0; t < plan->tensor_count && run->bad_tensor < 0; t++) {
            if (values[t] >= INFINITY_BITS) run->bad_tensor = t;
        }
    }
    for (int t = plan->first_node[segment + 1]; t > plan->first_node[segment] && run->bad_tensor < 0; t--) {
        if (*delta_word(run->step, t) < INFINITY_BITS) continue;
        run->bad_tensor = t;
        run->bad_delta = true;
    }
}

/* The rounding steps of the parameters of a segment, from the largest activations and deltas of all ranks. */
static void choose_scales(step_run *run, int segment)
{
    ls_step *step = run->step;
    const ls_plan *plan = &step->plan;
    const ls_model *model = step->model;
    const uint32_t *values = step->exchange + FIRST_LARGEST;
    for (int p = 0; p < model->parameter_count; p++) {
        int n = plan->parameter_node[p];
        if (plan->node_segment[n] != segment) continue;
        const ls_node *node = &model->node[n];
        bool outer = node->type->gradient(node, p - node->first_parameter) == LS_GRADIENT_OUTER;
        double a = outer ? (double)float_of(values[node->input[0]]) : 1.0;
        double d = (double)float_of(*delta_word(step, n + 1));
        double bound = 2.0 * (double)run->call->rows.count * a * d;
        if (bound >= FLOAT_LIMIT && run->bad_parameter < 0)
            run->bad_parameter = p;
        else
            step->scale[p] = ls_exact_scale_for(bound);
    }
}

static void exchange_finish(step_run *run, int segment)
{
    ls_step *step = run->step;
    if (run->exchange[segment] != NULL) {
        ls_status status = ls_request_wait(run->exchange[segment]);
        run->exchange[segment] = NULL;
        if (run->status == LS_OK) run->status = status;
    }
    if (given_up(run)) return;
    if (segment == step->plan.segment_count - 1) {
        run->leave = step->exchange[STATUS_WORD] != LS_OK;
        run->call->wish = (ls_wish)step->exchange[WISH_WORD];
        if (run->leave) return;
    }
    look_for_infinity(run, segment);
    if (run->bad_tensor < 0) choose_scales(run, segment);
}

/* MPI moves messages only when it is called. */
static void make_progress(step_run *run)
{
    for (int s = run->posted; s < run->step->plan.segment_count; s++) {
        bool done = false;
        if (run->reduction[s] == NULL) continue;
        ls_status status = ls_request_test(run->reduction[s], &done);
        if (status != LS_OK && run->status == LS_OK) run->status = status;
        if (done || status != LS_OK) run->reduction[s] = NULL;
        return;
    }
}

static void run_tasks(step_run *run, int thread, int segment)
{
    ls_step *step = run->step;
    int last = step->plan.first_task[segment + 1], index;
    while ((index = atomic_fetch_add(&run->next_task, 1)) < last) {
        ls_gradient_run(&run->gradient, &step->plan.task[index], &step->space[thread].gradient);
        if (thread == 0) make_progress(run);
    }
}

static void reduction_start(step_run *run, int segment)
{
    ls_step *step = run->step;
    int64_t first = step->plan.first_element[segment], count = step->plan.first_element[segment + 1] - first;
    if (ls_comm_size(step->comm) == 1 || count == 0 || given_up(run)) return;
    if (step->sums != NULL) {
        run->status = ls_comm_reduce_start(step->comm, LS_SUM_UINT64, step->sums + first, count,
                                           &run->reduction[segment]);
    } else {
        run->status = ls_comm_reduce_start(step->comm, LS_SUM_FLOAT, step->gradient + first, count,
                                           &run->reduction[segment]);
    }
    run->posted = segment;
}

static void reductions_finish(step_run *run)
{
    for (int s = run->step->plan.segment_count - 1; s >= 0; s--) {
        if (run->reduction[s] == NULL) continue;
        ls_status status = ls_request_wait(run->reduction[s]);
        run->reduction[s] = NULL;
        if (run->status == LS_OK) run->status = status;
    }
}

/* The clipping factor of the whole gradient; also leaves the norm for the record. Every thread computes the
 * same. */
static double clip(step_run *run, ls_team *team, int thread)
{
    ls_step *step = run->step;
    int index;
    while ((index = atomic_fetch_add(&run->next_norm, 1)) < step->plan.piece_count) {
        const ls_piece *piece = &step->plan.piece[index];
        const float *gradient = ls_update_gradient(&run->update, piece, step->space[thread].piece);
        step->norm_part[index] = ls_update_norm_part(&run->update, piece, gradient);
    }
    ls_team_barrier(team);
    double sum = 0;
    for (int p = 0; p < step->plan.piece_count; p++) sum += step->norm_part[p];
    double norm = sqrt(sum), limit = step->recipe->training.clip_norm;
    if (thread == 0) step->gradient_norm = norm;
    return norm > limit ? limit / norm : 1.0;
}

static void update(step_run *run, ls_team *team, int thread)
{
    ls_step *step = run->step;
    double scale = step->recipe->training.clip_norm > 0 ? clip(run, team, thread) : 1.0;
    int index;
    while ((index = atomic_fetch_add(&run->next_piece, 1)) < step->plan.piece_count) {
        const ls_piece *piece = &step->plan.piece[index];
        const float *gradient = ls_update_gradient(&run->update, piece, step->space[thread].piece);
        ls_update_piece(&run->update, piece, gradient, scale);
    }
}

/* The phases, executed by every thread. Thread 0 alone talks to other ranks, in an order that is the same on
 * all of them. */
static void run_phases(ls_team *team, int thread, void *argument)
{
    step_run *run = argument;
    int segments = run->step->plan.segment_count;
    run_panels(run, thread, segments - 1);
    ls_team_barrier(team);
    if (thread == 0) exchange_start(run, segments - 1);
    for (int s = segments - 1; s >= 0; s--) {
        if (s > 0) {
            run_panels(run, thread, s - 1);
            ls_team_barrier(team);
            if (thread == 0) exchange_start(run, s - 1);
        }
        if (thread == 0) {
            exchange_finish(run, s);
            atomic_store(&run->next_task, run->step->plan.first_task[s]);
        }
        ls_team_barrier(team);
        bool stop = given_up(run);
        if (!stop) run_tasks(run, thread, s);
        ls_team_barrier(team);
        if (stop) break;
        if (thread == 0) reduction_start(run, s);
    }
    if (ls_comm_size(run->step->comm) > 1) {
        if (thread == 0) reductions_finish(run);
        ls_team_barrier(team);
    }
    if (!given_up(run)) update(run, team, thread);
}

/* Requests of a step that was given up half-way must end before their memory is used again. */
static void drain(step_run *run)
{
    for (int s = 0; s < run->step->plan.segment_count; s++) {
        if (run->exchange[s] == NULL) continue;
        ls_status status = ls_request_wait(run->exchange[s]);
        if (run->status == LS_OK) run->status = status;
        run->exchange[s] = NULL;
    }
    reductions_finish(run);
}

static ls_status numeric_error(const step_run *run)
{
    const ls_model *model = run->step->model;
    long long step = (long long)run->step->steps + 1;
    const char *advice = "lower optimizer.lr, set training.clip_norm, or look for unusual values in the data";
    if (run->bad_parameter >= 0) {
        return ls_error(LS_ERROR_NUMERIC, "step %lld: the gradient of %s may exceed the range of float32; %s",
                        step, model->parameter[run->bad_parameter].name, advice);
    }
    if (run->bad_delta) {
        return ls_error(
            LS_ERROR_NUMERIC,
            "step %lld: infinity or NaN in the derivative of the loss by the output of layer %s; %s", step,
            ls_tensor_name(model, run->bad_tensor), advice);
    }
    if (run->bad_tensor == 0) {
        return ls_error(LS_ERROR_NUMERIC,
                        "step %lld: infinity or NaN in the input data of the batch; check the data files and "
                        "their normalisation",
                        step);
    }
    return ls_error(LS_ERROR_NUMERIC, "step %lld: infinity or NaN in the output of layer %s; %s", step,
                    ls_tensor_name(model, run->bad_tensor), advice);
}

static ls_status conclude(step_run *run)
{
    ls_step *step = run->step;
    if (run->status != LS_OK) return run->status;
    if (run->leave) return ls_agree(step->comm, run->call->status);
    bool bad = run->bad_tensor >= 0 || run->bad_parameter >= 0;
    if (bad && step->recipe->training.nonfinite == 0) return numeric_error(run);
    step->steps++;
    if (bad) step->skipped++;
    return LS_OK;
}

ls_status ls_step_run(ls_step *step, ls_step_call *call)
{
    const ls_plan *plan = &step->plan;
    const ls_loss_options *loss = step->recipe->loss.options;
    int64_t rows = call->rows.count;
    double factor = loss->reduction == 0 ? 1.0 / (double)rows : 1.0;
    step_run run = {
        .step = step,
        .call = call,
        .local = call->rows,
        .factor = factor,
        .bad_tensor = -1,
        .bad_parameter = -1,
        .terms = (uint64_t)((rows + plan->grain - 1) / plan->grain),
        .posted = plan->segment_count,
    };
    int64_t first;
    ls_plan_share(rows, plan->grain, ls_comm_rank(step->comm), ls_comm_size(step->comm), &first,
                  &run.local.count);
    if (call->status != LS_OK) run.local.count = 0;
    run.local.first += first;
    run.gradient = (ls_gradient_job){
        .plan = plan,
        .kernels = step->kernels,
        .memory = step->memory,
        .rows = run.local.count,
        .exact = step->recipe->training.reduce == 0,
        .scale = step->scale,
        .terms = run.terms,
        .factor = factor,
        .sums = step->sums,
        .gradient = step->gradient,
    };
    run.update = (ls_update_job){
        .step = step, .learning_rate = call->learning_rate, .factor = factor, .terms = run.terms};
    ls_team_run(plan->threads, run_phases, &run);
    drain(&run);
    return conclude(&run);
}
