/* ls_train: a whole run with its directory. Rank 0 writes; every decision is made by all ranks alike. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "io/run_directory.h"
#include "parallel/agree.h"
#include "train/checkpoint.h"
#include "train/model_file.h"
#include "train/record.h"

static const double PROGRESS_SECONDS = 0.1;
static const int64_t RECORDS_A_RUN = 1000;

typedef struct run {
    ls_trainer trainer;
    const ls_run_options *options;
    ls_run_directory *directory; /* rank 0 only, NULL without one */
    bool writes;                 /* rank 0 */
    ls_progress progress;
    double started, last_progress, last_checkpoint;
    int64_t first_sample_count, samples;
    int64_t report_every;
    double best;
    float *best_parameters; /* rank 0 only */
    bool best_is_new;
    int64_t kept_bytes; /* of metrics.jsonl, for the checkpoint; -1: all */
    ls_status pending;  /* of rank 0's writing, brought into the next agreement */
} run;

static void note(const run *r, const char *message)
{
    if (r->writes && r->options->note != NULL) r->options->note(r->options->user, message);
}

static double wall(const run *r)
{
    return r->trainer.wall_before + ls_comm_time() - r->started;
}

static ls_comm *comm_of(const run *r)
{
    return r->trainer.context->comm;
}

static int64_t planned_steps(const ls_trainer *trainer)
{
    const ls_training_options *training = &trainer->recipe->training;
    int64_t an_epoch = (trainer->train.rows + trainer->batch - 1) / trainer->batch;
    int64_t steps = an_epoch * training->epochs;
    return training->steps > 0 && training->steps < steps ? training->steps : steps;
}

static bool is_over(const run *r)
{
    const ls_training_options *training = &r->trainer.recipe->training;
    if (training->steps > 0 && r->trainer.step.steps >= training->steps) return true;
    return r->trainer.epoch >= training->epochs;
}

/* --- checkpoints --- */

