/* Where tensors lie in the memory of a panel. Values are kept until the backward pass; a delta is kept until
 * the gradients are made if a weight's gradient needs it, otherwise its place serves again as soon as the
 * layer before has read it. */
#include <string.h>

#include "base/memory.h"
#include "nn/plan.h"

enum { NOWHERE = -1, WANTED = -2 };

/* The transient deltas that are alive at a point of the backward pass, by place. */
typedef struct live_list {
    int count;
    struct live_slot {
        int tensor;
        int64_t begin, units;
    } * slot;
} live_list;

typedef struct memory_builder {
    ls_plan *plan;
    int *root;      /* [tensors] the tensor whose memory it shares: itself unless a layer works in place */
    bool *lasting;  /* [tensors] of roots: the delta is read after the backward pass */
    bool *written;  /* [tensors] of roots: some reader's backward pass has stored the delta */
    live_list live; /* deltas that are not lasting */
    int64_t next;   /* end of what is kept for the whole step */
    int64_t end;    /* of transient deltas, counted from next */
} memory_builder;

static bool writes_over(const ls_node *node)
{
    return node->type->works_in_place != NULL ? node->type->works_in_place(node) : node->type->in_place;
}

static int readers_of(const ls_model *model, int tensor)
{
    int readers = ls_model_is_output(model, tensor); /* a loss */
    for (int n = 0; n < model->node_count; n++) {
        for (int i = 0; i < model->node[n].input_count; i++) readers += model->node[n].input[i] == tensor;
    }
    return readers;
}

/* A node may write over its input if nothing else reads it: not the model's input, one reader, and a producer
 * whose backward pass does not look at its own output. A view writes nothing, so that only its delta must not
 * meet those of other readers. */
static bool can_work_in_place(const ls_model *model, const bool *in_place, int index)
{
    const ls_node *node = &model->node[index];
    if (node->type->view) return node->input[0] == 0 || readers_of(model, node->input[0]) == 1;
    if (!writes_over(node) || node->input_count != 1 || node->input[0] == 0) return false;
    int producer = node->input[0] - 1;
    const ls_node *before = &model->node[producer];
    if (before->type->reads_output || writes_over(before) || in_place[producer]) return false;
    return readers_of(model, node->input[0]) == 1;
}

static int64_t take(memory_builder *builder, int64_t units)
{
    int64_t place = builder->next;
    builder->next += units;
    return place;
}

/* Whether the gradient of a parameter of the node is made from its delta after the backward pass. */
static bool gradient_reads_delta(const ls_plan *plan, const ls_node *node)
{
    bool reads = false;
    for (int p = 0; p < node->parameter_count; p++) {
        ls_gradient_kind kind = plan->kind[node->first_parameter + p];
        reads |= kind != LS_GRADIENT_NONE && kind != LS_GRADIENT_SAMPLES;
    }
    return reads;
}

/* Values, what layers save, gradients of samples; and which deltas are wanted at all. */
static void assign_values(memory_builder *builder)
{
    ls_plan *plan = builder->plan;
    const ls_model *model = plan->model;
    int64_t units = ls_shape_size(&model->input);
    plan->slot[0] = (ls_slot){.units = units, .value = take(builder, units), .delta = NOWHERE};
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        ls_slot *slot = &plan->slot[n + 1];
        plan->in_place[n] = can_work_in_place(model, plan->in_place, n);
        bool wanted = node->parameter_count > 0;
        for (int i = 0; i < node->input_count; i++) wanted |= plan->slot[node->input[i]].delta == WANTED;
        builder->root[n + 1] = plan->in_place[n] ? builder->root[node->input[0]] : n + 1;
        slot->units = ls_shape_size(&node->out);
        slot->value = plan->in_place[n] ? plan->slot[node->input[0]].value : take(builder, slot->units);
        slot->delta = wanted ? WANTED : NOWHERE;
        if (wanted) plan->slot[builder->root[n + 1]].delta = WANTED;
        builder->lasting[builder->root[n + 1]] |= gradient_reads_delta(plan, node);
        int64_t saved = node->type->saved == NULL ? 0 : node->type->saved(node);
        plan->saved_slot[n] = saved > 0 ? take(builder, saved) : NOWHERE;
        for (int p = 0; p < node->parameter_count; p++) {
            int index = node->first_parameter + p;
            plan->sample_slot[index] = plan->kind[index] == LS_GRADIENT_SAMPLES
                                           ? take(builder, model->parameter[index].columns)
                                           : NOWHERE;
        }
    }
}

static void assign_packed(memory_builder *builder)
{
    ls_plan *plan = builder->plan;
    const ls_model *model = plan->model;
    for (int t = 0; t < plan->tensor_count; t++) plan->slot[t].packed = NOWHERE;
    for (int p = 0; p < model->parameter_count; p++) {
        ls_slot *slot = &plan->slot[model->node[plan->parameter_node[p]].input[0]];
        if (plan->kind[p] != LS_GRADIENT_OUTER || slot->packed != NOWHERE) continue;
        slot->packed = take(builder, (slot->units + LS_BLOCK - 1) / LS_BLOCK * LS_BLOCK);
    }
}

