/* The passes of a step over all panels: stretches between the places where all panels must meet. */
#include "train/step_run.h"

static int64_t rows_of_panel(const ls_step_run_state *run, int64_t index)
{
    int64_t lanes = run->step->plan.lanes, rest = run->local.count - index * lanes;
    return rest < lanes ? rest : lanes;
}

/* A panel of the batch at hand, for one thread. */
static ls_panel *panel_of(const ls_step_run_state *run, int thread, int64_t index)
{
    const ls_step *step = run->step;
    const ls_plan *plan = &step->plan;
    ls_panel *panel = &step->panel[index];
    ls_panel_use(panel, step->parameters);
    panel->scratch = step->space[thread].scratch;
    panel->packs_from = run->gradient.small == NULL ? 0 : LS_LANES + 1;
    panel->packs_past_caches = plan->threads > 1 || step->host != NULL;
    panel->pass.training = true;
    panel->pass.seed = (uint64_t)step->recipe->seed;
    panel->pass.step = run->call->gradient_only ? 0 : step->steps;
    panel->pass.grain = plan->grain;
    panel->pass.first = run->first + index * plan->lanes;
    panel->pass.count = rows_of_panel(run, index);
    return panel;
}

/* The losses of all heads, with their derivatives. */
static void run_losses(ls_step_run_state *run, const ls_panel *panel, int64_t begin, int64_t count,
                       ls_thread_space *space)
{
    const ls_objective *objective = &run->step->objective;
    for (int h = 0; h < objective->head_count; h++) {
        const ls_head *head = &objective->head[h];
        float *delta = ls_panel_delta(panel, head->tensor), *apart = space->batch.predicted;
        bool add = false; /* to the derivative of an earlier head on the same output */
        for (int other = 0; other < h; other++) add |= objective->head[other].tensor == head->tensor;
        bool direct = delta == NULL || (!add && run->scale[h] == 1);
        ls_batch_targets(panel, head, &run->local, begin, count, &space->batch);
        ls_batch_loss(panel, head, &run->local, count, direct ? delta : apart, &space->batch,
                      &space->score.head[h]);
        if (!direct) ls_batch_put_delta(apart, run->scale[h], add, head->units * panel->lanes, delta);
    }
    space->score.samples += count;
}

/* The number of the next panel that a thread takes: of its own group of threads, then of the others; -1:
 * none. */
static int next_panel(ls_step_run_state *run, const ls_team *team, ls_home *at, bool turn)
{
    if (run->panels == 0) return -1;
    return ls_home_take(at, team, run->next_panel[turn], run->step->share.group_panel);
}

static ls_home groups_of(const ls_step_run_state *run, const ls_team *team, int thread)
{
    return ls_home_of(run->step->plan.groups, team, thread);
}

static void run_stretch(ls_step_run_state *run, const ls_team *team, int thread, const ls_stretch *part)
{
    ls_step *step = run->step;
    const ls_plan *plan = &step->plan;
    ls_thread_space *space = &step->space[thread];
    ls_home at = groups_of(run, team, thread);
    int index;
    while ((index = next_panel(run, team, &at, part->turn)) >= 0) {
        ls_panel *panel = panel_of(run, thread, index);
        int64_t begin = index * panel->lanes, count = panel->pass.count;
        panel->batch_sums = part->sums;
        if (!part->backward) {
            if (part->opened)
                ls_panel_opened(panel);
            else if (part->first == 0)
                ls_batch_gather(panel, &run->local, begin, count, false);
            ls_phase_end(step->clock, thread, LS_PHASE_GATHER);
            ls_panel_forward(panel, part->first, part->end);
        }
        if (part->with_loss) {
            run_losses(run, panel, begin, count, space);
            panel->batch_sums = NULL;
        }
        if (part->backward || part->with_loss) ls_panel_backward(panel, part->back_first, part->back_end);
        if (part->meeting >= 0)
            ls_panel_gather(panel, part->meeting, part->backward || part->with_loss,
                            step->lane_sums + index * plan->meeting_sums * plan->lanes);
        ls_phase_end(step->clock, thread, LS_PHASE_PASSES);
    }
}

