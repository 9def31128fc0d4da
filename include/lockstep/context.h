/* Where a training runs: one process or the ranks of a communicator, and the threads of each. */
#ifndef LOCKSTEP_CONTEXT_H
#define LOCKSTEP_CONTEXT_H

#include <stdbool.h>
#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ls_context ls_context;

/* A context of this process alone. threads: 0 takes all cores this process may use, otherwise 1 to 1024. MPI
   is neither needed nor touched. The caller frees *context with ls_context_free. Local. Errors:
   LS_ERROR_ARGUMENT, LS_ERROR_MEMORY. For ranks see lockstep/mpi.h. */
LS_API ls_status ls_context_create(int threads, ls_context **context);

/* Frees a context (NULL is allowed). Collective if it was made by ls_context_create_mpi. */
LS_API void ls_context_free(ls_context *context);

LS_API int ls_context_rank(const ls_context *context);    /* 0 to size - 1 */
LS_API int ls_context_size(const ls_context *context);    /* number of ranks, 1 without MPI */
LS_API int ls_context_threads(const ls_context *context); /* threads used by this rank */

/* Whether this process was started by an MPI launcher (mpirun, mpiexec, srun), read from the environment.
   Where it was not, there is no need to call MPI_Init, which costs a process of its own about 0.4 s. Local.
 */
LS_API bool ls_launcher_present(void);

/* One line of warning if this rank has more threads than cores it is bound to, with the corrected mpirun and
   srun lines; NULL if all is well. The text belongs to the context. Collective: all ranks get the same
   answer. */
LS_API const char *ls_context_warning(ls_context *context);

/* Asks all running trainings of this process to stop after the step at hand, write a checkpoint and return
   LS_INTERRUPTED. Safe in a signal handler. Local; the ranks agree on it in the next step. */
LS_API void ls_request_stop(void);

#ifdef __cplusplus
}
#endif
#endif
