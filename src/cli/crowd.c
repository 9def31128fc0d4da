#define _GNU_SOURCE /* sched_getaffinity */
#include "cli/crowd.h"

#include <sched.h>
#include <stdlib.h>

void ls_cli_yield_where_crowded(void)
{
    const char *local = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    cpu_set_t cores;
    if (!local || sched_getaffinity(0, sizeof cores, &cores) != 0) return;
    if (strtol(local, NULL, 10) > CPU_COUNT(&cores)) setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
}