/* Stretches take turns with two sets of counters of panels: while one is used, nobody looks at the other. */
static void begin_stretch(ls_step_run_state *run, int thread, ls_stretch *part)
{
    part->turn = !part->turn;
    if (thread == 0) ls_home_clear(run->next_panel[!part->turn], run->step->plan.groups);
}

/* Runs a stretch and, where it ends in a meeting, finds the sums; NULL if there are none. */
static const double *finish_stretch(ls_step_run_state *run, ls_team *team, int thread, ls_stretch *part)
{
    begin_stretch(run, thread, part);
    run_stretch(run, team, thread, part);
    part->opened = false;
    ls_team_barrier(team);
    ls_phase_end(run->step->clock, thread, LS_PHASE_WAITING);
    if (part->meeting < 0) return NULL;
    const double *sums = ls_meeting_run(run, team, thread, part->meeting);
    ls_phase_end(run->step->clock, thread, LS_PHASE_EXCHANGE);
    return sums;
}

/* The units of the first node for all panels. */
static void run_units(ls_step_run_state *run, const ls_team *team, int thread)
{
    const ls_plan *plan = &run->step->plan;
    const int64_t block = plan->unit_block;
    ls_home at = groups_of(run, team, thread);
    int index;
    while ((index = ls_home_take(&at, team, run->next_unit, plan->group_block)) >= 0) {
        const int64_t first = plan->group_unit[at.home] + (index - plan->group_block[at.home]) * block;
        const int64_t left = plan->group_unit[at.home + 1] - first;
        for (int64_t p = 0; p < run->panels; p++)
            ls_panel_open_units(&run->step->panel[p], first, left < block ? left : block);
    }
}

/* The first node by units of all panels instead of panel by panel (plan.opens). */
static void run_opening(ls_step_run_state *run, ls_team *team, int thread, ls_stretch *part)
{
    ls_phase_clock *clock = run->step->clock;
    ls_home at = groups_of(run, team, thread);
    int index;
    begin_stretch(run, thread, part);
    if (thread == 0) ls_home_clear(run->next_unit, run->step->plan.groups);
    while ((index = next_panel(run, team, &at, part->turn)) >= 0) {
        ls_panel *panel = panel_of(run, thread, index);
        ls_batch_gather(panel, &run->local, index * panel->lanes, panel->pass.count, true);
        ls_panel_open(panel);
    }
    ls_phase_end(clock, thread, LS_PHASE_GATHER);
    ls_team_barrier(team);
    ls_phase_end(clock, thread, LS_PHASE_WAITING);
    run_units(run, team, thread);
    ls_phase_end(clock, thread, LS_PHASE_UNITS);
    ls_team_barrier(team);
    ls_phase_end(clock, thread, LS_PHASE_WAITING);
    part->opened = true;
    part->first = 1;
}

/* From the meeting nearest to its end to the one nearest to its beginning. */
void ls_passes_backward(ls_step_run_state *run, ls_team *team, int thread, int segment, ls_stretch *part)
{
    const ls_plan *plan = &run->step->plan;
    int begin = plan->first_node[segment];
    int m = plan->meeting_count - 1;
    part->back_end = plan->first_node[segment + 1];
    while (m >= 0 && plan->meeting[m] >= part->back_end) m--;
    for (;;) {
        bool meets = m >= 0 && plan->meeting[m] >= begin;
        part->meeting = meets ? plan->meeting[m] : -1;
        part->back_first = meets ? plan->meeting[m] + 1 : begin;
        part->sums = finish_stretch(run, team, thread, part);
        if (!meets || ls_step_given_up(run)) return;
        part->backward = true;
        part->with_loss = false;
        part->back_end = part->back_first;
        m--;
    }
}

void ls_passes_forward(ls_step_run_state *run, ls_team *team, int thread, ls_stretch *part)
{
    const ls_plan *plan = &run->step->plan;
    if (plan->opens) run_opening(run, team, thread, part);
    for (int m = 0; m < plan->meeting_count; m++) {
        part->end = part->meeting = plan->meeting[m];
        part->sums = finish_stretch(run, team, thread, part);
        if (ls_step_given_up(run)) return;
        part->first = part->end;
    }
    part->end = plan->model->node_count;
    part->with_loss = true;
    ls_passes_backward(run, team, thread, plan->segment_count - 1, part);
}
