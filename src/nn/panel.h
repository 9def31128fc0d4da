/* Forward and backward of one panel through the nodes of a plan. One thread a panel; panels are independent.
 */
#ifndef LS_NN_PANEL_H
#define LS_NN_PANEL_H

#include "nn/plan.h"

enum { LS_NODE_PARAMETERS_MAX = 8 };

/* A call of a node on one panel, with all that stays the same from step to step. */
typedef struct ls_node_call {
    ls_layer_call call;
    const float *parameter[LS_NODE_PARAMETERS_MAX];
    int64_t ld[LS_NODE_PARAMETERS_MAX];
    float *sample_gradient[LS_NODE_PARAMETERS_MAX];
    int64_t count;      /* floats of the output */
    int64_t inputs;     /* units of the first input */
    uint32_t *word;     /* the node's words of the panel's largest values */
    bool adds, samples; /* it has derivatives to be added; gradients of single samples */
    bool packs;         /* it is the first to read a tensor that a weight's gradient wants packed */
} ls_node_call;

typedef struct ls_panel {
    const ls_plan *plan;
    const ls_kernels *kernels;
    const float *parameters; /* the arena that the calls read */
    ls_pass pass;
    int64_t lanes;
    float *memory;  /* plan->panel_units * lanes floats; not owned */
    float *scratch; /* [plan->scratch] of the thread */
    /* The largest |x| as bits: of the model's input and the output of every node, then the words of the
       nodes as in the exchange (nn/plan.h), 0 where nothing is looked at. [tensor_count + exchange_words],
       not owned. NULL: not wanted (prediction). */
    uint32_t *largest;
    int64_t packs_from;       /* units of a tensor from which on it is packed where a gradient may want it */
    bool packs_past_caches;   /* other threads or ranks read what is packed */
    const double *batch_sums; /* for the first node of a range, where it needs sums over the batch */
    ls_node_call *node;       /* [node_count], owned */
} ls_panel;

/* Completes a panel whose plan, kernels, lanes, memory and largest are set. Errors: LS_ERROR_MEMORY. */
ls_status ls_panel_create(ls_panel *panel);
/* Lets the calls read this arena from now on. */
void ls_panel_use(ls_panel *panel, const float *parameters);
void ls_panel_free(ls_panel *panel);

static inline float *ls_panel_value(const ls_panel *panel, int tensor)
{
    return panel->memory + panel->plan->slot[tensor].value * panel->lanes;
}

static inline float *ls_panel_slot(const ls_panel *panel, int64_t slot)
{
    return slot < 0 ? NULL : panel->memory + slot * panel->lanes;
}

static inline float *ls_panel_delta(const ls_panel *panel, int tensor)
{
    return ls_panel_slot(panel, panel->plan->slot[tensor].delta);
}

/* Nodes first .. end - 1 in order. The input tensor is in place where first is 0. */
void ls_panel_forward(ls_panel *panel, int first, int end);
/* The first node in three parts instead: what comes before it; some units of its output, by several threads
 * at once; and what comes after it. */
void ls_panel_open(ls_panel *panel);
void ls_panel_open_units(const ls_panel *panel, int64_t first, int64_t count);
void ls_panel_opened(ls_panel *panel);
/* Nodes end - 1 .. first in this order. The delta of the output of node end - 1 is in place. */
void ls_panel_backward(ls_panel *panel, int first, int end);
/* What this panel adds to the sums over the batch that a node needs next: lane_sums [batch_sums][lanes]. */
void ls_panel_gather(ls_panel *panel, int node, bool backward, double *lane_sums);

#endif
