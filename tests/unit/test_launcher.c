/* How the environment tells who started the process, the context of one process, and what the warnings say.
 */
#include <criterion/criterion.h>
#include <lockstep/lockstep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "parallel/context.h"
#include "parallel/launcher.h"
#include "parallel/placement.h"

static const char *const variables[] = {
    "OMPI_COMM_WORLD_SIZE",
    "OMPI_COMM_WORLD_RANK",
    "PMIX_RANK",
    "PMIX_NAMESPACE",
    "PMI_RANK",
    "PMI_SIZE",
    "PMI_FD",
    "PMI_PORT",
    "MPI_LOCALRANKID",
    "SLURM_PROCID",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_STEP_ID",
    "SLURM_NTASKS",
    "SLURM_CPUS_PER_TASK",
    "OMPI_MCA_ess",
};

static void forget_launchers(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]);
}

Test(launcher, seen_by_its_variables, .init = forget_launchers)
{
    static const char *const telling[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE",
                                          "PMI_FD"};
    cr_assert(!ls_launcher_present());
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++) {
        setenv(telling[i], "0", 1);
        cr_assert(ls_launcher_present(), "%s", telling[i]);
        setenv(telling[i], "", 1);
        cr_assert(!ls_launcher_present(), "%s is empty", telling[i]);
        unsetenv(telling[i]);
    }
    setenv("SLURM_NTASKS", "4", 1);
    setenv("SLURM_PROCID", "0", 1);
    cr_assert(!ls_launcher_present());
}

Test(launcher, srun_without_the_means_to_meet, .init = forget_launchers)
{
    cr_assert_eq(ls_launcher_missed_tasks(), 0);
    setenv("SLURM_PROCID", "0", 1);
    setenv("SLURM_NTASKS", "4", 1);
    cr_assert_eq(ls_launcher_missed_tasks(), 0, "a batch script is one process");
    setenv("SLURM_STEP_ID", "0", 1);
    cr_assert_eq(ls_launcher_missed_tasks(), 4);
    setenv("SLURM_STEP_NUM_TASKS", "3", 1);
    cr_assert_eq(ls_launcher_missed_tasks(), 3);
    setenv("SLURM_STEP_NUM_TASKS", "1", 1);
    cr_assert_eq(ls_launcher_missed_tasks(), 0);
    setenv("SLURM_STEP_NUM_TASKS", "3", 1);
    const char *means = ls_launcher_is_open_mpi() ? "PMIX_RANK" : "PMI_RANK";
    setenv(means, "0", 1);
    cr_assert_eq(ls_launcher_missed_tasks(), 0);
    unsetenv(means);
    setenv("SLURM_PROCID", "", 1);
    cr_assert_eq(ls_launcher_missed_tasks(), 0);
}

Test(launcher, cores_that_slurm_set_aside, .init = forget_launchers)
{
    cr_assert_eq(ls_launcher_allotted_cores(), 0);
    setenv("SLURM_CPUS_PER_TASK", "32", 1);
    setenv("SLURM_PROCID", "0", 1);
    cr_assert_eq(ls_launcher_allotted_cores(), 0, "a batch script has the cores of all tasks");
    setenv("SLURM_STEP_ID", "0", 1);
    cr_assert_eq(ls_launcher_allotted_cores(), 32);
    setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
    cr_assert_eq(ls_launcher_allotted_cores(), 0, "mpirun binds as it likes");
}

Test(launcher, missed_tasks_are_warned_of, .init = forget_launchers)
{
    ls_context *context;
    setenv("SLURM_PROCID", "1", 1);
    setenv("SLURM_STEP_NUM_TASKS", "2", 1);
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_not_null(ls_context_warning(context));
    cr_assert_not_null(strstr(ls_context_warning(context), "srun --mpi="));
    ls_context_free(context);
}

Test(launcher, names_the_library_without_init)
{
    char text[256];
    ls_launcher_library(text, sizeof text);
    cr_assert(strstr(text, "MPI") != NULL, "%s", text);
    cr_assert_null(strpbrk(text, "\n\t"));
}

Test(context, of_one_process, .init = forget_launchers)
{
    ls_context *context;
    cr_assert_eq(ls_context_create(0, &context), LS_OK);
    cr_assert_eq(ls_context_rank(context), 0);
    cr_assert_eq(ls_context_size(context), 1);
    cr_assert(ls_context_threads(context) >= 1);
    cr_assert_null(ls_context_warning(context));
    ls_context_free(context);
    ls_context_free(NULL);
}

Test(context, too_many_threads_are_warned_of, .init = forget_launchers)
{
    ls_context *context;
    cr_assert_eq(ls_context_create(1024, &context), LS_OK);
    cr_assert_eq(ls_context_threads(context), 1024);
    cr_assert_not_null(ls_context_warning(context));
    cr_assert_not_null(strstr(ls_context_warning(context), "1024 threads"));
    cr_assert_null(strchr(ls_context_warning(context), '\n'));
    ls_context_free(context);
}

