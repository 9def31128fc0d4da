#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "optim/groups.h"
#include "parallel/agree.h"
#include "train/host.h"
#include "train/step_run.h"

static const ls_optimizer_type *optimizer_of(const ls_recipe *recipe)
{
    return (const ls_optimizer_type *)recipe->optimizer.type;
}

enum { RANGE_ELEMENTS = 16384 }; /* of a range at most, so that threads can share the update */

static bool same_rule(const ls_parameter_rule *a, const ls_parameter_rule *b)
{
    return a->lr_factor == b->lr_factor && a->weight_decay == b->weight_decay && a->l1 == b->l1;
}

/* Joins pieces, unless something is done with single parameters. */
static void list_slice(ls_step *step, int64_t first, int64_t end)
{
    ls_update_range *last = NULL;
    for (int64_t p = first; p < end; p++) {
        const ls_piece *piece = &step->plan.piece[p];
        const ls_parameter_rule *rule = &step->rule[piece->parameter];
        if (rule->lr_factor == 0) continue;
        if (last != NULL && last->first + last->count == piece->first &&
            last->count + piece->count <= RANGE_ELEMENTS && same_rule(rule, &step->rule[last->parameter])) {
            last->count += piece->count;
            continue;
        }
        last = &step->range[step->range_count++];
        *last = (ls_update_range){piece->parameter, piece->first, piece->count};
    }
}

void ls_step_list_ranges(ls_step *step)
{
    const ls_plan *plan = &step->plan;
    bool single = step->squares != NULL;
    for (int p = 0; p < step->model->parameter_count; p++) single |= step->rule[p].max_norm != 0;
    step->range_count = 0;
    for (int h = 0; h < plan->home_count && !single; h++) {
        step->home_range[h] = step->range_count;
        for (int section = 0; section < LS_SECTIONS; section++)
            list_slice(step, plan->home_piece[section][h], plan->home_piece[section][h + 1]);
    }
    step->home_range[plan->home_count] = step->range_count;
}

/* What the optimiser does with each parameter. */
static ls_status get_rules(ls_step *step)
{
    size_t parameters = (size_t)step->model->parameter_count, pieces = (size_t)step->plan.piece_count;
    step->rule = ls_alloc(parameters, sizeof *step->rule);
    step->range = ls_alloc(pieces, sizeof *step->range);
    if (step->rule == NULL || step->range == NULL) return LS_ERROR_MEMORY;
    if (optimizer_of(step->recipe)->squares != NULL) {
        step->squares = ls_alloc(pieces, sizeof *step->squares);
        step->ratio = ls_alloc(parameters, sizeof *step->ratio);
        if (step->squares == NULL || step->ratio == NULL) return LS_ERROR_MEMORY;
    }
    LS_TRY(ls_groups_resolve(step->recipe->optimizer.options, step->model->parameter,
                             step->model->parameter_count, step->recipe->file, step->rule));
    ls_step_list_ranges(step);
    return LS_OK;
}

static ls_status get_arenas(ls_step *step)
{
    size_t size = (size_t)step->model->arena_size;
    const ls_component *optimizer = &step->recipe->optimizer;
    const char *names[LS_STATES_MAX];
    step->state_count = optimizer_of(step->recipe)->states(optimizer->options, names);
    bool complete = (step->parameters = ls_alloc(size, sizeof(float))) &&
                    (step->gradient = ls_alloc(size, sizeof(float)));
    bool collects = step->recipe->training.accumulate > 1 || optimizer_of(step->recipe)->whole != NULL;
    if (complete && collects) complete = (step->total = ls_alloc(size, sizeof(float))) != NULL;
    for (int s = 0; s < step->state_count && complete; s++) {
        complete = (step->state[s] = ls_alloc(size, sizeof(float))) != NULL;
    }
    return complete ? LS_OK : LS_ERROR_MEMORY;
}

