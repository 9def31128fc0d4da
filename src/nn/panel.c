#include "nn/panel.h"

enum { PARAMETERS_OF_A_NODE_MAX = 8 };

typedef struct node_call {
    ls_layer_call call;
    const float *parameter[PARAMETERS_OF_A_NODE_MAX];
    int64_t ld[PARAMETERS_OF_A_NODE_MAX];
    float *sample_gradient[PARAMETERS_OF_A_NODE_MAX];
} node_call;

static void prepare(const ls_panel *panel, int index, node_call *prepared)
{
    const ls_plan *plan = panel->plan;
    const ls_model *model = plan->model;
    const ls_node *node = &model->node[index];
    for (int p = 0; p < node->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[node->first_parameter + p];
        prepared->parameter[p] = panel->parameters + parameter->offset;
        prepared->ld[p] = parameter->ld;
        prepared->sample_gradient[p] = ls_panel_slot(panel, plan->sample_slot[node->first_parameter + p]);
    }
    ls_layer_call *call = &prepared->call;
    *call = (ls_layer_call){
        .kernels = panel->kernels,
        .pass = &panel->pass,
        .node = node,
        .index = index,
        .lanes = panel->lanes,
        .parameter = prepared->parameter,
        .ld = prepared->ld,
        .y = ls_panel_value(panel, index + 1),
        .dy = ls_panel_delta(panel, index + 1),
        .saved = ls_panel_slot(panel, plan->saved_slot[index]),
        .sample_gradient = prepared->sample_gradient,
        .scratch = panel->scratch,
    };
    const int64_t *add = plan->add_slot + (int64_t)index * LS_INPUTS_MAX;
    for (int i = 0; i < node->input_count; i++) {
        call->x[i] = ls_panel_value(panel, node->input[i]);
        call->dx[i] = add[i] < 0 ? ls_panel_delta(panel, node->input[i]) : ls_panel_slot(panel, add[i]);
    }
}

static uint32_t largest(const ls_panel *panel, int tensor, const float *x)
{
    return panel->kernels->largest(x, panel->plan->slot[tensor].units * panel->lanes);
}

void ls_panel_forward(const ls_panel *panel, int first, int end)
{
    const ls_model *model = panel->plan->model;
    uint32_t *value_largest = panel->value_largest;
    if (value_largest != NULL && first == 0) value_largest[0] = largest(panel, 0, ls_panel_value(panel, 0));
    for (int n = first; n < end; n++) {
        node_call prepared;
        prepare(panel, n, &prepared);
        if (n == first) prepared.call.batch_sums = panel->batch_sums;
        model->node[n].type->forward(&prepared.call);
        if (value_largest != NULL) value_largest[n + 1] = largest(panel, n + 1, prepared.call.y);
    }
}

/* Deltas of tensors with several readers: all but the first reader's are added. */
static void add_deltas(const ls_panel *panel, const node_call *prepared)
{
    const ls_plan *plan = panel->plan;
    const ls_node *node = prepared->call.node;
    const int64_t *add = plan->add_slot + (int64_t)prepared->call.index * LS_INPUTS_MAX;
    for (int i = 0; i < node->input_count; i++) {
        if (add[i] < 0) continue;
        panel->kernels->add(ls_panel_slot(panel, add[i]), ls_panel_delta(panel, node->input[i]),
                            plan->slot[node->input[i]].units * panel->lanes);
    }
}

static void find_largest_samples(const ls_panel *panel, const node_call *prepared)
{
    const ls_node *node = prepared->call.node;
    for (int p = 0; p < node->parameter_count; p++) {
        const float *samples = prepared->sample_gradient[p];
        if (samples == NULL) continue;
        int index = node->first_parameter + p;
        panel->sample_largest[index] =
            panel->kernels->largest(samples, panel->plan->model->parameter[index].columns * panel->lanes);
    }
}

void ls_panel_backward(const ls_panel *panel, int first, int end)
{
    const ls_model *model = panel->plan->model;
    for (int n = end - 1; n >= first; n--) {
        node_call prepared;
        prepare(panel, n, &prepared);
        if (n == end - 1) prepared.call.batch_sums = panel->batch_sums;
        if (prepared.call.dy == NULL) continue;
        panel->delta_largest[n + 1] = largest(panel, n + 1, prepared.call.dy);
        model->node[n].type->backward(&prepared.call);
        add_deltas(panel, &prepared);
        find_largest_samples(panel, &prepared);
    }
}

void ls_panel_gather(const ls_panel *panel, int node, bool backward, double *lane_sums)
{
    const ls_layer_type *type = panel->plan->model->node[node].type;
    node_call prepared;
    prepare(panel, node, &prepared);
    prepared.call.lane_sums = lane_sums;
    if (backward)
        type->gather_back(&prepared.call);
    else
        type->gather(&prepared.call);
}
