/* Averages of the weights: the shares, and whole trainings against a sum in double precision. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "optim/average.h"
#include "support/default_component.h"
#include "train/trainer.h"

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

typedef struct setting {
    ls_context *context;
    ls_recipe *recipe;
    ls_trainer trainer;
} setting;

static setting *make(int threads, const char *training)
{
    setting *s = calloc(1, sizeof *s);
    char *text =
        ls_format("seed: 3\ndata: {type: csv, train: iris.csv, test_fraction: 0.2}\n"
                  "model:\n  - {type: dense, units: 19, activation: tanh}\n  - {type: dense, units: 3}\n"
                  "loss: softmax_cross_entropy\noptimizer: {type: sgd, lr: 0.1}\n"
                  "training: {batch: 40, %s}\n",
                  training);
    char *directory = ls_path_join(getenv("srcdir"), "datasets");
    cr_assert_eq(ls_context_create(threads, &s->context), LS_OK);
    cr_assert_eq(ls_recipe_parse(text, "test", directory, NULL, 0, &s->recipe), LS_OK, "%s",
                 ls_error_message());
    cr_assert_eq(ls_trainer_setup(s->context, s->recipe, &s->trainer), LS_OK, "%s", ls_error_message());
    ls_free(text);
    ls_free(directory);
    return s;
}

static void release(setting *s)
{
    ls_trainer_clear(&s->trainer);
    ls_recipe_free(s->recipe);
    ls_context_free(s->context);
    free(s);
}

static void step(setting *s)
{
    ls_wish wish = LS_WISH_NONE;
    cr_assert_eq(ls_trainer_advance(&s->trainer, LS_OK, &wish), LS_OK, "%s", ls_error_message());
    if (!ls_trainer_epoch_is_over(&s->trainer)) return;
    s->trainer.epoch++;
    s->trainer.position = 0;
    ls_trainer_average(&s->trainer, true);
}

static void expect_average(const setting *s, const double *expected, const char *what)
{
    const float *weights = ls_trainer_weights(&s->trainer);
    cr_assert_eq(weights, s->trainer.average);
    for (int64_t i = 0; i < s->trainer.model.arena_size; i++)
        cr_assert_float_eq(weights[i], expected[i], 1e-6, "%s: element %d: %g, expected %g", what, (int)i,
                           (double)weights[i], expected[i]);
}

Test(average, the_exponential_one_of_a_training_is_that_of_its_weights)
{
    setting *s = make(2, "average: {type: ema, decay: 0.9}");
    double *expected = calloc((size_t)s->trainer.model.arena_size, sizeof *expected);
    cr_expect_eq(ls_trainer_weights(&s->trainer), s->trainer.step.parameters);
    for (int n = 0; n < 50; n++) {
        step(s);
        double early = (1.0 + n) / (10.0 + n), decay = n == 0 ? 0 : early < 0.9 ? early : 0.9;
        for (int64_t i = 0; i < s->trainer.model.arena_size; i++)
            expected[i] = decay * expected[i] + (1 - decay) * (double)s->trainer.step.parameters[i];
    }
    expect_average(s, expected, "ema");
    free(expected);
    release(s);
}

Test(average, the_equal_one_of_a_training_is_the_mean)
{
    setting *s = make(2, "average: {type: swa, start: 3}");
    double *sum = calloc((size_t)s->trainer.model.arena_size, sizeof *sum);
    for (int epoch = 1; epoch <= 7; epoch++) {
        for (int n = 0; n < 3; n++) step(s);
        cr_assert_eq(s->trainer.epoch, epoch);
        cr_expect_eq(s->trainer.averaged, epoch < 3 ? 0 : epoch - 2);
        for (int64_t i = 0; i < s->trainer.model.arena_size && epoch >= 3; i++)
            sum[i] += (double)s->trainer.step.parameters[i];
    }
    for (int64_t i = 0; i < s->trainer.model.arena_size; i++) sum[i] /= 5;
    expect_average(s, sum, "swa");
    free(sum);
    release(s);
}

Test(average, threads_do_not_change_its_bits)
{
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    setting *one = make(1, "average: {type: ema, decay: 0.9}"),
            *many = make(5, "average: {type: ema, decay: 0.9}");
    for (int n = 0; n < 10; n++) {
        step(one);
        step(many);
    }
    cr_expect(memcmp(one->trainer.average, many->trainer.average,
                     (size_t)one->trainer.model.arena_size * sizeof(float)) == 0);
    release(one);
    release(many);
}

/* A step that is left out changes nothing, so nothing is taken. */
Test(average, a_skipped_step_does_not_count)
{
    setting *s = make(1, "nonfinite: skip, average: {type: ema, decay: 0.9}");
    step(s);
    cr_expect_eq(s->trainer.averaged, 1);
    s->trainer.step.parameters[0] = NAN;
    step(s);
    cr_expect_eq(s->trainer.step.skipped, 1);
    cr_expect_eq(s->trainer.averaged, 1);
    release(s);
}
