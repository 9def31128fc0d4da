#include "train/step.h"

#include <stddef.h>
#include <string.h>

#include "parallel/agree.h"
#include "train/host.h"
#include "train/step_run.h"

const char *ls_tensor_name(const ls_model *model, int tensor)
{
    return tensor == 0 ? "input" : model->node[tensor - 1].name;
}

/* MPI moves messages only when it is called. */
static void make_progress(ls_step_run_state *run)
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

static void run_tasks(ls_step_run_state *run, const ls_team *team, int thread, int segment)
{
    ls_step *step = run->step;
    const ls_plan *plan = &step->plan;
    const int *first = plan->home_count > 1 ? plan->home_task : plan->first_task + segment;
    ls_home at = ls_home_of(plan->home_count, team, thread);
    int index;
    while ((index = ls_home_take(&at, team, run->next_task, first)) >= 0) {
        ls_gradient_run(&run->gradient, index, &step->space[thread].gradient);
        if (thread == 0) make_progress(run);
    }
}

static void reduction_start(ls_step_run_state *run, int segment)
{
    ls_step *step = run->step;
    int64_t first = step->plan.first_element[segment], count = step->plan.first_element[segment + 1] - first;
    bool alone = ls_comm_size(step->comm) == 1 || step->host != NULL;
    if (alone || count == 0 || ls_step_given_up(run)) return;
    if (step->sums != NULL) {
        run->status = ls_comm_reduce_start(step->comm, LS_SUM_UINT64, step->sums + first, count,
                                           &run->reduction[segment]);
    } else {
        run->status = ls_comm_reduce_start(step->comm, LS_SUM_FLOAT, step->gradient + first, count,
                                           &run->reduction[segment]);
    }
    run->posted = segment;
}

static void reductions_finish(ls_step_run_state *run)
{
    for (int s = run->step->plan.segment_count - 1; s >= 0; s--) {
        if (run->reduction[s] == NULL) continue;
        ls_status status = ls_request_wait(run->reduction[s]);
        run->reduction[s] = NULL;
        if (run->status == LS_OK) run->status = status;
    }
}

/* From the gradient of this rank's slice to its new parameters. */
static void update(ls_step_run_state *run, ls_team *team, int thread)
{
    int index;
    if (run->update.total != NULL) {
        ls_update_collect(&run->update, team, thread);
        ls_team_barrier(team);
    }
    if (!run->last || run->call->gradient_only) return;
    ls_update_run(&run->update, team, thread);
    if (!run->step->plan.keeps_parameters) return;
    while ((index = ls_team_take(team, &run->next_node)) < run->step->model->node_count)
        ls_update_node(&run->update, index);
}

/* The end of a step where ranks share memory: all are done with the panels of the others and with their own
 * slices, and take over what changed in those of the others. */
static void share_slices(ls_step_run_state *run, ls_team *team, int thread)
{
    ls_step *step = run->step;
    const ls_host *host = step->host;
    ls_host_meet(step, team, thread);
    ls_phase_end(step->clock, thread, LS_PHASE_WAITING);
    if (!run->last) return;
    float *changed = run->call->gradient_only ? step->total : step->parameters;
    ls_host_take(step, team, thread, changed);
    if (run->update.measures)
        ls_host_gather(step, team, thread, step->health->square, sizeof *step->health->square, host->piece);
}

/* The phases, executed by every thread. Thread 0 alone talks to other ranks, in an order that is the same on
 * all of them. */
