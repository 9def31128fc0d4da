/* The sums of all ranks where they share a host's memory: each rank adds up one slice of the arena from the
 * arrays of all, in its own array, and everybody reads a slice where its rank has it. Nothing is copied. The
 * exchange in front of the next gradients (step_exchange.c) is what keeps ranks from writing while others
 * still read: it ends only when all have posted theirs, which they do after their update. */
#include "base/memory.h"
#include "train/step_run.h"

enum { CHUNK_ELEMENTS = 4096 }; /* that a thread takes at a time */

/* The elements of each rank's slice: whole pieces of the update, which then read from one array each. */
static void cut(const ls_plan *plan, int ranks, int64_t *slice)
{
    int64_t size = plan->model->arena_size;
    int piece = 0;
    slice[0] = 0;
    for (int r = 1; r < ranks; r++) {
        while (piece < plan->piece_count && plan->piece[piece].first < size / ranks * r) piece++;
        slice[r] = piece < plan->piece_count ? plan->piece[piece].first : size;
    }
    slice[ranks] = size;
}

ls_status ls_step_connect(ls_step *step)
{
    int ranks = ls_comm_size(step->comm);
    if (step->sums == NULL || ranks == 1) return LS_OK;
    LS_TRY(ls_shared_create(step->comm, step->model->arena_size, &step->shared));
    if (step->shared == NULL) return LS_OK;
    ls_free(step->sums);
    step->sums = ls_shared_of(step->shared, ls_comm_rank(step->comm));
    return LS_OK;
}

ls_status ls_step_cut_sums(ls_step *step)
{
    int ranks = ls_comm_size(step->comm);
    step->slice = ls_alloc((size_t)ranks + 1, sizeof *step->slice);
    if (step->slice == NULL) return LS_ERROR_MEMORY;
    cut(&step->plan, ranks, step->slice);
    return LS_OK;
}

const uint64_t *ls_step_sums(const ls_step *step, int64_t element)
{
    if (step->shared == NULL) return step->sums + element;
    int owner = 0;
    while (step->slice[owner + 1] <= element) owner++;
    return ls_shared_of(step->shared, owner) + element;
}

static void add_slice(ls_step_run_state *run, const ls_team *team)
{
    const ls_step *step = run->step;
    int rank = ls_comm_rank(step->comm), ranks = ls_comm_size(step->comm);
    int64_t end = step->slice[rank + 1], first;
    while ((first = step->slice[rank] + (int64_t)ls_team_take(team, &run->next_chunk) * CHUNK_ELEMENTS) <
           end) {
        int64_t count = end - first < CHUNK_ELEMENTS ? end - first : CHUNK_ELEMENTS;
        for (int r = 0; r < ranks; r++)
            if (r != rank)
                step->kernels->add_integers(ls_shared_of(step->shared, r) + first, step->sums + first, count);
    }
}

void ls_sums_add_ranks(ls_step_run_state *run, ls_team *team, int thread)
{
    if (thread == 0) ls_shared_barrier(run->step->shared);
    ls_team_barrier(team);
    add_slice(run, team);
    ls_team_barrier(team);
    if (thread == 0) ls_shared_barrier(run->step->shared);
    ls_team_barrier(team);
}
