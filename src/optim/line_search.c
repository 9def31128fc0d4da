#include "optim/line_search.h"

#include <math.h>

static const double LONGER = 10, LITTLE_LONGER = 2; /* bounds on the next step when the last was too short */
static const double MARGIN = 0.01;                  /* share of the interval at its ends that is avoided */
static const double SHRUNK = 0.66;    /* an interval that lost less of its width is halved next */
static const double SMALL = 1e-2;     /* decreases by less than this share of the value are small */
static const double NARROW = 0x1p-30; /* intervals narrower than this share of the step end it */

/* The minimum of the cubic through both values and slopes; NaN where there is none. */
static double cubic_minimum(const ls_line_point *a, const ls_line_point *b)
{
    double d1 = a->slope + b->slope - 3 * (a->value - b->value) / (a->step - b->step);
    double square = d1 * d1 - a->slope * b->slope;
    if (!(square >= 0)) return NAN;
    double d2 = b->step > a->step ? sqrt(square) : -sqrt(square);
    return b->step - (b->step - a->step) * (b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2);
}

static ls_status evaluate(ls_line_search *search, double step, ls_line_point *point)
{
    point->step = step;
    search->used++;
    LS_TRY(search->evaluate(search->user, point));
    if (!isfinite(point->value) || !isfinite(point->slope)) point->value = INFINITY;
    return LS_OK;
}

static bool decreases(const ls_line_search *search, const ls_line_point *point)
{
    /* The bound of a very short step may round to the value itself. */
    return point->value < search->start.value &&
           point->value <= search->start.value + search->decrease * point->step * search->start.slope;
}

static bool is_flat(const ls_line_search *search, const ls_line_point *point)
{
    return fabs(point->slope) <= -search->curvature * search->start.slope;
}

/* Where the expected decrease is small, values hardly tell noise from progress; slopes still do. Then a value
 * that is no higher, within the noise, will do (the approximate Wolfe conditions of Hager and Zhang, SIAM J.
 * Optim. 16, 2005, eq. 4.1, whose condition on the slope is_flat implies). */
static bool is_as_low_as_can_be_told(const ls_line_search *search, const ls_line_point *point)
{
    double size = fabs(search->start.value);
    return search->noise > 0 && -point->step * search->start.slope <= SMALL * size &&
           point->value <= search->start.value + search->noise * size;
}

/* Whether a step that meets the conditions lies beyond the point, if it slopes down, and before it, if it
 * slopes up; else it lies before. low: the lowest so far. */
static bool is_low(const ls_line_search *search, const ls_line_point *point, const ls_line_point *low)
{
    if (is_as_low_as_can_be_told(search, point)) return true;
    return decreases(search, point) && (low->step == 0 || point->value < low->value);
}

static void accept(ls_line_search *search, const ls_line_point *point)
{
    search->end = *point;
    search->found = search->strong = true;
}

static double inside(const ls_line_point *low, const ls_line_point *high, bool halve)
{
    double width = high->step - low->step, share = (cubic_minimum(low, high) - low->step) / width;
    if (halve || !(share >= 0 && share <= 1)) share = 0.5;
    share = fmin(fmax(share, MARGIN), 1 - MARGIN);
    return low->step + width * share;
}

/* Between low, which has the lowest value so far of those that decrease enough, and high lie steps that meet
 * both conditions. */
static ls_status zoom(ls_line_search *search, ls_line_point low, ls_line_point high)
{
    ls_line_point next = low;
    double width = INFINITY;
    while (search->used < search->evaluations &&
           fabs(high.step - low.step) > NARROW * fmax(low.step, high.step)) {
        bool halve = fabs(high.step - low.step) > SHRUNK * width;
        width = fabs(high.step - low.step);
        LS_TRY(evaluate(search, inside(&low, &high, halve), &next));
        if (!is_low(search, &next, &low)) {
            high = next;
            continue;
        }
        if (is_flat(search, &next)) {
            accept(search, &next);
            return LS_OK;
        }
        if (next.slope * (high.step - low.step) >= 0) high = low;
        low = next;
    }
    search->found = low.step > 0 && decreases(search, &low);
    if (search->found && next.step != low.step) LS_TRY(evaluate(search, low.step, &low));
    search->end = low;
    return LS_OK;
}

static double further(const ls_line_point *before, const ls_line_point *point)
{
    double step = cubic_minimum(before, point);
    if (!(step >= LITTLE_LONGER * point->step)) return LITTLE_LONGER * point->step;
    return step > LONGER * point->step ? LONGER * point->step : step;
}

ls_status ls_line_search_run(ls_line_search *search)
{
    ls_line_point before = search->start, point;
    double step = search->first;
    search->found = search->strong = false;
    search->used = 0;
    search->end = search->start;
    while (search->used < search->evaluations) {
        LS_TRY(evaluate(search, step, &point));
        if (!is_low(search, &point, &before)) return zoom(search, before, point);
        if (is_flat(search, &point)) {
            accept(search, &point);
            return LS_OK;
        }
        if (point.slope >= 0) return zoom(search, point, before);
        step = further(&before, &point);
        before = point;
    }
    search->found = before.step > 0 && decreases(search, &before);
    search->end = before;
    return LS_OK;
}
