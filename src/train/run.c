/* ls_train: a whole run with its directory. Rank 0 writes; every decision is made by all ranks alike. */
#include "train/run.h"

#include <math.h>

#include "base/memory.h"
#include "parallel/agree.h"

static const double PROGRESS_SECONDS = 0.1;
static const int64_t RECORDS_A_RUN = 1000, HEALTH_A_RUN = 10;

void ls_run_note(const ls_run *r, const char *message)
{
    if (r->writes && r->options->note != NULL) r->options->note(r->options->user, message);
}

double ls_run_wall(const ls_run *r)
{
    return r->trainer.wall_before + ls_comm_time() - r->started;
}

ls_comm *ls_run_comm(const ls_run *r)
{
    return r->trainer.context->comm;
}

bool ls_run_is_over(const ls_run *r)
{
    const ls_training_options *training = &r->trainer.recipe->training;
    if (r->trainer.decisions.ended != LS_ENDING_NONE) return true;
    if (training->steps > 0 && r->trainer.step.steps >= training->steps) return true;
    return r->trainer.epoch >= training->epochs;
}

static bool due(int64_t every, int64_t count)
{
    return every > 0 && count % every == 0;
}

/* No decision is made on a part of an epoch: stop_within_epoch. */
static ls_status end_epoch(ls_run *r)
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
    ls_trainer_average(trainer, true);
    if (training->replica_check == 0) LS_TRY(ls_replica_check(&trainer->step));
    bool record = due(r->report_every, trainer->epoch) || ls_run_is_over(r);
    if (record || ls_decides_each_epoch(trainer->recipe)) {
        LS_TRY(ls_run_measure(r, &score, batches));
        ls_run_decide(r, record);
    }
    if (record || ls_run_is_over(r)) ls_run_record(r);
    if (due(training->checkpoint.every_epochs, trainer->epoch) && !ls_run_is_over(r)) LS_TRY(ls_run_save(r));
    return LS_OK;
}

/* The limit on steps was reached within an epoch, which stays open so that a run with more steps can go on
 * from here; the record of the part is then dropped. */
static ls_status stop_within_epoch(ls_run *r)
{
    LS_TRY(ls_trainer_epoch_score(&r->trainer, &r->trainer.carried));
    if (r->directory != NULL) r->kept_bytes = ls_run_directory_metrics_bytes(r->directory);
    LS_TRY(ls_run_measure(r, &r->trainer.carried, r->trainer.epoch_steps));
    int64_t health_is_new = r->trainer.health_is_new;
    ls_run_record(r);
    r->trainer.health_is_new = health_is_new; /* for the record of the whole epoch */
    return LS_OK;
}

static ls_wish wish_of(const ls_run *r)
{
    if (ls_stop_requested) return LS_WISH_STOP;
    double every = r->trainer.recipe->training.checkpoint.every_seconds;
    bool late = r->directory != NULL && every > 0 && r->last_progress - r->last_checkpoint > every;
    return late ? LS_WISH_CHECKPOINT : LS_WISH_NONE;
}

/* The health of the layers is measured in the last step with a whole batch of an epoch whose record is to
 * hold it: the first epoch, every so many, and the last. */
static bool measures_next(const ls_run *r)
{
    const ls_trainer *trainer = &r->trainer;
    const ls_training_options *training = &trainer->recipe->training;
    int64_t rest = trainer->train.rows - trainer->position, epoch = trainer->epoch + 1;
    if (r->health_every == 0) return false;
    bool wanted = epoch == training->epochs || epoch == r->report_every || due(r->health_every, epoch);
    return wanted && rest >= trainer->batch && rest < 2 * trainer->batch;
}

static ls_status one_step(ls_run *r, ls_wish *wish)
{
    ls_trainer *trainer = &r->trainer;
    const ls_training_options *training = &trainer->recipe->training;
    int64_t before = trainer->position;
    *wish = wish_of(r);
    trainer->measure = measures_next(r);
    LS_TRY(ls_trainer_advance(trainer, r->pending, wish));
    r->samples += trainer->position - before;
    if (due(training->replica_check, trainer->step.steps)) LS_TRY(ls_replica_check(&trainer->step));
    if (r->writes && ls_comm_time() - r->last_progress > PROGRESS_SECONDS) {
        ls_run_fill_progress(r);
        ls_run_tell(r, false);
    }
    return LS_OK;
}

