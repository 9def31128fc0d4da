#include "nn/panel.h"

#include "base/memory.h"

/* Of those that want the tensor packed. */
static bool is_first_reader(const ls_plan *plan, int index)
{
    const ls_model *model = plan->model;
    bool reads[2] = {false, false}; /* some node before it; it itself */
    for (int p = 0; p < model->parameter_count; p++) {
        int node = plan->parameter_node[p];
        bool wants = plan->kind[p] == LS_GRADIENT_OUTER && node <= index &&
                     model->node[node].input[0] == model->node[index].input[0];
        reads[node == index] |= wants;
    }
    return reads[1] && !reads[0];
}

static void prepare(const ls_panel *panel, int index, ls_node_call *prepared)
{
    const ls_plan *plan = panel->plan;
    const ls_node *node = &plan->model->node[index];
    for (int p = 0; p < node->parameter_count; p++) {
        const ls_parameter *parameter = &plan->model->parameter[node->first_parameter + p];
        prepared->ld[p] = parameter->ld;
        prepared->sample_gradient[p] = ls_panel_slot(panel, plan->sample_slot[node->first_parameter + p]);
        prepared->samples |= prepared->sample_gradient[p] != NULL;
    }
    ls_layer_call *call = &prepared->call;
    *call = (ls_layer_call){
        .kernels = panel->kernels,
        .node = node,
        .index = index,
        .lanes = panel->lanes,
        .parameter = prepared->parameter,
        .ld = prepared->ld,
        .y = ls_panel_value(panel, index + 1),
        .dy = ls_panel_delta(panel, index + 1),
        .saved = ls_panel_slot(panel, plan->saved_slot[index]),
        .sample_gradient = prepared->sample_gradient,
    };
    const int64_t *add = plan->add_slot + (int64_t)index * LS_INPUTS_MAX;
    for (int i = 0; i < node->input_count; i++) {
        call->x[i] = ls_panel_value(panel, node->input[i]);
        call->dx[i] = add[i] < 0 ? ls_panel_delta(panel, node->input[i]) : ls_panel_slot(panel, add[i]);
        prepared->adds |= add[i] >= 0;
    }
    prepared->inputs = plan->slot[node->input[0]].units;
    prepared->packs = plan->slot[node->input[0]].packed >= 0 && is_first_reader(plan, index);
    prepared->count = plan->slot[index + 1].units * panel->lanes;
    prepared->word = panel->largest + plan->tensor_count + plan->exchange_word[index];
}

ls_status ls_panel_create(ls_panel *panel)
{
    int nodes = panel->plan->model->node_count;
    panel->node = ls_alloc((size_t)nodes, sizeof *panel->node);
    if (panel->node == NULL) return LS_ERROR_MEMORY;
    for (int n = 0; n < nodes; n++) prepare(panel, n, &panel->node[n]);
    return LS_OK;
}

void ls_panel_use(ls_panel *panel, const float *parameters)
{
    const ls_model *model = panel->plan->model;
    if (panel->parameters == parameters) return;
    panel->parameters = parameters;
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        for (int p = 0; p < node->parameter_count; p++)
            panel->node[n].parameter[p] = parameters + model->parameter[node->first_parameter + p].offset;
    }
}

void ls_panel_free(ls_panel *panel)
{
    ls_free(panel->node);
    panel->node = NULL;
}

/* The call of a node with what changes from pass to pass. */
static ls_layer_call *call_of(ls_panel *panel, int index, const double *batch_sums)
{
    ls_layer_call *call = &panel->node[index].call;
    call->pass = &panel->pass;
    call->scratch = panel->scratch;
    call->batch_sums = batch_sums;
    return call;
}

/* The input of a node with samples as rows, while it is in the cache. */
static void pack_input(const ls_panel *panel, const ls_layer_call *call)
{
    const ls_slot *slot = &panel->plan->slot[call->node->input[0]];
    panel->kernels->pack(call->x[0], panel->lanes, slot->units, panel->pass.count, panel->packs_past_caches,
                         ls_panel_slot(panel, slot->packed));
}

/* Of the model's input. */
static void find_largest_input(ls_panel *panel)
{
    if (panel->largest == NULL) return;
    panel->largest[0] =
        panel->kernels->largest(ls_panel_value(panel, 0), panel->plan->slot[0].units * panel->lanes);
}

/* Of the output of a node. */
static void find_largest(ls_panel *panel, int index)
{
    const ls_node_call *prepared = &panel->node[index];
    if (panel->largest != NULL)
        panel->largest[index + 1] = panel->kernels->largest(prepared->call.y, prepared->count);
}

/* A node that is about to run. */
static ls_layer_call *enter(ls_panel *panel, int index, const double *batch_sums)
{
    const ls_node_call *prepared = &panel->node[index];
    ls_layer_call *call = call_of(panel, index, batch_sums);
    if (prepared->packs && prepared->inputs >= panel->packs_from) pack_input(panel, call);
    return call;
}

void ls_panel_forward(ls_panel *panel, int first, int end)
{
    if (first == 0) find_largest_input(panel);
    for (int n = first; n < end; n++) {
        const ls_layer_call *call = enter(panel, n, n == first ? panel->batch_sums : NULL);
        call->node->type->forward(call);
        find_largest(panel, n);
    }
}

void ls_panel_open(ls_panel *panel)
{
    find_largest_input(panel);
    enter(panel, 0, NULL);
}

void ls_panel_open_units(const ls_panel *panel, int64_t first, int64_t count)
{
    const ls_layer_call *call = &panel->node[0].call;
    call->node->type->forward_units(call, first, count);
}

void ls_panel_opened(ls_panel *panel)
{
    find_largest(panel, 0);
}

/* Deltas of tensors with several readers: all but the first reader's are added. */
static void add_deltas(const ls_panel *panel, const ls_layer_call *call)
{
    const ls_node *node = call->node;
    const int64_t *add = panel->plan->add_slot + (int64_t)call->index * LS_INPUTS_MAX;
    for (int i = 0; i < node->input_count; i++) {
        if (add[i] < 0) continue;
        float *delta = ls_panel_delta(panel, node->input[i]);
        panel->kernels->add(delta, call->dx[i], delta,
                            panel->plan->slot[node->input[i]].units * panel->lanes);
    }
}

static void find_largest_samples(const ls_panel *panel, const ls_layer_call *call, uint32_t *word)
{
    const ls_node *node = call->node;
    for (int p = 0; p < node->parameter_count; p++) {
        if (call->sample_gradient[p] == NULL) continue;
        int64_t columns = panel->plan->model->parameter[node->first_parameter + p].columns;
        word[1 + p] = panel->kernels->largest(call->sample_gradient[p], columns * panel->lanes);
    }
}

void ls_panel_backward(ls_panel *panel, int first, int end)
{
    for (int n = end - 1; n >= first; n--) {
        const ls_node_call *prepared = &panel->node[n];
        const ls_layer_call *call = call_of(panel, n, n == end - 1 ? panel->batch_sums : NULL);
        if (call->dy == NULL) continue;
        prepared->word[0] = panel->kernels->largest(call->dy, prepared->count);
        call->node->type->backward(call);
        if (prepared->adds) add_deltas(panel, call);
        if (prepared->samples) find_largest_samples(panel, call, prepared->word);
    }
}

void ls_panel_gather(ls_panel *panel, int node, bool backward, double *lane_sums)
{
    ls_layer_call *call = call_of(panel, node, NULL);
    call->lane_sums = lane_sums;
    if (backward)
        call->node->type->gather_back(call);
    else
        call->node->type->gather(call);
}
