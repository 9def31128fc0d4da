/* Steps that meet infinity or NaN, with the policy to leave them out. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "support/training.h"

#define RECIPE(TRAINING)                                                                                     \
    "seed: 3\ndata: {type: csv, train: iris.csv, test_fraction: 0.2}\n"                                      \
    "model:\n  - {type: dense, units: 19, activation: tanh}\n  - {type: dense, units: 3, name: last}\n"      \
    "loss: softmax_cross_entropy\ntraining: {batch: 40, shuffle: false, nonfinite: skip, " TRAINING "}\n"

static void spoil(training *t, float value)
{
    t->trainer.train.floats[45 * t->trainer.train.inputs] = value; /* in the second batch of three */
}

Test(nonfinite, a_skipped_step_is_in_neither_loss_nor_metrics)
{
    training *t = training_begin(2, RECIPE("grain: 8")), *plain = training_begin(2, RECIPE("grain: 8"));
    ls_score score, expected;
    training_steps(t, 1);
    training_steps(plain, 1);
    cr_assert_eq(ls_step_score(&plain->trainer.step, &expected), LS_OK);
    spoil(t, NAN);
    training_steps(t, 1);
    cr_expect_eq(t->trainer.step.skipped, 1);
    cr_expect(training_same(t, plain));
    cr_assert_eq(ls_step_score(&t->trainer.step, &score), LS_OK);
    cr_expect_eq(score.samples, 40);
    cr_expect_eq(score.head[0].correct, expected.head[0].correct);
    cr_expect_eq(ls_wide_value(&score.head[0].loss), ls_wide_value(&expected.head[0].loss));
    training_end(t);
    training_end(plain);
}

static ls_status advance(training *t)
{
    ls_wish wish = LS_WISH_NONE;
    ls_status status = ls_trainer_advance(&t->trainer, LS_OK, &wish);
    if (ls_trainer_epoch_is_over(&t->trainer)) {
        t->trainer.epoch++;
        t->trainer.position = 0;
    }
    return status;
}

Test(nonfinite, too_many_in_a_row_are_an_error_that_says_so)
{
    training *t = training_begin(1, RECIPE("nonfinite_limit: 4"));
    t->trainer.step.parameters[t->trainer.model.parameter[0].offset] = NAN;
    for (int n = 1; n < 4; n++) {
        cr_assert_eq(advance(t), LS_OK, "%s", ls_error_message());
        cr_expect_eq(t->trainer.step.skipped_in_row, n);
    }
    cr_expect_eq(advance(t), LS_ERROR_NUMERIC);
    cr_expect(strstr(ls_error_message(), "4 steps in a row were left out (training.nonfinite_limit)") != NULL,
              "%s", ls_error_message());
    cr_expect(strstr(ls_error_message(), "in the output of layer dense_0") != NULL, "%s", ls_error_message());
    training_end(t);
}

Test(nonfinite, a_good_step_ends_the_row)
{
    training *t = training_begin(1, RECIPE("nonfinite_limit: 2"));
    spoil(t, INFINITY);
    for (int n = 0; n < 9; n++) cr_assert_eq(advance(t), LS_OK, "%s", ls_error_message());
    cr_expect_eq(t->trainer.step.skipped, 3);
    cr_expect_eq(t->trainer.step.skipped_in_row, 0);
    training_end(t);
}

Test(nonfinite, without_a_limit_any_number_is_left_out)
{
    training *t = training_begin(1, RECIPE("nonfinite_limit: 0"));
    t->trainer.step.parameters[t->trainer.model.parameter[0].offset] = NAN;
    for (int n = 0; n < 150; n++) cr_assert_eq(advance(t), LS_OK);
    cr_expect_eq(t->trainer.step.skipped, 150);
    training_end(t);
}
