/* What a run says: progress, records, results on the test set. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
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
    double seconds = ls_comm_time() - r->started;
    progress->epoch = trainer->epoch;
    progress->epochs = trainer->recipe->training.epochs;
    progress->step = trainer->step.steps;
    progress->steps = planned_steps(trainer);
    progress->learning_rate = ls_trainer_rate(trainer);
    progress->gradient_norm = trainer->step.gradient_norm;
    progress->best_epoch =
        trainer->recipe->training.early_stopping.patience > 0 ? trainer->decisions.best_epoch : 0;
    progress->converged = trainer->decisions.ended == LS_ENDING_CONVERGED;
    progress->stopped_early = trainer->decisions.ended == LS_ENDING_EARLY;
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
    char *text = NULL;
    if (r->directory == NULL || r->pending != LS_OK) return;
    r->pending = ls_record_text(event, &r->progress, &text);
    if (r->pending == LS_OK) r->pending = ls_run_directory_metrics_write(r->directory, text);
    ls_free(text);
}

ls_status ls_run_evaluate(ls_run *r, float *weights)
{
    ls_trainer *trainer = &r->trainer;
    r->progress.test_loss = r->progress.test_accuracy = NAN;
    r->progress.test_metrics = (ls_metrics){.count = 0};
    if (trainer->test.rows == 0) return LS_OK;
    ls_score score;
    LS_TRY(ls_trainer_evaluate(trainer, weights, &score));
    r->progress.test_loss = ls_score_loss(&score, trainer->recipe, 1);
    r->progress.test_accuracy = ls_score_accuracy(&score, trainer);
    ls_trainer_metrics(trainer, &score, &r->progress.test_metrics);
    return LS_OK;
}

ls_status ls_run_measure(ls_run *r, const ls_score *score, int64_t batches)
{
    r->progress.loss = ls_score_loss(score, r->trainer.recipe, batches);
    r->progress.accuracy = ls_score_accuracy(score, &r->trainer);
    LS_TRY(ls_run_evaluate(r, ls_trainer_weights(&r->trainer)));
    ls_run_fill_progress(r);
    return LS_OK;
}

static void remember_best(ls_run *r)
{
    if (!r->writes) return;
    r->best_is_new = true;
    memcpy(r->trainer.best, ls_trainer_weights(&r->trainer),
           (size_t)r->trainer.model.arena_size * sizeof(float));
}

static void note_text(const ls_run *r, char *text)
{
    if (text != NULL) ls_run_note(r, text);
    ls_free(text);
}

static void note_reduction(const ls_run *r)
{
    const ls_on_plateau_options *options = &r->trainer.recipe->training.on_plateau;
    note_text(r, ls_format("epoch %lld: %s has not improved for %lld epochs; the learning rate is now %.6g",
                           (long long)r->trainer.epoch, options->monitor, (long long)options->patience,
                           ls_trainer_rate(&r->trainer)));
}

static void note_stop(const ls_run *r)
{
    const ls_early_stopping_options *options = &r->trainer.recipe->training.early_stopping;
    note_text(r,
              ls_format("stopping early after epoch %lld: %s has not improved for %lld epochs; the best was "
                        "%.6g in epoch %lld",
                        (long long)r->trainer.epoch, options->monitor, (long long)options->patience,
                        r->trainer.decisions.best, (long long)r->trainer.decisions.best_epoch));
}

void ls_run_decide(ls_run *r, bool record_due)
{
    ls_trainer *trainer = &r->trainer;
    ls_verdict verdict = {0};
    double rate = ls_trainer_rate(trainer);
    if (ls_decides_each_epoch(trainer->recipe))
        verdict = ls_decide_epoch(trainer->recipe, &r->progress, &trainer->decisions);
    else if (record_due)
        verdict.best = ls_decide_best(trainer->recipe, &r->progress, &trainer->decisions);
    if (verdict.best) remember_best(r);
    if (verdict.reduced && ls_trainer_rate(trainer) < rate) note_reduction(r);
    if (verdict.stop) note_stop(r);
    if (trainer->decisions.ended == LS_ENDING_CONVERGED) {
        note_text(r, ls_format("converged after step %lld: %s", (long long)trainer->step.steps,
                               ls_convergence_text(trainer->decisions.convergence)));
    }
    ls_run_fill_progress(r);
}

void ls_run_record(ls_run *r)
{
    ls_trainer *trainer = &r->trainer;
    r->progress.health = trainer->health_is_new ? trainer->step.health : NULL;
    ls_run_write_record(r, "epoch");
    r->progress.health = NULL;
    trainer->health_is_new = 0;
    ls_run_tell(r, true);
}

void ls_run_diagnose(const ls_run *r)
{
    char *words[LS_HEALTH_WORDS];
    const ls_health *health = r->trainer.step.health;
    int count = health == NULL || !r->writes ? 0 : ls_health_words(health, words);
    for (int w = 0; w < count; w++) note_text(r, words[w]);
    if (r->trainer.average != NULL && r->trainer.averaged == 0)
        ls_run_note(
            r, "training.average never began, so the weights themselves are written; is its start beyond the "
               "last epoch?");
}
