#include "parallel/team.h"

#include <omp.h>
#include <sched.h>

enum {
    SPINS_WITH_CORE = 4000, /* looks at the generation before the core is given away; up to 0.2 ms */
    SPINS_WITHOUT = 20      /* the one that is waited for may need this core */
};

static atomic_int known_cores; /* 0: not known yet */
static atomic_bool is_crowded;

static int cores(void)
{
    int known = atomic_load_explicit(&known_cores, memory_order_relaxed);
    if (known > 0) return known;
    known = ls_team_cores();
    atomic_store_explicit(&known_cores, known, memory_order_relaxed);
    return known;
}

int ls_team_spins(int members)
{
    bool alone = members <= cores() && !atomic_load_explicit(&is_crowded, memory_order_relaxed);
    return alone ? SPINS_WITH_CORE : SPINS_WITHOUT;
}

void ls_team_set_crowded(bool crowded)
{
    atomic_store_explicit(&is_crowded, crowded, memory_order_relaxed);
}

/* The last to arrive opens the next generation. It clears the count before, so that nobody can count in the
   next round while the count of this one stands. */
void ls_team_wait(ls_team *team, int size)
{
    unsigned mine = atomic_load_explicit(&team->generation, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) == size - 1) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->generation, mine + 1, memory_order_release);
        return;
    }
    int spins = ls_team_spins(size);
    while (atomic_load_explicit(&team->generation, memory_order_acquire) == mine) {
        if (spins > 0) {
            spins--;
            ls_team_pause();
        } else {
            sched_yield();
        }
    }
}

static void run_member(ls_team *team, ls_team_function function, void *argument)
{
    uint32_t saved = ls_float_state_enter();
    function(team, omp_get_thread_num(), argument);
    ls_float_state_leave(saved);
}

static void run_region(int threads, ls_team_function function, void *argument)
{
    ls_team team = {.size = 1};
#pragma omp parallel num_threads(threads) default(none) shared(team, function, argument)
    {
        /* OpenMP may give fewer than asked for (OMP_THREAD_LIMIT, OMP_DYNAMIC, a region inside a region). */
        int given = omp_get_num_threads();
        if (given > 1) {
            if (omp_get_thread_num() == 0) team.size = given;
            ls_team_wait(&team, given);
        }
        run_member(&team, function, argument);
    }
}

void ls_team_run(int threads, ls_team_function function, void *argument)
{
    if (threads <= 1) {
        static ls_team alone = {.size = 1}; /* nobody waits for anybody, so nothing in it changes */
        uint32_t saved = ls_float_state_enter();
        function(&alone, 0, argument);
        ls_float_state_leave(saved);
        return;
    }
    cores(); /* found here, as the threads of a region may be bound to fewer */
    run_region(threads, function, argument);
}
