/* Learning rates at points whose values were worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "io/recipe.h"
#include "optim/optimizer.h"
#include "support/default_component.h"

/* A recipe with this schedule and whatever else optimizer and training say; lr is 1. */
static ls_recipe *recipe_with(const char *optimizer, const char *training)
{
    ls_recipe *recipe = NULL;
    char *text = ls_format("data: xor\nmodel: [{type: dense, units: 1}]\nloss: mse\n"
                           "optimizer: {type: sgd, lr: 1, %s}\ntraining: {%s}\n",
                           optimizer, training);
    ls_status status = ls_recipe_parse(text, "test", NULL, NULL, 0, &recipe);
    cr_assert_eq(status, LS_OK, "%s: %s", text, ls_error_message());
    ls_free(text);
    return recipe;
}

static double rate_at(const ls_recipe *recipe, int64_t step, int64_t steps_per_epoch)
{
    ls_schedule_time time = {.step = step, .steps_per_epoch = steps_per_epoch};
    return ls_learning_rate(recipe->optimizer.options, &time);
}

typedef struct point {
    int64_t step;
    double rate;
} point;

/* Ten steps an epoch. The list ends with a negative step. */
static void expect_rates(const char *optimizer, const char *training, const point *expected)
{
    ls_recipe *recipe = recipe_with(optimizer, training);
    for (; expected->step >= 0; expected++) {
        double rate = rate_at(recipe, expected->step, 10);
        cr_expect(fabs(rate - expected->rate) <= 1e-14 * fmax(1e-3, expected->rate),
                  "%s: step %d: %.17g instead of %.17g", optimizer, (int)expected->step, rate,
                  expected->rate);
    }
    ls_recipe_free(recipe);
}

#define POINTS(...)                                                                                          \
    (const point[])                                                                                          \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            -1, 0                                                                                            \
        }                                                                                                    \
    }

Test(schedules, constant_is_constant)
{
    expect_rates("schedule: constant", "", POINTS({0, 1}, {12345, 1}));
    ls_component none = {.type = NULL};
    ls_warmup_options warmup = {0};
    ls_schedule_time time = {.step = 7};
    cr_expect_eq(ls_schedule_factor(&none, &warmup, &time), 1);
}

Test(schedules, step_changes_with_whole_periods)
{
    expect_rates("schedule: {type: step, every: 3, factor: 0.5}", "",
                 POINTS({0, 1}, {29, 1}, {30, 0.5}, {59, 0.5}, {60, 0.25}, {119, 0.125}));
    expect_rates("schedule: {type: step, every: 3, factor: 0.5, unit: steps}", "",
                 POINTS({0, 1}, {2, 1}, {3, 0.5}, {5, 0.5}, {6, 0.25}));
    ls_recipe *recipe = recipe_with("schedule: {type: step, every: 5}", "");
    cr_expect_eq(rate_at(recipe, INT64_C(4000000000000), 1), 0);
    ls_recipe_free(recipe);
}

Test(schedules, multi_step_changes_at_the_given_points)
{
    expect_rates(
        "schedule: {type: multi_step, at: [2, 3, 7], factor: 0.1}", "",
        POINTS({0, 1}, {19, 1}, {20, 0.1}, {29, 0.1}, {30, 0.01}, {69, 0.01}, {70, 0.001}, {900, 0.001}));
    expect_rates("schedule: {type: multi_step, at: 4, factor: 0.5, unit: steps}", "",
                 POINTS({3, 1}, {4, 0.5}));
}

Test(schedules, exponential_changes_with_every_epoch)
{
    expect_rates("schedule: {type: exponential, factor: 0.5}", "",
                 POINTS({0, 1}, {9, 1}, {10, 0.5}, {35, 0.125}));
    expect_rates("schedule: {type: exponential, factor: 0.9, unit: steps}", "",
                 POINTS({0, 1}, {1, 0.9}, {4, 0.6561}));
}

