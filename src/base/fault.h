/* Injected failures, compiled in for tests only (-DLS_FAULT_INJECTION). The environment variable
   LOCKSTEP_FAULT holds a comma-separated list of POINT[:rank=R][:nth=N]; the N-th (default first) passage of
   POINT on rank R (default any) fails. Points: memory, open, read, write, sync, rename, communicate, flip,
   overflow, shared. */
#ifndef LS_BASE_FAULT_H
#define LS_BASE_FAULT_H

#include <stdbool.h>

#ifdef LS_FAULT_INJECTION
bool ls_fault(const char *point); /* whether this passage of the point must fail; thread-safe */
void ls_fault_set_rank(int rank); /* called where a context learns its rank */
#else
static inline bool ls_fault(const char *point)
{
    (void)point;
    return false;
}
static inline void ls_fault_set_rank(int rank)
{
    (void)rank;
}
#endif

#endif
