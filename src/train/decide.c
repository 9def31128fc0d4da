#include "train/decide.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

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

typedef struct monitor { /* that every training has */
    const char *name;
    bool test, accuracy;
    size_t offset; /* in ls_progress */
} monitor;

static const monitor monitors[] = {
    {"test_loss", true, false, offsetof(ls_progress, test_loss)},
    {"test_accuracy", true, true, offsetof(ls_progress, test_accuracy)},
    {"loss", false, false, offsetof(ls_progress, loss)},
    {"accuracy", false, true, offsetof(ls_progress, accuracy)},
};

static const monitor *find_monitor(const char *name)
{
    for (size_t i = 0; i < sizeof monitors / sizeof monitors[0]; i++) {
        if (strcmp(monitors[i].name, name) == 0) return &monitors[i];
    }
    return NULL;
}

/* One of the recipe's metrics, as it is called in the records. */
static const ls_metric *find_metric(const ls_metrics *metrics, const char *name)
{
    static const char prefix[] = "test_";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return NULL;
    for (int i = 0; i < metrics->count; i++) {
        if (strcmp(metrics->item[i].name, name + sizeof prefix - 1) == 0) return &metrics->item[i];
    }
    return NULL;
}

static double value_of(const char *name, const ls_progress *results)
{
    const monitor *found = find_monitor(name);
    double value = NAN;
    if (found != NULL) {
        memcpy(&value, (const char *)results + found->offset, sizeof value);
        return value;
    }
    const ls_metric *metric = find_metric(&results->test_metrics, name);
    return metric == NULL ? NAN : metric->value;
}

static bool larger_is_better(const char *name, int mode)
{
    const monitor *found = find_monitor(name);
    return mode == LS_MODE_AUTO ? found != NULL && found->accuracy : mode == LS_MODE_MAX;
}

static ls_status check_metric(const char *place, const char *key, const char *name, int mode,
                              const ls_watchable *has)
{
    if (find_metric(has->metrics, name) == NULL) {
        return ls_error(
            LS_ERROR_RECIPE,
            "%s: training.%s.monitor is '%s', expected loss, accuracy, test_loss, test_accuracy, or "
            "test_ and the name of one of the recipe's metrics",
            place, key, name);
    }
    if (mode != LS_MODE_AUTO) return LS_OK;
    return ls_error(LS_ERROR_RECIPE, "%s: training.%s.mode: expected min or max, whichever is better of %s",
                    place, key, name);
}

static ls_status check_monitor(const char *place, const char *key, const char *name, int mode,
                               const ls_watchable *has)
{
    const monitor *found = find_monitor(name);
    if (!has->epochs) {
        return ls_error(LS_ERROR_RECIPE,
                        "%s: training.%s needs epochs, which there are not where data.type is push", place,
                        key);
    }
    if (found == NULL) LS_TRY(check_metric(place, key, name, mode, has));
    if ((found == NULL || found->test) && !has->test) {
        return ls_error(LS_ERROR_RECIPE,
                        "%s: training.%s.monitor is %s, but there are no test rows; give some to data, or "
                        "watch loss",
                        place, key, name);
    }
    if (found != NULL && found->accuracy && !has->classes) {
        return ls_error(LS_ERROR_RECIPE, "%s: training.%s.monitor is %s, but there are no classes; watch %s",
                        place, key, name, found->test ? "test_loss" : "loss");
    }
    return LS_OK;
}

ls_status ls_decide_check(const ls_recipe *recipe, const ls_watchable *has)
{
    const ls_early_stopping_options *stopping = &recipe->training.early_stopping;
    const ls_on_plateau_options *plateau = &recipe->training.on_plateau;
    if (stopping->patience > 0)
        LS_TRY(check_monitor(ls_recipe_key_place(recipe, &recipe->training.early_stopping_place),
                             "early_stopping", stopping->monitor, stopping->mode, has));
    if (plateau->patience > 0)
        LS_TRY(check_monitor(ls_recipe_key_place(recipe, &recipe->training.on_plateau_place), "on_plateau",
                             plateau->monitor, plateau->mode, has));
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
