#include "optim/lbfgs.h"

#include <math.h>
#include <string.h>

#include "optim/line_search.h"

static const double DECREASE = 1e-4, CURVATURE = 0.9; /* Nocedal and Wright, section 3.1, for quasi-Newton */
/* The loss of a sample close to its target is a small difference of numbers that are rounded to float. */
static const double NOISE = 1e-4;
static const double CURVED = 0x1p-40; /* a pair counts if s.y is more than this share of |s| |y| */

enum { PAIRS, NEWEST }; /* the numbers of the state */

typedef struct lbfgs {
    const ls_lbfgs_rule *rule;
    const ls_function *function;
    float *const *s, *const *y; /* [history] rings: steps, changes of the gradient */
    float *direction, *w_before, *gradient_before;
    int64_t *number;
} lbfgs;

int ls_lbfgs_states(const ls_lbfgs_rule *rule)
{
    return 2 * (int)rule->history;
}

int ls_lbfgs_vectors(const ls_lbfgs_rule *rule)
{
    return ls_lbfgs_states(rule) + 3;
}

static lbfgs open(const ls_lbfgs_rule *rule, const ls_iteration *iteration)
{
    float *const *work = iteration->vector + ls_lbfgs_states(rule);
    return (lbfgs){.rule = rule,
                   .function = iteration->function,
                   .s = iteration->vector,
                   .y = iteration->vector + rule->history,
                   .direction = work[0],
                   .w_before = work[1],
                   .gradient_before = work[2],
                   .number = iteration->number};
}

static double dot(const lbfgs *l, const float *a, const float *b)
{
    return l->function->kernels->dot(l->function->size, a, b);
}

static void add(const lbfgs *l, double scale, const float *x, float *to)
{
    l->function->kernels->add_scaled((float)scale, l->function->size, x, to);
}

static void copy(const lbfgs *l, const float *from, float *to)
{
    memcpy(to, from, (size_t)l->function->size * sizeof *to);
}

static void scale(const lbfgs *l, double factor, float *x)
{
    for (int64_t i = 0; i < l->function->size; i++) x[i] *= (float)factor;
}

