/* The thread team: every thread runs once, barriers order memory, floating-point state is known inside and as
   before outside. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fenv.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parallel/cores.h"
#include "parallel/team.h"
#include "support/directory.h"
#include "support/run.h"

enum { MOST = 16 };

/* OMP_THREAD_LIMIT may be set where the tests run. */
static int granted(int asked)
{
    return asked < omp_get_thread_limit() ? asked : omp_get_thread_limit();
}

static const int sizes[] = {1, 2, 3, 8};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

typedef struct roll {
    int size, wrong;
    int calls[MOST];
} roll;

static void call_roll(ls_team *team, int thread, void *argument)
{
    roll *r = argument;
    if (thread == 0) r->size = team->size;
    if (thread >= 0 && thread < MOST) r->calls[thread]++;
}

static void check_roll(const roll *r, int asked)
{
    cr_assert(r->size >= 1 && r->size <= asked);
    for (int i = 0; i < MOST; i++) cr_assert_eq(r->calls[i], i < r->size, "thread %d of %d", i, r->size);
}

Test(team, every_thread_runs_once)
{
    omp_set_dynamic(0);
    for (int i = 0; i < SIZES; i++) {
        roll r = {0};
        ls_team_run(sizes[i], call_roll, &r);
        check_roll(&r, sizes[i]);
        cr_assert_eq(r.size, granted(sizes[i]));
    }
}

typedef struct relay {
    long value, seen[MOST];
    int rounds, wrong[MOST];
} relay;

/* In each round one thread writes without atomics and all the others must see it. */
static void run_relay(ls_team *team, int thread, void *argument)
{
    relay *r = argument;
    for (int round = 0; round < r->rounds; round++) {
        if (thread == round % team->size) r->value = round * 3L + 1;
        ls_team_barrier(team);
        if (r->value != round * 3L + 1) r->wrong[thread]++;
        r->seen[thread]++;
        ls_team_barrier(team);
    }
}

Test(team, barriers_order_memory)
{
    for (int i = 0; i < SIZES; i++) {
        omp_set_dynamic(0);
        relay r = {.rounds = sizes[i] > 3 ? 300 : 3000};
        ls_team_run(sizes[i], run_relay, &r);
        for (int t = 0; t < granted(sizes[i]); t++) {
            cr_assert_eq(r.wrong[t], 0, "thread %d of %d saw old values", t, sizes[i]);
            cr_assert_eq(r.seen[t], r.rounds);
        }
    }
}

/* Rows of rounds in which each adds to its own place and reads its neighbour's. */
static void run_neighbours(ls_team *team, int thread, void *argument)
{
    relay *r = argument;
    int next = (thread + 1) % team->size;
    for (int round = 1; round <= r->rounds; round++) {
        r->seen[thread]++;
        ls_team_barrier(team);
        if (r->seen[next] != round) r->wrong[thread]++;
        ls_team_barrier(team);
    }
}

Test(team, nobody_passes_a_barrier_early)
{
    for (int repeat = 0; repeat < 20; repeat++) {
        relay r = {.rounds = 50};
        ls_team_run(4, run_neighbours, &r);
        for (int t = 0; t < 4; t++) cr_assert_eq(r.wrong[t], 0);
    }
}

Test(team, works_inside_a_region_of_the_caller)
{
    roll rolls[3];
    memset(rolls, 0, sizeof rolls);
    omp_set_dynamic(0);
    for (int levels = 1; levels <= 2; levels++) {
        memset(rolls, 0, sizeof rolls);
        omp_set_max_active_levels(levels);
        int outside = 1;
#pragma omp parallel num_threads(3)
        {
            if (omp_get_thread_num() == 0) outside = omp_get_num_threads();
            ls_team_run(2, call_roll, &rolls[omp_get_thread_num()]);
        }
        for (int i = 0; i < outside; i++) check_roll(&rolls[i], 2);
        for (int i = 0; i < outside && omp_get_thread_limit() >= 6; i++) cr_assert_eq(rolls[i].size, levels);
    }
}

Test(team, settings_of_openmp_stay)
{
    roll r = {0};
    omp_set_num_threads(5);
    omp_set_dynamic(1);
    int levels = omp_get_max_active_levels();
    ls_team_run(2, call_roll, &r);
    cr_assert_eq(omp_get_max_threads(), 5);
    cr_assert(omp_get_dynamic());
    cr_assert_eq(omp_get_max_active_levels(), levels);
}

/* Bits of the state that the arithmetic itself shows: rounding up, flushing of results and of operands. */
static int behaviour(void)
{
    volatile float one = 1.0f, small = 0x1p-60f, tiny = 0x1p-126f, half = 0.5f, subnormal = 0x1p-140f;
    volatile float raised = one + small, flushed = tiny * half, ignored = subnormal * (float)(1 << 20);
    return (raised != 1.0f) | (flushed == 0.0f) << 1 | (ignored == 0.0f) << 2;
}

