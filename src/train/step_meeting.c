/* Sums over the whole batch in the middle of a pass, as batch normalisation wants them: exact, in wide
 * accumulators, so that neither panels nor ranks show in them. */
#include "train/step_run.h"

static void add_lanes(const ls_step_run_state *run, int sum)
{
    const ls_step *step = run->step;
    int64_t lanes = step->plan.lanes, panels = run->panels;
    ls_wide *wide = &step->meeting[sum];
    ls_wide_clear(wide);
    for (int64_t p = 0; p < panels; p++) {
        const double *addend = step->lane_sums + (p * step->plan.meeting_sums + sum) * lanes;
        int64_t rest = run->local.count - p * lanes, count = rest < lanes ? rest : lanes;
        for (int64_t n = 0; n < count; n++) ls_wide_add(wide, addend[n]);
    }
    ls_wide_normalise(wide);
}

const double *ls_meeting_run(ls_step_run_state *run, ls_team *team, int thread, int node)
{
    ls_step *step = run->step;
    const ls_node *of = &step->model->node[node];
    int sums = of->type->batch_sums(of), sum;
    while ((sum = ls_team_take(team, &run->next_sum)) < sums) add_lanes(run, sum);
    ls_team_barrier(team);
    if (thread == 0) {
        _Static_assert(sizeof(ls_wide) % sizeof(int64_t) == 0, "an accumulator is an array of integers");
        if (run->status == LS_OK && ls_comm_size(step->comm) > 1) {
            run->status = ls_comm_reduce(step->comm, LS_SUM_INT64, step->meeting,
                                         (int64_t)sums * (int64_t)(sizeof(ls_wide) / sizeof(int64_t)));
        }
        for (int s = 0; s < sums; s++) step->batch_sums[s] = ls_wide_value(&step->meeting[s]);
        atomic_store_explicit(&run->next_sum, 0, memory_order_relaxed);
    }
    ls_team_barrier(team);
    return step->batch_sums;
}