static double largest(const lbfgs *l, const float *x)
{
    uint32_t bits = l->function->kernels->largest(x, l->function->size);
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double sum_of_magnitudes(const lbfgs *l, const float *x)
{
    double sum = 0;
    for (int64_t i = 0; i < l->function->size; i++) sum += fabs((double)x[i]);
    return sum;
}

/* Pair number age, 0 for the newest. */
static int64_t ring(const lbfgs *l, int64_t age)
{
    int64_t history = l->rule->history;
    return (l->number[NEWEST] - age + history) % history;
}

/* Algorithm 7.4: minus the approximate inverse of the Hessian matrix times the gradient. */
static void find_direction(const lbfgs *l)
{
    double alpha[LS_LBFGS_HISTORY_MAX], rho[LS_LBFGS_HISTORY_MAX];
    int64_t pairs = l->number[PAIRS];
    float *q = l->direction;
    copy(l, l->function->gradient, q);
    for (int64_t age = 0; age < pairs; age++) {
        const float *s = l->s[ring(l, age)], *y = l->y[ring(l, age)];
        rho[age] = 1 / dot(l, s, y);
        alpha[age] = rho[age] * dot(l, s, q);
        add(l, -alpha[age], y, q);
    }
    if (pairs > 0) {
        const float *y = l->y[ring(l, 0)];
        scale(l, 1 / (rho[0] * dot(l, y, y)), q); /* eq. 7.20 */
    }
    for (int64_t age = pairs - 1; age >= 0; age--) {
        double beta = rho[age] * dot(l, l->y[ring(l, age)], q);
        add(l, alpha[age] - beta, l->s[ring(l, age)], q);
    }
    scale(l, -1, q);
}

/* The line search asks for the weights w_before + step direction. */
static ls_status evaluate_on_line(void *user, ls_line_point *point)
{
    const lbfgs *l = user;
    const ls_function *function = l->function;
    copy(l, l->w_before, function->w);
    add(l, point->step, l->direction, function->w);
    LS_TRY(function->evaluate(function->user, &point->value));
    point->slope = isfinite(point->value) ? dot(l, function->gradient, l->direction) : NAN;
    return LS_OK;
}

/* Along the direction of the history; where that does not lead down, along the gradient without it. */
static ls_status search_line(lbfgs *l, ls_iteration *iteration, ls_line_search *search)
{
    const ls_function *function = l->function;
    copy(l, function->w, l->w_before);
    copy(l, function->gradient, l->gradient_before);
    for (;;) {
        bool bare = l->number[PAIRS] == 0;
        find_direction(l);
        *search = (ls_line_search){
            .evaluate = evaluate_on_line,
            .user = l,
            .start = {0, iteration->value, dot(l, function->gradient, l->direction)},
            .first = iteration->learning_rate,
            .decrease = DECREASE,
            .curvature = CURVATURE,
            .noise = NOISE,
            .evaluations = l->rule->evaluations,
        };
        if (bare) search->first *= fmin(1, 1 / sum_of_magnitudes(l, function->gradient));
        if (search->start.slope < 0) {
            LS_TRY(ls_line_search_run(search));
            iteration->evaluations += search->used;
        }
        if (search->found) return LS_OK;
        copy(l, l->w_before, function->w);
        copy(l, l->gradient_before, function->gradient);
        if (bare) return LS_OK;
        l->number[PAIRS] = 0;
    }
}

/* The step and the change of the gradient become the newest pair. Returns the largest change of a weight. */
static double remember(lbfgs *l)
{
    const ls_function *function = l->function;
    int64_t next = (l->number[NEWEST] + 1) % l->rule->history;
    float *s = l->s[next], *y = l->y[next];
    copy(l, function->w, s);
    add(l, -1, l->w_before, s);
    copy(l, function->gradient, y);
    add(l, -1, l->gradient_before, y);
    double moved = largest(l, s);
    /* The slot was that of the oldest pair, so without the new one there is one less. */
    if (dot(l, s, y) > CURVED * sqrt(dot(l, s, s) * dot(l, y, y))) {
        l->number[NEWEST] = next;
        if (l->number[PAIRS] < l->rule->history) l->number[PAIRS]++;
    } else if (l->number[PAIRS] == l->rule->history) {
        l->number[PAIRS]--;
    }
    return moved;
}

static ls_status evaluate_start(lbfgs *l, ls_iteration *iteration)
{
    if (!iteration->known) {
        LS_TRY(l->function->evaluate(l->function->user, &iteration->value));
        iteration->evaluations++;
        iteration->known = true;
    }
    if (isfinite(iteration->value)) return LS_OK;
    return ls_error(LS_ERROR_NUMERIC,
                    "the loss or its gradient is infinite or NaN before the first step; look "
                    "for unusual values in the data and the initial weights");
}

ls_status ls_lbfgs_iterate(const ls_lbfgs_rule *rule, ls_iteration *iteration)
{
    lbfgs l = open(rule, iteration);
    iteration->evaluations = 0;
    iteration->convergence = LS_CONVERGENCE_NONE;
    LS_TRY(evaluate_start(&l, iteration));
    iteration->gradient_largest = largest(&l, l.function->gradient);
    if (iteration->gradient_largest <= rule->tolerance_gradient) {
        iteration->convergence = LS_CONVERGENCE_GRADIENT;
        return LS_OK;
    }
    ls_line_search search;
    LS_TRY(search_line(&l, iteration, &search));
    if (!search.found) {
        iteration->convergence = LS_CONVERGENCE_PRECISION;
        return LS_OK;
    }
    double fallen = iteration->value - search.end.value, before = fabs(iteration->value);
    iteration->value = search.end.value;
    if (remember(&l) <= rule->tolerance_change || fabs(fallen) <= rule->tolerance_change * before)
        iteration->convergence = LS_CONVERGENCE_CHANGE;
    return LS_OK;
}
