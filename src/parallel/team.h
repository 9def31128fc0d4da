/* A team of threads: one OpenMP parallel region with a number of threads of our own choice, each in a known
   floating-point state. The caller's OpenMP and floating-point settings are as before afterwards. A team of
   one runs in the calling thread without a region. */
#ifndef LS_PARALLEL_TEAM_H
#define LS_PARALLEL_TEAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct ls_team {
    int size; /* threads that really run; may be fewer than asked for */
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint generation;
} ls_team;

typedef void (*ls_team_function)(ls_team *team, int thread, void *argument);

/* Runs function on threads threads (>= 1) and waits for all. threads == 1: directly in the caller. Round to
   nearest, no flush to zero, no denormals-are-zero, exceptions masked, in every thread; the caller's control
   word is restored. */
void ls_team_run(int threads, ls_team_function function, void *argument);

/* Waits until all of size threads of the team are here; memory written before is visible after. Spins
 * briefly, then yields. */
void ls_team_wait(ls_team *team, int size);
static inline void ls_team_barrier(ls_team *team)
{
    if (team->size > 1) ls_team_wait(team, team->size);
}

/* The number in next, which then is one more: how threads share work. Barriers order what they do with it. */
static inline int ls_team_take(const ls_team *team, atomic_int *next)
{
    if (team->size > 1) return atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
    int index = atomic_load_explicit(next, memory_order_relaxed); /* alone: without locking the bus */
    atomic_store_explicit(next, index + 1, memory_order_relaxed);
    return index;
}

/* For loops that wait for another thread: leaves the core's resources to its other half for a moment. */
static inline void ls_team_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* How often to look, with a pause, whether members threads or ranks of this host have come, before the core
 * is given away: often only where each of them has a core. */
int ls_team_spins(int members);

/* Whether the threads of all ranks of this host are more than their cores, which no rank sees by itself. */
void ls_team_set_crowded(bool crowded);

/* Number of cores this process may run on (affinity mask, cgroup limit), at least 1. */
int ls_team_cores(void);

/* Saves the floating-point control word and sets Lockstep's; returns what restore wants. */
uint32_t ls_float_state_enter(void);
void ls_float_state_leave(uint32_t saved);

#endif
