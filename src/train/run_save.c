/* What a run keeps: checkpoints, the best weights, the final model. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "io/run_directory.h"
#include "parallel/agree.h"
#include "train/checkpoint.h"
#include "train/model_file.h"
#include "train/run.h"

static ls_status write_best(ls_run *r)
{
    if (!r->best_is_new) return LS_OK;
    char *path = ls_path_join(ls_run_directory_path(r->directory), "checkpoints/best.safetensors");
    if (path == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_model_file_write(path, &r->trainer, r->trainer.best);
    ls_free(path);
    if (status == LS_OK) r->best_is_new = false;
    return status;
}

static int64_t metrics_to_keep(const ls_run *r)
{
    return r->kept_bytes >= 0 ? r->kept_bytes : ls_run_directory_metrics_bytes(r->directory);
}

/* The best weights come first: a checkpoint never knows of better ones than are written, and those that are
 * newer than the checkpoint will be found again. */
static ls_status write_checkpoint(ls_run *r)
{
    LS_TRY(write_best(r));
    ls_checkpoint_extra extra = {.metrics_bytes = metrics_to_keep(r),
                                 .wall_s = ls_run_wall(r),
                                 .loss = r->progress.loss,
                                 .accuracy = r->progress.accuracy};
    char *path = ls_run_directory_checkpoint_path(r->directory, r->trainer.step.steps);
    if (path == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_checkpoint_write(path, &r->trainer, &extra);
    ls_free(path);
    LS_TRY(status);
    return ls_run_directory_prune(r->directory, r->trainer.recipe->training.checkpoint.keep);
}

/* Collective: the score of the epoch so far is put together first. */
ls_status ls_run_save(ls_run *r)
{
    ls_score score;
    LS_TRY(ls_trainer_epoch_score(&r->trainer, &score));
    r->trainer.carried = score;
    LS_TRY(ls_step_collect_state(&r->trainer.step));
    r->last_checkpoint = ls_comm_time();
    if (r->directory != NULL && r->pending == LS_OK) r->pending = write_checkpoint(r);
    return LS_OK;
}

static ls_status check_finite(const ls_run *r)
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

static ls_status write_results(ls_run *r)
{
    char *path = ls_path_join(ls_run_directory_path(r->directory), "model.safetensors");
    if (path == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_model_file_write(path, &r->trainer, r->trainer.step.parameters);
    ls_free(path);
    return status;
}

ls_status ls_run_settle(ls_run *r, bool measured)
{
    ls_trainer *trainer = &r->trainer;
    size_t bytes = (size_t)trainer->model.arena_size * sizeof(float);
    bool best = ls_restores_best(trainer->recipe) && trainer->decisions.best_epoch > 0;
    r->progress.weights = best ? "best" : trainer->averaged > 0 ? "average" : "last";
    const float *weights = best ? trainer->best : ls_trainer_weights(trainer);
    if (weights != NULL && weights != trainer->step.parameters)
        memcpy(trainer->step.parameters, weights, bytes);
    if (best) {
        LS_TRY(ls_comm_broadcast(ls_run_comm(r), trainer->step.parameters, bytes, 0));
        r->progress.loss = trainer->decisions.best_loss;
        r->progress.accuracy = trainer->decisions.best_accuracy;
    }
    return best || !measured ? ls_run_evaluate(r, trainer->step.parameters) : LS_OK;
}

ls_status ls_run_finish(ls_run *r)
{
    LS_TRY(check_finite(r));
    LS_TRY(ls_run_save(r));
    LS_TRY(ls_run_settle(r, true));
    if (r->directory != NULL && r->pending == LS_OK) r->pending = write_results(r);
    ls_run_fill_progress(r);
    r->progress.finished = true;
    const ls_health *health = r->trainer.step.health;
    r->progress.health = health != NULL && *health->step > 0 ? health : NULL;
    ls_run_write_record(r, "done");
    r->progress.health = NULL;
    ls_run_diagnose(r);
    LS_TRY(ls_agree(ls_run_comm(r), r->pending));
    ls_run_tell(r, true);
    return LS_OK;
}
