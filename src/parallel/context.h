/* The inside of ls_context. */
#ifndef LS_PARALLEL_CONTEXT_H
#define LS_PARALLEL_CONTEXT_H

#include <lockstep/context.h>
#include "parallel/comm.h"

struct ls_context {
    ls_comm *comm;
    int threads;
    char *warning; /* NULL: none */
};

extern volatile int ls_stop_requested; /* set by ls_request_stop (a volatile sig_atomic_t in effect) */

/* What fixes the bits on this machine, for all ranks to agree on and checkpoints to store: a short text such
   as "lockstep numerics 2, IEEE 754 binary32 with fused multiply-add". Same on all processors on which
   results are the same. */
const char *ls_fingerprint(void);

#endif
