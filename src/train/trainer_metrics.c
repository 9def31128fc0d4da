/* The metrics of a trainer: one set for each output. */
#include <string.h>

#include "base/memory.h"
#include "train/trainer.h"

static ls_status make_set(const ls_trainer *trainer, const ls_dataset *data, const ls_head *head,
                          ls_metric_set *set)
{
    const ls_dataset *like = &trainer->train;
    ls_metric_request request = {
        .metrics = &trainer->recipe->metrics,
        .file = trainer->recipe->file,
        .fit = {.units = head->units,
                .classes = like->classes,
                .outputs = like->outputs,
                .origin = data->targets},
        .class_names = (const char *const *)like->class_names,
        .threads = trainer->step.threads,
    };
    return ls_metric_set_create(&request, set);
}

ls_status ls_trainer_make_metrics(ls_trainer *trainer, const ls_dataset *data)
{
    const ls_objective *objective = &trainer->step.objective;
    ls_trainer_free_metrics(trainer);
    trainer->metrics = ls_alloc(LS_HEADS_MAX, sizeof *trainer->metrics);
    if (trainer->metrics == NULL) return LS_ERROR_MEMORY;
    for (int h = 0; h < objective->head_count; h++)
        LS_TRY(make_set(trainer, data, &objective->head[h], &trainer->metrics[h]));
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

void ls_trainer_metrics(const ls_trainer *trainer, ls_metrics *metrics)
{
    *metrics = (ls_metrics){.count = 0};
    if (trainer->step.metrics == NULL) return;
    *metrics = trainer->metrics[0].result;
}
