#include "nn/plan.h"

#include "base/memory.h"

enum {
    PANEL_LANES = 64, /* four vectors of 16: the widest block of the matrix kernels */
    IMAGE_LANES = 16,
    PIECE_ELEMENTS = 4096, /* 16 KiB of gradient: stays in the first-level cache during the update */
    GRAIN_MINIMUM = 8,
    GRAIN_INTENSITY = 64 /* rows times multiply-adds per parameter that hide the rounding */
};
static const int64_t WORK_A_THREAD = 2000000; /* multiply-adds below which waking a thread costs more than it
                                                brings */

static int64_t round_up(int64_t value, int64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The strictest rule of all layers, and the first layer that has it. */
static ls_grain_rule rule_of(const ls_model *model, const ls_node **strictest)
{
    ls_grain_rule rule = LS_GRAIN_ANY;
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        ls_grain_rule wanted = node->type->grain_rule == NULL ? LS_GRAIN_ANY : node->type->grain_rule(node);
        if (wanted <= rule) continue;
        rule = wanted;
        if (strictest != NULL) *strictest = node;
    }
    return rule;
}

int64_t ls_plan_default_grain(const ls_model *model, int64_t batch)
{
    int64_t operations = ls_model_operations(model);
    int64_t parameters = model->parameter_elements > 0 ? model->parameter_elements : 1;
    int64_t half = (batch + 1) / 2;
    int64_t grain = GRAIN_MINIMUM;
    /* Biases count as parameters without operations worth mentioning, hence the margin of one eighth. */
    if (rule_of(model, NULL) != LS_GRAIN_ANY) {
        while (grain < LS_LANES || grain * operations < parameters * (GRAIN_INTENSITY - GRAIN_INTENSITY / 8))
            grain *= 2;
        return least(grain, batch);
    }
    while (grain < half && grain * operations < parameters * (GRAIN_INTENSITY - GRAIN_INTENSITY / 8))
        grain *= 2;
    grain = least(grain, half);
    return grain < 1 ? 1 : grain;
}

void ls_plan_share(int64_t rows, int64_t grain, int rank, int ranks, int64_t *first, int64_t *count)
{
    int64_t grains = (rows + grain - 1) / grain;
    int64_t begin = least(grains * rank / ranks * grain, rows);
    int64_t end = least(grains * (rank + 1) / ranks * grain, rows);
    *first = begin;
    *count = end - begin;
}

static int64_t largest_share(int64_t rows, int64_t grain, int ranks)
{
    int64_t grains = (rows + grain - 1) / grain;
    return least((grains + ranks - 1) / ranks * grain, rows);
}

/* Nodes with parameters are dealt to segments so that each has about the same number of elements. */
static void assign_segments(ls_plan *plan, int wanted)
{
    const ls_model *model = plan->model;
    int segment = 0, last_cut = -1;
    plan->first_node[0] = 0;
    plan->first_element[0] = 0;
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        if (node->parameter_count > 0) {
            int64_t offset = model->parameter[node->first_parameter].offset;
            int cut = (int)(offset * wanted / (model->arena_size > 0 ? model->arena_size : 1));
            if (last_cut >= 0 && cut > last_cut) {
                segment++;
                plan->first_node[segment] = n;
                plan->first_element[segment] = offset;
            }
            last_cut = cut;
        }
        plan->node_segment[n] = segment;
        for (int p = 0; p < node->parameter_count; p++) {
            plan->parameter_node[node->first_parameter + p] = n;
            plan->kind[node->first_parameter + p] = node->type->gradient(node, p);
        }
    }
    plan->segment_count = segment + 1;
    plan->first_node[segment + 1] = model->node_count;
    plan->first_element[segment + 1] = model->arena_size;
}

static void list_pieces(ls_plan *plan)
{
    const ls_model *model = plan->model;
    plan->piece_count = 0;
    plan->piece_elements = LS_LANES;
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        if (parameter->untrained) continue;
        int64_t rows = PIECE_ELEMENTS / parameter->ld;
        if (rows < 1) rows = 1;
        for (int64_t row = 0; row < parameter->rows; row += rows) {
            int64_t count = least(rows, parameter->rows - row);
            ls_piece piece = {.parameter = p,
                              .first = parameter->offset + row * parameter->ld,
                              .count = count * parameter->ld,
                              .rows = count};
            if (plan->piece != NULL) plan->piece[plan->piece_count] = piece;
            plan->piece_count++;
            if (piece.count > plan->piece_elements) plan->piece_elements = piece.count;
        }
    }
}

