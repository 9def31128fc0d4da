/* What a run says: progress, records, results on the test set. */
#include <math.h>
#include <string.h>

#include "train/record.h"
#include "train/run.h"

static int64_t planned_steps(const ls_trainer *trainer)
{
    const ls_training_options *training = &trainer->recipe->training;
    int64_t an_epoch = (trainer->train.rows + trainer->batch - 1) / trainer->batch;
    int64_t steps = an_epoch * training->epochs;
    return training->steps > 0 && training->steps < steps ? training->steps : steps;
}

void ls_run_fill_progress(ls_run *r)
{
    ls_progress *progress = &r->progress;
    const ls_trainer *trainer = &r->trainer;
    const ls_optimizer_options *optimizer = trainer->recipe->optimizer.options;
    double seconds = ls_comm_time() - r->started;
    progress->epoch = trainer->epoch;
    progress->epochs = trainer->recipe->training.epochs;
    progress->step = trainer->step.steps;
    progress->steps = planned_steps(trainer);
    progress->learning_rate =
        ls_schedule_rate(&optimizer->schedule, optimizer->learning_rate, trainer->epoch, trainer->step.steps);
    progress->gradient_norm = trainer->step.gradient_norm;
    progress->skipped_steps = trainer->step.skipped;
    progress->wall_s = ls_run_wall(r);
    progress->samples_per_s = seconds > 0 ? (double)r->samples / seconds : 0;
}

void ls_run_tell(ls_run *r, bool epoch_end)
{
    r->last_progress = ls_comm_time();
    if (!r->writes || r->options->progress == NULL) return;
    r->progress.epoch_end = epoch_end;
    r->options->progress(r->options->user, &r->progress);
}

void ls_run_write_record(ls_run *r, const char *event)
{
    char text[LS_RECORD_SIZE];
    if (r->directory == NULL || r->pending != LS_OK) return;
    ls_record_text(event, &r->progress, text, sizeof text);
    r->pending = ls_run_directory_metrics_write(r->directory, text);
}

/* The best epoch: by accuracy on the test set, else by the loss (negated, so that larger is better). */
static void remember_best(ls_run *r)
{
    const ls_progress *p = &r->progress;
    double value = isfinite(p->test_accuracy) ? p->test_accuracy
                   : isfinite(p->test_loss)   ? -p->test_loss
                                              : -p->loss;
    if (!r->writes || !isfinite(value) || value <= r->best) return;
    r->best = value;
    r->best_is_new = true;
    memcpy(r->best_parameters, r->trainer.step.parameters,
           (size_t)r->trainer.model.arena_size * sizeof(float));
}

ls_status ls_run_evaluate(ls_run *r)
{
    ls_trainer *trainer = &r->trainer;
    r->progress.test_loss = r->progress.test_accuracy = NAN;
    if (trainer->test.rows == 0) return LS_OK;
    ls_rows rows = {
        .data = &trainer->test, .normalisation = &trainer->normalisation, .count = trainer->test.rows};
    ls_score score;
    LS_TRY(ls_step_evaluate(&trainer->step, &rows, &score));
    r->progress.test_loss = ls_score_loss(&score, trainer->recipe, 1);
    r->progress.test_accuracy = ls_score_accuracy(&score, trainer);
    return LS_OK;
}

ls_status ls_run_report(ls_run *r, const ls_score *score, int64_t batches)
{
    r->progress.loss = ls_score_loss(score, r->trainer.recipe, batches);
    r->progress.accuracy = ls_score_accuracy(score, &r->trainer);
    LS_TRY(ls_run_evaluate(r));
    ls_run_fill_progress(r);
    remember_best(r);
    ls_run_write_record(r, "epoch");
    ls_run_tell(r, true);
    return LS_OK;
}
