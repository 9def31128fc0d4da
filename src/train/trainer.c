#include "train/trainer.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "optim/average.h"
#include "parallel/agree.h"
#include "train/inputs.h"
#include "train/model_file.h"
#include "train/targets.h"

enum {
    UNKNOWN_BATCH = 64
}; /* that the grain is chosen for where rows are not known and the recipe names no batch */

static const ls_source_type *source_of(const ls_recipe *recipe)
{
    return (const ls_source_type *)recipe->data.type;
}

/* Layers that take whole numbers get the data as they are. */
static ls_status check_inputs(const ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    int64_t values = 0;
    const ls_node *node = ls_inputs_whole(&trainer->model, &values);
    const ls_data_options *options = source_of(recipe)->pushed ? NULL : recipe->data.options;
    if (node != NULL && options != NULL && options->normalise != LS_NORMALISE_NONE) {
        return ls_error(LS_ERROR_RECIPE,
                        "%s: the layer %s takes whole numbers, which data.normalise would change; set "
                        "normalise: none",
                        ls_recipe_place(recipe, recipe->data.line, recipe->data.column), node->name);
    }
    LS_TRY(ls_inputs_check(&trainer->model, &trainer->train, "the training data"));
    return ls_inputs_check(&trainer->model, &trainer->test, "the test data");
}

static ls_status build_model(ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    const ls_dataset *train = &trainer->train;
    ls_shape input = {.rank = train->rank};
    memcpy(input.dim, train->shape, sizeof input.dim);
    LS_TRY(ls_objective_build_model(recipe, &input, recipe->file, &trainer->model));
    LS_TRY(check_inputs(trainer));
    ls_objective objective;
    ls_objective_create(recipe, &trainer->model, &objective);
    ls_status status = ls_objective_bind(&objective, recipe, train);
    trainer->has_classes = ls_objective_has_classes(&objective);
    if (status == LS_OK) status = ls_targets_check(&objective, train, "the training data");
    if (status == LS_OK) status = ls_targets_check(&objective, &trainer->test, "the test data");
    ls_objective_free(&objective);
    return status;
}

