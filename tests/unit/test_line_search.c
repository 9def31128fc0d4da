/* The line search on functions whose minimum is known. */
#include <criterion/criterion.h>
#include <math.h>

#include "optim/line_search.h"

typedef struct line {
    double (*value)(double), (*slope)(double);
    double last; /* the step asked for last */
    int fail_at; /* evaluation that fails; 0: none */
    int count;
} line;

static ls_status evaluate(void *user, ls_line_point *point)
{
    line *l = user;
    if (++l->count == l->fail_at) return ls_error(LS_ERROR_PARALLEL, "no answer");
    l->last = point->step;
    point->value = l->value(point->step);
    point->slope = l->slope(point->step);
    return LS_OK;
}

/* The test functions of Moré and Thuente, ACM Trans. Math. Software 20, 1994, eq. 5.1 and 5.2, and others. */
static double rational(double t)
{
    return -t / (t * t + 2);
}
static double rational_slope(double t)
{
    return (t * t - 2) / ((t * t + 2) * (t * t + 2));
}
static double fifth(double t)
{
    return pow(t + 0.004, 5) - 2 * pow(t + 0.004, 4);
}
static double fifth_slope(double t)
{
    return 5 * pow(t + 0.004, 4) - 8 * pow(t + 0.004, 3);
}
static double parabola(double t)
{
    return (t - 3) * (t - 3);
}
static double parabola_slope(double t)
{
    return 2 * (t - 3);
}
static double walled(double t)
{
    return t < 0.01 ? -log(0.01 - t) - 200 * t : INFINITY;
}
static double walled_slope(double t)
{
    return t < 0.01 ? 1 / (0.01 - t) - 200 : NAN;
}
static double falling(double t)
{
    return -t;
}
static double falling_slope(double t)
{
    return -1 + 0 * t;
}
static double rising(double t)
{
    return fabs(t);
}
static double wrong_slope(double t)
{
    return -1 + 0 * t;
}

static ls_line_search search_on(line *l, double first)
{
    ls_line_search search = {.evaluate = evaluate,
                             .user = l,
                             .first = first,
                             .decrease = 1e-4,
                             .curvature = 0.1,
                             .evaluations = 40};
    search.start = (ls_line_point){0, l->value(0), l->slope(0)};
    return search;
}

static void expect_wolfe(line l, double first, const char *what)
{
    ls_line_search search = search_on(&l, first);
    cr_assert_eq(ls_line_search_run(&search), LS_OK);
    cr_expect(search.found && search.strong, "%s from %g", what, first);
    cr_expect_eq(search.end.step, l.last, "%s: what is left behind is that of another step", what);
    cr_expect_eq(search.used, l.count);
    cr_expect_lt(search.used, 25, "%s from %g: %d evaluations", what, first, (int)search.used);
    double value = l.value(search.end.step), slope = l.slope(search.end.step);
    cr_expect_eq(search.end.value, value);
    cr_expect(value <= search.start.value + 1e-4 * search.end.step * search.start.slope, "%s from %g", what,
              first);
    cr_expect(fabs(slope) <= 0.1 * fabs(search.start.slope), "%s from %g: slope %g", what, first, slope);
}

Test(line_search, steps_meet_the_strong_wolfe_conditions)
{
    for (double first = 1e-3; first <= 1e3; first *= 10) {
        expect_wolfe((line){.value = rational, .slope = rational_slope}, first, "rational");
        expect_wolfe((line){.value = fifth, .slope = fifth_slope}, first, "fifth");
        expect_wolfe((line){.value = parabola, .slope = parabola_slope}, first, "parabola");
        expect_wolfe((line){.value = walled, .slope = walled_slope}, first, "walled");
    }
}

Test(line_search, a_parabola_is_met_by_the_first_interpolation)
{
    line l = {.value = parabola, .slope = parabola_slope};
    ls_line_search search = search_on(&l, 5.9);
    cr_assert_eq(ls_line_search_run(&search), LS_OK);
    cr_expect_float_eq(search.end.step, 3, 1e-12);
    cr_expect_eq(search.used, 2);
}

Test(line_search, a_function_without_a_minimum_ends_at_the_limit_with_a_lower_value)
{
    line l = {.value = falling, .slope = falling_slope};
    ls_line_search search = search_on(&l, 1);
    search.evaluations = 6;
    cr_assert_eq(ls_line_search_run(&search), LS_OK);
    cr_expect(search.found && !search.strong);
    cr_expect_eq(search.used, 6);
    cr_expect_eq(search.end.step, l.last);
    cr_expect_gt(search.end.step, 30);
}

/* A slope that lies: no step lowers the value. */
Test(line_search, nothing_is_found_where_nothing_is_lower)
{
    line l = {.value = rising, .slope = wrong_slope};
    ls_line_search search = search_on(&l, 1);
    cr_assert_eq(ls_line_search_run(&search), LS_OK);
    cr_expect_not(search.found);
    cr_expect_eq(search.end.step, 0);
    cr_expect_leq(search.used, 40);
}

Test(line_search, a_limit_within_the_interval_gives_the_lowest_step_so_far)
{
    for (int limit = 1; limit < 12; limit++) {
        line l = {.value = fifth, .slope = fifth_slope};
        ls_line_search search = search_on(&l, 100);
        search.evaluations = limit;
        search.curvature = 1e-12;
        cr_assert_eq(ls_line_search_run(&search), LS_OK);
        if (!search.found) continue;
        cr_expect_eq(search.end.step, l.last);
        cr_expect_lt(search.end.value, search.start.value);
    }
}

Test(line_search, failures_of_the_function_are_passed_on)
{
    for (int at = 1; at <= 3; at++) {
        line l = {.value = fifth, .slope = fifth_slope, .fail_at = at};
        ls_line_search search = search_on(&l, 1000);
        cr_expect_eq(ls_line_search_run(&search), LS_ERROR_PARALLEL);
        cr_expect_eq(l.count, at);
    }
}

/* A shallow bowl whose values are rounded, as those of a loss in float32 are: only slopes tell the way. */
static double rounded(double t)
{
    return 1 + round(((t - 1) * (t - 1) - 1) * 1e-6 / 3e-5) * 3e-5;
}

static double rounded_slope(double t)
{
    return 2 * (t - 1) * 1e-6;
}

Test(line_search, slopes_lead_where_values_are_uncertain)
{
    line l = {.value = rounded, .slope = rounded_slope};
    ls_line_search search = search_on(&l, 4);
    cr_assert_eq(ls_line_search_run(&search), LS_OK);
    cr_expect_not(search.found, "precise values: nothing is lower");
    l.count = 0;
    search = search_on(&l, 4);
    search.noise = 1e-4;
    cr_assert_eq(ls_line_search_run(&search), LS_OK);
    cr_expect(search.found && search.strong);
    cr_expect_float_eq(search.end.step, 1, 0.11);
}
