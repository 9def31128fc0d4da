/* Arrays that all ranks of one host can read, so that sums over ranks need no messages. Each rank writes its
   own array; between two barriers, any rank may read those of the others. */
#ifndef LS_PARALLEL_SHARED_H
#define LS_PARALLEL_SHARED_H

#include "parallel/comm.h"

typedef struct ls_shared ls_shared;

/* An array of bytes, zero, for each rank. layout: of what lies in it. Collective. *shared is NULL, with LS_OK
   on all ranks, where this cannot be: one rank alone, ranks on several hosts, arrays of different sizes or
   layouts, too little room in the shared memory of one of them (/dev/shm), or LOCKSTEP_MESSAGES set for one
   of them. Fault point "shared" (as if there were no room). Errors: LS_ERROR_MEMORY, LS_ERROR_PARALLEL. */
ls_status ls_shared_create(ls_comm *comm, size_t bytes, uint64_t layout, ls_shared **shared);

/* Local; the arrays of other ranks stay theirs. Memory goes when the last rank has freed it or ended. */
void ls_shared_free(ls_shared *shared);

/* The array of a rank, which begins with a page, and its size. Local. */
void *ls_shared_of(const ls_shared *shared, int rank);
size_t ls_shared_bytes(const ls_shared *shared);

/* Waits until all ranks are here; what they wrote before is visible after. Spins, then yields, and lets
   messages move meanwhile. By one thread of a rank. Collective. */
void ls_shared_barrier(ls_shared *shared);

#endif