Test(schedules, linear_and_polynomial_fall_to_the_end)
{
    expect_rates("schedule: linear", "epochs: 4", POINTS({0, 1}, {10, 0.75}, {39, 0.025}, {40, 0}, {400, 0}));
    expect_rates("schedule: {type: linear, end_factor: 0.2, length: 8, unit: steps}", "",
                 POINTS({0, 1}, {2, 0.8}, {7, 0.3}, {8, 0.2}, {100, 0.2}));
    expect_rates("schedule: {type: polynomial, power: 2}", "epochs: 1",
                 POINTS({0, 1}, {5, 0.25}, {9, 0.01}, {10, 0}));
    expect_rates("schedule: {type: polynomial, power: 0.5, end_factor: 0.5, length: 4, unit: steps}", "",
                 POINTS({0, 1}, {3, 0.75}, {4, 0.5}));
    expect_rates("schedule: {type: polynomial, power: 1, length: 0.5}", "epochs: 9",
                 POINTS({1, 0.8}, {5, 0}));
}

Test(schedules, cosine_is_half_a_wave)
{
    double root = sqrt(0.5);
    expect_rates("schedule: cosine", "epochs: 4",
                 POINTS({0, 1}, {10, 0.5 + root / 2}, {20, 0.5}, {30, 0.5 - root / 2}, {40, 0}, {77, 0}));
    expect_rates("schedule: {type: cosine, end_factor: 0.1, length: 8, unit: steps}", "",
                 POINTS({0, 1}, {4, 0.55}, {8, 0.1}, {9, 0.1}));
}

Test(schedules, cosine_restarts)
{
    expect_rates("schedule: {type: cosine, period: 4, unit: steps}", "",
                 POINTS({0, 1}, {2, 0.5}, {4, 1}, {6, 0.5}, {400, 1}, {402, 0.5}));
    expect_rates("schedule: {type: cosine, period: 4, multiplier: 2, unit: steps}", "",
                 POINTS({0, 1}, {2, 0.5}, {4, 1}, {8, 0.5}, {12, 1}, {20, 0.5}, {28, 1}));
    expect_rates("schedule: {type: cosine, period: 0.6}", "", POINTS({3, 0.5}, {6, 1}, {9, 0.5}));
}

Test(schedules, inverse_sqrt_halves_after_three_times_its_scale)
{
    expect_rates("schedule: {type: inverse_sqrt, scale: 2}", "", POINTS({0, 1}, {60, 0.5}, {160, 1.0 / 3}));
    expect_rates("schedule: {type: inverse_sqrt, scale: 4, unit: steps}, warmup: {length: 4, unit: steps, "
                 "start_factor: 0}",
                 "", POINTS({0, 0}, {1, 0.25}, {3, 0.75}, {4, 1}, {16, 0.5}, {64, 0.25}));
}

/* T = 21 steps, rise 0.3: the highest rate is at step 0.3 21 - 1 = 5.3, the last at step 20. */
Test(schedules, one_cycle_rises_and_falls)
{
    const double pi = acos(-1);
    double at_3 = 0.04 + 0.96 * (1 - cos(pi * 3 / 5.3)) / 2;
    double at_10 = 4e-6 + (1 - 4e-6) * (1 + cos(pi * (10 - 5.3) / (20 - 5.3))) / 2;
    expect_rates("schedule: {type: one_cycle, length: 21, unit: steps}", "",
                 POINTS({0, 0.04}, {3, at_3}, {10, at_10}, {20, 4e-6}, {50, 4e-6}));
    expect_rates("schedule: {type: one_cycle, rise: 0, length: 3, unit: steps}", "",
                 POINTS({0, 1}, {1, 4e-6 + (1 - 4e-6) / 2}, {2, 4e-6}));
    expect_rates("schedule: {type: one_cycle, rise: 1, length: 3, unit: steps, start_factor: 0.5}", "",
                 POINTS({0, 0.5}, {1, 0.75}, {2, 1}, {3, 4e-6}));
}

/* Warm-up of half an epoch; the schedule counts from its end, its length from the start. */
Test(schedules, warmup_goes_in_front)
{
    expect_rates("warmup: {length: 0.5, start_factor: 0.2}", "",
                 POINTS({0, 0.2}, {1, 0.36}, {4, 0.84}, {5, 1}, {500, 1}));
    expect_rates("warmup: {length: 5, unit: steps}, schedule: {type: step, every: 1, factor: 0.5}", "",
                 POINTS({0, 0.1}, {5, 1}, {14, 1}, {15, 0.5}));
    expect_rates("warmup: {length: 2}, schedule: linear", "epochs: 4",
                 POINTS({0, 0.1}, {20, 1}, {30, 0.5}, {40, 0}));
}

