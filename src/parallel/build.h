/* All ranks must run the same version of Lockstep with the same numerics. */
#ifndef LS_PARALLEL_BUILD_H
#define LS_PARALLEL_BUILD_H

#include "parallel/comm.h"

/* build: the text of this rank that must be the same on all. Collective. LS_ERROR_PARALLEL with a message
 * that names the first rank that differs from rank 0, its host, and both texts. */
ls_status ls_build_agree(ls_comm *comm, const char *build);

#endif
