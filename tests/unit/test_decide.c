/* Decisions at the end of an epoch: early stopping, the learning rate on a plateau, the best epoch. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "train/decide.h"

static ls_recipe *recipe;
static ls_decisions decisions;

static void begin(const char *training)
{
    char *text = ls_format("data: xor\nmodel: [{type: dense, units: 1}]\nloss: binary_cross_entropy\n"
                           "training: {%s}\n",
                           training);
    cr_assert_eq(ls_recipe_parse(text, "test", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    ls_free(text);
    ls_decisions_start(&decisions);
}

static void end(void)
{
    ls_recipe_free(recipe);
}

/* All four numbers are told apart. */
static ls_verdict show(int epoch, double test_loss)
{
    ls_progress results = {.epoch = epoch,
                           .test_loss = test_loss,
                           .test_accuracy = 1 / (1 + test_loss),
                           .loss = 10 + test_loss,
                           .accuracy = 1 / (11 + test_loss)};
    return ls_decide_epoch(recipe, &results, &decisions);
}

/* The first epoch that stops; 0: none. */
static int first_stop(const double *test_loss, int count)
{
    for (int epoch = 1; epoch <= count; epoch++) {
        if (show(epoch, test_loss[epoch - 1]).stop) return epoch;
    }
    return 0;
}

static const double falling_and_rising[] = {5, 4, 3, 3.5, 2.9, 3.1, 3.2, 3.3, 1};

