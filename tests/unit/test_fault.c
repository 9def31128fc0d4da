/* The injection of failures itself; criterion runs each test in a process of its own, so each one sets the
   environment before the first look at it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/fault.h"
#include "base/log.h"

static int warnings;

static void count_warning(void *user, ls_log_level level, const char *message)
{
    (void)user;
    (void)message;
    if (level == LS_LOG_WARNING) warnings++;
}

static void set_faults(const char *text)
{
    ls_log_set_sink(count_warning, NULL);
    setenv("LOCKSTEP_FAULT", text, 1);
}

Test(fault, without_the_variable_nothing_fails)
{
    unsetenv("LOCKSTEP_FAULT");
    for (int i = 0; i < 10; i++) cr_assert_not(ls_fault("memory"));
}

Test(fault, first_passage_fails_once)
{
    set_faults("read");
    cr_assert_not(ls_fault("write"));
    cr_assert(ls_fault("read"));
    cr_assert_not(ls_fault("read"));
    cr_assert_eq(warnings, 0);
}

Test(fault, nth_passages_fail)
{
    set_faults("open:nth=2,sync,open:nth=4");
    bool expected[] = {false, true, false, true, false};
    for (int i = 0; i < 5; i++) cr_assert_eq(ls_fault("open"), expected[i], "passage %d", i + 1);
    cr_assert(ls_fault("sync"));
    cr_assert_eq(warnings, 0);
}

Test(fault, only_the_named_rank_fails)
{
    set_faults("write:rank=2:nth=2");
    cr_assert_not(ls_fault("write")); /* rank not known yet */
    ls_fault_set_rank(1);
    for (int i = 0; i < 4; i++) cr_assert_not(ls_fault("write"));
    ls_fault_set_rank(2);
    cr_assert_not(ls_fault("write"));
    cr_assert(ls_fault("write"));
}

Test(fault, mistakes_are_reported)
{
    set_faults("sink,read:nth=0,read:rank=x,read:nth=1x,read:every=2,rename:rank=-1,read:,write");
    cr_assert(ls_fault("write"));
    cr_assert_not(ls_fault("read"));
    cr_assert_not(ls_fault("rename"));
    cr_assert_eq(warnings, 7);
}

Test(fault, all_documented_points_are_known)
{
    const char *points[] = {"memory", "open",        "read", "write",   "sync",
                            "rename", "communicate", "flip", "overflow"};
    set_faults("memory,open,read,write,sync,rename,communicate,flip,overflow");
    for (int i = 0; i < 9; i++) cr_assert(ls_fault(points[i]), "%s", points[i]);
    cr_assert_eq(warnings, 0);
}

static void *pass_often(void *failures)
{
    for (int i = 0; i < 1000; i++) *(int *)failures += ls_fault("communicate");
    return NULL;
}

Test(fault, counts_the_passages_of_all_threads)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int failures[THREADS] = {0}, sum = 0;
    set_faults("communicate:nth=3999");
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, pass_often, &failures[i]);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) sum += failures[i];
    cr_assert_eq(sum, 1);
}
