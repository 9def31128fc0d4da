/* 50 steps of each optimiser and schedule that PyTorch has, against what it makes of them
   or, where it lacks one, a reference written from the paper (tests/golden/optimizers.py). */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "support/optimizer_run.h"

enum { STEPS = 50 };

static json_t *golden(const char *kind)
{
    char path[1024];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/optimizers.json", top == NULL ? "." : top);
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    cr_assert_not_null(file, "%s: %s", path, error.text);
    json_t *part = json_incref(json_object_get(file, kind));
    json_decref(file);
    cr_assert_gt(json_object_size(part), 8, "%s: too few %s", path, kind);
    return part;
}

/* Start and gradient are exact numbers but for w. PyTorch orders its operations in another way and rounds 1 -
   lr weight_decay and like factors to float, so a step may differ by a few times 2^-24 of weights of about 1:
   in 50 steps less than 3e-6 (at most 8e-7 is seen). The first step alone moves the weights by more than a
   hundred times that. */
static double distance(const char *optimizer, const json_t *weights)
{
    optimizer_run *run = optimizer_begin(optimizer);
    double worst = 0;
    for (int i = 0; i < OPTIMIZER_COUNT; i++) run->w[i] = (float)(i * 37 % 128) / 64 - 1;
    for (int step = 0; step < STEPS; step++) {
        float gradient[OPTIMIZER_COUNT];
        for (int i = 0; i < OPTIMIZER_COUNT; i++)
            gradient[i] = (run->w[i] - (float)(i * 29 % 64) / 64) * (float)((step * 7 + i) % 5 + 1) / 4;
        optimizer_step(run, gradient);
    }
    cr_assert_eq(json_array_size(weights), OPTIMIZER_COUNT);
    for (size_t i = 0; i < OPTIMIZER_COUNT; i++)
        worst = fmax(worst, fabs((double)run->w[i] - json_number_value(json_array_get(weights, i))));
    optimizer_end(run);
    return worst;
}

Test(golden_optimizers, take_the_steps_of_pytorch)
{
    const char *optimizer;
    json_t *all = golden("optimizers"), *weights;
    json_object_foreach(all, optimizer, weights)
    {
        double worst = distance(optimizer, weights);
        cr_expect(worst <= 3e-6, "%s: weights are off by %g", optimizer, worst);
    }
    json_decref(all);
}

/* Both compute in double precision, PyTorch from step to step and Lockstep in one formula: 50 roundings of
 * 2^-53. */
Test(golden_optimizers, take_the_rates_of_pytorch)
{
    const char *schedule;
    json_t *all = golden("schedules"), *rates;
    json_object_foreach(all, schedule, rates)
    {
        char text[256];
        snprintf(text, sizeof text, "{type: sgd, lr: 0.1, %s}", schedule);
        optimizer_run *run = optimizer_begin(text);
        cr_assert_eq(json_array_size(rates), STEPS);
        for (int step = 0; step < STEPS; step++) {
            ls_schedule_time time = {.step = step};
            double rate = ls_learning_rate(run->component->options, &time);
            double expected = json_number_value(json_array_get(rates, (size_t)step));
            cr_expect(fabs(rate - expected) <= 1e-15, "%s, step %d: %.17g instead of %.17g", schedule, step,
                      rate, expected);
        }
        optimizer_end(run);
    }
    json_decref(all);
}
