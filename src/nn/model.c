#include "nn/model.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "base/nearest.h"
#include "nn/initialiser.h"

static const char input_name[] = "input"; /* stands for the model's input where layers name their inputs */
static const char activation_suffix[] = "_activation";
enum { GIVEN_NAME_MAX = LS_NAME_SIZE - sizeof activation_suffix };

typedef struct model_builder {
    const ls_component_list *layers;
    const char *file;
    const ls_output_request *outputs;
    int output_count;
    ls_model *model;
    int *output; /* for each node the tensor meant by its name: its own output, or that of its activation */
} model_builder;

static ls_layer_build build_of(const model_builder *builder, ls_node *node)
{
    return (ls_layer_build){.node = node, .file = builder->file, .model = builder->model};
}

/* The next node; it belongs to the model once its build is done. There is space for all. */
static ls_node *start_node(const model_builder *builder, const ls_component *component)
{
    ls_node *node = &builder->model->node[builder->model->node_count];
    *node = (ls_node){
        .type = (const ls_layer_type *)component->type,
        .options = component->options,
        .line = component->line,
        .column = component->column,
        .first_parameter = builder->model->parameter_count,
    };
    return node;
}

static void connect(const ls_model *model, ls_node *node, int tensor)
{
    node->in[node->input_count] = tensor == 0 ? model->input : model->node[tensor - 1].out;
    node->input[node->input_count++] = tensor;
}

static int find_node(const ls_model *model, const char *name)
{
    for (int n = 0; n < model->node_count; n++)
        if (strcmp(model->node[n].name, name) == 0) return n;
    return -1;
}

static ls_status finish_node(model_builder *builder, ls_node *node, const ls_component **activation)
{
    ls_model *model = builder->model;
    ls_layer_build build = build_of(builder, node);
    int same = find_node(model, node->name);
    if (same >= 0 && model->node[same].line > 0)
        return ls_layer_error(&build,
                              "the layer in line %d has this name already; give one of them another name",
                              model->node[same].line);
    if (same >= 0)
        return ls_layer_error(&build, "layer number %d has this name already; give one of them another name",
                              same + 1);
    LS_TRY(node->type->build(&build));
    assert(ls_shape_size(&node->out) > 0);
    builder->output[model->node_count] = model->node_count + 1;
    model->node_count++;
    if (activation != NULL) *activation = build.activation;
    return LS_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Names become parts of tensor names and of keys such as model.hidden.units. */
static bool is_name(const char *name)
{
    if (!is_letter(name[0]) || strlen(name) > GIVEN_NAME_MAX) return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!is_letter(*c) && !(*c >= '0' && *c <= '9') && *c != '_' && *c != '-') return false;
    return true;
}

/* Layers without a name are counted per type, the named ones of the type too, so that giving one a name
 * leaves the others' names as they are. */
static ls_status choose_name(const model_builder *builder, int item, ls_node *node)
{
    const ls_component *component = &builder->layers->item[item];
    int index = 0;
    for (int i = 0; i < item; i++) index += builder->layers->item[i].type == component->type;
    if (component->name == NULL) {
        snprintf(node->name, sizeof node->name, "%.*s_%d", GIVEN_NAME_MAX - 11, component->type->name, index);
        return LS_OK;
    }
    snprintf(node->name, sizeof node->name, "%s", component->name);
    ls_layer_build build = build_of(builder, node);
    if (!is_name(component->name))
        return ls_layer_error(
            &build, "a name is a letter followed by letters, digits, '_' or '-', %d characters at most",
            GIVEN_NAME_MAX);
    if (strcmp(component->name, input_name) == 0)
        return ls_layer_error(&build, "the name %s stands for the input of the model; choose another",
                              input_name);
    return LS_OK;
}

