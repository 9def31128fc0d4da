/* Slices of the arena with about the same work, for ranks that share a host and for threads. */
#include "nn/plan.h"

enum { UPDATE_WORK = 32 }; /* of updating an element, in multiply-adds of its gradient */

/* Multiply-adds of a sample for an element of a parameter's gradient. */
static double work_an_element(const ls_plan *plan, int parameter)
{
    const ls_node *node = &plan->model->node[plan->parameter_node[parameter]];
    if (plan->kind[parameter] == LS_GRADIENT_TILE)
        return (double)(ls_shape_size(&node->out) / node->out.dim[0]);
    return plan->kind[parameter] == LS_GRADIENT_OUTER ? 1 : 0;
}

int ls_plan_splits(const ls_plan *plan, int parameter)
{
    enum { WORTH_IT = 1024 }; /* multiply-adds of a group for an element */
    if (!plan->by_samples || plan->kind[parameter] != LS_GRADIENT_TILE) return 1;
    const double work = (double)plan->batch * work_an_element(plan, parameter) / WORTH_IT;
    const int64_t grains = (plan->batch + plan->grain - 1) / plan->grain;
    int splits = plan->groups;
    if (splits > work) splits = (int)work;
    if (splits > grains) splits = (int)grains;
    return splits < 1 ? 1 : splits;
}

static double work_of(const ls_plan *plan, const ls_piece *piece, bool of_threads)
{
    double samples = (double)plan->batch * work_an_element(plan, piece->parameter);
    if (of_threads && ls_plan_splits(plan, piece->parameter) > 1) samples = 0;
    return (double)piece->count * (samples + UPDATE_WORK);
}

/* The parameters of a node that keeps some itself stay together. */
static bool may_begin(const ls_plan *plan, const ls_piece *piece)
{
    const ls_node *node = &plan->model->node[plan->parameter_node[piece->parameter]];
    return node->type->after_step == NULL || piece->parameter == node->first_parameter;
}

void ls_plan_cut(const ls_plan *plan, int64_t first, int64_t end, int slices, bool of_threads,
                 int64_t *element, int64_t *piece)
{
    int64_t begin = 0, last;
    double all = 0, done = 0;
    int slice = 1;
    while (begin < plan->piece_count && plan->piece[begin].first < first) begin++;
    for (last = begin; last < plan->piece_count && plan->piece[last].first < end; last++)
        all += work_of(plan, &plan->piece[last], of_threads);
    element[0] = first;
    piece[0] = begin;
    for (int64_t p = begin; p < last; p++) {
        double work = work_of(plan, &plan->piece[p], of_threads);
        while (slice < slices && done + work / 2 > all * slice / slices && may_begin(plan, &plan->piece[p])) {
            element[slice] = plan->piece[p].first;
            piece[slice++] = p;
        }
        done += work;
    }
    for (; slice <= slices; slice++) {
        element[slice] = end;
        piece[slice] = last;
    }
}