static void run_phases(ls_team *team, int thread, void *argument)
{
    ls_step_run_state *run = argument;
    ls_phase_clock *clock = run->step->clock;
    int segments = run->step->plan.segment_count;
    ls_stretch part = {.meeting = -1};
    ls_phase_end(clock, thread, LS_PHASE_REST);
    ls_passes_forward(run, team, thread, &part);
    if (thread == 0) ls_exchange_start(run, segments - 1);
    for (int s = segments - 1; s >= 0; s--) {
        if (s > 0) {
            part.backward = true;
            part.with_loss = false;
            part.sums = NULL;
            ls_passes_backward(run, team, thread, s - 1, &part);
            if (thread == 0) ls_exchange_start(run, s - 1);
        }
        if (thread == 0) {
            ls_exchange_finish(run, s);
            ls_home_clear(run->next_task, run->step->plan.home_count);
            ls_home_clear(run->next_range, run->step->plan.home_count);
        }
        ls_phase_end(clock, thread, LS_PHASE_EXCHANGE);
        ls_team_barrier(team);
        bool stop = ls_step_given_up(run);
        ls_phase_end(clock, thread, LS_PHASE_WAITING);
        if (!stop) run_tasks(run, team, thread, s);
        ls_phase_end(clock, thread, LS_PHASE_GRADIENTS);
        ls_team_barrier(team);
        ls_phase_end(clock, thread, LS_PHASE_WAITING);
        if (stop) break;
        if (thread == 0) reduction_start(run, s);
    }
    if (ls_comm_size(run->step->comm) > 1 && run->step->host == NULL) {
        if (thread == 0) reductions_finish(run);
        ls_team_barrier(team);
    }
    if (ls_step_given_up(run)) return;
    ls_phase_end(clock, thread, LS_PHASE_EXCHANGE);
    update(run, team, thread);
    ls_phase_end(clock, thread, LS_PHASE_UPDATE);
    if (run->step->host != NULL) share_slices(run, team, thread);
    ls_phase_end(clock, thread, LS_PHASE_EXCHANGE);
}

/* Requests of a step that was given up half-way must end before their memory is used again. */
static void drain(ls_step_run_state *run)
{
    for (int s = 0; s < run->step->plan.segment_count; s++) {
        if (run->exchange[s] == NULL) continue;
        ls_status status = ls_request_wait(run->exchange[s]);
        if (run->status == LS_OK) run->status = status;
        run->exchange[s] = NULL;
    }
    reductions_finish(run);
}

/* A step that is left out is left out of the loss and the metrics as well. */
static void copy_scores(ls_step *step, bool back)
{
    for (int t = 0; t < step->threads && step->kept != NULL; t++) {
        ls_score *now = &step->space[t].score, *before = &step->kept[t];
        *(back ? now : before) = *(back ? before : now);
    }
}

static ls_status leave_out(ls_step_run_state *run)
{
    ls_step *step = run->step;
    const ls_training_options *training = &step->recipe->training;
    if (training->nonfinite == 0) return ls_step_numeric_error(run);
    step->skipped_in_row++;
    if (training->nonfinite_limit > 0 && step->skipped_in_row >= training->nonfinite_limit) {
        ls_step_numeric_error(run);
        return ls_error_prefix(LS_ERROR_NUMERIC,
                               "%lld steps in a row were left out (training.nonfinite_limit); ",
                               (long long)step->skipped_in_row);
    }
    copy_scores(step, true);
    step->skipped++;
    step->steps++;
    return LS_OK;
}

static ls_status conclude(ls_step_run_state *run)
{
    ls_step *step = run->step;
    if (run->status != LS_OK) return run->status;
    if (run->leave) return ls_agree(step->comm, run->call->status);
    bool bad = run->bad_tensor >= 0 || run->bad_parameter >= 0;
    run->call->finite = !bad;
    if (run->call->gradient_only) return LS_OK;
    if (bad) return leave_out(run);
    step->skipped_in_row = 0;
    step->steps++;
    return run->update.measures ? ls_step_measure(run) : LS_OK;
}

/* The parts of a rank's count rows, in the panels of memory: cut where a grain or a panel ends. Returns their
 * number with the parts before. */
static int64_t list_parts(ls_step *step, const float *memory, int64_t count, int64_t parts)
{
    const ls_plan *plan = &step->plan;
    for (int64_t begin = 0, end; begin < count; begin = end) {
        int64_t grain_end = begin - begin % plan->grain + plan->grain, lane = begin % plan->lanes;
        end = begin - lane + plan->lanes;
        if (end > grain_end) end = grain_end;
        if (end > count) end = count;
        step->part[parts++] = (ls_sample_part){
            .at = memory + begin / plan->lanes * plan->panel_units * plan->lanes + lane,
            .lane = lane,
            .count = end - begin,
            .ends_grain = end == grain_end || end == count,
        };
    }
    return parts;
}

