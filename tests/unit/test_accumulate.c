/* Batches in parts: nearly the weights of whole batches, in less memory, with the same bits everywhere. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/training.h"

#define RECIPE(LAYERS, TRAINING)                                                                             \
    "seed: 3\ndata: {type: csv, train: iris.csv, test_fraction: 0.2}\n"                                      \
    "model:\n" LAYERS "  - {type: dense, units: 3}\n"                                                        \
    "loss: softmax_cross_entropy\noptimizer: {type: sgd, lr: 0.1, momentum: 0.9}\n"                          \
    "training: {batch: 50, grain: 4, " TRAINING "}\n"

#define TANH "  - {type: dense, units: 19, activation: tanh}\n"
#define NORM "  - {type: dense, units: 19}\n  - {type: batch_norm, name: norm}\n"

static double largest_difference(const training *a, const training *b)
{
    double largest = 0;
    for (int64_t i = 0; i < a->trainer.model.arena_size; i++) {
        double difference = (double)a->trainer.step.parameters[i] - (double)b->trainer.step.parameters[i];
        largest = fmax(largest, fabs(difference));
    }
    return largest;
}

Test(accumulate, rows_of_a_part_are_whole_grains)
{
    training *t = training_begin(1, RECIPE(TANH, "accumulate: 3"));
    cr_expect_eq(ls_step_part_rows(t->recipe, 50, 4), 20);
    cr_expect_eq(ls_step_part_rows(t->recipe, 48, 4), 16);
    cr_expect_eq(ls_step_part_rows(t->recipe, 5, 4), 4);
    cr_expect_eq(ls_step_part_rows(t->recipe, 3, 4), 3);
    cr_expect_eq(ls_step_part_rows(t->recipe, 1, 4), 1);
    cr_expect_eq(t->trainer.step.plan.batch, 20);
    training_end(t);
    t = training_begin(1, RECIPE(TANH, ""));
    cr_expect_eq(ls_step_part_rows(t->recipe, 50, 4), 50);
    training_end(t);
}

/* 120 rows: two batches of 50 and one of 20, which ends in a part that is not full. */
static void compare_with_whole(const char *whole, const char *parts)
{
    training *a = training_begin(1, whole), *b = training_begin(1, parts);
    training_steps(a, 12);
    training_steps(b, 12);
    cr_expect_lt(largest_difference(a, b), 2e-6, "%g", largest_difference(a, b));
    ls_score score_a, score_b;
    cr_assert_eq(ls_step_score(&a->trainer.step, &score_a), LS_OK);
    cr_assert_eq(ls_step_score(&b->trainer.step, &score_b), LS_OK);
    cr_expect_eq(score_a.samples, score_b.samples);
    cr_expect_lt(b->trainer.step.plan.panels * b->trainer.step.plan.lanes,
                 a->trainer.step.plan.panels * a->trainer.step.plan.lanes);
    training_end(a);
    training_end(b);
}

Test(accumulate, parts_make_the_step_of_the_whole_batch)
{
    compare_with_whole(RECIPE(TANH, ""), RECIPE(TANH, "accumulate: 3"));
    compare_with_whole(RECIPE(TANH, ""), RECIPE(TANH, "accumulate: 13"));
    compare_with_whole(RECIPE(TANH, "clip_norm: 0.1"), RECIPE(TANH, "clip_norm: 0.1, accumulate: 3"));
    compare_with_whole(RECIPE(TANH, "reduce: float32"), RECIPE(TANH, "reduce: float32, accumulate: 3"));
}

/* Statistics of grains are the same in parts; running ones are over the whole batch. */
Test(accumulate, batch_norm_over_grains_does_not_see_the_parts)
{
    compare_with_whole(RECIPE(NORM, ""), RECIPE(NORM, "accumulate: 3"));
}

/* Dropout draws by the place of a row in the batch, not in the part. */
Test(accumulate, dropout_does_not_see_the_parts)
{
    compare_with_whole(RECIPE(TANH "  - {type: dropout}\n", ""),
                       RECIPE(TANH "  - {type: dropout}\n", "accumulate: 3"));
}

Test(accumulate, a_wrong_sum_would_be_seen)
{
    training *a = training_begin(1, RECIPE(TANH, "")), *b = training_begin(1, RECIPE(TANH, "accumulate: 3"));
    b->trainer.batch = 40;
    training_steps(a, 1);
    training_steps(b, 1);
    cr_expect_gt(largest_difference(a, b), 1e-4);
    training_end(a);
    training_end(b);
}

