/* Limited-memory BFGS on plain functions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optim/lbfgs.h"

enum { SIZE = 16, HISTORY = 5, VECTORS = 2 * HISTORY + 3 };

typedef struct problem {
    ls_function function;
    ls_iteration iteration;
    _Alignas(64) float w[SIZE], gradient[SIZE], memory[VECTORS][SIZE];
    float *vector[VECTORS];
    int64_t number[LS_ITERATION_NUMBERS];
    int count; /* of variables; the rest is padding */
    int evaluations;
} problem;

/* f = sum over pairs of 100 (b - a^2)^2 + (1 - a)^2 (Rosenbrock, Computer Journal 3, 1960). */
static ls_status rosenbrock(void *user, double *value)
{
    problem *p = user;
    p->evaluations++;
    *value = 0;
    for (int i = 0; i < p->count; i += 2) {
        double a = (double)p->w[i], b = (double)p->w[i + 1], c = b - a * a;
        *value += 100 * c * c + (1 - a) * (1 - a);
        p->gradient[i] = (float)(-400 * a * c - 2 * (1 - a));
        p->gradient[i + 1] = (float)(200 * c);
    }
    return LS_OK;
}

/* A bowl whose axes differ by 10^4 in curvature (PyTorch 1.13 in double precision takes 82 steps). */
static ls_status bowl(void *user, double *value)
{
    problem *p = user;
    p->evaluations++;
    *value = 0;
    for (int i = 0; i < p->count; i++) {
        double curvature = pow(10, 4.0 * i / (p->count - 1)), x = (double)p->w[i] - i;
        *value += 0.5 * curvature * x * x;
        p->gradient[i] = (float)(curvature * x);
    }
    return LS_OK;
}

static ls_status nowhere(void *user, double *value)
{
    (void)user;
    *value = INFINITY;
    return LS_OK;
}

static ls_status broken(void *user, double *value)
{
    problem *p = user;
    if (++p->evaluations > 3) return ls_error(LS_ERROR_PARALLEL, "no answer");
    return rosenbrock(user, value);
}

static const ls_lbfgs_rule rule = {.history = HISTORY, .evaluations = 25, .tolerance_gradient = 1e-4};

static problem *make(ls_status (*function)(void *, double *), int count)
{
    problem *p = aligned_alloc(64, (sizeof *p + 63) / 64 * 64);
    memset(p, 0, sizeof *p);
    p->count = count;
    for (int v = 0; v < VECTORS; v++) p->vector[v] = p->memory[v];
    p->function = (ls_function){.evaluate = function,
                                .user = p,
                                .kernels = ls_kernels_get(),
                                .size = SIZE,
                                .w = p->w,
                                .gradient = p->gradient};
    p->iteration = (ls_iteration){
        .function = &p->function, .vector = p->vector, .number = p->number, .learning_rate = 1};
    for (int i = 0; i < count; i += 2) {
        p->w[i] = -1.2f;
        p->w[i + 1] = 1;
    }
    return p;
}

static int run_by(const ls_lbfgs_rule *by, problem *p, int limit)
{
    int steps = 0;
    double before = INFINITY;
    while (steps < limit && p->iteration.convergence == LS_CONVERGENCE_NONE) {
        cr_assert_eq(ls_lbfgs_iterate(by, &p->iteration), LS_OK, "%s", ls_error_message());
        cr_assert_leq(p->iteration.value, before * 1.0001);
        before = p->iteration.value;
        steps++;
    }
    return steps;
}

static int run(problem *p, int limit)
{
    return run_by(&rule, p, limit);
}

Test(lbfgs, vectors_are_history_and_work)
{
    cr_expect_eq(ls_lbfgs_states(&rule), 2 * HISTORY);
    cr_expect_eq(ls_lbfgs_vectors(&rule), VECTORS);
}