/* The name nearest to a mistyped one, or NULL. */
static const char *nearest_name(const ls_model *model, const char *name)
{
    ls_nearest nearest = ls_nearest_start(name);
    ls_nearest_show(&nearest, input_name);
    for (int n = 0; n < model->node_count; n++) ls_nearest_show(&nearest, model->node[n].name);
    return nearest.best;
}

static ls_status unknown_input(const model_builder *builder, ls_node *node, int item, const char *name)
{
    ls_layer_build build = build_of(builder, node);
    for (int i = item; i < builder->layers->count; i++) {
        const char *later = builder->layers->item[i].name;
        if (later != NULL && strcmp(later, name) == 0)
            return ls_layer_error(
                &build, "its input '%s' does not come before it; list layers after their inputs", name);
    }
    const char *nearest = nearest_name(builder->model, name);
    if (nearest != NULL)
        return ls_layer_error(
            &build, "its input '%s' is not the name of a layer before it; did you mean '%s'?", name, nearest);
    return ls_layer_error(
        &build, "its input '%s' is not the name of a layer before it, nor '%s' for the model's input", name,
        input_name);
}

static ls_status connect_inputs(const model_builder *builder, int item, ls_node *node)
{
    const ls_strings *inputs = &builder->layers->item[item].inputs;
    ls_layer_build build = build_of(builder, node);
    if (inputs->count > LS_INPUTS_MAX)
        return ls_layer_error(&build, "%d inputs are given, at most %d are possible", inputs->count,
                              LS_INPUTS_MAX);
    if (inputs->count == 0) connect(builder->model, node, builder->model->node_count);
    for (int i = 0; i < inputs->count; i++) {
        int found = find_node(builder->model, inputs->value[i]);
        bool is_input = strcmp(inputs->value[i], input_name) == 0;
        if (found < 0 && !is_input) return unknown_input(builder, node, item, inputs->value[i]);
        connect(builder->model, node, is_input ? 0 : builder->output[found]);
    }
    return LS_OK;
}

static ls_status add_activation(model_builder *builder, const ls_component *activation)
{
    int before = builder->model->node_count - 1;
    const ls_node *layer = &builder->model->node[before];
    ls_node *node = start_node(builder, activation);
    char name[LS_NAME_SIZE];
    snprintf(name, sizeof name, "%.*s%s", GIVEN_NAME_MAX, layer->name, activation_suffix);
    memcpy(node->name, name, sizeof name);
    if (node->line == 0) node->line = layer->line;
    if (node->column == 0) node->column = layer->column;
    connect(builder->model, node, before + 1);
    LS_TRY(finish_node(builder, node, NULL));
    builder->output[before] = before + 2;
    return LS_OK;
}

static ls_status add_layer(model_builder *builder, int item)
{
    const ls_component *activation = NULL;
    ls_node *node = start_node(builder, &builder->layers->item[item]);
    LS_TRY(choose_name(builder, item, node));
    LS_TRY(connect_inputs(builder, item, node));
    LS_TRY(finish_node(builder, node, &activation));
    return activation == NULL ? LS_OK : add_activation(builder, activation);
}

static bool is_used(const ls_model *model, int tensor)
{
    for (int n = 0; n < model->node_count; n++)
        for (int i = 0; i < model->node[n].input_count; i++)
            if (model->node[n].input[i] == tensor) return true;
    return false;
}

static ls_status unknown_output(const model_builder *builder, const ls_output_request *wanted)
{
    char place[64] = "";
    if (wanted->line > 0) snprintf(place, sizeof place, ":%d:%d", wanted->line, wanted->column);
    const char *nearest = nearest_name(builder->model, wanted->layer);
    return ls_error(LS_ERROR_RECIPE, "%s%s: %s: its output '%s' is not the name of a layer%s%s%s",
                    builder->file == NULL ? "recipe" : builder->file, place, wanted->owner, wanted->layer,
                    nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                    nearest == NULL ? "" : "'?");
}

