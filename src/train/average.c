/* The average of the weights (optim/average.h) and the weights that results are told of. */
#include <stdatomic.h>
#include <string.h>

#include "optim/average.h"
#include "train/trainer.h"

enum { BLOCK_ELEMENTS = 4096 };

typedef struct blend_run {
    const ls_step *step;
    float *average;
    float share;
    atomic_llong next; /* first element that nobody has taken */
} blend_run;

/* Elements do not depend on each other, so the blocks are not those of the update: running statistics, which
 * no optimiser touches, are averaged as well. */
static void blend(ls_team *team, int thread, void *argument)
{
    (void)team;
    (void)thread;
    blend_run *run = argument;
    int64_t size = run->step->model->arena_size, first;
    while ((first = atomic_fetch_add(&run->next, BLOCK_ELEMENTS)) < size) {
        int64_t count = size - first < BLOCK_ELEMENTS ? size - first : BLOCK_ELEMENTS;
        const float *w = run->step->parameters + first;
        if (run->share == 1)
            memcpy(run->average + first, w, (size_t)count * sizeof *w);
        else
            run->step->kernels->blend(run->share, count, w, run->average + first);
    }
}

void ls_trainer_average(ls_trainer *trainer, bool epoch_end)
{
    ls_average_moment moment = {.epoch_end = epoch_end, .epochs = trainer->epoch, .taken = trainer->averaged};
    double share = ls_average_share(&trainer->recipe->training.average, &moment);
    if (share == 0) return;
    blend_run run = {.step = &trainer->step, .average = trainer->average, .share = (float)share};
    ls_team_run(trainer->step.plan.threads, blend, &run);
    trainer->averaged++;
}

float *ls_trainer_weights(const ls_trainer *trainer)
{
    return trainer->averaged > 0 ? trainer->average : trainer->step.parameters;
}

ls_status ls_trainer_evaluate(ls_trainer *trainer, float *weights, ls_score *score)
{
    ls_rows rows = {
        .data = &trainer->test, .normalisation = &trainer->normalisation, .count = trainer->test.rows};
    float *trained = trainer->step.parameters;
    trainer->step.parameters = weights;
    ls_status status = ls_step_evaluate(&trainer->step, &rows, score);
    trainer->step.parameters = trained;
    return status;
}