/* The parts of all rows, in the memory of the ranks that have them. */
static int64_t list_host_parts(ls_step *step, int64_t rows)
{
    int64_t parts = 0, first, count;
    for (int r = 0; r < step->host->ranks; r++) {
        ls_plan_share(rows, step->plan.grain, r, step->host->ranks, &first, &count);
        parts = list_parts(step, ls_host_memory(step, r), count, parts);
    }
    return parts;
}

/* What this rank does of so many rows; kept from the last step, as small steps feel the divisions. */
static const ls_step_share *share_of(ls_step *step, int64_t rows)
{
    ls_step_share *share = &step->share;
    const ls_plan *plan = &step->plan;
    if (share->rows == rows) return share;
    share->rows = rows;
    ls_plan_share(rows, plan->grain, ls_comm_rank(step->comm), ls_comm_size(step->comm), &share->first,
                  &share->count);
    share->panels = (share->count + plan->lanes - 1) / plan->lanes;
    for (int h = 0; h <= plan->groups; h++) share->group_panel[h] = (int)(share->panels * h / plan->groups);
    share->parts =
        step->host == NULL ? list_parts(step, step->memory, share->count, 0) : list_host_parts(step, rows);
    share->terms = (uint64_t)((rows + plan->grain - 1) / plan->grain);
    return share;
}

/* Members are stored one by one: structures that are put together elsewhere and copied would wait for that.
 */
static void begin_gradient(ls_step_run_state *run)
{
    const ls_step *step = run->step;
    ls_gradient_job *job = &run->gradient;
    job->plan = &step->plan;
    job->kernels = step->kernels;
    job->rows = step->host == NULL ? run->local.count : run->rows;
    job->part = step->part;
    job->parts = step->share.parts;
    job->exact = step->recipe->training.reduce == 0;
    job->scale = step->scale;
    job->terms = run->terms;
    job->factor = run->factor;
    job->mean_factor = 1.0 / (double)run->call->rows.count;
    job->sums = step->sums;
    job->gradient = step->gradient;
    job->splits = &step->splits;
    if (step->host == NULL && ls_gradient_is_small(job)) job->small = step->small;
}

/* The part of the batch that begins with row begin. */
static void begin_part(ls_step_run_state *run, int64_t begin, int64_t count)
{
    ls_step *step = run->step;
    ls_step_call *call = run->call;
    const ls_step_share *share = share_of(step, count);
    run->rows = count;
    run->last = begin + count == call->rows.count;
    run->bad_tensor = run->bad_parameter = -1;
    run->terms = share->terms;
    run->posted = step->plan.segment_count;
    run->local = call->rows;
    run->local.count = call->status == LS_OK ? share->count : 0;
    run->panels = call->status == LS_OK ? share->panels : 0;
    run->first = begin + share->first;
    run->local.first += run->first;
    ls_home_clear(run->next_panel[true], step->plan.groups); /* the first that is used */
    begin_gradient(run);
    if (step->host != NULL) step->host->turn = !step->host->turn;
    ls_update_job *update = &run->update;
    update->step = step;
    update->learning_rate = call->learning_rate;
    update->factor = run->factor;
    update->terms = run->terms;
    update->rows = call->rows.count;
    update->first_part = begin == 0;
    update->measures = call->measure && run->last;
    if (call->gradient_only || count < call->rows.count) update->total = step->total;
}

ls_status ls_step_run(ls_step *step, ls_step_call *call)
{
    int64_t rows = call->rows.count, part = ls_step_part_rows(step->recipe, rows, step->plan.grain);
    float scale[LS_HEADS_MAX];
    double factor = ls_batch_factor(&step->objective, &call->rows, scale);
    ls_step_run_state *run = step->run;
    copy_scores(step, false);
    for (int64_t begin = 0; begin < rows; begin += part) {
        memset(run, 0, offsetof(ls_step_run_state, exchange));
        run->step = step;
        run->call = call;
        run->factor = factor;
        memcpy(run->scale, scale, sizeof scale);
        begin_part(run, begin, rows - begin < part ? rows - begin : part);
        ls_team_run(step->plan.threads, run_phases, run);
        drain(run);
        if (ls_step_given_up(run)) break;
    }
    return conclude(run);
}