static ls_status get_step(ls_trainer *trainer)
{
    const ls_training_options *training = &trainer->recipe->training;
    int64_t rows = trainer->train.rows;
    trainer->batch = training->batch;
    if (rows == 0) {
        if (trainer->batch == 0) trainer->batch = UNKNOWN_BATCH;
    } else if (trainer->batch == 0 || trainer->batch > rows) {
        trainer->batch = rows;
    }
    if (training->shuffle && rows > 0) {
        trainer->order = ls_alloc((size_t)rows, sizeof *trainer->order);
        if (trainer->order == NULL) return LS_ERROR_MEMORY;
    }
    ls_context *context = trainer->context;
    LS_TRY(ls_step_create(context->comm, context->threads, &trainer->model, trainer->recipe, trainer->batch,
                          &trainer->step));
    LS_TRY(ls_objective_bind(&trainer->step.objective, trainer->recipe, &trainer->train));
    int64_t part = (trainer->batch + training->accumulate - 1) / training->accumulate;
    if (part < trainer->step.plan.grain) {
        return ls_error(LS_ERROR_RECIPE,
                        "%s: training.accumulate: %lld parts of a batch of %lld have %lld rows, less than "
                        "training.grain, %lld; expected fewer parts or a smaller grain",
                        ls_recipe_key_place(trainer->recipe, &training->accumulate_place),
                        (long long)training->accumulate, (long long)trainer->batch, (long long)part,
                        (long long)trainer->step.plan.grain);
    }
    if (training->average.type != NULL) {
        trainer->average = ls_alloc((size_t)trainer->model.arena_size, sizeof *trainer->average);
        if (trainer->average == NULL) return LS_ERROR_MEMORY;
    }
    if (rows > 0)
        LS_TRY(ls_trainer_make_metrics(trainer, trainer->test.rows > 0 ? &trainer->test : &trainer->train));
    LS_TRY(ls_whole_create(trainer));
    if (training->initial == NULL) return LS_OK;
    char *path = ls_path_join(trainer->recipe->directory, training->initial);
    if (path == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_model_file_load_parameters(path, &trainer->model, trainer->step.parameters);
    ls_free(path);
    return status;
}

/* Whether the data have what the recipe wants to watch. */
static ls_status check_watched(const ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    const ls_average_type *average = (const ls_average_type *)recipe->training.average.type;
    ls_score none; /* the names are what counts */
    ls_metrics metrics;
    ls_score_clear(&none);
    ls_trainer_metrics(trainer, &none, &metrics);
    ls_watchable has = {.epochs = !source_of(recipe)->pushed,
                        .test = trainer->test.rows > 0,
                        .classes = trainer->has_classes,
                        .metrics = &metrics};
    if (average != NULL && average->by_epoch && !has.epochs) {
        const ls_component *component = &recipe->training.average;
        return ls_error(LS_ERROR_RECIPE,
                        "%s: average %s needs epochs, which there are not where data.type is push; take ema",
                        ls_recipe_place(recipe, component->line, component->column), average->base.name);
    }
    return ls_decide_check(recipe, &has);
}

/* Pushed rows have no epochs that a schedule could count. */
static ls_status check_schedule(const ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    const ls_optimizer_options *optimizer = recipe->optimizer.options;
    const ls_component *schedule = &optimizer->schedule;
    if (!source_of(recipe)->pushed || !ls_schedule_counts_epochs(schedule, &optimizer->warmup)) return LS_OK;
    return ls_error(
        LS_ERROR_RECIPE,
        "%s: the learning rate follows epochs, of which there are none where data.type is push; set the "
        "unit of optimizer.schedule and optimizer.warmup to steps",
        ls_recipe_place(recipe, schedule->line, schedule->column));
}

static ls_status set_up(ls_trainer *trainer)
{
    ls_comm *comm = trainer->context->comm;
    uint64_t digest = ls_recipe_digest(trainer->recipe);
    LS_TRY(ls_agree(comm, digest == 0 ? LS_ERROR_MEMORY : LS_OK));
    LS_TRY(ls_agree_same(comm, digest, LS_ERROR_RECIPE,
                         "the recipes of the ranks (all must read the same file and get the same --set)"));
    LS_TRY(ls_agree(comm, check_schedule(trainer)));
    LS_TRY(ls_agree(comm, ls_trainer_load_data(trainer)));
    LS_TRY(ls_agree_same(comm, trainer->data_digest, LS_ERROR_DATA, "the data of the ranks"));
    LS_TRY(ls_agree(comm, build_model(trainer)));
    LS_TRY(ls_agree(comm, ls_whole_check(trainer)));
    LS_TRY(ls_agree(comm, get_step(trainer)));
    LS_TRY(ls_step_connect(&trainer->step));
    return trainer->described ? LS_OK : ls_agree(comm, check_watched(trainer));
}

static ls_status create(ls_context *context, const ls_recipe *recipe, bool described, ls_trainer *trainer)
{
    *trainer = (ls_trainer){.context = context, .recipe = recipe, .described = described, .order_epoch = -1};
    ls_score_clear(&trainer->carried);
    ls_decisions_start(&trainer->decisions);
    ls_status status = set_up(trainer);
    if (status != LS_OK) ls_trainer_clear(trainer);
    return status;
}

ls_status ls_trainer_setup(ls_context *context, const ls_recipe *recipe, ls_trainer *trainer)
{
    return create(context, recipe, false, trainer);
}

ls_status ls_trainer_setup_described(ls_context *context, const ls_recipe *recipe, ls_trainer *trainer)
{
    return create(context, recipe, true, trainer);
}

void ls_trainer_clear(ls_trainer *trainer)
{
    ls_trainer_free_metrics(trainer);
    ls_step_free(&trainer->step);
    ls_model_free(&trainer->model);
    ls_normalisation_free(&trainer->normalisation);
    ls_dataset_free(&trainer->train);
    ls_dataset_free(&trainer->test);
    ls_free(trainer->order);
    ls_free(trainer->average);
    ls_whole_free(trainer);
    ls_free(trainer->best);
    *trainer = (ls_trainer){0};
}

bool ls_trainer_epoch_is_over(const ls_trainer *trainer)
{
    return trainer->position >= trainer->train.rows;
}

double ls_trainer_rate(const ls_trainer *trainer)
{
    ls_schedule_time time = {.step = trainer->step.steps};
    if (trainer->train.rows > 0)
        time.steps_per_epoch = (trainer->train.rows + trainer->batch - 1) / trainer->batch;
    double rate = ls_learning_rate(trainer->recipe->optimizer.options, &time);
    return ls_decided_rate(trainer->recipe, &trainer->decisions, rate);
}

ls_status ls_trainer_step_on(ls_trainer *trainer, ls_step_call *call)
{
    int64_t skipped = trainer->step.skipped;
    LS_TRY(trainer->whole != NULL ? ls_whole_step(trainer, call) : ls_step_run(&trainer->step, call));
    if (trainer->step.skipped == skipped) ls_trainer_average(trainer, false);
    return LS_OK;
}

const ls_component_list *ls_trainer_augment(const ls_trainer *trainer)
{
    const ls_data_options *options = trainer->recipe->data.options;
    return options != NULL && options->augment.count > 0 ? &options->augment : NULL;
}

ls_status ls_trainer_advance(ls_trainer *trainer, ls_status mine, ls_wish *wish)
{
    const ls_recipe *recipe = trainer->recipe;
    int64_t rest = trainer->train.rows - trainer->position;
    if (trainer->order != NULL && trainer->order_epoch != trainer->epoch) {
        ls_sampler_order((uint64_t)recipe->seed, trainer->epoch, true, trainer->order, trainer->train.rows);
        trainer->order_epoch = trainer->epoch;
    }
    ls_step_call call = {
        .rows = {.data = &trainer->train,
                 .normalisation = &trainer->normalisation,
                 .order = trainer->order,
                 .first = trainer->position,
                 .count = rest < trainer->batch ? rest : trainer->batch,
                 .augment = ls_trainer_augment(trainer),
                 .seed = (uint64_t)recipe->seed,
                 .epoch = trainer->epoch},
        .status = mine,
        .learning_rate = ls_trainer_rate(trainer),
        .wish = *wish,
        .measure = trainer->measure && trainer->step.health != NULL,
    };
    int64_t skipped = trainer->step.skipped;
    LS_TRY(ls_trainer_step_on(trainer, &call));
    if (call.measure && trainer->step.skipped == skipped) trainer->health_is_new = 1;
    *wish = call.wish;
    trainer->position += call.rows.count;
    trainer->epoch_steps++;
    return LS_OK;
}

ls_status ls_trainer_epoch_score(ls_trainer *trainer, ls_score *score)
{
    ls_score fresh;
    LS_TRY(ls_step_score(&trainer->step, &fresh));
    ls_score_merge(&fresh, &trainer->carried, trainer->step.objective.head_count);
    *score = fresh;
    return LS_OK;
}

double ls_score_accuracy(const ls_score *score, const ls_trainer *trainer)
{
    for (int h = 0; h < trainer->step.objective.head_count; h++) {
        const ls_head_score *head = &score->head[h];
        if (head->counted > 0) return (double)head->correct / (double)head->counted;
    }
    return NAN;
}