static ls_status write_best(run *r)
{
    if (!r->best_is_new) return LS_OK;
    char *path = ls_path_join(ls_run_directory_path(r->directory), "checkpoints/best.safetensors");
    if (path == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_model_file_write(path, &r->trainer, r->best_parameters);
    ls_free(path);
    if (status == LS_OK) r->best_is_new = false;
    return status;
}

static int64_t metrics_to_keep(const run *r)
{
    return r->kept_bytes >= 0 ? r->kept_bytes : ls_run_directory_metrics_bytes(r->directory);
}

static ls_status write_checkpoint(run *r)
{
    ls_checkpoint_extra extra = {.metrics_bytes = metrics_to_keep(r), .wall_s = wall(r), .best = r->best};
    char *path = ls_run_directory_checkpoint_path(r->directory, r->trainer.step.steps);
    if (path == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_checkpoint_write(path, &r->trainer, &extra);
    ls_free(path);
    LS_TRY(status);
    LS_TRY(write_best(r));
    return ls_run_directory_prune(r->directory, r->trainer.recipe->training.checkpoint.keep);
}

/* Collective: the score of the epoch so far is put together first. */
static ls_status save(run *r)
{
    ls_score score;
    LS_TRY(ls_trainer_epoch_score(&r->trainer, &score));
    r->trainer.carried = score;
    r->last_checkpoint = ls_comm_time();
    if (r->directory != NULL && r->pending == LS_OK) r->pending = write_checkpoint(r);
    return LS_OK;
}

/* The newest checkpoint that can be used. A damaged one is passed over with a remark; one that does not
 * belong to this recipe is an error. */
static ls_status find_checkpoint(run *r, ls_checkpoint_extra *extra, bool *found)
{
    int64_t *steps = NULL;
    int count = 0;
    LS_TRY(ls_run_directory_checkpoints(r->directory, &steps, &count));
    ls_status status = LS_OK;
    for (int c = 0; c < count && !*found && status == LS_OK; c++) {
        char *path = ls_run_directory_checkpoint_path(r->directory, steps[c]);
        if (path == NULL)
            status = LS_ERROR_MEMORY;
        else
            status = ls_checkpoint_read(path, &r->trainer, extra);
        ls_free(path);
        *found = status == LS_OK;
        if (status == LS_ERROR_DATA || status == LS_ERROR_IO) {
            char *text = ls_format("passing over a checkpoint: %s", ls_error_message());
            note(r, text == NULL ? "passing over a damaged checkpoint" : text);
            ls_free(text);
            status = LS_OK;
        }
    }
    ls_free(steps);
    return status;
}

/* --- beginning --- */

static ls_status write_recipe(run *r)
{
    char *text = NULL, *path = ls_path_join(ls_run_directory_path(r->directory), "recipe.yaml");
    ls_status status = path == NULL ? LS_ERROR_MEMORY : ls_recipe_to_yaml(r->trainer.recipe, true, &text);
    if (status == LS_OK) {
        ls_file_part part = {.bytes = text, .size = strlen(text)};
        status = ls_file_replace(path, &part, 1);
    }
    ls_free(text);
    ls_free(path);
    return status;
}

typedef enum beginning { BEGIN_ANEW, BEGIN_RESUMED, BEGIN_FINISHED } beginning;

/* What rank 0 finds in the directory and does about it. */
static ls_status open_directory(run *r, ls_checkpoint_extra *extra, beginning *how)
{
    const char *path = r->options->directory;
    ls_run_state state;
    *how = BEGIN_ANEW;
    LS_TRY(ls_run_directory_open(path, &r->directory, &state));
    if (r->options->resume) {
        bool found = false;
        LS_TRY(find_checkpoint(r, extra, &found));
        if (found) {
            *how = BEGIN_RESUMED;
            if (state == LS_RUN_FINISHED && is_over(r)) *how = BEGIN_FINISHED;
        } else if (state == LS_RUN_FINISHED) {
            return ls_error(LS_ERROR_STATE,
                            "%s holds a finished run without a usable checkpoint; --overwrite replaces it",
                            path);
        } else {
            note(r, "no checkpoint to resume from; starting anew");
        }
    } else if (state != LS_RUN_EMPTY && !r->options->overwrite) {
        return ls_error(
            LS_ERROR_STATE,
            "%s holds %s; --resume continues it, --overwrite replaces it, --run DIR takes another directory",
            path, state == LS_RUN_FINISHED ? "a finished run" : "an unfinished run");
    }
    if (*how == BEGIN_FINISHED) return LS_OK;
    if (*how == BEGIN_ANEW) LS_TRY(ls_run_directory_clear(r->directory));
    LS_TRY(write_recipe(r));
    return ls_run_directory_metrics_open(r->directory, *how == BEGIN_RESUMED ? extra->metrics_bytes : 0);
}

static ls_status begin(run *r, beginning *how)
{
    ls_checkpoint_extra extra = {.best = NAN};
    ls_status status = LS_OK;
    *how = BEGIN_ANEW;
    if (r->writes && r->options->directory != NULL) status = open_directory(r, &extra, how);
    if (status == LS_OK && r->writes) {
        r->best_parameters = ls_alloc((size_t)r->trainer.model.arena_size, sizeof(float));
        if (r->best_parameters == NULL) status = LS_ERROR_MEMORY;
    }
    LS_TRY(ls_agree(comm_of(r), status));
    int32_t shared = (int32_t)*how;
    LS_TRY(ls_comm_broadcast(comm_of(r), &shared, sizeof shared, 0));
    *how = (beginning)shared;
    if (*how == BEGIN_ANEW) return LS_OK;
    LS_TRY(ls_checkpoint_share(&r->trainer, &extra));
    r->best = extra.best;
    if (*how == BEGIN_RESUMED) {
        char *text = ls_format("resuming after step %lld (epoch %lld)", (long long)r->trainer.step.steps,
                               (long long)r->trainer.epoch + 1);
        if (text != NULL) note(r, text);
        ls_free(text);
    }
    return LS_OK;
}

/* --- records --- */

static void fill_progress(run *r)
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
    progress->wall_s = wall(r);
    progress->samples_per_s = seconds > 0 ? (double)r->samples / seconds : 0;
}

static void tell(run *r, bool epoch_end)
{
    r->last_progress = ls_comm_time();
    if (!r->writes || r->options->progress == NULL) return;
    r->progress.epoch_end = epoch_end;
    r->options->progress(r->options->user, &r->progress);
}

static void write_record(run *r, const char *event)
{
    char text[LS_RECORD_SIZE];
    if (r->directory == NULL || r->pending != LS_OK) return;
    ls_record_text(event, &r->progress, text, sizeof text);
    r->pending = ls_run_directory_metrics_write(r->directory, text);
}

/* The best epoch: by accuracy on the test set, else by the loss (negated, so that larger is better). */
static void remember_best(run *r)
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

static ls_status evaluate(run *r)
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

static ls_status report(run *r, const ls_score *score, int64_t batches)
{
    r->progress.loss = ls_score_loss(score, r->trainer.recipe, batches);
    r->progress.accuracy = ls_score_accuracy(score, &r->trainer);
    LS_TRY(evaluate(r));
    fill_progress(r);
    remember_best(r);
    write_record(r, "epoch");
    tell(r, true);
    return LS_OK;
}

/* --- the loop --- */

static bool due(int64_t every, int64_t count)
{
    return every > 0 && count % every == 0;
}

static ls_status end_epoch(run *r)
{
    ls_trainer *trainer = &r->trainer;
    const ls_training_options *training = &trainer->recipe->training;
    ls_score score;
    LS_TRY(ls_trainer_epoch_score(trainer, &score));
    ls_score_clear(&trainer->carried);
    int64_t batches = trainer->epoch_steps;
    trainer->epoch++;
    trainer->position = 0;
    trainer->epoch_steps = 0;
    if (training->replica_check == 0) LS_TRY(ls_replica_check(&trainer->step));
    if (due(r->report_every, trainer->epoch) || is_over(r)) LS_TRY(report(r, &score, batches));
    if (due(training->checkpoint.every_epochs, trainer->epoch) && !is_over(r)) LS_TRY(save(r));
    return LS_OK;
}

/* The limit on steps was reached within an epoch, which stays open so that a run with more steps can go on
 * from here; the record of the part is then dropped. */
static ls_status stop_within_epoch(run *r)
{
    LS_TRY(ls_trainer_epoch_score(&r->trainer, &r->trainer.carried));
    if (r->directory != NULL) r->kept_bytes = ls_run_directory_metrics_bytes(r->directory);
    return report(r, &r->trainer.carried, r->trainer.epoch_steps);
}

static ls_wish wish_of(const run *r)
{
    if (ls_stop_requested) return LS_WISH_STOP;
    double every = r->trainer.recipe->training.checkpoint.every_seconds;
    bool late = r->directory != NULL && every > 0 && r->last_progress - r->last_checkpoint > every;
    return late ? LS_WISH_CHECKPOINT : LS_WISH_NONE;
}

static ls_status one_step(run *r, ls_wish *wish)
{
    ls_trainer *trainer = &r->trainer;
    const ls_training_options *training = &trainer->recipe->training;
    int64_t before = trainer->position;
    *wish = wish_of(r);
    LS_TRY(ls_trainer_advance(trainer, r->pending, wish));
    r->samples += trainer->position - before;
    if (due(training->replica_check, trainer->step.steps)) LS_TRY(ls_replica_check(&trainer->step));
    if (r->writes && ls_comm_time() - r->last_progress > PROGRESS_SECONDS) {
        fill_progress(r);
        tell(r, false);
    }
    return LS_OK;
}

static ls_status loop(run *r)
{
    ls_trainer *trainer = &r->trainer;
    const ls_checkpoint_options *checkpoint = &trainer->recipe->training.checkpoint;
    while (!is_over(r)) {
        ls_wish wish;
        LS_TRY(one_step(r, &wish));
        if (ls_trainer_epoch_is_over(trainer))
            LS_TRY(end_epoch(r));
        else if (is_over(r))
            LS_TRY(stop_within_epoch(r));
        if (is_over(r)) break;
        if (wish == LS_WISH_NONE && !due(checkpoint->every_steps, trainer->step.steps)) continue;
        LS_TRY(save(r));
        if (wish != LS_WISH_STOP) continue;
        LS_TRY(ls_agree(comm_of(r), r->pending));
        ls_stop_requested = 0;
        return ls_error(LS_INTERRUPTED, "stopped on request after step %lld; --resume continues",
                        (long long)trainer->step.steps);
    }
    return LS_OK;
}

static ls_status check_finite(const run *r)
{
    const ls_model *model = &r->trainer.model;
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        uint32_t bits = r->trainer.step.kernels->largest(r->trainer.step.parameters + parameter->offset,
                                                         parameter->rows * parameter->ld);
        if (bits < 0x7f800000u) continue;
        return ls_error(
            LS_ERROR_NUMERIC,
            "after step %lld: infinity or NaN in %s; lower optimizer.lr or set training.clip_norm",
            (long long)r->trainer.step.steps, parameter->name);
    }
    return LS_OK;
}

