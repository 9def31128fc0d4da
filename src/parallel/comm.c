#define _GNU_SOURCE
#include "parallel/comm_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/memory.h"
#include "parallel/agree.h"

int64_t ls_comm_chunk_limit = (int64_t)1 << 28;

ls_status ls_comm_check(ls_comm *comm, int code, bool fault, const char *call)
{
    if (code == MPI_SUCCESS && !fault) return LS_OK;
    char reason[MPI_MAX_ERROR_STRING + 1] = "a failure injected by LOCKSTEP_FAULT";
    int length = 0;
    if (code != MPI_SUCCESS && MPI_Error_string(code, reason, &length) != MPI_SUCCESS)
        snprintf(reason, sizeof reason, "error code %d", code);
    ls_status status =
        ls_error(LS_ERROR_PARALLEL,
                 "%s failed: %.1024s; the connection between the ranks is not reliable any more, "
                 "start the run again",
                 call, reason);
    if (comm->failure == LS_OK) {
        comm->failure = status;
        snprintf(comm->failure_message, sizeof comm->failure_message, "%s", ls_error_message());
    }
    return status;
}

ls_status ls_comm_failure(const ls_comm *comm)
{
    return comm->failure == LS_OK ? LS_OK : ls_error(comm->failure, "%s", comm->failure_message);
}

/* For an error of MPI where there is no communicator of ours yet. */
static ls_status refuse(int code, const char *call)
{
    char reason[MPI_MAX_ERROR_STRING + 1] = "";
    int length = 0;
    if (MPI_Error_string(code, reason, &length) != MPI_SUCCESS)
        snprintf(reason, sizeof reason, "error code %d", code);
    return ls_error(LS_ERROR_PARALLEL, "%s failed: %s", call, reason);
}

#define LS_TRY_MPI(call, name)                                                                               \
    do {                                                                                                     \
        int code_of_try_ = (call);                                                                           \
        if (code_of_try_ != MPI_SUCCESS) return refuse(code_of_try_, name);                                  \
    } while (0)

static ls_status comm_new(int rank, int size, MPI_Comm mpi, ls_comm **comm)
{
    ls_comm *made = ls_alloc(1, sizeof *made);
    if (made == NULL) return LS_ERROR_MEMORY;
    made->mpi = mpi;
    made->rank = rank;
    made->size = size;
    made->nodes = 1;
    made->hosts = ls_alloc((size_t)size, LS_COMM_HOST_SIZE);
    for (int i = 0; i < LS_COMM_REQUESTS; i++) made->request[i].comm = made;
    *comm = made;
    return made->hosts == NULL ? LS_ERROR_MEMORY : LS_OK;
}

ls_status ls_comm_create_solo(ls_comm **comm)
{
    *comm = NULL;
    ls_fault_set_rank(0);
    ls_status status = comm_new(0, 1, MPI_COMM_NULL, comm);
    if (status != LS_OK) {
        ls_comm_free(*comm);
        *comm = NULL;
        return status;
    }
    if (gethostname((*comm)->hosts, LS_COMM_HOST_SIZE - 1) != 0)
        snprintf((*comm)->hosts, LS_COMM_HOST_SIZE, "localhost");
    return LS_OK;
}

static int compare_hosts(const void *a, const void *b)
{
    return memcmp(a, b, LS_COMM_HOST_SIZE);
}

static ls_status count_nodes(ls_comm *comm)
{
    char *sorted = ls_alloc((size_t)comm->size, LS_COMM_HOST_SIZE);
    if (sorted == NULL) return LS_ERROR_MEMORY;
    memcpy(sorted, comm->hosts, (size_t)comm->size * LS_COMM_HOST_SIZE);
    qsort(sorted, (size_t)comm->size, LS_COMM_HOST_SIZE, compare_hosts);
    comm->nodes = 1;
    for (int i = 1; i < comm->size; i++) {
        const char *one = sorted + (size_t)i * LS_COMM_HOST_SIZE;
        if (compare_hosts(one, one - LS_COMM_HOST_SIZE) != 0) comm->nodes++;
    }
    ls_free(sorted);
    return LS_OK;
}