Test(context, wrong_arguments)
{
    ls_context *context;
    cr_assert_eq(ls_context_create(-1, &context), LS_ERROR_ARGUMENT);
    cr_assert_null(context);
    cr_assert_eq(ls_context_create(1025, &context), LS_ERROR_ARGUMENT);
    cr_assert_not_null(strstr(ls_error_message(), "1025"));
    cr_assert_eq(ls_context_create(1, NULL), LS_ERROR_ARGUMENT);
}

Test(context, stop_is_remembered)
{
    cr_assert_eq(ls_stop_requested, 0);
    ls_request_stop();
    cr_assert_eq(ls_stop_requested, 1);
}

Test(context, fingerprint_and_version)
{
    cr_assert_not_null(strstr(ls_fingerprint(), "lockstep numerics 4, IEEE 754 binary32"));
    cr_assert_str_eq(ls_fingerprint(), ls_fingerprint());
    cr_assert(ls_version()[0] != '\0');
}

/* Ranks as they might be placed, without processes. */
typedef struct scene {
    ls_placement placement;
    ls_place place[8];
    ls_place *sorted[8];
    uint64_t word[8];
    char *warning;
} scene;

/* In the order of host and set of cores. */
static void put(scene *s, const char *host, uint64_t cores, int online, int threads)
{
    int rank = s->placement.size++;
    s->word[rank] = cores;
    s->place[rank] = (ls_place){.rank = rank,
                                .threads = threads,
                                .cores = __builtin_popcountll(cores),
                                .online = online,
                                .host = host,
                                .word = &s->word[rank],
                                .words = 1};
    s->sorted[rank] = &s->place[rank];
    s->placement.place = s->place;
    s->placement.sorted = s->sorted;
}

static void expect_warning(scene *s, const char *first, const char *second)
{
    ls_free(s->warning);
    cr_assert_eq(ls_placement_warn(&s->placement, true, &s->warning), LS_OK);
    if (first == NULL) {
        cr_assert_null(s->warning, "%s", s->warning);
        return;
    }
    cr_assert_not_null(s->warning, "expected: %s", first);
    cr_assert_not_null(strstr(s->warning, first), "%s\n%s", first, s->warning);
    cr_assert_not_null(strstr(s->warning, second), "%s\n%s", second, s->warning);
}

Test(placement, well_bound_ranks_are_fine)
{
    scene s = {0};
    put(&s, "n0", 0x3, 4, 2);
    put(&s, "n0", 0xc, 4, 2);
    put(&s, "n1", 0xf, 4, 2);
    put(&s, "n1", 0xf, 4, 2);
    expect_warning(&s, NULL, NULL);
    cr_assert_not(ls_placement_is_crowded(&s.placement));
}

Test(placement, ranks_bound_to_one_core)
{
    scene s = {0};
    put(&s, "n0", 0x1, 4, 2);
    put(&s, "n0", 0x2, 4, 2);
    expect_warning(&s, "rank 0 (host n0) runs 2 threads but may use only 1 core (0) (one of 2 such places)",
                   "--cpus-per-task=2 lockstep ...");
    if (ls_launcher_is_open_mpi())
        expect_warning(&s, "mpirun -n 2 --bind-to none --map-by slot:PE=2 lockstep ...",
                       "srun --mpi=pmix -n 2 --cpus-per-task=2 lockstep ...");
}

Test(placement, ranks_that_share_too_few_cores)
{
    scene s = {0};
    put(&s, "n0", 0x3, 2, 2);
    cr_assert_not(ls_placement_is_crowded(&s.placement));
    put(&s, "n0", 0x3, 2, 2);
    cr_assert(ls_placement_is_crowded(&s.placement));
    expect_warning(&s, "2 ranks of host n0 (the first is rank 0) run 4 threads but share 2 cores (0-1)",
                   "--threads 1");
}

Test(placement, more_ranks_than_the_host_has_cores)
{
    scene s = {0};
    for (int i = 0; i < 4; i++) put(&s, "n0", 0x3, 2, 1);
    expect_warning(&s, "4 ranks of host n0", "-n 2 --cpus-per-task=1");
}

Test(placement, sets_that_overlap_in_part)
{
    scene s = {0};
    put(&s, "n0", 0x3, 4, 2);
    put(&s, "n0", 0x6, 4, 2);
    cr_assert(ls_placement_is_crowded(&s.placement));
    expect_warning(&s, "run 4 threads but share 3 cores", "--cpus-per-task=2");
}

/* What srun of Slurm 22.05 makes of --cpus-per-task that only sbatch was told. */
Test(placement, cores_set_aside_that_lie_idle)
{
    scene s = {0};
    put(&s, "n0", 0x1, 4, 1);
    put(&s, "n0", 0x2, 4, 1);
    expect_warning(&s, NULL, NULL);
    s.place[0].allotted = s.place[1].allotted = 2;
    expect_warning(&s,
                   "rank 0 (host n0) may use only 1 core (0) of the 2 that Slurm set aside for it (one of 2 "
                   "such ranks): srun --mpi=",
                   " -n 2 --cpus-per-task=2 lockstep ...");
    s.place[0].allotted = 1;
    expect_warning(&s, "rank 1 (host n0) may use only 1 core (1) of the 2", "set aside for it: srun --mpi=");
    s.place[1].online = 1;
    expect_warning(&s, NULL, NULL);
    ls_free(s.warning);
}