static ls_status write_results(run *r)
{
    char *path = ls_path_join(ls_run_directory_path(r->directory), "model.safetensors");
    if (path == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_model_file_write(path, &r->trainer, r->trainer.step.parameters);
    ls_free(path);
    return status;
}

static ls_status finish(run *r)
{
    LS_TRY(check_finite(r));
    LS_TRY(save(r));
    if (r->directory != NULL && r->pending == LS_OK) r->pending = write_results(r);
    fill_progress(r);
    r->progress.finished = true;
    write_record(r, "done");
    LS_TRY(ls_agree(comm_of(r), r->pending));
    tell(r, true);
    return LS_OK;
}

static void warn_of_idle_ranks(const run *r)
{
    const ls_plan *plan = &r->trainer.step.plan;
    int64_t grains = (plan->batch + plan->grain - 1) / plan->grain;
    if (ls_comm_size(comm_of(r)) <= grains) return;
    char *text =
        ls_format("a batch of %lld samples has %lld grains of %lld, so %lld of %d ranks have nothing to do; "
                  "use fewer ranks, a larger training.batch or a smaller training.grain",
                  (long long)plan->batch, (long long)grains, (long long)plan->grain,
                  (long long)(ls_comm_size(comm_of(r)) - grains), ls_comm_size(comm_of(r)));
    if (text != NULL) note(r, text);
    ls_free(text);
}

static ls_status train(run *r, ls_run_result *result)
{
    beginning how;
    LS_TRY(begin(r, &how));
    r->started = r->last_progress = r->last_checkpoint = ls_comm_time();
    int64_t every = r->trainer.recipe->training.report;
    r->report_every =
        every > 0 ? every : (r->trainer.recipe->training.epochs + RECORDS_A_RUN - 1) / RECORDS_A_RUN;
    ls_status status = LS_OK;
    if (how != BEGIN_FINISHED) {
        warn_of_idle_ranks(r);
        status = ls_replica_check(&r->trainer.step);
        if (status == LS_OK) status = loop(r);
        if (status == LS_OK) status = finish(r);
    } else {
        status = evaluate(r);
        fill_progress(r);
        r->progress.finished = true;
        note(r, "the run is finished already; nothing to do");
    }
    result->already_finished = how == BEGIN_FINISHED;
    result->last = r->progress;
    return status;
}

ls_status ls_train(ls_context *context, const ls_recipe *recipe, const ls_run_options *options,
                   ls_run_result *result)
{
    static const ls_run_options none = {0};
    ls_run_result ignored;
    run r = {.options = options != NULL ? options : &none, .best = -INFINITY, .kept_bytes = -1};
    r.progress = (ls_progress){
        .loss = NAN, .accuracy = NAN, .test_loss = NAN, .test_accuracy = NAN, .gradient_norm = NAN};
    r.writes = ls_comm_rank(context->comm) == 0;
    uint32_t saved = ls_float_state_enter();
    ls_status status = ls_trainer_setup(context, recipe, &r.trainer);
    if (status == LS_OK) status = train(&r, result != NULL ? result : &ignored);
    ls_float_state_leave(saved);
    ls_run_directory_close(r.directory);
    ls_free(r.best_parameters);
    ls_trainer_clear(&r.trainer);
    return status;
}
