/* How a run begins: anew, from a checkpoint, or not at all. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "io/run_directory.h"
#include "parallel/agree.h"
#include "train/checkpoint.h"
#include "train/run.h"

/* The newest checkpoint that can be used. A damaged one is passed over with a remark; one that does not
 * belong to this recipe is an error. */
static ls_status find_checkpoint(ls_run *r, ls_checkpoint_extra *extra, bool *found)
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
            ls_run_note(r, text == NULL ? "passing over a damaged checkpoint" : text);
            ls_free(text);
            status = LS_OK;
        }
    }
    ls_free(steps);
    return status;
}

static ls_status write_recipe(ls_run *r)
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

/* What rank 0 finds in the directory and does about it. */
static ls_status open_directory(ls_run *r, ls_checkpoint_extra *extra, ls_run_beginning *how)
{
    const char *path = r->options->directory;
    ls_run_state state;
    *how = LS_RUN_BEGIN_ANEW;
    LS_TRY(ls_run_directory_open(path, &r->directory, &state));
    if (r->options->resume) {
        bool found = false;
        LS_TRY(find_checkpoint(r, extra, &found));
        if (found) {
            *how = LS_RUN_BEGIN_RESUMED;
            if (state == LS_RUN_FINISHED && ls_run_is_over(r)) *how = LS_RUN_BEGIN_FINISHED;
        } else if (state == LS_RUN_FINISHED) {
            return ls_error(LS_ERROR_STATE,
                            "%s holds a finished run without a usable checkpoint; --overwrite replaces it",
                            path);
        } else {
            ls_run_note(r, "no checkpoint to resume from; starting anew");
        }
    } else if (state != LS_RUN_EMPTY && !r->options->overwrite) {
        return ls_error(
            LS_ERROR_STATE,
            "%s holds %s; --resume continues it, --overwrite replaces it, --run DIR takes another directory",
            path, state == LS_RUN_FINISHED ? "a finished run" : "an unfinished run");
    }
    if (*how == LS_RUN_BEGIN_FINISHED) return LS_OK;
    if (*how == LS_RUN_BEGIN_ANEW) LS_TRY(ls_run_directory_clear(r->directory));
    LS_TRY(write_recipe(r));
    return ls_run_directory_metrics_open(r->directory,
                                         *how == LS_RUN_BEGIN_RESUMED ? extra->metrics_bytes : 0);
}

ls_status ls_run_begin(ls_run *r, ls_run_beginning *how)
{
    ls_checkpoint_extra extra = {.loss = NAN, .accuracy = NAN};
    ls_status status = LS_OK;
    *how = LS_RUN_BEGIN_ANEW;
    if (r->writes) {
        r->trainer.best = ls_alloc((size_t)r->trainer.model.arena_size, sizeof *r->trainer.best);
        if (r->trainer.best == NULL) status = LS_ERROR_MEMORY;
    }
    if (status == LS_OK && r->writes && r->options->directory != NULL)
        status = open_directory(r, &extra, how);
    LS_TRY(ls_agree(ls_run_comm(r), status));
    int32_t shared = (int32_t)*how;
    LS_TRY(ls_comm_broadcast(ls_run_comm(r), &shared, sizeof shared, 0));
    *how = (ls_run_beginning)shared;
    if (*how == LS_RUN_BEGIN_ANEW) return LS_OK;
    LS_TRY(ls_checkpoint_share(&r->trainer, &extra));
    r->progress.loss = extra.loss;
    r->progress.accuracy = extra.accuracy;
    if (*how == LS_RUN_BEGIN_RESUMED) {
        char *text = ls_format(ls_run_is_over(r) ? "all %lld steps are done; the results are written again"
                                                 : "resuming after step %lld (epoch %lld)",
                               (long long)r->trainer.step.steps, (long long)r->trainer.epoch + 1);
        if (text != NULL) ls_run_note(r, text);
        ls_free(text);
    }
    return LS_OK;
}

void ls_run_warn_of_idle_ranks(const ls_run *r)
{
    const ls_plan *plan = &r->trainer.step.plan;
    int64_t grains = (plan->batch + plan->grain - 1) / plan->grain;
    if (ls_comm_size(ls_run_comm(r)) <= grains) return;
    char *text =
        ls_format("a batch of %lld samples has %lld grains of %lld, so %lld of %d ranks have nothing to do; "
                  "use fewer ranks, a larger training.batch or a smaller training.grain",
                  (long long)plan->batch, (long long)grains, (long long)plan->grain,
                  (long long)(ls_comm_size(ls_run_comm(r)) - grains), ls_comm_size(ls_run_comm(r)));
    if (text != NULL) ls_run_note(r, text);
    ls_free(text);
}

void ls_run_warn_of_model(const ls_run *r)
{
    const ls_objective *objective = &r->trainer.step.objective;
    for (int h = 0; h < objective->head_count; h++) {
        char *text = ls_objective_remark(objective, h, r->trainer.recipe, &r->trainer.model);
        if (text != NULL) ls_run_note(r, text);
        ls_free(text);
    }
}