/* A batch of one grain begins in lane 0 everywhere, so its size does not matter. */
static ls_status check_grain(const ls_plan *plan)
{
    const ls_node *node = NULL;
    ls_grain_rule rule = rule_of(plan->model, &node);
    int64_t grain = plan->grain;
    bool aligned = grain % LS_LANES == 0 || LS_LANES % grain == 0;
    if (rule != LS_GRAIN_ANY && !aligned && grain < plan->batch)
        return ls_error(LS_ERROR_RECIPE,
                        "training.grain is %lld: layer %s needs a multiple of %d, or 1, 2, 4 or 8",
                        (long long)grain, node->name, LS_LANES);
    if (rule == LS_GRAIN_WHOLE && grain > LS_PANEL_LANES_MAX)
        return ls_error(
            LS_ERROR_RECIPE,
            "training.grain is %lld: layer %s needs at most %d samples a grain; set training.grain",
            (long long)grain, node->name, LS_PANEL_LANES_MAX);
    return LS_OK;
}

/* Tensors of images are large: narrow panels keep them in the cache. */
static bool has_images(const ls_model *model)
{
    bool images = false;
    for (int n = 0; n < model->node_count; n++) images |= model->node[n].out.rank > 1;
    return images;
}

static int64_t lanes_for(const ls_plan *plan, int64_t rows)
{
    int64_t each = round_up((rows + plan->threads - 1) / plan->threads, LS_LANES);
    int64_t lanes = least(each, has_images(plan->model) ? IMAGE_LANES : PANEL_LANES);
    if (rule_of(plan->model, NULL) != LS_GRAIN_WHOLE) return lanes;
    int64_t whole = round_up(plan->grain, LS_LANES);
    return lanes < whole ? whole : lanes / whole * whole;
}

static void choose_sizes(ls_plan *plan, const ls_plan_request *request)
{
    plan->batch = request->batch;
    plan->by_samples = request->by_samples;
    plan->grain = request->grain > 0 ? least(request->grain, request->batch)
                                     : ls_plan_default_grain(request->model, request->batch);
    int64_t rows = largest_share(plan->batch, plan->grain, request->ranks);
    int64_t work = 3 * ls_model_operations(request->model) * rows;
    int64_t worth = work / WORK_A_THREAD;
    plan->threads = (int)least(request->threads, worth < 1 ? 1 : worth);
    if (request->all_threads) plan->threads = request->threads;
    plan->lanes = request->lanes > 0 ? request->lanes : lanes_for(plan, rows);
    plan->panels = (rows + plan->lanes - 1) / plan->lanes;
    if (plan->panels < request->threads) plan->panels = request->threads;
    if (plan->panels < request->panels) plan->panels = request->panels;
}

/* Worth two barriers, and that cores exchange the inputs and outputs of the first node rather than its
 * weights. */
static bool opens_with_units(const ls_plan *plan)
{
    enum { ELEMENTS = 32768 }; /* of the weights */
    const ls_node *first = &plan->model->node[0];
    if (plan->threads == 1 || first->type->forward_units == NULL || first->parameter_count == 0) return false;
    const ls_parameter *weight = &plan->model->parameter[first->first_parameter];
    return first->input[0] == 0 && weight->rows * weight->ld >= ELEMENTS;
}