static ls_status loop(ls_run *r)
{
    ls_trainer *trainer = &r->trainer;
    const ls_checkpoint_options *checkpoint = &trainer->recipe->training.checkpoint;
    while (!ls_run_is_over(r)) {
        ls_wish wish;
        LS_TRY(one_step(r, &wish));
        if (ls_trainer_epoch_is_over(trainer))
            LS_TRY(end_epoch(r));
        else if (ls_run_is_over(r))
            LS_TRY(stop_within_epoch(r));
        if (ls_run_is_over(r)) break;
        if (wish == LS_WISH_NONE && !due(checkpoint->every_steps, trainer->step.steps)) continue;
        LS_TRY(ls_run_save(r));
        if (wish != LS_WISH_STOP) continue;
        LS_TRY(ls_agree(ls_run_comm(r), r->pending));
        ls_stop_requested = 0;
        return ls_error(LS_INTERRUPTED, "stopped on request after step %lld; --resume continues",
                        (long long)trainer->step.steps);
    }
    return LS_OK;
}

/* The steps, or, where the process before was killed after the last of them, what is known of their results.
 */
static ls_status take_steps(ls_run *r)
{
    LS_TRY(ls_replica_check(&r->trainer.step));
    if (!ls_run_is_over(r)) return loop(r);
    return r->trainer.epoch_steps > 0 ? stop_within_epoch(r)
                                      : ls_run_evaluate(r, ls_trainer_weights(&r->trainer));
}

static void choose_intervals(ls_run *r)
{
    const ls_training_options *training = &r->trainer.recipe->training;
    int64_t epochs = training->epochs, records = training->health;
    r->report_every = training->report > 0 ? training->report : (epochs + RECORDS_A_RUN - 1) / RECORDS_A_RUN;
    if (records == 0) records = (epochs / r->report_every + HEALTH_A_RUN - 1) / HEALTH_A_RUN;
    if (records == 0) records = 1;
    r->health_every = training->health < 0 ? 0 : records * r->report_every;
}

/* They go with the run. */
static void forget_matrices(ls_metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++) {
        metrics->item[i].classes = 0;
        metrics->item[i].confusion = NULL;
        metrics->item[i].class_names = NULL;
    }
}

static ls_status train(ls_run *r, ls_run_result *result)
{
    ls_run_beginning how;
    LS_TRY(ls_run_begin(r, &how));
    r->started = r->last_progress = r->last_checkpoint = ls_comm_time();
    choose_intervals(r);
    ls_status status = LS_OK;
    if (how != LS_RUN_BEGIN_FINISHED) {
        ls_run_warn_of_idle_ranks(r);
        ls_run_warn_of_model(r);
        status = take_steps(r);
        if (status == LS_OK) status = ls_run_finish(r);
    } else {
        status = ls_run_settle(r, false);
        ls_run_fill_progress(r);
        r->progress.finished = true;
        ls_run_note(r, "the run is finished already; nothing to do");
    }
    result->already_finished = how == LS_RUN_BEGIN_FINISHED;
    result->last = r->progress;
    forget_matrices(&result->last.test_metrics);
    return status;
}

ls_status ls_train(ls_context *context, const ls_recipe *recipe, const ls_run_options *options,
                   ls_run_result *result)
{
    static const ls_run_options none = {0};
    ls_run_result ignored;
    ls_run r = {.options = options != NULL ? options : &none, .kept_bytes = -1};
    r.progress = (ls_progress){
        .loss = NAN, .accuracy = NAN, .test_loss = NAN, .test_accuracy = NAN, .gradient_norm = NAN};
    r.writes = ls_comm_rank(context->comm) == 0;
    uint32_t saved = ls_float_state_enter();
    ls_status status = ls_trainer_setup(context, recipe, &r.trainer);
    if (status == LS_OK) status = train(&r, result != NULL ? result : &ignored);
    ls_float_state_leave(saved);
    ls_run_directory_close(r.directory);
    ls_trainer_clear(&r.trainer);
    return status;
}
