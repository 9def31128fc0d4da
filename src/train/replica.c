#include <string.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/memory.h"
#include "train/trainer.h"

static uint64_t hash_parameter(const ls_step *step, int index)
{
    const ls_parameter *parameter = &step->model->parameter[index];
    size_t size = (size_t)(parameter->rows * parameter->ld) * sizeof(float);
    return ls_hash(step->parameters + parameter->offset, size, 0);
}

/* Finds the first tensor on the first rank that differs from rank 0. All ranks come to the same answer. */
static ls_status find_difference(ls_step *step, const uint64_t *mine)
{
    int count = step->model->parameter_count;
    size_t *sizes = NULL;
    char *bytes = NULL;
    LS_TRY(ls_comm_gather_all(step->comm, mine, (size_t)count * sizeof *mine, &bytes, &sizes));
    const uint64_t *all = (const uint64_t *)(void *)bytes;
    ls_status status = LS_OK;
    for (int rank = 1; rank < ls_comm_size(step->comm) && status == LS_OK; rank++) {
        for (int p = 0; p < count && status == LS_OK; p++) {
            if (all[(int64_t)rank * count + p] == all[p]) continue;
            status = ls_error(
                LS_ERROR_REPLICA,
                "after step %lld the parameters of rank %d (host %s) differ from those of rank 0, first in "
                "%s: memory or processor of one of the two is at fault; resume from a checkpoint without it",
                (long long)step->steps, rank, ls_comm_host(step->comm, rank), step->model->parameter[p].name);
        }
    }
    ls_free(bytes);
    ls_free(sizes);
    return status;
}

/* For the test: the lowest bit of one weight. */
static void flip_bit(ls_step *step)
{
    float *victim = step->parameters + step->model->parameter[step->model->parameter_count - 1].offset;
    uint32_t bits;
    memcpy(&bits, victim, sizeof bits);
    bits ^= 1u;
    memcpy(victim, &bits, sizeof bits);
}

ls_status ls_replica_check(ls_step *step)
{
    if (ls_fault("flip")) flip_bit(step);
    if (ls_comm_size(step->comm) == 1) return LS_OK;
    uint64_t total = 0;
    for (int p = 0; p < step->model->parameter_count; p++) {
        step->hash[p] = hash_parameter(step, p);
        total = ls_hash(&step->hash[p], sizeof step->hash[p], total);
    }
    uint64_t extremes[2] = {total, ~total}; /* the largest complement is the complement of the smallest */
    LS_TRY(ls_comm_reduce(step->comm, LS_MAX_UINT64, extremes, 2));
    return extremes[0] == ~extremes[1] ? LS_OK : find_difference(step, step->hash);
}
