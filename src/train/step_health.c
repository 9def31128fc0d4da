/* What is measured of a step after its update: activations, which are still in the memory of the panels. */
#include <math.h>

#include "train/step_run.h"

typedef struct measure_run {
    const ls_step_run_state *run;
    ls_health *health;
    atomic_int next; /* tensor that nobody has taken */
} measure_run;

static bool is_overwritten(const ls_plan *plan, int tensor)
{
    for (int n = 0; n < plan->model->node_count; n++) {
        if (plan->in_place[n] && plan->model->node[n].input[0] == tensor) return true;
    }
    return false;
}

/* The mean square of each sample is one chain of doubles in the order of units; it goes into the exact sum as
 * a float. */
static void add_squares(const ls_panel *panel, int tensor, int64_t count, ls_wide *sum)
{
    const float *value = ls_panel_value(panel, tensor);
    int64_t units = panel->plan->slot[tensor].units;
    double square[LS_PANEL_LANES_MAX] = {0};
    for (int64_t u = 0; u < units; u++) {
        for (int64_t n = 0; n < panel->lanes; n++) {
            double x = (double)value[u * panel->lanes + n];
            square[n] += x * x;
        }
    }
    for (int64_t n = 0; n < count; n++) ls_wide_add(sum, (double)(float)(square[n] / (double)units));
}

static void find_alive(const ls_panel *panel, int tensor, int64_t count, int64_t flags, uint32_t *alive)
{
    const float *value = ls_panel_value(panel, tensor);
    int64_t units = panel->plan->slot[tensor].units, each = units / flags;
    for (int64_t u = 0; u < units; u++) {
        for (int64_t n = 0; n < count; n++) alive[u / each] |= value[u * panel->lanes + n] != 0;
    }
}

static void measure_tensors(ls_team *team, int thread, void *argument)
{
    (void)team;
    (void)thread;
    measure_run *m = argument;
    const ls_step *step = m->run->step;
    ls_health *health = m->health;
    int64_t panels = m->run->panels, lanes = step->plan.lanes;
    int tensor;
    while ((tensor = atomic_fetch_add(&m->next, 1)) < step->plan.tensor_count) {
        int first = health->first_flag[tensor], flags = health->first_flag[tensor + 1] - first;
        ls_wide_clear(&health->sum[tensor]);
        for (int f = 0; f < flags; f++) health->alive[first + f] = 0;
        for (int64_t p = 0; p < panels; p++) {
            int64_t rest = m->run->local.count - p * lanes, count = rest < lanes ? rest : lanes;
            add_squares(&step->panel[p], tensor, count, &health->sum[tensor]);
            if (flags > 0) find_alive(&step->panel[p], tensor, count, flags, health->alive + first);
        }
        ls_wide_normalise(&health->sum[tensor]);
    }
}

static ls_status add_ranks(const ls_step *step, ls_health *health)
{
    int64_t words = (int64_t)(sizeof *health->sum / sizeof(int64_t)) * step->plan.tensor_count;
    int64_t flags = health->first_flag[step->plan.tensor_count];
    if (ls_comm_size(step->comm) == 1) return LS_OK;
    LS_TRY(ls_comm_reduce(step->comm, LS_SUM_INT64, health->sum, words));
    if (flags == 0) return LS_OK;
    return ls_comm_reduce(step->comm, LS_MAX_UINT32, health->alive, flags);
}

static void conclude(const ls_step_run_state *run, ls_health *health)
{
    const ls_plan *plan = &run->step->plan;
    ls_health_add_pieces(health, plan);
    *health->step = (double)run->step->steps;
    *health->samples = (double)run->rows;
    for (int t = 0; t < plan->tensor_count; t++) {
        int first = health->first_flag[t], flags = health->first_flag[t + 1] - first, dead = 0;
        for (int f = 0; f < flags; f++) dead += health->alive[first + f] == 0;
        double mean = ls_wide_value(&health->sum[t]) / (double)run->rows;
        health->activation[t] = is_overwritten(plan, t) ? NAN : sqrt(mean);
        health->dead[t] = flags > 0 ? (double)dead / flags : NAN;
    }
}

ls_status ls_step_measure(ls_step_run_state *run)
{
    ls_step *step = run->step;
    measure_run m = {.run = run, .health = step->health};
    ls_team_run(step->plan.threads, measure_tensors, &m);
    LS_TRY(add_ranks(step, step->health));
    conclude(run, step->health);
    return LS_OK;
}