static ls_status find_outputs(const model_builder *builder)
{
    ls_model *model = builder->model;
    for (int i = 0; i < builder->output_count; i++) {
        const ls_output_request *wanted = &builder->outputs[i];
        int found = wanted->layer == NULL ? model->node_count - 1 : find_node(model, wanted->layer);
        if (found < 0) return unknown_output(builder, wanted);
        model->output[model->output_count++] = builder->output[found];
    }
    if (model->output_count == 0) model->output[model->output_count++] = model->node_count;
    return LS_OK;
}

static ls_status check_outputs(const model_builder *builder)
{
    ls_model *model = builder->model;
    for (int n = 0; n < model->node_count; n++) {
        if (is_used(model, n + 1) || ls_model_is_output(model, n + 1)) continue;
        ls_layer_build build = build_of(builder, &model->node[n]);
        return ls_layer_error(&build,
                              "no layer uses its output%s; name it in the \"inputs:\" of one, or remove it",
                              builder->output_count > 0 ? " and no loss" : "");
    }
    return LS_OK;
}

static ls_status build_all(model_builder *builder)
{
    ls_model *model = builder->model;
    int count = builder->layers->count;
    if (count == 0)
        return ls_error(LS_ERROR_RECIPE, "%s%smodel: the list is empty, at least one layer is needed",
                        builder->file == NULL ? "" : builder->file, builder->file == NULL ? "" : ": ");
    model->node = ls_alloc((size_t)count * 2, sizeof *model->node); /* each may have an activation */
    if (model->node == NULL) return LS_ERROR_MEMORY;
    model->node_capacity = count * 2;
    builder->output = ls_alloc((size_t)count * 2, sizeof *builder->output);
    if (builder->output == NULL) return LS_ERROR_MEMORY;
    for (int i = 0; i < count; i++) LS_TRY(add_layer(builder, i));
    LS_TRY(find_outputs(builder));
    return check_outputs(builder);
}

ls_status ls_model_build(const ls_component_list *layers, const ls_shape *input, const char *file,
                         ls_model *model)
{
    return ls_model_build_outputs(layers, input, file, NULL, 0, model);
}

ls_status ls_model_build_outputs(const ls_component_list *layers, const ls_shape *input, const char *file,
                                 const ls_output_request *outputs, int output_count, ls_model *model)
{
    assert(output_count <= LS_OUTPUTS_MAX);
    *model = (ls_model){.input = *input};
    model_builder builder = {
        .layers = layers, .file = file, .outputs = outputs, .output_count = output_count, .model = model};
    ls_status status = build_all(&builder);
    ls_free(builder.output);
    if (status != LS_OK) ls_model_free(model);
    return status;
}

void ls_model_free(ls_model *model)
{
    ls_free(model->node);
    ls_free(model->parameter);
    *model = (ls_model){.node_count = 0};
}

ls_status ls_model_initialise(const ls_model *model, uint64_t seed, float *arena)
{
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        const ls_initialiser_type *type = (const ls_initialiser_type *)parameter->initialiser.type;
        LS_TRY(type->fill(parameter->initialiser.options, parameter, seed, p, arena + parameter->offset));
    }
    return LS_OK;
}

const ls_parameter *ls_model_find(const ls_model *model, const char *name)
{
    for (int p = 0; p < model->parameter_count; p++)
        if (strcmp(model->parameter[p].name, name) == 0) return &model->parameter[p];
    return NULL;
}

int64_t ls_model_operations(const ls_model *model)
{
    int64_t sum = 0;
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        if (node->type->operations != NULL) sum += node->type->operations(node);
    }
    return sum;
}

const ls_shape *ls_model_output(const ls_model *model)
{
    return &model->node[model->node_count - 1].out;
}

bool ls_model_is_output(const ls_model *model, int tensor)
{
    for (int i = 0; i < model->output_count; i++)
        if (model->output[i] == tensor) return true;
    return false;
}
