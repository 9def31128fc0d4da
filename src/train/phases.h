/* How long the phases of a step take, for who wants to know: as thread 0 sees it. */
#ifndef LS_TRAIN_PHASES_H
#define LS_TRAIN_PHASES_H

#include <lockstep/tools.h>

#include "parallel/comm.h"

typedef struct ls_phase_clock {
    double last; /* reading */
    double seconds[LS_PHASE_COUNT];
} ls_phase_clock;

/* The time since the last call belongs to this phase. clock NULL: nobody wants to know. */
static inline void ls_phase_end(ls_phase_clock *clock, int thread, ls_phase phase)
{
    if (clock == NULL || thread != 0) return;
    double now = ls_comm_time();
    clock->seconds[phase] += now - clock->last;
    clock->last = now;
}

#endif