/* Every host's name on every rank. */
static ls_status share_hosts(ls_comm *comm)
{
    char name[MPI_MAX_PROCESSOR_NAME + 1] = "";
    int length = 0;
    char *mine = comm->hosts + (size_t)comm->rank * LS_COMM_HOST_SIZE;
    ls_status status =
        ls_comm_check(comm, MPI_Get_processor_name(name, &length), false, "MPI_Get_processor_name");
    snprintf(mine, LS_COMM_HOST_SIZE, "%.*s", LS_COMM_HOST_SIZE - 1, name);
    if (!ls_comm_is_solo(comm)) {
        int code = MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, comm->hosts, LS_COMM_HOST_SIZE, MPI_CHAR,
                                 comm->mpi);
        if (status == LS_OK) status = ls_comm_check(comm, code, false, "MPI_Allgather");
    }
    return status == LS_OK ? count_nodes(comm) : status;
}

/* One rank may be refused memory where the others are not; made may be NULL then, so the agreement goes over
   a communicator that lives on the stack. */
static ls_status agree_on_memory(int rank, int size, MPI_Comm mpi, ls_status mine, ls_comm *made)
{
    ls_comm talk;
    memset(&talk, 0, sizeof talk);
    talk.mpi = mpi;
    talk.rank = rank;
    talk.size = size;
    ls_status status = ls_agree(&talk, mine);
    if (made != NULL) {
        made->failure = talk.failure;
        memcpy(made->failure_message, talk.failure_message, sizeof made->failure_message);
    }
    return status;
}

static ls_status check_communicator(const MPI_Comm *mpi)
{
    int initialised = 0, finalised = 0, inter = 0;
    LS_TRY_MPI(MPI_Initialized(&initialised), "MPI_Initialized");
    LS_TRY_MPI(MPI_Finalized(&finalised), "MPI_Finalized");
    if (!initialised || finalised)
        return ls_error(LS_ERROR_ARGUMENT,
                        "MPI is not running: call MPI_Init_thread before a context is made of a "
                        "communicator, and MPI_Finalize after it is freed");
    if (mpi == NULL || *mpi == MPI_COMM_NULL)
        return ls_error(LS_ERROR_ARGUMENT,
                        "the communicator is MPI_COMM_NULL: only the ranks that belong to a "
                        "communicator can make a context of it");
    LS_TRY_MPI(MPI_Comm_test_inter(*mpi, &inter), "MPI_Comm_test_inter");
    if (inter)
        return ls_error(LS_ERROR_ARGUMENT, "the communicator is an intercommunicator: give an "
                                           "intracommunicator (MPI_Intercomm_merge makes one)");
    return LS_OK;
}

ls_status ls_comm_create(void *mpi_communicator, ls_comm **comm)
{
    MPI_Comm duplicate;
    int rank, size;
    *comm = NULL;
    LS_TRY(check_communicator(mpi_communicator));
    LS_TRY_MPI(MPI_Comm_dup(*(MPI_Comm *)mpi_communicator, &duplicate), "MPI_Comm_dup");
    LS_TRY_MPI(MPI_Comm_set_errhandler(duplicate, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    LS_TRY_MPI(MPI_Comm_rank(duplicate, &rank), "MPI_Comm_rank");
    LS_TRY_MPI(MPI_Comm_size(duplicate, &size), "MPI_Comm_size");
    ls_fault_set_rank(rank);

    ls_status status = comm_new(rank, size, duplicate, comm);
    status = agree_on_memory(rank, size, duplicate, status, *comm);
    if (status == LS_OK) status = ls_agree(*comm, share_hosts(*comm));
    if (status != LS_OK) {
        if (*comm == NULL)
            MPI_Comm_free(&duplicate);
        else
            ls_comm_free(*comm);
        *comm = NULL;
    }
    return status;
}

void ls_comm_free(ls_comm *comm)
{
    if (comm == NULL) return;
    int finalised = 0;
    /* After MPI_Finalize the duplicate is gone already; an error here has nobody left to hear of it. */
    if (comm->mpi != MPI_COMM_NULL && MPI_Finalized(&finalised) == MPI_SUCCESS && !finalised)
        (void)MPI_Comm_free(&comm->mpi);
    ls_free(comm->hosts);
    ls_free(comm);
}

int ls_comm_rank(const ls_comm *comm)
{
    return comm->rank;
}

int ls_comm_size(const ls_comm *comm)
{
    return comm->size;
}

int ls_comm_nodes(const ls_comm *comm)
{
    return comm->nodes;
}

const char *ls_comm_host(const ls_comm *comm, int rank)
{
    if (comm->hosts == NULL || rank < 0 || rank >= comm->size) return "unknown";
    return comm->hosts + (size_t)rank * LS_COMM_HOST_SIZE;
}

double ls_comm_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