static ls_status get_panels(ls_step *step)
{
    const ls_plan *plan = &step->plan;
    size_t panels = (size_t)plan->panels, tensors = (size_t)plan->tensor_count;
    step->memory = ls_alloc(panels * (size_t)(plan->panel_units * plan->lanes), sizeof(float));
    size_t grains = (size_t)(plan->batch / plan->grain) + 1, ranks = (size_t)ls_comm_size(step->comm);
    step->part = ls_alloc(ranks * panels + grains, sizeof *step->part);
    size_t words = tensors + (size_t)plan->exchange_words;
    step->largest_words = ((int64_t)words + LS_LANES - 1) / LS_LANES * LS_LANES;
    step->largest = ls_alloc((panels - 1) * (size_t)step->largest_words, sizeof(uint32_t));
    step->exchange = ls_alloc(LS_FIRST_LARGEST + words, sizeof(uint32_t));
    step->bound = ls_alloc((size_t)step->model->parameter_count, sizeof *step->bound);
    size_t sums = (size_t)plan->meeting_sums;
    step->lane_sums = ls_alloc(panels * sums * (size_t)plan->lanes, sizeof(double));
    step->meeting = ls_alloc(sums, sizeof *step->meeting);
    step->batch_sums = ls_alloc(sums, sizeof(double));
    step->scale = ls_alloc((size_t)step->model->parameter_count, sizeof *step->scale);
    step->hash = ls_alloc((size_t)step->model->parameter_count, sizeof *step->hash);
    step->norm_part = ls_alloc((size_t)plan->piece_count, sizeof(double));
    bool complete = step->memory && step->part && step->largest && step->bound && step->exchange &&
                    step->lane_sums && step->meeting && step->batch_sums && step->scale && step->hash &&
                    step->norm_part;
    step->small = ls_alloc((size_t)plan->task_count, sizeof *step->small);
    step->run = ls_alloc(1, sizeof *step->run);
    if (!complete || step->small == NULL || step->run == NULL) return LS_ERROR_MEMORY;
    ls_gradient_prepare_small(plan, step->memory, step->gradient, step->small);
    ls_exchange_prepare(step);
    return ls_gradient_splits_create(plan, &step->splits);
}

static ls_status prepare_panels(ls_step *step)
{
    const ls_plan *plan = &step->plan;
    step->panel = ls_alloc((size_t)plan->panels, sizeof *step->panel);
    if (step->panel == NULL) return LS_ERROR_MEMORY;
    for (int64_t p = 0; p < plan->panels; p++) {
        step->panel[p] = (ls_panel){
            .plan = plan,
            .kernels = step->kernels,
            .lanes = plan->lanes,
            .memory = step->memory + p * plan->panel_units * plan->lanes,
            .largest =
                p == 0 ? step->exchange + LS_FIRST_LARGEST : step->largest + (p - 1) * step->largest_words,
        };
        LS_TRY(ls_panel_create(&step->panel[p]));
    }
    return LS_OK;
}

static ls_status get_spaces(ls_step *step)
{
    const ls_plan *plan = &step->plan;
    int64_t units = ls_objective_units(&step->objective);
    step->space = ls_alloc((size_t)step->threads, sizeof *step->space);
    if (step->space == NULL) return LS_ERROR_MEMORY;
    if (step->recipe->training.nonfinite != 0) {
        step->kept = ls_alloc((size_t)step->threads, sizeof *step->kept);
        if (step->kept == NULL) return LS_ERROR_MEMORY;
    }
    for (int t = 0; t < step->threads; t++) {
        ls_thread_space *space = &step->space[t];
        ls_score_clear(&space->score);
        LS_TRY(ls_gradient_scratch_create(plan, t < plan->threads ? plan->panels + 1 : 0, &space->gradient));
        space->batch.values = ls_alloc((size_t)(units * plan->lanes), sizeof(float));
        space->batch.predicted = ls_alloc((size_t)(units * plan->lanes), sizeof(float));
        space->piece = ls_alloc((size_t)plan->piece_elements, sizeof(float));
        space->scratch = ls_alloc((size_t)plan->scratch, sizeof(float));
        bool complete = space->batch.values && space->batch.predicted && space->piece && space->scratch;
        if (!complete) return LS_ERROR_MEMORY;
    }
    return LS_OK;
}

/* What depends on the size of the batch. */
static void release_work(ls_step *step)
{
    for (int t = 0; step->space != NULL && t < step->threads; t++) {
        ls_gradient_scratch_free(&step->space[t].gradient);
        ls_free(step->space[t].batch.values);
        ls_free(step->space[t].batch.predicted);
        ls_free(step->space[t].piece);
        ls_free(step->space[t].scratch);
    }
    ls_free(step->space);
    for (int64_t p = 0; step->panel != NULL && p < step->plan.panels; p++) ls_panel_free(&step->panel[p]);
    ls_free(step->panel);
    ls_free(step->kept);
    ls_free(step->memory);
    ls_free(step->part);
    ls_free(step->largest);
    ls_free(step->bound);
    ls_free(step->exchange);
    ls_free(step->lane_sums);
    ls_free(step->meeting);
    ls_free(step->batch_sums);
    ls_free(step->scale);
    ls_free(step->small);
    ls_gradient_splits_free(&step->splits);
    ls_free(step->run);
    ls_free(step->hash);
    ls_free(step->norm_part);
    ls_plan_free(&step->plan);
    step->space = NULL;
    step->kept = NULL;
    step->memory = NULL;
    step->part = NULL;
    step->panel = NULL;
    step->largest = step->exchange = NULL;
    step->bound = NULL;
    step->lane_sums = step->batch_sums = NULL;
    step->meeting = NULL;
    step->scale = NULL;
    step->small = NULL;
    step->run = NULL;
    step->share = (ls_step_share){0};
    step->hash = NULL;
    step->norm_part = NULL;
}

