/* The part of Lockstep's interface that needs MPI; the one public header that includes mpi.h. */
#ifndef LOCKSTEP_MPI_H
#define LOCKSTEP_MPI_H

#include <mpi.h>
#include <lockstep/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A context of the ranks of communicator, which is duplicated and may be freed by the caller afterwards. MPI
   must be initialised with at least MPI_THREAD_FUNNELED if threads > 1. threads as in ls_context_create; the
   ranks may use different numbers. Collective over communicator. Errors (the same on every rank):
   LS_ERROR_ARGUMENT, LS_ERROR_MEMORY, LS_ERROR_PARALLEL when the ranks do not run the same version of
   Lockstep or not the same numerics. */
LS_API ls_status ls_context_create_mpi(MPI_Comm communicator, int threads, ls_context **context);

#ifdef __cplusplus
}
#endif
#endif
