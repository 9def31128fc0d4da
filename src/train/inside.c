/* Training inside another program: rows are pushed, one call a step. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "parallel/agree.h"
#include "parallel/team.h"
#include "train/checkpoint.h"
#include "train/inputs.h"
#include "train/model_file.h"
#include "train/targets.h"

static bool is_pushed(const ls_recipe *recipe)
{
    return ((const ls_source_type *)recipe->data.type)->pushed;
}

ls_status ls_trainer_create(ls_context *context, const ls_recipe *recipe, ls_trainer **trainer)
{
    *trainer = NULL;
    ls_trainer *made = NULL;
    ls_status status = LS_OK;
    if (!is_pushed(recipe)) {
        status = ls_error(LS_ERROR_RECIPE, "%s: rows are pushed by the program only where data.type is push",
                          ls_recipe_place(recipe, recipe->data.line, recipe->data.column));
    } else if ((made = ls_alloc(1, sizeof *made)) == NULL) {
        status = LS_ERROR_MEMORY;
    }
    status = ls_agree(context->comm, status);
    uint32_t saved = ls_float_state_enter();
    if (status == LS_OK) status = ls_trainer_setup(context, recipe, made);
    ls_float_state_leave(saved);
    if (status == LS_OK)
        *trainer = made;
    else
        ls_free(made);
    return status;
}

void ls_trainer_free(ls_trainer *trainer)
{
    if (trainer == NULL) return;
    ls_trainer_clear(trainer);
    ls_free(trainer);
}

int64_t ls_trainer_inputs(const ls_trainer *trainer)
{
    return trainer->train.inputs;
}

int64_t ls_trainer_outputs(const ls_trainer *trainer)
{
    return ls_objective_all_units(&trainer->step.objective);
}

int64_t ls_trainer_steps(const ls_trainer *trainer)
{
    return trainer->step.steps;
}

/* By all losses: then it need not be a class. */
static bool is_ignored(const ls_objective *objective, int32_t label)
{
    for (int h = 0; h < objective->head_count; h++) {
        const ls_loss_type *type = ls_head_type(&objective->head[h]);
        if (type->ignores == NULL || !type->ignores(objective->head[h].loss->options, label)) return false;
    }
    return true;
}

static ls_status check_rows(const ls_trainer *trainer, int64_t rows, const float *inputs,
                            const float *targets, const int32_t *labels)
{
    int classes = trainer->train.classes;
    if (rows < 0) return ls_error(LS_ERROR_ARGUMENT, "ls_trainer_step: %lld rows", (long long)rows);
    if (rows == 0) return LS_OK;
    if (inputs == NULL || (classes > 0 ? labels == NULL : targets == NULL)) {
        return ls_error(LS_ERROR_ARGUMENT, "ls_trainer_step: inputs and %s must be given",
                        classes > 0 ? "labels" : "targets");
    }
    ls_dataset given_inputs = {.rows = rows, .inputs = trainer->train.inputs, .floats = (float *)inputs};
    LS_TRY(ls_inputs_check(&trainer->model, &given_inputs, "ls_trainer_step"));
    const ls_objective *objective = &trainer->step.objective;
    if (classes == 0) {
        ls_dataset given = {.rows = rows, .outputs = trainer->train.outputs, .targets = (float *)targets};
        return ls_targets_check(objective, &given, "ls_trainer_step");
    }
    for (int64_t row = 0; row < rows; row++) {
        if (labels[row] >= 0 && labels[row] < classes) continue;
        if (is_ignored(objective, labels[row])) continue;
        return ls_error(LS_ERROR_DATA, "ls_trainer_step: the label of row %lld is %d, expected 0 to %d",
                        (long long)row, (int)labels[row], classes - 1);
    }
    return LS_OK;
}

/* The rows of all ranks in the order of ranks. */
static ls_status gather(ls_comm *comm, const void *mine, int64_t bytes, void *all, int64_t *total)
{
    size_t *sizes = NULL;
    char *joined = NULL;
    LS_TRY(ls_comm_gather_all(comm, mine, (size_t)bytes, &joined, &sizes));
    *total = 0;
    for (int rank = 0; rank < ls_comm_size(comm); rank++) *total += (int64_t)sizes[rank];
    ls_free(sizes);
    memcpy(all, &joined, sizeof joined);
    return LS_OK;
}

