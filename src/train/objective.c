#include "train/objective.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

ls_status ls_objective_build_model(const ls_recipe *recipe, const ls_shape *input, const char *file,
                                   ls_model *model)
{
    ls_output_request outputs[LS_OUTPUTS_MAX];
    char owner[LS_OUTPUTS_MAX][64];
    int count = ls_recipe_loss_count(recipe);
    for (int i = 0; i < count; i++) {
        const ls_component *loss = ls_recipe_loss(recipe, i);
        const ls_loss_options *options = loss->options;
        snprintf(owner[i], sizeof owner[i], "loss %.50s", loss->type->name);
        outputs[i] = (ls_output_request){
            .layer = options->output, .owner = owner[i], .line = loss->line, .column = loss->column};
    }
    return ls_model_build_outputs(&recipe->model, input, file, outputs, count, model);
}

/* The name of the layer, of which the tensor may be the activation. */
static const char *name_of(const ls_component *loss, const ls_model *model, int tensor)
{
    const ls_loss_options *options = loss->options;
    return options->output != NULL ? options->output : model->node[tensor - 1].name;
}

void ls_objective_create(const ls_recipe *recipe, const ls_model *model, ls_objective *objective)
{
    *objective = (ls_objective){.head_count = ls_recipe_loss_count(recipe)};
    for (int h = 0; h < objective->head_count; h++) {
        const ls_component *loss = ls_recipe_loss(recipe, h);
        /* A model that was built without regard to the losses has one output. */
        int tensor = h < model->output_count ? model->output[h] : model->output[0];
        objective->head[h] = (ls_head){
            .loss = loss,
            .name = objective->head_count > 1 ? name_of(loss, model, tensor) : NULL,
            .tensor = tensor,
            .shape = &model->node[tensor - 1].out,
            .units = ls_shape_size(&model->node[tensor - 1].out),
            .weight = ((const ls_loss_options *)loss->options)->weight,
        };
    }
}

void ls_objective_free(ls_objective *objective)
{
    for (int h = 0; h < objective->head_count; h++) ls_free(objective->head[h].column);
    *objective = (ls_objective){.head_count = 0};
}

int64_t ls_objective_units(const ls_objective *objective)
{
    int64_t most = 1;
    for (int h = 0; h < objective->head_count; h++)
        if (objective->head[h].units > most) most = objective->head[h].units;
    return most;
}

int64_t ls_objective_all_units(const ls_objective *objective)
{
    int64_t sum = 0;
    for (int h = 0; h < objective->head_count; h++) sum += objective->head[h].units;
    return sum;
}

bool ls_objective_has_classes(const ls_objective *objective)
{
    for (int h = 0; h < objective->head_count; h++)
        if (ls_head_classifies(&objective->head[h])) return true;
    return false;
}

/* The layer that makes a tensor, looking through those that only change its shape. */
static const ls_node *maker_of(const ls_model *model, int tensor)
{
    const ls_node *node = &model->node[tensor - 1];
    while (node->type->view && node->input[0] > 0) node = &model->node[node->input[0] - 1];
    return node;
}

char *ls_objective_remark(const ls_objective *objective, int head, const ls_recipe *recipe,
                          const ls_model *model)
{
    const ls_loss_type *type = ls_head_type(&objective->head[head]);
    const ls_node *node = maker_of(model, objective->head[head].tensor);
    for (int i = 0; type->built_in != NULL && type->built_in[i] != NULL; i++) {
        if (type->built_in[i] != node->type) continue;
        return ls_format("%s: layer %s: the loss %s wants the numbers before the %s, which it has built in; "
                         "leave this %s out",
                         ls_recipe_place(recipe, node->line, node->column), node->name, type->base.name,
                         type->built_in[0]->base.name, node->type->base.name);
    }
    return NULL;
}

/* --- targets --- */

/* An error with the loss in front: "r.yaml:7:5: loss mse of head_a: ...". */
static ls_status misfit(const ls_recipe *recipe, const ls_head *head)
{
    return ls_error_prefix(
        LS_ERROR_RECIPE, "%s: loss %s%s%s: ", ls_recipe_place(recipe, head->loss->line, head->loss->column),
        head->loss->type->name, head->name != NULL ? " of " : "", head->name != NULL ? head->name : "");
}

