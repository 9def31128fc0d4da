/* Losses in whole steps: means by weights, ignored labels, and targets that a loss is not defined for. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/options.h"
#include "support/pushing.h"
#include "train/trainer.h"

/* One layer of zeros, so that the first step shows the gradient: w = -g. */
static pushing begin(const char *data, int units, const char *loss, int threads)
{
    char *text = ls_format("data: {type: push, inputs: 1, %s}\n"
                           "model: [{type: dense, name: d, units: %d, initializer: zeros}]\n"
                           "loss: %s\noptimizer: {type: sgd, lr: 1}\ntraining: {grain: 2}\n",
                           data, units, loss);
    cr_assert_not_null(text);
    pushing r = pushing_begin("weights", text, threads);
    ls_free(text);
    return r;
}

static const float *parameter(const pushing *r, const char *name)
{
    const ls_parameter *found = ls_model_find(&r->trainer->model, name);
    cr_assert_not_null(found);
    return r->trainer->step.parameters + found->offset;
}

/* Rows 1, 2, 4 of classes 0, 1, 1: all logits are 0, so each derivative is 1/2 less 1 at the label. */
static double step_on_three(pushing *r, const int32_t *labels)
{
    const float inputs[3] = {1, 2, 4};
    double loss;
    cr_assert_eq(ls_trainer_step(r->trainer, 3, inputs, NULL, labels, &loss), LS_OK, "%s",
                 ls_error_message());
    return loss;
}

Test(loss_weights, the_mean_divides_by_the_sum_of_the_weights)
{
    pushing r = begin("classes: 2", 2, "{type: softmax_cross_entropy, class_weights: [1, 3]}", 1);
    double loss = step_on_three(&r, (const int32_t[]){0, 1, 1});
    cr_expect_float_eq(loss, log(2), 1e-7, "%.9g", loss);
    /* weights 1, 3, 3: 7 in all */
    cr_expect_float_eq(parameter(&r, "d.bias")[0], -(-0.5 + 1.5 + 1.5) / 7, 1e-7);
    cr_expect_float_eq(parameter(&r, "d.bias")[1], (-0.5 + 1.5 + 1.5) / 7, 1e-7);
    cr_expect_float_eq(parameter(&r, "d.weight")[0], -(-0.5 + 1.5 * 2 + 1.5 * 4) / 7, 1e-7);
    pushing_end(&r);
}

Test(loss_weights, a_sum_does_not_divide)
{
    pushing r =
        begin("classes: 2", 2, "{type: softmax_cross_entropy, class_weights: [1, 3], reduction: sum}", 1);
    double loss = step_on_three(&r, (const int32_t[]){0, 1, 1});
    cr_expect_float_eq(loss, 7 * log(2), 1e-5, "%.9g", loss);
    cr_expect_float_eq(parameter(&r, "d.bias")[0], -2.5, 1e-6);
    pushing_end(&r);
}

Test(loss_weights, ignored_labels_count_for_nothing)
{
    pushing r = begin("classes: 2", 2, "{type: softmax_cross_entropy, ignore_label: 1}", 1);
    double loss = step_on_three(&r, (const int32_t[]){0, 1, 1});
    cr_expect_float_eq(loss, log(2), 1e-7, "%.9g", loss);
    cr_expect_eq(parameter(&r, "d.bias")[0], 0.5F);
    cr_expect_eq(parameter(&r, "d.weight")[0], 0.5F);
    pushing_end(&r);
}

Test(loss_weights, an_ignored_label_need_not_be_a_class)
{
    pushing r = begin("classes: 2", 2, "{type: softmax_cross_entropy, ignore_label: -100}", 1);
    double loss = step_on_three(&r, (const int32_t[]){-100, 1, -100});
    cr_expect_float_eq(loss, log(2), 1e-7, "%.9g", loss);
    cr_expect_eq(parameter(&r, "d.weight")[LS_LANES], 1.0F);
    const int32_t labels[] = {-100, -1, 1};
    const float inputs[3] = {0, 0, 0};
    cr_expect_eq(ls_trainer_step(r.trainer, 3, inputs, NULL, labels, NULL), LS_ERROR_DATA);
    cr_expect_not_null(strstr(ls_error_message(), "row 1 is -1, expected 0 to 1"), "%s", ls_error_message());
    pushing_end(&r);
}

Test(loss_weights, a_batch_of_ignored_samples_changes_nothing)
{
    pushing r = begin("classes: 2", 2, "{type: softmax_cross_entropy, ignore_label: 1}", 1);
    double loss = step_on_three(&r, (const int32_t[]){1, 1, 1});
    cr_expect(isnan(loss));
    cr_expect_eq(ls_trainer_steps(r.trainer), 1);
    for (int u = 0; u < 2; u++)
        cr_expect(parameter(&r, "d.bias")[u] == 0 && parameter(&r, "d.weight")[u * LS_LANES] == 0);
    pushing_end(&r);
}

