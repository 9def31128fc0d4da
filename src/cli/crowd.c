#define _GNU_SOURCE /* sched_getaffinity */
#include "cli/crowd.h"

#include <sched.h>
#include <stdlib.h>

/* Ranks on this host: mpirun says how many, srun only which ("0,1,2"). */
static long ranks_here(void)
{
    const char *count = getenv("OMPI_COMM_WORLD_LOCAL_SIZE"), *list = getenv("SLURM_GTIDS");
    if (count) return strtol(count, NULL, 10);
    if (!list || *list == '\0') return 0;
    long ranks = 1;
    for (; *list != '\0'; list++) ranks += *list == ',';
    return ranks;
}

void ls_cli_yield_where_crowded(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return;
    if (ranks_here() > CPU_COUNT(&cores)) setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
}
