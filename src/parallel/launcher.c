#include "parallel/launcher.h"

#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lockstep/context.h>

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* The number in a variable, 0 if it is not there or not a number. */
static int number_in(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) return 0;
    char *end;
    long number = strtol(value, &end, 10);
    return end == value || *end != '\0' || number < 0 || number > INT_MAX ? 0 : (int)number;
}

static bool any_set(const char *const *names)
{
    for (; *names != NULL; names++)
        if (is_set(*names)) return true;
    return false;
}

bool ls_launcher_present(void)
{
    static const char *const names[] = {
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_RANK", /* mpirun of Open MPI */
        "PMIX_RANK",
        "PMIX_NAMESPACE", /* srun --mpi=pmix, prterun */
        "PMI_RANK",
        "PMI_SIZE",
        "PMI_FD",
        "PMI_PORT", /* MPICH and its kin, srun --mpi=pmi2 */
        "MPI_LOCALRANKID",
        NULL,
    };
    return any_set(names);
}

bool ls_launcher_is_open_mpi(void)
{
#ifdef OPEN_MPI
    return true;
#else
    return false;
#endif
}

/* Whether the launcher left what this MPI needs to find the other tasks. MPICH does not look at PMIx. Open
   MPI that found nothing sets PMIX_RANK for itself, together with the name of its last resort. */
static bool can_find_others(void)
{
    static const char *const open_mpi[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMIX_NAMESPACE", NULL};
    static const char *const others[] = {"PMI_RANK", "PMI_SIZE", "PMI_FD", "PMI_PORT", NULL};
    if (!ls_launcher_is_open_mpi()) return any_set(others);
    const char *resort = getenv("OMPI_MCA_ess");
    bool alone = resort != NULL && strcmp(resort, "singleton") == 0;
    return !alone && any_set(open_mpi);
}

int ls_launcher_missed_tasks(void)
{
    /* A batch script has SLURM_NTASKS, too, but is no task of a step; mpirun in it is told of by its own
       variables. */
    if (!is_set("SLURM_PROCID")) return 0;
    int tasks = number_in("SLURM_STEP_NUM_TASKS");
    if (tasks == 0 && is_set("SLURM_STEP_ID")) tasks = number_in("SLURM_NTASKS");
    return tasks > 1 && !can_find_others() ? tasks : 0;
}

int ls_launcher_allotted_cores(void)
{
    if (!is_set("SLURM_PROCID") || !is_set("SLURM_STEP_ID") || is_set("OMPI_COMM_WORLD_SIZE")) return 0;
    return number_in("SLURM_CPUS_PER_TASK");
}

void ls_launcher_library(char *text, size_t size)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING + 1] = "";
    int length = 0;
    if (MPI_Get_library_version(version, &length) != MPI_SUCCESS) version[0] = '\0';
    for (char *at = version; *at != '\0'; at++)
        if (*at == '\t') *at = ' ';
    /* Open MPI puts its life story after a comma, MPICH after a line. */
    version[strcspn(version, ",\n")] = '\0';
    snprintf(text, size, "%s", version[0] != '\0' ? version : "unknown");
}
