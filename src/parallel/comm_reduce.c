#include "parallel/comm_private.h"

#include <limits.h>
#include "base/fault.h"

size_t ls_comm_type_size(ls_comm_type type)
{
    return type == LS_SUM_FLOAT || type == LS_MAX_UINT32 ? 4 : 8;
}

/* Extremes of unsigned numbers are taken of signed ones with the highest bit turned: MPICH 4.0 compares all
   unsigned types as if they were signed, and Open MPI 4.1 does so with unsigned long. */
static bool is_extreme(ls_comm_type type)
{
    return type == LS_MAX_UINT32 || type == LS_MAX_UINT64 || type == LS_MIN_UINT64;
}

static void turn_highest_bits(ls_comm_type type, void *values, int64_t count)
{
    if (!is_extreme(type)) return;
    if (ls_comm_type_size(type) == 4)
        for (int64_t i = 0; i < count; i++) ((uint32_t *)values)[i] ^= (uint32_t)1 << 31;
    else
        for (int64_t i = 0; i < count; i++) ((uint64_t *)values)[i] ^= (uint64_t)1 << 63;
}

static MPI_Datatype datatype(ls_comm_type type)
{
    switch (type) {
    case LS_SUM_UINT64:
        return MPI_UINT64_T;
    case LS_MAX_UINT64:
    case LS_MIN_UINT64:
    case LS_SUM_INT64:
        return MPI_INT64_T;
    case LS_SUM_FLOAT:
        return MPI_FLOAT;
    case LS_MAX_UINT32:
        return MPI_INT32_T;
    }
    return MPI_DATATYPE_NULL;
}

static MPI_Op operation(ls_comm_type type)
{
    switch (type) {
    case LS_SUM_UINT64:
    case LS_SUM_INT64:
    case LS_SUM_FLOAT:
        return MPI_SUM;
    case LS_MAX_UINT32:
    case LS_MAX_UINT64:
        return MPI_MAX;
    case LS_MIN_UINT64:
        return MPI_MIN;
    }
    return MPI_OP_NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

ls_status ls_comm_reduce(ls_comm *comm, ls_comm_type type, void *values, int64_t count)
{
    if (ls_comm_is_solo(comm)) return LS_OK;
    size_t size = ls_comm_type_size(type);
    int first_code = MPI_SUCCESS;
    turn_highest_bits(type, values, count);
    /* A rank that failed goes on with the other pieces: the other ranks wait for it in them. */
    for (int64_t done = 0; done < count;) {
        int64_t piece = smaller(count - done, ls_comm_chunk_limit);
        int code = MPI_Allreduce(MPI_IN_PLACE, (char *)values + (size_t)done * size, (int)piece,
                                 datatype(type), operation(type), comm->mpi);
        if (first_code == MPI_SUCCESS) first_code = code;
        done += piece;
    }
    turn_highest_bits(type, values, count);
    return ls_comm_check(comm, first_code, ls_fault("communicate"), "MPI_Allreduce");
}

static ls_request *find_free(ls_comm *comm)
{
    for (int i = 0; i < LS_COMM_REQUESTS; i++)
        if (!comm->request[i].used) return &comm->request[i];
    return NULL;
}

static ls_status request_open(ls_comm *comm, ls_comm_type type, void *values, int64_t count,
                              ls_request **request)
{
    *request = NULL;
    if (count > (int64_t)LS_COMM_CHUNKS * INT_MAX)
        return ls_error(LS_ERROR_ARGUMENT,
                        "a reduction of %lld elements is too long: at most %lld can be under way",
                        (long long)count, (long long)LS_COMM_CHUNKS * INT_MAX);
    ls_request *made = find_free(comm);
    if (made == NULL)
        return ls_error(LS_ERROR_ARGUMENT,
                        "more than %d reductions at a time: wait for some before starting others",
                        LS_COMM_REQUESTS);
    made->used = true;
    made->fault = false;
    made->next = made->count = 0;
    made->code = MPI_SUCCESS;
    made->type = type;
    made->values = values;
    made->elements = count;
    *request = made;
    return LS_OK;
}

ls_status ls_comm_reduce_start(ls_comm *comm, ls_comm_type type, void *values, int64_t count,
                               ls_request **request)
{
    LS_TRY(request_open(comm, type, values, count, request));
    if (ls_comm_is_solo(comm)) return LS_OK;
    ls_request *made = *request;
    size_t size = ls_comm_type_size(type);
    int64_t longest = (count + LS_COMM_CHUNKS - 1) / LS_COMM_CHUNKS;
    if (longest < ls_comm_chunk_limit) longest = ls_comm_chunk_limit;
    turn_highest_bits(type, values, count);
    /* All pieces start here: if some waited for others to end, the order in which reductions are posted would
       differ from rank to rank. */
    for (int64_t done = 0; done < count;) {
        int64_t piece = smaller(count - done, longest);
        MPI_Request *handle = &made->piece[made->count++];
        int code = MPI_Iallreduce(MPI_IN_PLACE, (char *)values + (size_t)done * size, (int)piece,
                                  datatype(type), operation(type), comm->mpi, handle);
        if (code != MPI_SUCCESS) {
            *handle = MPI_REQUEST_NULL;
            if (made->code == MPI_SUCCESS) made->code = code;
        }
        done += piece;
    }
    made->fault = ls_fault("communicate");
    return LS_OK;
}

static ls_status request_close(ls_request *request)
{
    request->used = false;
    if (!ls_comm_is_solo(request->comm)) turn_highest_bits(request->type, request->values, request->elements);
    return ls_comm_check(request->comm, request->code, request->fault, "MPI_Iallreduce");
}

static void note_code(ls_request *request, int code)
{
    if (request->code == MPI_SUCCESS) request->code = code;
}

ls_status ls_request_test(ls_request *request, bool *done)
{
    *done = false;
    for (; request->next < request->count; request->next++) {
        int complete = 0;
        int code = MPI_Test(&request->piece[request->next], &complete, MPI_STATUS_IGNORE);
        if (code == MPI_SUCCESS && !complete) return LS_OK;
        note_code(request, code);
    }
    *done = true;
    return request_close(request);
}

ls_status ls_request_wait(ls_request *request)
{
    for (; request->next < request->count; request->next++)
        note_code(request, MPI_Wait(&request->piece[request->next], MPI_STATUS_IGNORE));
    return request_close(request);
}
