#include "parallel/comm_private.h"

#include <string.h>
#include "base/fault.h"
#include "base/memory.h"
#include "parallel/agree.h"

static int broadcast_pieces(ls_comm *comm, void *bytes, size_t size, int root)
{
    int first_code = MPI_SUCCESS;
    for (size_t done = 0; done < size;) {
        size_t piece = size - done;
        if (piece > (size_t)ls_comm_chunk_limit) piece = (size_t)ls_comm_chunk_limit;
        int code = MPI_Bcast((char *)bytes + done, (int)piece, MPI_BYTE, root, comm->mpi);
        if (first_code == MPI_SUCCESS) first_code = code;
        done += piece;
    }
    return first_code;
}

ls_status ls_comm_broadcast(ls_comm *comm, void *bytes, size_t size, int root)
{
    if (ls_comm_is_solo(comm)) return LS_OK;
    int code = broadcast_pieces(comm, bytes, size, root);
    return ls_comm_check(comm, code, ls_fault("communicate"), "MPI_Bcast");
}

typedef struct gather {
    char *all;
    size_t *sizes;
    uint64_t *wide; /* sizes as MPI counts them */
    int *count, *start;
} gather;

static ls_status gather_alloc(gather *g, int ranks, uint64_t total)
{
    g->sizes = ls_alloc((size_t)ranks, sizeof *g->sizes);
    g->wide = ls_alloc((size_t)ranks, sizeof *g->wide);
    g->count = ls_alloc((size_t)ranks, sizeof *g->count);
    g->start = ls_alloc((size_t)ranks, sizeof *g->start);
    g->all = ls_alloc((size_t)total + 1, 1);
    if (!g->sizes || !g->wide || !g->count || !g->start || !g->all) return LS_ERROR_MEMORY;
    return LS_OK;
}

static void gather_free_work(gather *g)
{
    ls_free(g->wide);
    ls_free(g->count);
    ls_free(g->start);
}

/* Few bytes go in one call; many rank by rank, since the positions in one call are ints. */
static int gather_bytes(ls_comm *comm, gather *g, const void *mine, size_t size, uint64_t total)
{
    uint64_t position = 0;
    int first_code = MPI_SUCCESS;
    if (total <= (uint64_t)ls_comm_chunk_limit) {
        for (int r = 0; r < comm->size; r++) {
            g->count[r] = (int)g->sizes[r];
            g->start[r] = (int)position;
            position += g->sizes[r];
        }
        return MPI_Allgatherv(mine, (int)size, MPI_BYTE, g->all, g->count, g->start, MPI_BYTE, comm->mpi);
    }
    for (int r = 0; r < comm->size; r++) {
        if (r == comm->rank && size > 0) memcpy(g->all + position, mine, size);
        int code = broadcast_pieces(comm, g->all + position, g->sizes[r], r);
        if (first_code == MPI_SUCCESS) first_code = code;
        position += g->sizes[r];
    }
    return first_code;
}

static ls_status gather_run(ls_comm *comm, gather *g, const void *bytes, size_t size, uint64_t total)
{
    LS_TRY(ls_agree(comm, gather_alloc(g, comm->size, total)));
    uint64_t mine = size;
    int first_code = MPI_Allgather(&mine, 1, MPI_UINT64_T, g->wide, 1, MPI_UINT64_T, comm->mpi);
    for (int r = 0; r < comm->size; r++) g->sizes[r] = (size_t)g->wide[r];
    if (total > 0 && first_code == MPI_SUCCESS) first_code = gather_bytes(comm, g, bytes, size, total);
    return ls_comm_check(comm, first_code, ls_fault("communicate"), "MPI_Allgatherv");
}

static ls_status gather_solo(gather *g, const void *bytes, size_t size)
{
    LS_TRY(gather_alloc(g, 1, size));
    g->sizes[0] = size;
    if (size > 0) memcpy(g->all, bytes, size);
    return LS_OK;
}

ls_status ls_comm_gather_all(ls_comm *comm, const void *bytes, size_t size, char **all, size_t **sizes)
{
    gather g = {0};
    uint64_t total = size;
    *all = NULL;
    *sizes = NULL;
    ls_status status = ls_comm_reduce(comm, LS_SUM_UINT64, &total, 1);
    ls_status later =
        ls_comm_is_solo(comm) ? gather_solo(&g, bytes, size) : gather_run(comm, &g, bytes, size, total);
    if (status == LS_OK) status = later;
    gather_free_work(&g);
    if (status != LS_OK) {
        ls_free(g.all);
        ls_free(g.sizes);
        return status;
    }
    *all = g.all;
    *sizes = g.sizes;
    return LS_OK;
}

void ls_comm_progress(ls_comm *comm)
{
    int flag;
    if (!ls_comm_is_solo(comm)) MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm->mpi, &flag, MPI_STATUS_IGNORE);
}

ls_status ls_comm_barrier(ls_comm *comm)
{
    if (ls_comm_is_solo(comm)) return LS_OK;
    int code = MPI_Barrier(comm->mpi);
    return ls_comm_check(comm, code, ls_fault("communicate"), "MPI_Barrier");
}