Test(accumulate, threads_and_segments_do_not_change_bits)
{
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    training *one = training_begin(1, RECIPE(NORM, "accumulate: 3, clip_norm: 1"));
    training *many = training_begin(5, RECIPE(NORM, "accumulate: 3, clip_norm: 1, segments: 2"));
    training_steps(one, 10);
    training_steps(many, 10);
    cr_expect(training_same(one, many));
    training_end(one);
    training_end(many);
}

Test(accumulate, no_memory_is_allocated_within_a_step)
{
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    training *t = training_begin(2, RECIPE(TANH, "accumulate: 3"));
    cr_assert_eq(t->trainer.step.plan.threads, 2);
    training_steps(t, 1);
    uint64_t before = ls_alloc_count();
    training_steps(t, 2);
    cr_expect_eq(ls_alloc_count(), before);
    training_end(t);
}

/* A row of the last part spoils the step as one of the first part does. */
Test(accumulate, infinity_in_any_part_leaves_the_whole_step_out)
{
    for (int row = 0; row < 50; row += 49) {
        training *t = training_begin(1, RECIPE(TANH, "accumulate: 3, nonfinite: skip, shuffle: false"));
        training *untouched =
            training_begin(1, RECIPE(TANH, "accumulate: 3, nonfinite: skip, shuffle: false"));
        t->trainer.train.floats[row * t->trainer.train.inputs] = INFINITY;
        training_steps(t, 1);
        cr_expect_eq(t->trainer.step.skipped, 1);
        cr_expect_eq(t->trainer.step.steps, 1);
        cr_expect(training_same(t, untouched));
        training_steps(t, 1);
        cr_expect_eq(t->trainer.step.skipped, 1);
        cr_expect_not(training_same(t, untouched));
        training_end(t);
        training_end(untouched);
    }
}

/* Rows are pushed: more than were planned for, then fewer. */
Test(accumulate, pushed_rows_are_gone_through_in_parts_as_well)
{
    static const char *const recipes[] = {
        "data: {type: push, inputs: 2, outputs: 1}\nmodel: [{type: dense, units: 24, activation: tanh}, "
        "{type: dense, units: 1}]\nloss: mse\ntraining: {batch: 16, grain: 4}\n",
        "data: {type: push, inputs: 2, outputs: 1}\nmodel: [{type: dense, units: 24, activation: tanh}, "
        "{type: dense, units: 1}]\nloss: mse\ntraining: {batch: 16, grain: 4, accumulate: 3}\n",
    };
    static const int64_t rows[] = {16, 61, 5, 40};
    training *t[2];
    for (int k = 0; k < 2; k++) {
        t[k] = training_begin(1, recipes[k]);
        for (int n = 0; n < 4; n++) {
            float inputs[2 * 61], targets[61];
            for (int i = 0; i < 61; i++) {
                inputs[2 * i] = sinf((float)(31 * n + i));
                inputs[2 * i + 1] = cosf((float)(17 * n + 3 * i));
                targets[i] = inputs[2 * i] * inputs[2 * i + 1];
            }
            cr_assert_eq(ls_trainer_step(&t[k]->trainer, rows[n], inputs, targets, NULL, NULL), LS_OK, "%s",
                         ls_error_message());
        }
    }
    cr_expect_eq(t[0]->trainer.step.plan.batch, 61);
    cr_expect_eq(t[1]->trainer.step.plan.batch, 24);
    cr_expect_lt(largest_difference(t[0], t[1]), 2e-6);
    cr_expect_gt(largest_difference(t[0], t[1]), 0);
    training_end(t[0]);
    training_end(t[1]);
}

static void expect_refused(const char *keys, const char *message)
{
    ls_context *context;
    ls_recipe *recipe;
    ls_trainer trainer;
    char *text = ls_format("data: {type: push, inputs: 2, outputs: 1}\nmodel:\n  - {type: dense, units: 17}\n"
                           "  - batch_norm\n  - {type: dense, units: 1}\nloss: mse\ntraining:\n%s",
                           keys);
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_eq(ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    cr_expect_eq(ls_trainer_setup(context, recipe, &trainer), LS_ERROR_RECIPE);
    cr_expect_eq(strncmp(ls_error_message(), message, strlen(message)), 0, "%s", ls_error_message());
    ls_recipe_free(recipe);
    ls_context_free(context);
    ls_free(text);
}

Test(accumulate, what_does_not_fit_says_where)
{
    expect_refused("  batch: 50\n  accumulate: 20\n  grain: 16\n",
                   "r.yaml:9:3: training.accumulate: 20 parts of a batch of 50 have 3 rows, less than "
                   "training.grain, 16");
    expect_refused("  batch: 50\n  grain: 17\n", "r.yaml:9:3: ");
}
