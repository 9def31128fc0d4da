/* Starts tests/mpi_cases on 1 to 4 ranks. MPI cannot be initialised more than once in the processes of the
   unit tests, so what needs it is a program of its own. LOCKSTEP_MPI_CASES and LOCKSTEP_MPIRUN name other
   programs. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../support/run.h"

enum { OUTPUT_SIZE = 1 << 16 };
static char output[OUTPUT_SIZE];

static const char *value_or(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

static const char *launcher(void)
{
    return value_or("LOCKSTEP_MPIRUN", "mpirun");
}

static const char *program(void)
{
    return value_or("LOCKSTEP_MPI_CASES", "./tests/mpi_cases");
}

/* Only the first word of LOCKSTEP_MPIRUN is a program; others are options of it. */
static void skip_without_mpirun(void)
{
    char name[256];
    snprintf(name, sizeof name, "%s", launcher());
    name[strcspn(name, " ")] = '\0';
    if (!ls_test_program_exists(name)) cr_skip("%s is not installed", name);
}

static void prepare(void)
{
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1);
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 1);
    unsetenv("LOCKSTEP_FAULT");
}

TestSuite(mpi, .init = prepare, .timeout = 120);

static int run(int ranks, const char *arguments)
{
    char command[1024];
    /* The hydra launcher of MPICH has other words for the same. */
    bool hydra = strstr(launcher(), "hydra") != NULL, complete = strstr(launcher(), "-launcher") != NULL;
    const char *options = !hydra     ? "--oversubscribe --bind-to none --timeout 20"
                          : complete ? "-bind-to none"
                                     : "-launcher fork -bind-to none";
    snprintf(command, sizeof command, "env -u BXFI_MAP timeout -k 2 60 %s %s -n %d %s %s", launcher(),
             options, ranks, program(), arguments);
    return ls_test_run(command, output, sizeof output);
}

static void expect_ok(int ranks, const char *cases)
{
    char list[256], line[128];
    int status = run(ranks, cases);
    cr_assert_eq(status, 0, "status %d of %s on %d:\n%s", status, cases, ranks, output);
    snprintf(list, sizeof list, "%s", cases);
    for (char *name = strtok(list, " "); name != NULL; name = strtok(NULL, " ")) {
        snprintf(line, sizeof line, "%s ok on %d", name, ranks);
        cr_assert_not_null(strstr(output, line), "no \"%s\" in:\n%s", line, output);
    }
}

static const char *const cases = "reduce nonblocking gather broadcast agree same build context threads shared";

Test(mpi, one_rank)
{
    skip_without_mpirun();
    expect_ok(1, cases);
}

Test(mpi, two_ranks)
{
    skip_without_mpirun();
    expect_ok(2, cases);
}

Test(mpi, three_ranks)
{
    skip_without_mpirun();
    expect_ok(3, cases);
}

Test(mpi, four_ranks)
{
    skip_without_mpirun();
    expect_ok(4, cases);
}

Test(mpi, a_level_without_threads_is_refused)
{
    skip_without_mpirun();
    expect_ok(2, "single");
}

Test(mpi, an_unknown_case_fails)
{
    skip_without_mpirun();
    cr_assert_neq(run(1, "nonsense"), 0);
}

Test(mpi, fewer_threads_than_asked_for_do_not_hang)
{
    static const char *const settings[][2] = {{"OMP_THREAD_LIMIT", "1"},
                                              {"OMP_THREAD_LIMIT", "3"},
                                              {"OMP_DYNAMIC", "true"},
                                              {"OMP_NUM_THREADS", "1"},
                                              {"OMP_PROC_BIND", "true"}};
    skip_without_mpirun();
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        setenv(settings[i][0], settings[i][1], 1);
        expect_ok(1, "team");
        unsetenv(settings[i][0]);
    }
}

static int agreed_failures(void)
{
    const char *end = strstr(output, " failures were agreed");
    if (end == NULL) return -1;
    const char *start = end;
    while (start > output && start[-1] >= '0' && start[-1] <= '9') start--;
    return atoi(start);
}

/* Failures at many places of rank 1 must reach all ranks. The distance between them is no multiple of what a
   round of the case passes, so that each meets another place. One that hits the very last exchange of a round
   is harmless, hence "most of them". */
static void expect_agreed(int ranks, const char *point)
{
    char faults[512] = "";
    size_t used = 0;
    int count = 0;
    for (int nth = 2; nth <= 162; nth += 16, count++)
        used += (size_t)snprintf(faults + used, sizeof faults - used, "%s%s:rank=1:nth=%d",
                                 used > 0 ? "," : "", point, nth);
    setenv("LOCKSTEP_FAULT", faults, 1);
    expect_ok(ranks, "fault");
    cr_assert(agreed_failures() > count / 2 && agreed_failures() <= count, "%s", output);
}

Test(mpi, failing_communication_on_one_rank)
{
    skip_without_mpirun();
    expect_agreed(2, "communicate");
    expect_agreed(3, "communicate");
}

Test(mpi, refused_memory_on_one_rank)
{
    skip_without_mpirun();
    expect_agreed(2, "memory");
}