static void assign_lasting_deltas(memory_builder *builder)
{
    ls_plan *plan = builder->plan;
    for (int t = 1; t < plan->tensor_count; t++) {
        bool own = builder->root[t] == t && builder->lasting[t] && plan->slot[t].delta == WANTED;
        if (own) plan->slot[t].delta = take(builder, plan->slot[t].units);
    }
}

/* The first gap that is large enough; slots are kept sorted by place. */
static int64_t find_room(memory_builder *builder, int tensor, int64_t units)
{
    live_list *live = &builder->live;
    int64_t begin = 0;
    int index = 0;
    for (; index < live->count; index++) {
        if (live->slot[index].begin - begin >= units) break;
        begin = live->slot[index].begin + live->slot[index].units;
    }
    memmove(live->slot + index + 1, live->slot + index, (size_t)(live->count - index) * sizeof *live->slot);
    live->slot[index] = (struct live_slot){.tensor = tensor, .begin = begin, .units = units};
    live->count++;
    if (begin + units > builder->end) builder->end = begin + units;
    return begin;
}

static void give_back(memory_builder *builder, int tensor)
{
    live_list *live = &builder->live;
    for (int index = 0; index < live->count; index++) {
        if (live->slot[index].tensor != tensor) continue;
        live->count--;
        memmove(live->slot + index, live->slot + index + 1,
                (size_t)(live->count - index) * sizeof *live->slot);
        return;
    }
}

/* Gives a wanted delta its place when it is written for the first time. */
static void provide(memory_builder *builder, int root)
{
    ls_slot *slot = &builder->plan->slot[root];
    if (slot->delta == WANTED) slot->delta = builder->next + find_room(builder, root, slot->units);
}

/* The inputs of a node as its backward pass meets them: a delta that is there already is added to. */
static void visit_inputs(memory_builder *builder, int n)
{
    ls_plan *plan = builder->plan;
    const ls_node *node = &plan->model->node[n];
    int64_t *add = plan->add_slot + (int64_t)n * LS_INPUTS_MAX;
    for (int i = 0; i < node->input_count; i++) {
        int root = builder->root[node->input[i]];
        if (plan->slot[node->input[i]].delta == NOWHERE || plan->in_place[n]) continue;
        provide(builder, root);
        if (builder->written[root])
            add[i] = builder->next + find_room(builder, NOWHERE, plan->slot[root].units);
        builder->written[root] = true;
    }
    for (int i = 0; i < node->input_count; i++) give_back(builder, NOWHERE);
}

/* The backward pass, to see which deltas are needed at the same time. */
static void assign_transient_deltas(memory_builder *builder)
{
    ls_plan *plan = builder->plan;
    const ls_model *model = plan->model;
    int last = model->node_count;
    for (int i = 0; i < model->output_count; i++) { /* the losses come first */
        if (plan->slot[model->output[i]].delta == NOWHERE) continue;
        provide(builder, builder->root[model->output[i]]);
        builder->written[builder->root[model->output[i]]] = true;
    }
    for (int n = last - 1; n >= 0; n--) {
        if (plan->slot[n + 1].delta == NOWHERE) continue;
        visit_inputs(builder, n);
        if (!plan->in_place[n] && !builder->lasting[n + 1]) give_back(builder, n + 1);
    }
    for (int t = 1; t <= last; t++) {
        if (plan->slot[t].delta == WANTED) plan->slot[t].delta = plan->slot[builder->root[t]].delta;
    }
    plan->panel_units = builder->next + builder->end;
}

static void find_scratch(ls_plan *plan)
{
    const ls_model *model = plan->model;
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        int64_t call = node->type->scratch == NULL ? 0 : node->type->scratch(node, plan->lanes);
        int64_t tile = node->type->tile_scratch == NULL ? 0 : node->type->tile_scratch(node);
        if (call > plan->scratch) plan->scratch = call;
        if (tile > plan->tile_scratch) plan->tile_scratch = tile;
    }
    for (int p = 0; p < model->parameter_count; p++) plan->integer_sums |= plan->kind[p] == LS_GRADIENT_ROWS;
}

ls_status ls_plan_assign_memory(ls_plan *plan)
{
    size_t tensors = (size_t)plan->tensor_count;
    memory_builder builder = {.plan = plan};
    builder.root = ls_alloc(tensors, sizeof *builder.root);
    builder.lasting = ls_alloc(tensors, sizeof *builder.lasting);
    builder.written = ls_alloc(tensors, sizeof *builder.written);
    builder.live.slot = ls_alloc(tensors + LS_INPUTS_MAX, sizeof *builder.live.slot);
    bool complete = builder.root && builder.lasting && builder.written && builder.live.slot;
    if (complete) {
        for (size_t i = 0; i < (tensors - 1) * LS_INPUTS_MAX; i++) plan->add_slot[i] = NOWHERE;
        assign_values(&builder);
        assign_packed(&builder);
        assign_lasting_deltas(&builder);
        assign_transient_deltas(&builder);
        find_scratch(plan);
    }
    ls_free(builder.root);
    ls_free(builder.lasting);
    ls_free(builder.written);
    ls_free(builder.live.slot);
    return complete ? LS_OK : LS_ERROR_MEMORY;
}