Test(decide, stops_after_so_many_epochs_without_improvement)
{
    begin("early_stopping: {patience: 3}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 8);
    cr_expect_eq(decisions.ended, LS_ENDING_EARLY);
    cr_expect_eq(decisions.best_epoch, 5);
    cr_expect_eq(decisions.best, 2.9);
    cr_expect_eq(decisions.best_loss, 12.9);
    end();
    begin("early_stopping: {patience: 1}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 4);
    end();
    begin("early_stopping: {patience: 4}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 0);
    end();
}

/* The best epoch is the best one, also where its lead is too small to count for the patience. */
Test(decide, min_delta_counts_for_patience_but_not_for_the_best)
{
    begin("early_stopping: {patience: 2, min_delta: 0.5}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 5);
    cr_expect_eq(decisions.best_epoch, 5);
    end();
}

Test(decide, accuracies_should_rise_unless_told_otherwise)
{
    begin("early_stopping: {patience: 3, monitor: test_accuracy}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 8);
    end();
    begin("early_stopping: {patience: 3, monitor: accuracy}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 8);
    end();
    begin("early_stopping: {patience: 3, monitor: loss}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 8);
    end();
    begin("early_stopping: {patience: 3, monitor: test_loss, mode: max}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 4);
    end();
    begin("early_stopping: {patience: 3, monitor: test_accuracy, mode: min}");
    cr_expect_eq(first_stop(falling_and_rising, 9), 4);
    end();
}

Test(decide, metrics_of_the_recipe_may_be_watched)
{
    begin("early_stopping: {patience: 2, monitor: test_f1, mode: max}");
    ls_progress results = {
        .test_metrics = {.count = 2, .item = {{.name = "rmse", .value = 1}, {.name = "f1"}}}};
    static const double f1[] = {0.5, 0.7, 0.6, NAN, 0.9};
    int stopped = 0;
    for (int epoch = 1; epoch <= 5 && stopped == 0; epoch++) {
        results.epoch = epoch;
        results.test_metrics.item[1].value = f1[epoch - 1];
        if (ls_decide_epoch(recipe, &results, &decisions).stop) stopped = epoch;
    }
    cr_expect_eq(stopped, 4);
    cr_expect_eq(decisions.best_epoch, 2);
    cr_expect_eq(decisions.best, 0.7);
    end();
}

Test(decide, without_early_stopping_the_best_is_by_accuracy_else_by_loss)
{
    begin("");
    cr_expect_eq(first_stop(falling_and_rising, 9), 0);
    cr_expect_eq(decisions.best_epoch, 9);
    cr_expect_eq(decisions.best, 0.5);
    end();
    begin("");
    ls_progress results = {.epoch = 1, .test_loss = 2, .test_accuracy = NAN, .loss = 1, .accuracy = NAN};
    cr_expect(ls_decide_best(recipe, &results, &decisions));
    cr_expect_eq(decisions.best, 2);
    results.test_loss = NAN;
    cr_expect(ls_decide_best(recipe, &results, &decisions));
    cr_expect_eq(decisions.best, 1);
    results.loss = NAN;
    cr_expect_not(ls_decide_best(recipe, &results, &decisions));
    end();
}

Test(decide, the_rate_falls_on_a_plateau_again_and_again_down_to_a_limit)
{
    begin("on_plateau: {patience: 2, factor: 0.5, threshold: 0.1, min_lr: 0.03}");
    static const double loss[] = {4, 3.7, 3.65, 2, 1.9, 1.85, 1.9, 1.9, 1.9, 1.9};
    static const double rate[] = {0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.03, 0.03, 0.03};
    for (int e = 0; e < 10; e++) {
        show(e + 1, loss[e]);
        cr_expect_float_eq(ls_decided_rate(recipe, &decisions, 0.2), rate[e], 1e-15, "epoch %d: %g", e + 1,
                           ls_decided_rate(recipe, &decisions, 0.2));
    }
    cr_expect_eq(ls_decided_rate(recipe, &decisions, 0.01), 0.01, "a rate below the limit is not raised");
    cr_expect_eq(decisions.ended, LS_ENDING_NONE);
    end();
}

/* The rule of PyTorch's ReduceLROnPlateau, whose patience is one less than ours. */
typedef struct reference {
    double best, rate;
    int bad, cooldown;
} reference;

static void reference_step(reference *r, double value, int patience, int cooldown)
{
    if (value < r->best * (1 - 1e-2)) {
        r->best = value;
        r->bad = 0;
    } else {
        r->bad++;
    }
    if (r->cooldown > 0) {
        r->cooldown--;
        r->bad = 0;
    }
    if (r->bad > patience) {
        r->rate *= 0.5;
        r->cooldown = cooldown;
        r->bad = 0;
    }
}

Test(decide, plateaus_with_a_cooldown_follow_the_known_rule)
{
    begin("on_plateau: {patience: 3, factor: 0.5, threshold: 1e-2, cooldown: 2}");
    reference r = {.best = INFINITY, .rate = 1};
    uint32_t word = 12345;
    double value = 10;
    int reductions = 0;
    for (int epoch = 1; epoch <= 200; epoch++) {
        word = word * 1664525u + 1013904223u;
        value *= 1 + ((double)(word >> 8) / 0x1p24 - 0.53) * 0.05;
        reference_step(&r, value, 2, 2);
        reductions += show(epoch, value).reduced;
        cr_assert_eq(ls_decided_rate(recipe, &decisions, 1), r.rate, "epoch %d", epoch);
    }
    cr_expect_gt(reductions, 3);
    end();
}

static void expect_check(const char *training, const ls_watchable *has, const char *said)
{
    begin(training);
    ls_status status = ls_decide_check(recipe, has);
    if (said == NULL) {
        cr_expect_eq(status, LS_OK, "%s: %s", training, ls_error_message());
    } else {
        cr_expect_eq(status, LS_ERROR_RECIPE, "%s", training);
        cr_expect(strstr(ls_error_message(), said) != NULL, "%s: %s", training, ls_error_message());
    }
    end();
}

Test(decide, what_is_watched_must_exist)
{
    ls_metrics metrics = {.count = 1, .item = {{.name = "f1"}}};
    ls_watchable all = {true, true, true, &metrics}, no_epochs = {false, true, true, &metrics};
    ls_watchable no_test = {true, false, true, &metrics}, no_classes = {true, true, false, &metrics};
    const char *stop = "early_stopping: {patience: 1}";
    const char *accuracy = "on_plateau: {patience: 1, monitor: test_accuracy}";
    const char *loss = "early_stopping: {patience: 1, monitor: loss}";
    expect_check(stop, &all, NULL);
    expect_check(accuracy, &all, NULL);
    expect_check(stop, &no_epochs, "test:4:12: training.early_stopping needs epochs");
    expect_check(stop, &no_test, "training.early_stopping.monitor is test_loss, but there are no test rows");
    expect_check(accuracy, &no_classes,
                 "test:4:12: training.on_plateau.monitor is test_accuracy, but there are no classes");
    expect_check(stop, &no_classes, NULL);
    expect_check(loss, &no_test, NULL);
    expect_check("epochs: 3", &no_epochs, NULL);
    expect_check("early_stopping: {patience: 1, monitor: test_f1, mode: max}", &all, NULL);
    expect_check("early_stopping: {patience: 1, monitor: test_f1}", &all,
                 "training.early_stopping.mode: expected min or max, whichever is better of test_f1");
    expect_check("early_stopping: {patience: 1, monitor: test_f1, mode: max}", &no_test,
                 "there are no test rows");
    expect_check(
        "on_plateau: {patience: 1, monitor: test_f2, mode: max}", &all,
        "training.on_plateau.monitor is 'test_f2', expected loss, accuracy, test_loss, test_accuracy, or");
    expect_check("on_plateau: {patience: 1, monitor: f1, mode: max}", &all, "monitor is 'f1', expected");
}

static void expect_plateau(const char *optimizer, const char *training, const char *said)
{
    char *text = ls_format("data: xor\nmodel: [{type: dense, units: 1}]\nloss: binary_cross_entropy\n"
                           "optimizer: %s\ntraining: {batch: 0, %s}\n",
                           optimizer, training);
    ls_status status = ls_recipe_parse(text, "test", NULL, NULL, 0, &recipe);
    cr_expect_eq(status, said == NULL ? LS_OK : LS_ERROR_RECIPE, "%s: %s", optimizer, ls_error_message());
    if (said != NULL)
        cr_expect(strstr(ls_error_message(), said) != NULL, "%s: %s", optimizer, ls_error_message());
    ls_recipe_free(recipe);
    ls_free(text);
}

Test(decide, there_must_be_a_learning_rate_to_lower)
{
    const char *on = "on_plateau: {patience: 2, monitor: loss}", *off = "on_plateau: {patience: 0}";
    expect_plateau("adam", on, NULL);
    expect_plateau("rprop", off, NULL);
    expect_plateau("rprop", "early_stopping: {patience: 2, monitor: loss}", NULL);
    expect_plateau("rprop", on,
                   "test:5:22: training.on_plateau has no learning rate to lower, as the optimizer rprop "
                   "finds the size of its steps itself; leave it out");
    expect_plateau("{type: lbfgs}", on,
                   "test:5:22: training.on_plateau has no learning rate to lower, as the optimizer lbfgs");
}
