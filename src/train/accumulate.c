/* Batches in parts (training.accumulate): a batch that is too large for the memory is gone through in parts
 * of whole grains, one after the other, and the gradients of the parts are added, in float and in their
 * order. Each is an exact sum over the grains of its part, multiplied by what the whole batch asks for. */
#include "train/host.h"
#include "train/update.h"

int64_t ls_step_part_rows(const ls_recipe *recipe, int64_t rows, int64_t grain)
{
    int64_t parts = recipe->training.accumulate;
    if (parts <= 1) return rows;
    int64_t part = (rows + parts - 1) / parts;
    int64_t whole = grain > 0 ? (part + grain - 1) / grain * grain : part;
    return whole < rows ? whole : rows;
}

static void add(const ls_step *step, bool first, int64_t count, const float *from, float *total)
{
    for (int64_t i = 0; i < count && first; i++) total[i] = from[i];
    if (!first) step->kernels->add_scaled(1, count, from, total);
}

/* Means that layers keep up themselves are sums over samples as well. */
static void collect_means(const ls_update_job *job, int index)
{
    const ls_step *step = job->step;
    const ls_node *node = &step->model->node[index];
    for (int p = node->first_parameter; p < node->first_parameter + node->parameter_count; p++) {
        const ls_parameter *parameter = &step->model->parameter[p];
        if (!ls_update_is_mean(step, p)) continue;
        add(step, job->first_part, parameter->columns, ls_update_mean(job, p),
            job->total + parameter->offset);
    }
}

void ls_update_collect(ls_update_job *job, const ls_team *team, int thread)
{
    const ls_step *step = job->step;
    int index;
    while ((index = ls_update_take(job, team, &job->next_collected)) >= 0) {
        const ls_piece *piece = &step->plan.piece[index];
        const float *gradient = ls_update_gradient(job, piece, step->space[thread].piece);
        add(step, job->first_part, piece->count, gradient, job->total + piece->first);
    }
    while ((index = ls_team_take(team, &job->next_mean)) < step->model->node_count)
        if (ls_host_has_node(step, index)) collect_means(job, index);
}