static void disturb(void)
{
    fesetround(FE_UPWARD);
#if defined(__SSE__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040u);
#endif
}

static int disturbed(void)
{
#if defined(__SSE__)
    return 7;
#else
    return 1;
#endif
}

static void watch(ls_team *team, int thread, void *argument)
{
    (void)team;
    ((int *)argument)[thread] = behaviour();
}

Test(team, floating_point_state_is_ours_inside_and_the_callers_outside)
{
    if (ls_test_in_valgrind()) cr_skip_test("valgrind does not follow the floating-point settings");
    for (int i = 0; i < SIZES; i++) {
        int seen[MOST];
        memset(seen, -1, sizeof seen);
        omp_set_dynamic(0);
        disturb();
        cr_assert_eq(behaviour(), disturbed());
        ls_team_run(sizes[i], watch, seen);
        cr_assert_eq(behaviour(), disturbed(), "the caller's state is lost with %d threads", sizes[i]);
        for (int t = 0; t < granted(sizes[i]); t++) cr_assert_eq(seen[t], 0, "thread %d of %d", t, sizes[i]);
    }
}

/* Worker threads stay when a region ends; the state that the caller's regions gave them must stay, too.
   (LLVM's OpenMP gives workers the state of the caller in each region, and the caller its own back at the end
   of it.) */
Test(team, floating_point_state_of_workers_is_restored)
{
    if (ls_test_in_valgrind()) cr_skip_test("valgrind does not follow the floating-point settings");
    int seen[MOST] = {0}, before[MOST] = {0}, after[MOST] = {0};
    omp_set_dynamic(0);
    disturb();
#pragma omp parallel num_threads(3)
    {
        disturb();
        before[omp_get_thread_num()] = behaviour();
    }
    ls_team_run(3, watch, seen);
#pragma omp parallel num_threads(3)
    after[omp_get_thread_num()] = behaviour();
    for (int t = 0; t < granted(3); t++) {
        cr_assert_eq(before[t], disturbed());
        cr_assert_eq(seen[t], 0);
        cr_assert_eq(after[t], disturbed());
    }
}

Test(team, float_state_enter_and_leave)
{
    if (ls_test_in_valgrind()) cr_skip_test("valgrind does not follow the floating-point settings");
    disturb();
    uint32_t saved = ls_float_state_enter();
    cr_assert_eq(behaviour(), 0);
    ls_float_state_leave(saved);
    cr_assert_eq(behaviour(), disturbed());
}

Test(cores, at_least_one_and_no_more_than_the_machine_has)
{
    ls_cores cores;
    cr_assert(ls_team_cores() >= 1);
    cr_assert(ls_team_cores() <= ls_cores_online());
    cr_assert(ls_cores_allowed(&cores));
    cr_assert(ls_cores_count(&cores) >= ls_team_cores());
}

static const char *describe(const char *list, size_t size)
{
    static char text[LS_CORES_TEXT];
    ls_cores cores;
    memset(&cores, 0, sizeof cores);
    for (char *end; *list != '\0'; list = end) ls_cores_add(&cores, (int)strtol(list, &end, 10));
    ls_cores_describe(&cores, text, size);
    return text;
}

Test(cores, described_in_ranges)
{
    cr_assert_str_eq(describe("", 100), "");
    cr_assert_str_eq(describe("0", 100), "0");
    cr_assert_str_eq(describe("0 1 2 3", 100), "0-3");
    cr_assert_str_eq(describe("0 2 3 63 64 8191", 100), "0,2-3,63-64,8191");
    cr_assert_str_eq(describe("1 3 5 7 9 11 13 15 17 19", 20), "1,3,5,7,9,11,13,...");
    cr_assert_str_eq(describe("1 3 5 7 9 11 13 15 17 19", 19), "1,3,5,7,9,11,...");
}