Test(lbfgs, the_valley_of_rosenbrock_is_followed_to_its_end)
{
    for (int count = 2; count <= 10; count += 4) {
        problem *p = make(rosenbrock, count);
        int steps = run(p, 200);
        cr_expect_eq(p->iteration.convergence, LS_CONVERGENCE_GRADIENT, "%d", (int)p->iteration.convergence);
        cr_expect_lt(steps, 60, "%d steps", steps);
        for (int i = 0; i < count; i++)
            cr_expect_float_eq(p->w[i], 1, 1e-4, "w[%d] = %.9g", i, (double)p->w[i]);
        for (int i = count; i < SIZE; i++) cr_expect_eq(p->w[i], 0, "padding is touched");
        free(p);
    }
}

Test(lbfgs, a_narrow_bowl_takes_few_steps)
{
    problem *p = make(bowl, 8);
    ls_lbfgs_rule precise_enough = rule; /* the gradient of the last axis comes in steps of 0.005 */
    precise_enough.tolerance_gradient = 0.01;
    int steps = run_by(&precise_enough, p, 200);
    cr_expect_lt(steps, 130, "%d steps", steps);
    cr_expect_lt(p->evaluations, 160, "%d evaluations", p->evaluations);
    for (int i = 0; i < 8; i++) cr_expect_float_eq(p->w[i], i, 0.01, "w[%d] = %.9g", i, (double)p->w[i]);
    free(p);
}

/* The state is what is said to be the state: with it alone, and the value evaluated anew, the bits go on. */
Test(lbfgs, the_state_is_all_that_is_needed)
{
    problem *whole = make(rosenbrock, 6), *parts = make(rosenbrock, 6);
    run(whole, 17);
    run(parts, 9);
    problem *fresh = make(rosenbrock, 6);
    memcpy(fresh->w, parts->w, sizeof fresh->w);
    memcpy(fresh->number, parts->number, sizeof fresh->number);
    for (int v = 0; v < ls_lbfgs_states(&rule); v++)
        memcpy(fresh->memory[v], parts->memory[v], sizeof fresh->memory[v]);
    run(fresh, 8);
    cr_expect(memcmp(whole->w, fresh->w, sizeof whole->w) == 0);
    cr_expect(memcmp(&whole->iteration.value, &fresh->iteration.value, sizeof(double)) == 0);
    free(whole);
    free(parts);
    free(fresh);
}

Test(lbfgs, ends_are_told_apart)
{
    problem *p = make(bowl, 8);
    for (int i = 0; i < 8; i++) p->w[i] = (float)i;
    run(p, 3);
    cr_expect_eq(p->iteration.convergence, LS_CONVERGENCE_GRADIENT);
    free(p);
    ls_lbfgs_rule coarse = rule;
    coarse.tolerance_gradient = 0;
    coarse.tolerance_change = 0.5;
    p = make(rosenbrock, 2);
    int steps = 0;
    while (p->iteration.convergence == LS_CONVERGENCE_NONE && steps++ < 100)
        cr_assert_eq(ls_lbfgs_iterate(&coarse, &p->iteration), LS_OK);
    cr_expect_eq(p->iteration.convergence, LS_CONVERGENCE_CHANGE);
    cr_expect_lt(steps, 20);
    free(p);
    coarse.tolerance_change = -1;
    p = make(rosenbrock, 2);
    while (p->iteration.convergence == LS_CONVERGENCE_NONE && steps++ < 1000)
        cr_assert_eq(ls_lbfgs_iterate(&coarse, &p->iteration), LS_OK);
    cr_expect(p->iteration.convergence == LS_CONVERGENCE_PRECISION ||
                  p->iteration.convergence == LS_CONVERGENCE_GRADIENT,
              "%d", (int)p->iteration.convergence);
    cr_expect_float_eq(p->w[0], 1, 1e-4);
    free(p);
}

Test(lbfgs, failures_are_passed_on)
{
    problem *p = make(nowhere, 2);
    cr_expect_eq(ls_lbfgs_iterate(&rule, &p->iteration), LS_ERROR_NUMERIC);
    free(p);
    p = make(broken, 2);
    ls_status status = LS_OK;
    for (int i = 0; i < 5 && status == LS_OK; i++) status = ls_lbfgs_iterate(&rule, &p->iteration);
    cr_expect_eq(status, LS_ERROR_PARALLEL);
    free(p);
}