void ls_step_free(ls_step *step)
{
    ls_host_free(step);
    release_work(step);
    for (int s = 0; s < LS_STATES_MAX; s++) ls_free(step->state[s]);
    ls_free(step->parameters);
    ls_free(step->gradient);
    ls_free(step->total);
    ls_health_free(step->health);
    ls_free(step->rule);
    ls_free(step->range);
    ls_free(step->squares);
    ls_free(step->ratio);
    ls_free(step->sums);
    ls_objective_free(&step->objective);
    *step = (ls_step){0};
}

static ls_status get_sums(ls_step *step)
{
    bool needed = ls_comm_size(step->comm) > 1 || step->plan.integer_sums;
    if (!needed || step->recipe->training.reduce != 0 || step->sums != NULL) return LS_OK;
    step->sums = ls_alloc((size_t)step->model->arena_size, sizeof *step->sums);
    return step->sums == NULL ? LS_ERROR_MEMORY : LS_OK;
}

/* Plan and memory for batches of up to batch rows, or the parts they are gone through in. */
static ls_status get_work(ls_step *step, int64_t batch, int64_t grain)
{
    int64_t part = ls_step_part_rows(step->recipe, batch, grain);
    step->batch = batch;
    if (part < batch) {
        if (grain == 0) grain = ls_plan_default_grain(step->model, part);
        batch = ls_step_part_rows(step->recipe, batch, grain);
    }
    ls_plan_request request = {
        .model = step->model,
        .batch = batch,
        .grain = grain,
        .ranks = ls_comm_size(step->comm),
        .threads = step->threads,
        .lanes = step->lanes,
        .panels = step->panels,
        .segments = ls_comm_size(step->comm) > 1 ? (int)step->recipe->training.segments : 1,
        .by_samples = step->recipe->training.reduce == 0,
    };
    /* Small models leave threads asleep; tests of invariance want them all. */
    request.all_threads = getenv("LOCKSTEP_ALL_THREADS") != NULL;
    ls_status status = ls_plan_create(&request, &step->plan);
    if (status == LS_ERROR_RECIPE)
        return ls_error_prefix(
            status, "%s: ", ls_recipe_key_place(step->recipe, &step->recipe->training.grain_place));
    LS_TRY(status);
    LS_TRY(get_sums(step));
    LS_TRY(get_panels(step));
    LS_TRY(prepare_panels(step));
    return get_spaces(step);
}

ls_status ls_step_create(ls_comm *comm, int threads, const ls_model *model, const ls_recipe *recipe,
                         int64_t batch, ls_step *step)
{
    *step = (ls_step){.comm = comm,
                      .threads = threads,
                      .model = model,
                      .recipe = recipe,
                      .kernels = ls_kernels_get(),
                      .gradient_norm = NAN};
    ls_objective_create(recipe, model, &step->objective);
    ls_status status = get_arenas(step);
    if (status == LS_OK) status = get_work(step, batch, recipe->training.grain);
    if (status == LS_OK) status = get_rules(step);
    bool measured = recipe->training.health >= 0 && optimizer_of(recipe)->whole == NULL;
    if (status == LS_OK && measured) status = ls_health_create(&step->plan, threads, &step->health);
    if (status == LS_OK) status = ls_model_initialise(model, (uint64_t)recipe->seed, step->parameters);
    if (status != LS_OK) ls_step_free(step);
    return status;
}

ls_status ls_step_plan_again(ls_step *step, int64_t batch)
{
    int64_t grain = step->plan.grain;
    release_work(step);
    ls_status status = get_work(step, batch, grain);
    if (status == LS_OK)
        ls_step_list_ranges(step);
    else
        release_work(step);
    return status;
}

ls_status ls_step_resize(ls_step *step, int64_t batch)
{
    bool together = step->host != NULL;
    LS_TRY(ls_step_disconnect(step));
    step->lanes = step->panels = 0;
    LS_TRY(ls_agree(step->comm, ls_step_plan_again(step, batch)));
    return together ? ls_step_connect(step) : LS_OK;
}
