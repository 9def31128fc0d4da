/* Shared by the two ways to make a context. */
#ifndef LS_PARALLEL_CONTEXT_PRIVATE_H
#define LS_PARALLEL_CONTEXT_PRIVATE_H

#include "parallel/context.h"
#include "parallel/placement.h"

ls_status ls_context_check_threads(int threads);

/* A context that owns comm, unless it fails. launched: by mpirun or srun. Collective. */
ls_status ls_context_create_over(ls_comm *comm, int threads, bool launched, ls_context **context);

#endif