static ls_status collect(ls_trainer *trainer, int64_t rows, const float *inputs, const float *targets,
                         const int32_t *labels, ls_dataset *batch)
{
    ls_comm *comm = trainer->context->comm;
    const ls_dataset *like = &trainer->train;
    int64_t bytes, row_bytes = like->inputs * (int64_t)sizeof(float);
    *batch = (ls_dataset){
        .inputs = like->inputs, .rank = like->rank, .outputs = like->outputs, .classes = like->classes};
    batch->shape[0] = like->shape[0];
    LS_TRY(gather(comm, inputs, rows * row_bytes, &batch->floats, &bytes));
    batch->rows = bytes / row_bytes;
    if (like->classes > 0)
        return gather(comm, labels, rows * (int64_t)sizeof *labels, &batch->labels, &bytes);
    return gather(comm, targets, rows * like->outputs * (int64_t)sizeof(float), &batch->targets, &bytes);
}

static ls_status step_on(ls_trainer *trainer, const ls_dataset *batch, double *loss)
{
    ls_step *step = &trainer->step;
    if (batch->rows == 0) return LS_OK;
    int64_t part = ls_step_part_rows(trainer->recipe, batch->rows, step->plan.grain);
    ls_status status = part > step->plan.batch ? ls_step_resize(step, batch->rows) : LS_OK;
    LS_TRY(ls_agree(trainer->context->comm, status));
    ls_step_call call = {
        .rows = {.data = batch, .count = batch->rows},
        .learning_rate = ls_trainer_rate(trainer),
    };
    LS_TRY(ls_trainer_step_on(trainer, &call));
    int64_t every = trainer->recipe->training.replica_check;
    if (every > 0 && step->steps % every == 0) LS_TRY(ls_replica_check(step));
    ls_score score;
    LS_TRY(ls_step_score(step, &score));
    if (loss != NULL) *loss = ls_score_loss(&score, trainer->recipe, 1);
    return LS_OK;
}

static ls_status push(ls_trainer *trainer, int64_t rows, const float *inputs, const float *targets,
                      const int32_t *labels, double *loss)
{
    ls_dataset batch = {0};
    if (loss != NULL) *loss = NAN;
    ls_comm *comm = trainer->context->comm;
    LS_TRY(ls_agree(comm, check_rows(trainer, rows, inputs, targets, labels)));
    ls_status status = ls_agree(comm, collect(trainer, rows, inputs, targets, labels, &batch));
    if (status == LS_OK) status = step_on(trainer, &batch, loss);
    ls_dataset_free(&batch);
    return status;
}

ls_status ls_trainer_step(ls_trainer *trainer, int64_t rows, const float *inputs, const float *targets,
                          const int32_t *labels, double *loss)
{
    uint32_t saved = ls_float_state_enter();
    ls_status status = push(trainer, rows, inputs, targets, labels, loss);
    ls_float_state_leave(saved);
    return status;
}

ls_status ls_trainer_predict(ls_trainer *trainer, int64_t rows, const float *inputs, float *outputs)
{
    if (rows < 0 || (rows > 0 && (inputs == NULL || outputs == NULL))) {
        return ls_error(LS_ERROR_ARGUMENT, "ls_trainer_predict: inputs and outputs must be given");
    }
    ls_dataset data = {.rows = rows, .inputs = trainer->train.inputs, .floats = (float *)inputs};
    ls_rows run = {.data = &data, .count = rows};
    float *trained = trainer->step.parameters;
    trainer->step.parameters = ls_trainer_weights(trainer);
    ls_step_predict(&trainer->step, &run, outputs, NULL);
    trainer->step.parameters = trained;
    return LS_OK;
}

ls_status ls_trainer_save_model(ls_trainer *trainer, const char *path)
{
    bool writes = ls_comm_rank(trainer->context->comm) == 0;
    uint32_t saved = ls_float_state_enter();
    ls_status status = writes ? ls_model_file_write(path, trainer, ls_trainer_weights(trainer)) : LS_OK;
    ls_float_state_leave(saved);
    return ls_agree(trainer->context->comm, status);
}

ls_status ls_trainer_save_checkpoint(ls_trainer *trainer, const char *path)
{
    ls_checkpoint_extra extra = {.loss = NAN, .accuracy = NAN};
    bool writes = ls_comm_rank(trainer->context->comm) == 0;
    LS_TRY(ls_step_collect_state(&trainer->step));
    uint32_t saved = ls_float_state_enter();
    ls_status status = writes ? ls_checkpoint_write(path, trainer, &extra) : LS_OK;
    ls_float_state_leave(saved);
    return ls_agree(trainer->context->comm, status);
}

ls_status ls_trainer_load_checkpoint(ls_trainer *trainer, const char *path)
{
    ls_checkpoint_extra extra = {.loss = NAN, .accuracy = NAN};
    bool reads = ls_comm_rank(trainer->context->comm) == 0;
    uint32_t saved = ls_float_state_enter();
    ls_status status = reads ? ls_checkpoint_read(path, trainer, &extra) : LS_OK;
    ls_float_state_leave(saved);
    LS_TRY(ls_agree(trainer->context->comm, status));
    return ls_checkpoint_share(trainer, &extra);
}
