/* The metrics of a trainer: one set for each output. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "nn/registry.h"
#include "train/trainer.h"

static ls_status make_set(const ls_trainer *trainer, const ls_dataset *data, const ls_head *head,
                          ls_metric_set *set)
{
    float *origin = ls_alloc((size_t)head->outputs, sizeof *origin);
    if (origin == NULL) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < head->outputs && data->targets != NULL; i++)
        origin[i] = data->targets[head->column == NULL ? i : head->column[i]];
    ls_metric_request request = {
        .metrics = &trainer->recipe->metrics,
        .file = trainer->recipe->file,
        .fit = {.units = head->units, .classes = head->classes, .outputs = head->outputs, .origin = origin},
        .class_names = head->class_names,
        .prefix = head->name,
        .threads = trainer->step.threads,
    };
    ls_status status = ls_metric_set_create(&request, set);
    ls_free(origin);
    return status;
}

/* With several outputs a metric must be of use to one of them. */
static ls_status check_use(const ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    const ls_objective *objective = &trainer->step.objective;
    int count = 0;
    for (int h = 0; h < objective->head_count; h++) count += trainer->metrics[h].result.count + 1;
    if (objective->head_count > 1 && count > LS_METRICS_MAX)
        return ls_error(LS_ERROR_RECIPE,
                        "%s: metrics: %d of all outputs and their losses, expected at most %d", recipe->file,
                        count, LS_METRICS_MAX);
    for (int m = 0; m < recipe->metrics.count; m++) {
        const ls_component *metric = &recipe->metrics.item[m];
        bool of_classes = ((const ls_metric_type *)metric->type)->of_classes, used = false;
        for (int h = 0; h < objective->head_count; h++)
            used |= of_classes == (objective->head[h].classes > 0);
        if (!used)
            return ls_error(LS_ERROR_RECIPE, "%s: metric %s: it needs %s, but no output has such targets",
                            ls_recipe_place(recipe, metric->line, metric->column), metric->type->name,
                            of_classes ? "classes" : "target values");
    }
    return LS_OK;
}

ls_status ls_trainer_make_metrics(ls_trainer *trainer, const ls_dataset *data)
{
    const ls_objective *objective = &trainer->step.objective;
    ls_trainer_free_metrics(trainer);
    trainer->metrics = ls_alloc(LS_HEADS_MAX, sizeof *trainer->metrics);
    if (trainer->metrics == NULL) return LS_ERROR_MEMORY;
    for (int h = 0; h < objective->head_count; h++)
        LS_TRY(make_set(trainer, data, &objective->head[h], &trainer->metrics[h]));
    LS_TRY(check_use(trainer));
    trainer->step.metrics = trainer->metrics;
    return LS_OK;
}

void ls_trainer_free_metrics(ls_trainer *trainer)
{
    for (int h = 0; trainer->metrics != NULL && h < LS_HEADS_MAX; h++)
        ls_metric_set_free(&trainer->metrics[h]);
    ls_free(trainer->metrics);
    trainer->metrics = NULL;
    trainer->step.metrics = NULL;
}

/* With several outputs the loss of each is told as well. */
void ls_trainer_metrics(const ls_trainer *trainer, const ls_score *score, ls_metrics *metrics)
{
    const ls_objective *objective = &trainer->step.objective;
    *metrics = (ls_metrics){.count = 0};
    for (int h = 0; trainer->step.metrics != NULL && h < objective->head_count; h++) {
        const ls_metrics *of_head = &trainer->metrics[h].result;
        const char *name = objective->head[h].name;
        if (name != NULL) {
            ls_metric *item = &metrics->item[metrics->count++];
            snprintf(item->name, sizeof item->name, "%.63s.loss", name);
            item->value = ls_score_head_loss(score, trainer->recipe, h, 1);
        }
        for (int i = 0; i < of_head->count; i++) metrics->item[metrics->count++] = of_head->item[i];
    }
}