/* The rate of a step is the same however the steps are cut into runs: it is a function of the step. And with
   constant lr every schedule begins above 0 and stays finite. */
Test(schedules, every_schedule_is_positive_at_first_and_never_negative)
{
    for (const ls_component_type *const *type = ls_schedule_registry.types; *type != NULL; type++) {
        ls_component component = default_component(&ls_schedule_registry, (*type)->name, 3);
        ls_warmup_options warmup = {0};
        cr_assert_null(ls_schedule_resolve(&component, &warmup, 5, 0));
        for (int64_t step = 0; step < 100; step++) {
            ls_schedule_time time = {.step = step, .steps_per_epoch = 7};
            double factor = ls_schedule_factor(&component, &warmup, &time);
            cr_expect(factor >= 0 && factor <= 1 && (step > 0 || factor > 0), "%s, step %d: %g",
                      (*type)->name, (int)step, factor);
        }
        if (component.options != NULL) {
            cr_expect_eq(ls_option_find((*type)->options, "unit")->offset,
                         offsetof(ls_schedule_options, unit));
            const ls_option *length = ls_option_find((*type)->options, "length");
            bool ends = ((const ls_schedule_type *)*type)->ends != NULL;
            cr_expect_eq(length != NULL, ends, "%s", (*type)->name);
            if (length != NULL) cr_expect_eq(length->offset, offsetof(ls_schedule_options, length));
        }
        ls_component_clear(&component);
    }
}

static void expect_error(const char *optimizer, const char *training, const char *message)
{
    ls_recipe *recipe = NULL;
    char *text = ls_format("data: xor\nmodel: [{type: dense, units: 1}]\nloss: mse\n"
                           "optimizer: {type: sgd, lr: 1, %s}\ntraining: {%s}\n",
                           optimizer, training);
    cr_expect_eq(ls_recipe_parse(text, "test", NULL, NULL, 0, &recipe), LS_ERROR_RECIPE, "%s", optimizer);
    cr_expect(strstr(ls_error_message(), message) != NULL, "%s: '%s'", optimizer, ls_error_message());
    ls_free(text);
}

Test(schedules, what_does_not_fit_is_refused)
{
    expect_error("schedule: {type: multi_step, at: [3, 3]}", "",
                 "test:4:41: schedule multi_step: the numbers of 'at'");
    expect_error("schedule: {type: cosine, unit: steps}", "",
                 "test:4:41: schedule cosine: a length in steps is needed (length, or training.steps)");
    expect_error("schedule: linear, warmup: {length: 3}", "epochs: 3", "the warm-up takes the whole length");
    expect_error("schedule: {type: step, every: 3, unit: hours}", "", "epochs, steps");
    expect_error("warmup: {lenght: 3}", "", "did you mean 'length'?");
}

/* Steps of the training are the default length where steps are counted. */
Test(schedules, the_default_length_is_that_of_the_training)
{
    expect_rates("schedule: {type: linear, unit: steps}", "steps: 20", POINTS({5, 0.75}, {20, 0}));
    ls_recipe *ten = recipe_with("schedule: cosine", "epochs: 10"),
              *six = recipe_with("schedule: cosine", "epochs: 6");
    char *key = ls_recipe_difference(ten, six);
    cr_assert(key != NULL && strcmp(key, "optimizer.schedule.length") == 0, "%s", key == NULL ? "none" : key);
    ls_free(key);
    ls_recipe_free(six);
    six = recipe_with("schedule: {type: cosine, length: 10}", "epochs: 6");
    cr_assert_null(ls_recipe_difference(ten, six));
    ls_recipe_free(six);
    ls_recipe_free(ten);
    /* without an end more epochs are no other recipe */
    ten = recipe_with("schedule: {type: cosine, period: 3}", "epochs: 10");
    six = recipe_with("schedule: {type: cosine, period: 3}", "epochs: 6");
    cr_assert_null(ls_recipe_difference(ten, six));
    ls_recipe_free(six);
    ls_recipe_free(ten);
}