/* Weighted sums on 1 and 3 threads, with batches that fill several grains and end in a part of one. */
Test(loss_weights, threads_do_not_matter)
{
    pushing r[2];
    setenv("LOCKSTEP_ALL_THREADS", "1", 1);
    enum { ROWS = 333 };
    static float inputs[ROWS];
    static int32_t labels[ROWS];
    double loss[2];
    for (int i = 0; i < ROWS; i++) inputs[i] = sinf((float)i), labels[i] = (i * i) % 5 % 3;
    for (int k = 0; k < 2; k++) {
        r[k] = begin("classes: 3", 3,
                     "{type: softmax_cross_entropy, class_weights: [0.3, 1.7, 2.9], label_smoothing: 0.1}",
                     k == 0 ? 1 : 3);
        for (int i = 0; i < 3; i++)
            cr_assert_eq(ls_trainer_step(r[k].trainer, ROWS, inputs, NULL, labels, &loss[k]), LS_OK);
    }
    cr_expect_eq(loss[0], loss[1]);
    cr_expect_eq(
        memcmp(parameter(&r[0], "d.weight"), parameter(&r[1], "d.weight"), 3 * LS_LANES * sizeof(float)), 0);
    cr_expect_neq(parameter(&r[0], "d.weight")[0], 0);
    pushing_end(&r[0]);
    pushing_end(&r[1]);
}

Test(loss_weights, pushed_targets_outside_of_the_domain_say_the_row)
{
    pushing r = begin("outputs: 1", 1, "poisson", 1);
    const float inputs[3] = {0, 0, 0}, targets[3] = {0, 4, -2};
    cr_expect_eq(ls_trainer_step(r.trainer, 3, inputs, targets, NULL, NULL), LS_ERROR_DATA);
    cr_expect_not_null(strstr(ls_error_message(),
                              "ls_trainer_step: row 3: target 1 is -2, but the loss poisson "
                              "expects a count, 0 or more"),
                       "%s", ls_error_message());
    pushing_end(&r);
}

/* Sets up a training on a table; returns the status. */
static ls_status set_up(const char *table, const char *target, const char *model, const char *loss)
{
    char path[] = "/tmp/lockstep-targets-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, table, strlen(table)), (ssize_t)strlen(table));
    close(descriptor);
    char *text = ls_format("data: {type: csv, train: %s, target: %s, test_fraction: 0.4}\nmodel: %s\n"
                           "loss:\n  %s\n",
                           path, target, model, loss);
    ls_context *context;
    ls_recipe *recipe;
    ls_trainer trainer;
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_eq(ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    ls_status status = ls_trainer_setup(context, recipe, &trainer);
    if (status == LS_OK) ls_trainer_clear(&trainer);
    ls_recipe_free(recipe);
    ls_context_free(context);
    ls_free(text);
    unlink(path);
    return status;
}

/* Every row in turn is the wrong one, be it for training or for testing. */
Test(loss_weights, targets_of_files_outside_of_the_domain_say_file_and_row)
{
    for (int bad = 1; bad <= 5; bad++) {
        char table[200] = "x,count\n", expected[200];
        for (int row = 1; row <= 5; row++)
            snprintf(table + strlen(table), 20, "%d,%s\n", row, row == bad ? "-3" : "2.5");
        cr_expect_eq(set_up(table, "count", "[{type: dense, units: 1}]", "poisson"), LS_ERROR_DATA);
        snprintf(expected, sizeof expected,
                 ": row %d: target 1 (count) is -3, but the loss poisson expects a count, 0 or more", bad);
        cr_expect_not_null(strstr(ls_error_message(), expected), "%s", ls_error_message());
        cr_expect_eq(strncmp(ls_error_message(), "/tmp/lockstep-targets-", 22), 0, "%s", ls_error_message());
    }
    cr_expect_eq(set_up("x,count\n1,2.5\n2,0\n", "count", "[{type: dense, units: 1}]", "poisson"), LS_OK,
                 "%s", ls_error_message());
}

Test(loss_weights, a_row_that_is_no_distribution_is_named)
{
    const char *table = "x,a,b\n1,0.25,0.75\n2,0.5,0.25\n3,0.1,0.9\n";
    cr_expect_eq(set_up(table, "[a, b]", "[{type: dense, units: 2}]", "kullback_leibler"), LS_ERROR_DATA);
    cr_expect_not_null(strstr(ls_error_message(),
                              ": row 2: the targets are none, but the loss kullback_leibler "
                              "expects a distribution: values that add up to 1"),
                       "%s", ls_error_message());
}

Test(loss_weights, a_loss_that_does_not_fit_says_where_it_stands)
{
    const char *table = "x,y\n1,a\n2,b\n3,c\n4,a\n5,b\n6,c\n";
    cr_expect_eq(
        set_up(table, "y", "[{type: dense, units: 3}]", "{type: softmax_cross_entropy, class_weights: 4}"),
        LS_ERROR_RECIPE);
    cr_expect_str_eq(ls_error_message(),
                     "r.yaml:4:3: loss softmax_cross_entropy: class_weights has 1 number, "
                     "expected 3: one for each class");
    cr_expect_eq(set_up(table, "y", "[{type: dense, units: 3}]", "poisson"), LS_ERROR_RECIPE);
    cr_expect_eq(strncmp(ls_error_message(), "r.yaml:4:3: loss poisson: poisson needs counts", 46), 0, "%s",
                 ls_error_message());
}
