/* Agreed failure: after a phase in which one rank can fail alone, all ranks take the worst status and its
 * message. */
#ifndef LS_PARALLEL_AGREE_H
#define LS_PARALLEL_AGREE_H

#include "parallel/comm.h"

/* Returns LS_OK on all ranks, or on all ranks the status of the lowest rank whose status is not LS_OK, with
   its message in every thread that called
   ("rank 2 (host n1): cannot open ..." where size > 1). Collective; call it on every path, as in
   LS_TRY(ls_agree(comm, load(...))). */
ls_status ls_agree(ls_comm *comm, ls_status mine);

/* Fails on all ranks if value is not the same everywhere; the message names what, and the first rank that
 * differs from rank 0. Collective. */
ls_status ls_agree_same(ls_comm *comm, uint64_t value, ls_status failure, const char *what);

#endif
