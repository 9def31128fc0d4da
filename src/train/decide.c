#include "train/decide.h"

#include <math.h>

#include "base/error.h"

void ls_decisions_start(ls_decisions *decisions)
{
    *decisions = (ls_decisions){
        .rate_factor = 1, .best = NAN, .best_epoch = 0, .best_loss = NAN, .best_accuracy = NAN};
    ls_watch_start(&decisions->stopping);
    ls_watch_start(&decisions->plateau);
}

bool ls_decides_each_epoch(const ls_recipe *recipe)
{
    return recipe->training.early_stopping.patience > 0 || recipe->training.on_plateau.patience > 0;
}

bool ls_restores_best(const ls_recipe *recipe)
{
    return recipe->training.early_stopping.patience > 0 && recipe->training.early_stopping.restore_best;
}

const char *ls_monitor_name(int monitor)
{
    return ls_monitor_choices[monitor];
}

static bool is_accuracy(int monitor)
{
    return monitor == LS_MONITOR_ACCURACY || monitor == LS_MONITOR_TEST_ACCURACY;
}

static double value_of(int monitor, const ls_progress *results)
{
    const double value[] = {
        [LS_MONITOR_TEST_LOSS] = results->test_loss,
        [LS_MONITOR_TEST_ACCURACY] = results->test_accuracy,
        [LS_MONITOR_LOSS] = results->loss,
        [LS_MONITOR_ACCURACY] = results->accuracy,
    };
    return value[monitor];
}

static bool larger_is_better(int monitor, int mode)
{
    return mode == LS_MODE_AUTO ? is_accuracy(monitor) : mode == LS_MODE_MAX;
}

static ls_status check_monitor(const ls_recipe *recipe, const char *key, int monitor, const ls_watchable *has)
{
    const char *file = ls_recipe_place(recipe, 0, 0), *name = ls_monitor_name(monitor);
    if (!has->epochs) {
        return ls_error(LS_ERROR_RECIPE,
                        "%s: training.%s needs epochs, which there are not where data.type is push", file,
                        key);
    }
    bool tests = monitor == LS_MONITOR_TEST_LOSS || monitor == LS_MONITOR_TEST_ACCURACY;
    if (tests && !has->test) {
        return ls_error(LS_ERROR_RECIPE,
                        "%s: training.%s.monitor is %s, but there are no test rows; give some to data, or "
                        "watch loss",
                        file, key, name);
    }
    if (is_accuracy(monitor) && !has->classes) {
        return ls_error(LS_ERROR_RECIPE, "%s: training.%s.monitor is %s, but there are no classes; watch %s",
                        file, key, name, tests ? "test_loss" : "loss");
    }
    return LS_OK;
}

ls_status ls_decide_check(const ls_recipe *recipe, const ls_watchable *has)
{
    const ls_training_options *training = &recipe->training;
    if (training->early_stopping.patience > 0)
        LS_TRY(check_monitor(recipe, "early_stopping", training->early_stopping.monitor, has));
    if (training->on_plateau.patience > 0)
        LS_TRY(check_monitor(recipe, "on_plateau", training->on_plateau.monitor, has));
    return LS_OK;
}

static bool decide_stop(const ls_early_stopping_options *options, const ls_progress *results,
                        ls_decisions *decisions)
{
    ls_watch_rule rule = {.larger = larger_is_better(options->monitor, options->mode),
                          .absolute = options->min_delta};
    ls_watch_show(&decisions->stopping, &rule, value_of(options->monitor, results));
    return decisions->stopping.waited >= options->patience;
}

static bool decide_rate(const ls_on_plateau_options *options, const ls_progress *results,
                        ls_decisions *decisions)
{
    ls_watch_rule rule = {.larger = larger_is_better(options->monitor, options->mode),
                          .relative = options->threshold};
    ls_watch_show(&decisions->plateau, &rule, value_of(options->monitor, results));
    if (decisions->cooldown > 0) {
        decisions->cooldown--;
        decisions->plateau.waited = 0;
    }
    if (decisions->plateau.waited < options->patience) return false;
    decisions->plateau.waited = 0;
    decisions->cooldown = options->cooldown;
    decisions->rate_factor *= options->factor;
    return true;
}

bool ls_decide_best(const ls_recipe *recipe, const ls_progress *results, ls_decisions *decisions)
{
    const ls_early_stopping_options *stopping = &recipe->training.early_stopping;
    ls_watch_rule rule = {.larger = true};
    double value = results->test_accuracy;
    if (stopping->patience > 0) {
        rule.larger = larger_is_better(stopping->monitor, stopping->mode);
        value = value_of(stopping->monitor, results);
    } else if (!isfinite(value)) {
        rule.larger = false;
        value = isfinite(results->test_loss) ? results->test_loss : results->loss;
    }
    ls_watch watch = {.best = decisions->best};
    if (!ls_watch_show(&watch, &rule, value)) return false;
    decisions->best = value;
    decisions->best_epoch = results->epoch;
    decisions->best_loss = results->loss;
    decisions->best_accuracy = results->accuracy;
    return true;
}

ls_verdict ls_decide_epoch(const ls_recipe *recipe, const ls_progress *results, ls_decisions *decisions)
{
    const ls_training_options *training = &recipe->training;
    ls_verdict verdict = {.best = ls_decide_best(recipe, results, decisions)};
    if (training->early_stopping.patience > 0)
        verdict.stop = decide_stop(&training->early_stopping, results, decisions);
    if (training->on_plateau.patience > 0)
        verdict.reduced = decide_rate(&training->on_plateau, results, decisions);
    if (verdict.stop) decisions->ended = LS_ENDING_EARLY;
    return verdict;
}

double ls_decided_rate(const ls_recipe *recipe, const ls_decisions *decisions, double rate)
{
    double reduced = rate * decisions->rate_factor, lowest = recipe->training.on_plateau.min_lr;
    if (lowest > rate) lowest = rate; /* a schedule that is below already is not raised */
    return reduced < lowest ? lowest : reduced;
}