static void write_text(const char *directory, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_directory(char *path, size_t size, const char *base, const char *name)
{
    snprintf(path, size, "%s/%s", base, name);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static int quota_of(const char *base, const char *groups)
{
    char list[256];
    write_text(base, "list", groups);
    snprintf(list, sizeof list, "%s/list", base);
    return ls_cores_quota(list, base);
}

Test(cores, quota_of_control_groups)
{
    char base[LS_TEST_DIRECTORY], outer[128], inner[128], cpu[128], old[128];
    ls_test_directory_make(base);
    make_directory(outer, sizeof outer, base, "outer");
    make_directory(inner, sizeof inner, outer, "inner");
    make_directory(cpu, sizeof cpu, base, "cpu,cpuacct");
    make_directory(old, sizeof old, cpu, "old");
    cr_expect_eq(ls_cores_quota("/nonexistent", base), 0);
    cr_expect_eq(quota_of(base, "0::/outer/inner\n"), 0);
    write_text(inner, "cpu.max", "max 100000\n");
    cr_expect_eq(quota_of(base, "0::/outer/inner\n"), 0);
    write_text(outer, "cpu.max", "150000 100000\n");
    cr_expect_eq(quota_of(base, "0::/outer/inner\n"), 2, "a limit above counts, rounded up");
    write_text(inner, "cpu.max", "100000 100000\n");
    cr_expect_eq(quota_of(base, "0::/outer/inner\n"), 1, "the tighter one counts");
    cr_expect_eq(quota_of(base, "0::/outer\n"), 2);
    write_text(old, "cpu.cfs_quota_us", "-1\n");
    write_text(old, "cpu.cfs_period_us", "100000\n");
    cr_expect_eq(quota_of(base, "3:cpuset:/\n2:cpu,cpuacct:/old\n"), 0);
    write_text(cpu, "cpu.cfs_quota_us", "300000\n");
    write_text(cpu, "cpu.cfs_period_us", "100000\n");
    cr_expect_eq(quota_of(base, "3:cpuset:/\n2:cpu,cpuacct:/old\n"), 3);
    cr_expect_eq(quota_of(base, "2:cpu,cpuacct:/not/to/be/seen/here\n"), 3,
                 "a group that this container hides");
    cr_expect_eq(quota_of(base, "2:cpuacct:/old\n"), 0, "another controller");
    ls_test_directory_remove(base);
}

/* One cache of a core, as the system describes it. */
static void write_cache(const char *base, int core, int index, const char *level, const char *sharing)
{
    char path[160];
    for (int part = 0; part < 3; part++) {
        int used = snprintf(path, sizeof path, "%s/cpu%d", base, core);
        if (part > 0) used += snprintf(path + used, sizeof path - (size_t)used, "/cache");
        if (part > 1) snprintf(path + used, sizeof path - (size_t)used, "/index%d", index);
        cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
    }
    write_text(path, "level", level);
    write_text(path, "shared_cpu_list", sharing);
}

static int cache_of(const char *base, const char *list)
{
    ls_cores cores = {{0}};
    int core, used;
    for (; sscanf(list, "%d%n", &core, &used) == 1; list += used) ls_cores_add(&cores, core);
    return ls_cores_cache(&cores, base);
}

Test(cores, cores_that_share_their_last_cache)
{
    char base[LS_TEST_DIRECTORY];
    ls_test_directory_make(base);
    cr_expect_eq(cache_of(base, "0 1"), -1, "the system does not tell");
    write_cache(base, 0, 0, "1\n", "0,64\n");
    write_cache(base, 0, 2, "3\n", "0-7,64-71\n");
    write_cache(base, 0, 1, "2\n", "0,64\n");
    write_cache(base, 9, 0, "3\n", "8-15\n");
    cr_expect_eq(cache_of(base, "0 1 7 64 71"), 0);
    cr_expect_eq(cache_of(base, "0 8"), -1, "another cache");
    cr_expect_eq(cache_of(base, "9 15"), 8);
    cr_expect_eq(cache_of(base, "9"), 8);
    cr_expect_eq(cache_of(base, ""), -1);
    cr_expect_eq(cache_of(base, "10 11"), -1, "a core that is not described");
    write_cache(base, 9, 0, "3\n", "8-15,oops\n");
    cr_expect_eq(cache_of(base, "9"), -1);
    write_cache(base, 9, 0, "3\n", "8-999999\n");
    cr_expect_eq(cache_of(base, "9"), -1);
    ls_test_directory_remove(base);
}

Test(team, crowds_give_the_core_away_soon)
{
    const int alone = ls_team_spins(1);
    cr_assert_gt(alone, ls_team_spins(ls_team_cores() + 1));
    ls_team_set_crowded(true);
    cr_expect_eq(ls_team_spins(1), ls_team_spins(ls_team_cores() + 1));
    ls_team_set_crowded(false);
    cr_expect_eq(ls_team_spins(1), alone);
}

Test(cores, a_virtual_machine_is_known)
{
    char base[LS_TEST_DIRECTORY], path[160];
    ls_test_directory_make(base);
    snprintf(path, sizeof path, "%s/cpuinfo", base);
    cr_expect_not(ls_cores_virtual(path), "the system does not tell");
    write_text(base, "cpuinfo", "processor\t: 0\nflags\t\t: fpu x2apic hypervisor lahf_lm\nbugs\t\t: \n");
    cr_expect(ls_cores_virtual(path));
    write_text(base, "cpuinfo", "model name\t: a hypervisor\nflags\t\t: fpu x2apic lahf_lm\nbugs\t\t: \n");
    cr_expect_not(ls_cores_virtual(path));
    write_text(base, "cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n");
    cr_expect_not(ls_cores_virtual(path));
    ls_test_directory_remove(base);
}
