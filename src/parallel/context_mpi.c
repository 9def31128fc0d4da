#include <lockstep/lockstep.h>
#include <lockstep/mpi.h>
#include <stdio.h>
#include "parallel/agree.h"
#include "parallel/build.h"
#include "parallel/context_private.h"

/* One thread a rank calls MPI: the one that calls Lockstep. */
static ls_status check_thread_level(const ls_context *context)
{
    int level = MPI_THREAD_SINGLE, is_main = 0;
    if (ls_comm_size(context->comm) == 1) return LS_OK;
    if (MPI_Query_thread(&level) != MPI_SUCCESS || MPI_Is_thread_main(&is_main) != MPI_SUCCESS)
        return ls_error(LS_ERROR_PARALLEL, "MPI does not tell which level of threads it supports");
    if (context->threads > 1 && level < MPI_THREAD_FUNNELED)
        return ls_error(
            LS_ERROR_ARGUMENT,
            "MPI was initialised for one thread, but Lockstep is to use %d: call MPI_Init_thread with "
            "MPI_THREAD_FUNNELED instead of MPI_Init, or ask for 1 thread",
            context->threads);
    if (level <= MPI_THREAD_FUNNELED && !is_main)
        return ls_error(LS_ERROR_ARGUMENT,
                        "MPI may be called by the main thread only: call Lockstep from the thread that "
                        "called MPI_Init_thread, or initialise with MPI_THREAD_SERIALIZED");
    return LS_OK;
}

static ls_status agree_on_build(ls_comm *comm)
{
    char build[256];
    if (ls_comm_size(comm) == 1) return LS_OK;
    snprintf(build, sizeof build, "Lockstep %s, %s", ls_version(), ls_fingerprint());
    return ls_build_agree(comm, build);
}

ls_status ls_context_create_mpi(MPI_Comm communicator, int threads, ls_context **context)
{
    if (context == NULL) return ls_error(LS_ERROR_ARGUMENT, "ls_context_create_mpi: context is NULL");
    ls_comm *comm;
    *context = NULL;
    LS_TRY(ls_comm_create(&communicator, &comm));
    ls_status status = agree_on_build(comm);
    if (status == LS_OK) status = ls_context_create_over(comm, threads, true, context);
    if (status != LS_OK) {
        ls_comm_free(comm);
        return status;
    }
    status = ls_agree(comm, check_thread_level(*context));
    if (status != LS_OK) {
        ls_context_free(*context);
        *context = NULL;
    }
    return status;
}