/* The target value that text names, by name or by number from 1; -1: none. */
static int32_t find_target(const ls_dataset *data, const char *text)
{
    for (int64_t i = 0; data->output_names != NULL && i < data->outputs; i++)
        if (strcmp(data->output_names[i], text) == 0) return (int32_t)i;
    char *end;
    long number = strtol(text, &end, 10);
    return *end == '\0' && number >= 1 && number <= data->outputs ? (int32_t)(number - 1) : -1;
}

static ls_status unknown_target(const ls_dataset *data, const char *text)
{
    char names[256] = "";
    size_t used = 0;
    for (int64_t i = 0; data->output_names != NULL && i < data->outputs && used + 50 < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%.40s", i > 0 ? ", " : "",
                                 data->output_names[i]);
    if (data->outputs == 0)
        return ls_error(LS_ERROR_RECIPE, "'targets' has no use where the data have one class a row");
    if (names[0] == '\0')
        return ls_error(LS_ERROR_RECIPE, "targets: '%s' is not a number from 1 to %lld", text,
                        (long long)data->outputs);
    return ls_error(LS_ERROR_RECIPE,
                    "targets: '%s' is none of the target columns %s, nor a number from 1 to %lld", text,
                    names, (long long)data->outputs);
}

static bool is_class(const ls_dataset *data, int32_t column)
{
    return data->output_classes != NULL && data->output_classes[column] > 0;
}

/* One class alone, or values. */
static ls_status use_columns(ls_head *head, const ls_dataset *data, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (!is_class(data, head->column[i])) continue;
        if (count > 1)
            return ls_error(
                LS_ERROR_RECIPE,
                "target %lld is a class; a loss takes one class alone, or values: say with 'targets' "
                "which it is for",
                (long long)head->column[i] + 1);
        head->classes = data->output_classes[head->column[i]];
        head->class_names = (const char *const *)data->output_class_names[head->column[i]];
        head->outputs = 0;
        return LS_OK;
    }
    head->outputs = count;
    return LS_OK;
}

static ls_status take_targets(ls_head *head, const ls_dataset *data)
{
    const ls_strings *targets = &ls_head_options(head)->targets;
    head->classes = data->classes;
    head->class_names = (const char *const *)data->class_names;
    head->outputs = data->outputs;
    ls_free(head->column);
    head->column = NULL;
    bool plain = targets->count == 0 && data->output_classes == NULL;
    if (plain) return LS_OK;
    int64_t count = targets->count > 0 ? targets->count : data->outputs;
    head->column = ls_alloc((size_t)count, sizeof *head->column);
    if (head->column == NULL) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        head->column[i] = targets->count > 0 ? find_target(data, targets->value[i]) : (int32_t)i;
        if (head->column[i] < 0) return unknown_target(data, targets->value[i]);
    }
    return use_columns(head, data, count);
}

/* What comes out is an image or a signal, of another size than is wanted: how that becomes units. */
static ls_status explain_shape(const ls_head *head, ls_status status)
{
    const ls_shape *shape = head->shape;
    int64_t wanted = head->classes > 0 ? head->classes : head->outputs;
    if (status != LS_ERROR_RECIPE || shape->rank < 2 || head->units == wanted) return status;
    char text[LS_SHAPE_TEXT];
    ls_shape_text(shape, text, sizeof text);
    return ls_error(LS_ERROR_RECIPE, "%s (its shape is %s: a dense layer makes units of that)",
                    ls_error_message(), text);
}

ls_status ls_objective_bind(ls_objective *objective, const ls_recipe *recipe, const ls_dataset *data)
{
    for (int h = 0; h < objective->head_count; h++) {
        ls_head *head = &objective->head[h];
        ls_status status = take_targets(head, data);
        if (status == LS_OK)
            status = explain_shape(head, ls_head_type(head)->check(head->loss->options, head->units,
                                                                   head->classes, head->outputs));
        if (status != LS_OK) return status == LS_ERROR_RECIPE ? misfit(recipe, head) : status;
    }
    return LS_OK;
}
