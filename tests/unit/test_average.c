/* Averages of the weights: the shares, and whole trainings against a sum in double precision. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "optim/average.h"
#include "support/default_component.h"
#include "support/training.h"

static double share(const ls_component *average, bool epoch_end, int64_t epochs, int64_t taken)
{
    ls_average_moment moment = {.epoch_end = epoch_end, .epochs = epochs, .taken = taken};
    return ls_average_share(average, &moment);
}

Test(average, without_one_nothing_is_taken)
{
    ls_component none = {.type = NULL};
    cr_expect_eq(share(&none, false, 1, 0), 0);
    cr_expect_eq(share(&none, true, 1, 0), 0);
}

Test(average, the_exponential_one_takes_every_step)
{
    ls_component ema = default_component(&ls_average_registry, "ema", 1);
    *(double *)option_of(&ema, "decay") = 0.75;
    *(bool *)option_of(&ema, "warmup") = false;
    cr_expect_eq(share(&ema, false, 0, 0), 1);
    cr_expect_eq(share(&ema, false, 0, 1), 0.25);
    cr_expect_eq(share(&ema, false, 9, 1000), 0.25);
    cr_expect_eq(share(&ema, true, 9, 1000), 0);
    *(bool *)option_of(&ema, "warmup") = true;
    cr_expect_eq(share(&ema, false, 0, 1), 1 - 2.0 / 11);
    cr_expect_eq(share(&ema, false, 0, 24), 1 - 25.0 / 34);
    cr_expect_eq(share(&ema, false, 0, 26), 0.25);
    *(double *)option_of(&ema, "decay") = 1;
    cr_expect_not_null(ema.type->check(ema.options));
    *(double *)option_of(&ema, "decay") = 0.999;
    cr_expect_null(ema.type->check(ema.options));
    ls_component_clear(&ema);
}

Test(average, the_equal_one_takes_the_ends_of_epochs)
{
    ls_component swa = default_component(&ls_average_registry, "swa", 5);
    *(int64_t *)option_of(&swa, "every") = 2;
    cr_expect_eq(share(&swa, false, 5, 0), 0);
    cr_expect_eq(share(&swa, true, 4, 0), 0);
    cr_expect_eq(share(&swa, true, 5, 0), 1);
    cr_expect_eq(share(&swa, true, 6, 1), 0);
    cr_expect_eq(share(&swa, true, 7, 1), 0.5);
    cr_expect_eq(share(&swa, true, 9, 2), 1.0 / 3);
    ls_component_clear(&swa);
}

#define RECIPE(TRAINING)                                                                                     \
    "seed: 3\ndata: {type: csv, train: iris.csv, test_fraction: 0.2}\n"                                      \
    "model:\n  - {type: dense, units: 19, activation: tanh}\n  - {type: dense, units: 3}\n"                  \
    "loss: softmax_cross_entropy\noptimizer: {type: sgd, lr: 0.1}\n"                                         \
    "training: {batch: 40, " TRAINING "}\n"

static void expect_average(const training *s, const double *expected, const char *what)
{
    const float *weights = ls_trainer_weights(&s->trainer);
    cr_assert_eq(weights, s->trainer.average);
    for (int64_t i = 0; i < s->trainer.model.arena_size; i++)
        cr_assert_float_eq(weights[i], expected[i], 1e-6, "%s: element %d: %g, expected %g", what, (int)i,
                           (double)weights[i], expected[i]);
}

Test(average, the_exponential_one_of_a_training_is_that_of_its_weights)
{
    training *s = training_begin(2, RECIPE("average: {type: ema, decay: 0.9}"));
    double *expected = calloc((size_t)s->trainer.model.arena_size, sizeof *expected);
    cr_expect_eq(ls_trainer_weights(&s->trainer), s->trainer.step.parameters);
    for (int n = 0; n < 50; n++) {
        training_steps(s, 1);
        double early = (1.0 + n) / (10.0 + n), decay = n == 0 ? 0 : early < 0.9 ? early : 0.9;
        for (int64_t i = 0; i < s->trainer.model.arena_size; i++)
            expected[i] = decay * expected[i] + (1 - decay) * (double)s->trainer.step.parameters[i];
    }
    expect_average(s, expected, "ema");
    free(expected);
    training_end(s);
}

Test(average, the_equal_one_of_a_training_is_the_mean)
{
    training *s = training_begin(2, RECIPE("average: {type: swa, start: 3}"));
    double *sum = calloc((size_t)s->trainer.model.arena_size, sizeof *sum);
    for (int epoch = 1; epoch <= 7; epoch++) {
        training_steps(s, 3);
        cr_assert_eq(s->trainer.epoch, epoch);
        cr_expect_eq(s->trainer.averaged, epoch < 3 ? 0 : epoch - 2);
        for (int64_t i = 0; i < s->trainer.model.arena_size && epoch >= 3; i++)
            sum[i] += (double)s->trainer.step.parameters[i];
    }
    for (int64_t i = 0; i < s->trainer.model.arena_size; i++) sum[i] /= 5;
    expect_average(s, sum, "swa");
    free(sum);
    training_end(s);
}

Test(average, threads_do_not_change_its_bits)
{
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    training *one = training_begin(1, RECIPE("average: {type: ema, decay: 0.9}")),
             *many = training_begin(5, RECIPE("average: {type: ema, decay: 0.9}"));
    for (int n = 0; n < 10; n++) {
        training_steps(one, 1);
        training_steps(many, 1);
    }
    cr_expect(memcmp(one->trainer.average, many->trainer.average,
                     (size_t)one->trainer.model.arena_size * sizeof(float)) == 0);
    training_end(one);
    training_end(many);
}

/* A step that is left out changes nothing, so nothing is taken. */
Test(average, a_skipped_step_does_not_count)
{
    training *s = training_begin(1, RECIPE("nonfinite: skip, average: {type: ema, decay: 0.9}"));
    training_steps(s, 1);
    cr_expect_eq(s->trainer.averaged, 1);
    s->trainer.step.parameters[0] = NAN;
    training_steps(s, 1);
    cr_expect_eq(s->trainer.step.skipped, 1);
    cr_expect_eq(s->trainer.averaged, 1);
    training_end(s);
}

Test(average, running_statistics_are_averaged_like_weights)
{
    training *s = training_begin(1, "seed: 3\ndata: {type: csv, train: iris.csv, test_fraction: 0.2}\n"
                                    "model:\n  - {type: dense, units: 19}\n  - {type: batch_norm, name: "
                                    "norm}\n  - {type: dense, units: 3}\n"
                                    "loss: softmax_cross_entropy\ntraining: {batch: 40, average: {type: ema, "
                                    "decay: 0.5, warmup: false}}\n");
    const ls_parameter *mean = NULL;
    for (int p = 0; p < s->trainer.model.parameter_count && mean == NULL; p++) {
        if (s->trainer.model.parameter[p].untrained) mean = &s->trainer.model.parameter[p];
    }
    cr_assert_not_null(mean);
    double expected = 0;
    for (int n = 0; n < 10; n++) {
        training_steps(s, 1);
        double value = (double)s->trainer.step.parameters[mean->offset];
        expected = n == 0 ? value : 0.5 * expected + 0.5 * value;
    }
    cr_expect_neq(expected, 0);
    cr_expect_float_eq(s->trainer.average[mean->offset], expected, 1e-6);
    training_end(s);
}
