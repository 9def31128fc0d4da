/* What counts as an improvement, and for how long there was none. */
#include <criterion/criterion.h>
#include <math.h>

#include "train/watch.h"

static ls_watch watch;

static void expect(const ls_watch_rule *rule, double value, bool better, int64_t waited)
{
    cr_expect_eq(ls_watch_show(&watch, rule, value), better, "%g", value);
    cr_expect_eq(watch.waited, waited, "%g: waited %d", value, (int)watch.waited);
}

Test(watch, smaller_values_are_improvements)
{
    ls_watch_rule rule = {.larger = false};
    ls_watch_start(&watch);
    expect(&rule, 3, true, 0);
    expect(&rule, 3, false, 1);
    expect(&rule, 4, false, 2);
    expect(&rule, 2.999, true, 0);
    cr_expect_eq(watch.best, 2.999);
}

Test(watch, larger_values_are_improvements_where_asked)
{
    ls_watch_rule rule = {.larger = true};
    ls_watch_start(&watch);
    expect(&rule, 0.5, true, 0);
    expect(&rule, 0.4, false, 1);
    expect(&rule, 0.6, true, 0);
}

Test(watch, small_changes_do_not_count)
{
    ls_watch_rule absolute = {.absolute = 0.5}, relative = {.relative = 0.25};
    ls_watch_start(&watch);
    expect(&absolute, 4, true, 0);
    expect(&absolute, 3.5, false, 1);
    expect(&absolute, 3.25, true, 0);
    ls_watch_start(&watch);
    expect(&relative, 4, true, 0);
    expect(&relative, 3, false, 1);
    expect(&relative, 2.9, true, 0);
    ls_watch_start(&watch);
    expect(&relative, -4, true, 0);
    expect(&relative, -5, false, 1);
    expect(&relative, -5.1, true, 0);
}

Test(watch, nan_and_infinity_are_no_improvements)
{
    ls_watch_rule rule = {.larger = true};
    ls_watch_start(&watch);
    expect(&rule, NAN, false, 1);
    expect(&rule, INFINITY, false, 2);
    expect(&rule, 1, true, 0);
    expect(&rule, NAN, false, 1);
    expect(&rule, INFINITY, false, 2);
    cr_expect_eq(watch.best, 1);
}