static ls_status get_arrays(ls_plan *plan, int wanted_segments)
{
    const ls_model *model = plan->model;
    size_t nodes = (size_t)model->node_count, segments = (size_t)wanted_segments + 1;
    plan->tensor_count = model->node_count + 1;
    plan->slot = ls_alloc(nodes + 1, sizeof *plan->slot);
    plan->in_place = ls_alloc(nodes, sizeof *plan->in_place);
    plan->saved_slot = ls_alloc(nodes, sizeof *plan->saved_slot);
    plan->sample_slot = ls_alloc((size_t)model->parameter_count, sizeof *plan->sample_slot);
    plan->add_slot = ls_alloc(nodes * LS_INPUTS_MAX, sizeof *plan->add_slot);
    plan->meeting = ls_alloc(nodes, sizeof *plan->meeting);
    plan->exchange_word = ls_alloc(nodes, sizeof *plan->exchange_word);
    plan->node_segment = ls_alloc(nodes, sizeof *plan->node_segment);
    plan->kind = ls_alloc((size_t)model->parameter_count, sizeof *plan->kind);
    plan->parameter_node = ls_alloc((size_t)model->parameter_count, sizeof *plan->parameter_node);
    plan->first_node = ls_alloc(segments, sizeof *plan->first_node);
    plan->segment_word = ls_alloc(segments, sizeof *plan->segment_word);
    plan->first_task = ls_alloc(segments, sizeof *plan->first_task);
    plan->first_element = ls_alloc(segments, sizeof *plan->first_element);
    plan->split_place = ls_alloc((size_t)model->parameter_count, sizeof *plan->split_place);
    bool complete = plan->slot && plan->in_place && plan->saved_slot && plan->sample_slot && plan->add_slot &&
                    plan->meeting && plan->exchange_word && plan->segment_word && plan->kind &&
                    plan->node_segment && plan->parameter_node && plan->first_node && plan->first_task &&
                    plan->first_element && plan->split_place;
    return complete ? LS_OK : LS_ERROR_MEMORY;
}

/* Words of the exchange lie in the order in which the backward pass knows them, so that those of a segment
 * are one run. */
static void assign_words(ls_plan *plan)
{
    int next = 0;
    for (int n = plan->model->node_count - 1; n >= 0; n--) {
        plan->exchange_word[n] = next;
        next += 1 + plan->model->node[n].parameter_count;
        if (n == plan->first_node[plan->node_segment[n]]) plan->segment_word[plan->node_segment[n]] = next;
    }
    plan->exchange_words = next;
}

static void list_meetings(ls_plan *plan)
{
    for (int n = 0; n < plan->model->node_count; n++) {
        const ls_node *node = &plan->model->node[n];
        plan->keeps_parameters |= node->type->after_step != NULL;
        int sums = node->type->batch_sums == NULL ? 0 : node->type->batch_sums(node);
        if (sums == 0) continue;
        plan->meeting[plan->meeting_count++] = n;
        if (sums > plan->meeting_sums) plan->meeting_sums = sums;
    }
}

void ls_plan_join_segments(ls_plan *plan)
{
    plan->segment_count = 1;
    plan->first_node[1] = plan->model->node_count;
    plan->first_element[1] = plan->model->arena_size;
    for (int n = 0; n < plan->model->node_count; n++) plan->node_segment[n] = 0;
}

static ls_status fill_lists(ls_plan *plan)
{
    list_pieces(plan);
    plan->piece = ls_alloc((size_t)plan->piece_count, sizeof *plan->piece);
    if (plan->piece == NULL) return LS_ERROR_MEMORY;
    list_pieces(plan);
    return ls_plan_keep(plan, 0, plan->model->arena_size);
}

ls_status ls_plan_create(const ls_plan_request *request, ls_plan *plan)
{
    *plan = (ls_plan){.model = request->model};
    int segments = request->segments < 1 ? 1 : request->segments;
    choose_sizes(plan, request);
    plan->opens = opens_with_units(plan);
    LS_TRY(check_grain(plan));
    ls_status status = get_arrays(plan, segments);
    if (status == LS_OK) {
        assign_segments(plan, segments);
        assign_words(plan);
        list_meetings(plan);
        status = ls_plan_assign_memory(plan);
    }
    if (status == LS_OK) status = fill_lists(plan);
    if (status != LS_OK) ls_plan_free(plan);
    return status;
}

void ls_plan_free(ls_plan *plan)
{
    ls_free(plan->slot);
    ls_free(plan->in_place);
    ls_free(plan->saved_slot);
    ls_free(plan->sample_slot);
    ls_free(plan->add_slot);
    ls_free(plan->meeting);
    ls_free(plan->exchange_word);
    ls_free(plan->segment_word);
    ls_free(plan->node_segment);
    ls_free(plan->kind);
    ls_free(plan->parameter_node);
    ls_free(plan->first_node);
    ls_free(plan->first_task);
    ls_free(plan->first_element);
    ls_free(plan->split_place);
    ls_free(plan->task);
    ls_free(plan->piece);
    *plan = (ls_plan){0};
}
