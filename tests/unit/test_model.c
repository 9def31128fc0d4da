#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "nn/model.h"
#include "support/default_component.h"

enum { LAYERS_MAX = 8 };

/* A recipe's list under construction; layer i stands in line 10 + i, column 3. */
typedef struct layer_list {
    ls_component item[LAYERS_MAX];
    ls_component_list list;
} layer_list;

static ls_component *add(layer_list *layers, const char *type, const char *name, int64_t units)
{
    ls_component *component = &layers->item[layers->list.count];
    *component = default_component(&ls_layer_registry, type, units);
    component->name = ls_strdup(name);
    component->line = 10 + layers->list.count;
    component->column = 3;
    layers->list.item = layers->item;
    layers->list.count++;
    return component;
}

static void name_input(ls_component *component, const char *name)
{
    if (component->inputs.value == NULL)
        component->inputs.value = ls_alloc(LS_INPUTS_MAX + 1, sizeof(char *));
    cr_assert_not_null(component->inputs.value);
    component->inputs.value[component->inputs.count++] = ls_strdup(name);
}

static void activate(ls_component *dense, const char *activation)
{
    *(ls_component *)option_of(dense, "activation") =
        default_component(&ls_activation_registry, activation, 1);
}

static void clear(layer_list *layers)
{
    for (int i = 0; i < layers->list.count; i++) ls_component_clear(&layers->item[i]);
}

static const ls_shape input_of_4 = {.rank = 1, .dim = {4}};

static void build(layer_list *layers, ls_model *model)
{
    cr_assert_eq(ls_model_build(&layers->list, &input_of_4, "r.yaml", model), LS_OK, "%s",
                 ls_error_message());
}

static void expect_error(layer_list *layers, const char *message)
{
    ls_model model;
    cr_assert_eq(ls_model_build(&layers->list, &input_of_4, "r.yaml", &model), LS_ERROR_RECIPE,
                 "no error: %s", message);
    cr_expect_str_eq(ls_error_message(), message);
    cr_expect(model.node == NULL && model.parameter == NULL);
    clear(layers);
}

static void expect_names(const ls_model *model, int count, const char *const *names)
{
    cr_assert_eq(model->node_count, count);
    for (int n = 0; n < count; n++) cr_expect_str_eq(model->node[n].name, names[n]);
}

Test(model, shapes_have_a_size_and_a_text)
{
    char text[64], small[4];
    ls_shape image = {.rank = 3, .dim = {3, 32, 16}};
    cr_expect(ls_shape_size(&image) == 3 * 32 * 16 && ls_shape_size(&input_of_4) == 4);
    ls_shape_text(&image, text, sizeof text);
    cr_expect_str_eq(text, "3 x 32 x 16");
    ls_shape_text(&input_of_4, text, sizeof text);
    cr_expect_str_eq(text, "4");
    ls_shape_text(&image, small, sizeof small);
    cr_expect_str_eq(small, "3 x");
}

Test(model, layers_without_a_name_are_counted_per_type)
{
    layer_list layers = {0};
    activate(add(&layers, "dense", NULL, 5), "relu");
    add(&layers, "relu", NULL, 0);
    add(&layers, "dense", "hidden", 6);
    add(&layers, "dense", NULL, 7);
    ls_model model;
    build(&layers, &model);
    expect_names(&model, 5, (const char *[]){"dense_0", "dense_0_activation", "relu_0", "hidden", "dense_2"});
    for (int n = 0; n < 5; n++) cr_expect(model.node[n].input_count == 1 && model.node[n].input[0] == n);
    cr_expect_eq(ls_model_output(&model)->dim[0], 7);
    cr_expect_eq(ls_model_operations(&model), 4 * 5 + 5 * 6 + 6 * 7);
    ls_model_free(&model);
    clear(&layers);
}

Test(model, activation_follows_its_layer_with_its_options)
{
    layer_list layers = {0};
    ls_component *dense = add(&layers, "dense", NULL, 5);
    activate(dense, "leaky_relu");
    ls_component *activation = option_of(dense, "activation");
    *(double *)option_of(activation, "slope") = 0.25;
    ls_model model;
    build(&layers, &model);
    cr_assert_eq(model.node_count, 2);
    cr_expect_eq(model.node[1].type->base.name, activation->type->name);
    cr_expect_eq(model.node[1].options, activation->options);
    cr_expect(model.node[1].line == 10 && model.node[1].column == 3);
    ls_model_free(&model);
    clear(&layers);
}

Test(model, a_name_means_the_output_behind_the_activation)
{
    layer_list layers = {0};
    activate(add(&layers, "dense", "hidden", 5), "tanh");
    name_input(add(&layers, "dense", "top", 2), "hidden");
    ls_model model;
    build(&layers, &model);
    expect_names(&model, 3, (const char *[]){"hidden", "hidden_activation", "top"});
    cr_expect_eq(model.node[2].input[0], 2);
    ls_model_free(&model);
    clear(&layers);
}

Test(model, input_means_the_input_of_the_model)
{
    layer_list layers = {0};
    name_input(add(&layers, "dense", "first", 5), "input");
    ls_model model;
    build(&layers, &model);
    cr_expect(model.node[0].input[0] == 0 && model.node[0].in[0].dim[0] == 4);
    ls_model_free(&model);
    clear(&layers);
    layers = (layer_list){0};
    add(&layers, "dense", "input", 5);
    expect_error(
        &layers,
        "r.yaml:10:3: layer input: the name input stands for the input of the model; choose another");
}

Test(model, a_list_without_layers_is_an_error)
{
    layer_list layers = {0};
    expect_error(&layers, "r.yaml: model: the list is empty, at least one layer is needed");
}

Test(model, names_must_differ)
{
    layer_list layers = {0};
    add(&layers, "dense", "a", 5);
    add(&layers, "dense", "a", 5);
    expect_error(
        &layers,
        "r.yaml:11:3: layer a: the layer in line 10 has this name already; give one of them another name");
    layers = (layer_list){0};
    add(&layers, "dense", "relu_0", 5);
    add(&layers, "relu", NULL, 0);
    expect_error(&layers, "r.yaml:11:3: layer relu_0: the layer in line 10 has this name already; give one "
                          "of them another name");
    layers = (layer_list){0};
    add(&layers, "dense", "a_activation", 5);
    activate(add(&layers, "dense", "a", 5), "relu");
    expect_error(&layers,
                 "r.yaml:11:3: layer a_activation: the layer in line 10 has this name already; give one of "
                 "them another name");
}

Test(model, names_are_plain_words)
{
    static const char *const wrong[] = {"a.b",
                                        "",
                                        "3d",
                                        "a b",
                                        "_a",
                                        "\xc3\xa4",
                                        "a23456789012345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        layer_list layers = {0};
        add(&layers, "dense", wrong[i], 5);
        ls_model model;
        cr_expect_eq(ls_model_build(&layers.list, &input_of_4, "r.yaml", &model), LS_ERROR_RECIPE, "%s",
                     wrong[i]);
        cr_expect_not_null(strstr(ls_error_message(), "a name is a letter followed by"), "%s",
                           ls_error_message());
        clear(&layers);
    }
}

Test(model, the_longest_name_leaves_room_for_its_parts)
{
    static const char longest[] = "n234567890123456789012345678901234567890123456789012";
    layer_list layers = {0};
    activate(add(&layers, "dense", longest, 5), "relu");
    ls_model model;
    build(&layers, &model);
    char name[100];
    snprintf(name, sizeof name, "%s_activation", longest);
    cr_expect_str_eq(model.node[1].name, name);
    snprintf(name, sizeof name, "%s.weight", longest);
    cr_expect_not_null(ls_model_find(&model, name));
    ls_model_free(&model);
    clear(&layers);
}

Test(model, unknown_inputs_are_named_with_the_nearest)
{
    layer_list layers = {0};
    add(&layers, "dense", "hidden", 5);
    name_input(add(&layers, "dense", NULL, 5), "hiden");
    expect_error(&layers,
                 "r.yaml:11:3: layer dense_1: its input 'hiden' is not the name of a layer before it; did "
                 "you mean 'hidden'?");
    layers = (layer_list){0};
    name_input(add(&layers, "dense", NULL, 5), "elephant");
    expect_error(&layers,
                 "r.yaml:10:3: layer dense_0: its input 'elephant' is not the name of a layer before it, "
                 "nor 'input' for the model's input");
    layers = (layer_list){0};
    name_input(add(&layers, "dense", NULL, 5), "later");
    add(&layers, "dense", "later", 5);
    expect_error(&layers,
                 "r.yaml:10:3: layer dense_0: its input 'later' does not come before it; list layers after "
                 "their inputs");
}

Test(model, every_output_must_be_used)
{
    layer_list layers = {0};
    add(&layers, "dense", "a", 5);
    add(&layers, "dense", "b", 6);
    name_input(add(&layers, "dense", "c", 7), "a");
    expect_error(&layers,
                 "r.yaml:11:3: layer b: no layer uses its output; name it in the \"inputs:\" of one, or "
                 "remove it");
}

Test(model, too_many_inputs_are_an_error)
{
    layer_list layers = {0};
    add(&layers, "dense", "a", 5);
    ls_component *sum = add(&layers, "dense", "b", 5);
    name_input(sum, "a");
    name_input(sum, "input");
    expect_error(&layers, "r.yaml:11:3: layer b: 2 inputs are given, but a layer of type dense takes 1");
    layers = (layer_list){0};
    sum = add(&layers, "dense", "b", 5);
    for (int i = 0; i <= LS_INPUTS_MAX; i++) name_input(sum, "input");
    expect_error(&layers, "r.yaml:10:3: layer b: 9 inputs are given, at most 8 are possible");
}

Test(model, errors_without_file_or_line_leave_them_out)
{
    layer_list layers = {0};
    ls_component *component = add(&layers, "dense", "a.b", 5);
    ls_model model;
    component->line = 0;
    ls_model_build(&layers.list, &input_of_4, "r.yaml", &model);
    cr_expect_eq(strncmp(ls_error_message(), "r.yaml: layer a.b: ", 19), 0, "%s", ls_error_message());
    ls_model_build(&layers.list, &input_of_4, NULL, &model);
    cr_expect_eq(strncmp(ls_error_message(), "layer a.b: ", 11), 0, "%s", ls_error_message());
    clear(&layers);
}

static bool overlap(const ls_parameter *a, const ls_parameter *b)
{
    return a->offset < b->offset + b->rows * b->ld && b->offset < a->offset + a->rows * a->ld;
}

Test(model, parameters_lie_apart_on_whole_cache_lines)
{
    static const int64_t columns[] = {1, 16, 17, 240, 256, 288, 300, 320, 321};
    static const int64_t ld[] = {16, 16, 32, 240, 272, 288, 304, 336, 336};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        layer_list layers = {0};
        add(&layers, "dense", NULL, 3);
        add(&layers, "dense", NULL, columns[i]);
        add(&layers, "dense", NULL, 7);
        ls_model model;
        build(&layers, &model);
        cr_expect_eq(ls_model_find(&model, "dense_2.weight")->ld, ld[i], "%d columns", (int)columns[i]);
        cr_assert(model.parameter_count == 6 && model.arena_size % 16 == 0);
        int64_t elements = 0;
        for (int p = 0; p < model.parameter_count; p++) {
            const ls_parameter *parameter = &model.parameter[p];
            elements += parameter->rows * parameter->columns;
            cr_expect(parameter->offset % 16 == 0 && parameter->ld % 16 == 0 &&
                      parameter->ld >= parameter->columns);
            cr_expect_leq(parameter->offset + parameter->rows * parameter->ld, model.arena_size);
            for (int q = 0; q < p; q++) cr_expect(!overlap(parameter, &model.parameter[q]));
        }
        cr_expect_eq(model.parameter_elements, elements);
        for (int n = 0; n < 3; n++)
            cr_expect(model.node[n].first_parameter == 2 * n && model.node[n].parameter_count == 2);
        ls_model_free(&model);
        clear(&layers);
    }
}

Test(model, a_parameter_beyond_all_memory_is_an_error)
{
    layer_list layers = {0};
    add(&layers, "dense", "big", 1 << 24);
    ls_shape huge = {.rank = 1, .dim = {INT64_C(1) << 50}};
    ls_model model;
    cr_expect_eq(ls_model_build(&layers.list, &huge, "r.yaml", &model), LS_ERROR_RECIPE);
    cr_expect_not_null(strstr(ls_error_message(), "is too large"), "%s", ls_error_message());
    clear(&layers);
}

Test(model, initial_values_fill_the_views_and_nothing_else)
{
    layer_list layers = {0};
    add(&layers, "dense", NULL, 4);
    add(&layers, "dense", NULL, 4);
    add(&layers, "dense", NULL, 300);
    ls_model model;
    build(&layers, &model);
    float *arena = ls_alloc((size_t)model.arena_size, sizeof *arena);
    float *again = ls_alloc((size_t)model.arena_size, sizeof *again);
    cr_assert(arena != NULL && again != NULL);
    cr_assert_eq(ls_model_initialise(&model, 42, arena), LS_OK);
    cr_assert_eq(ls_model_initialise(&model, 42, again), LS_OK);
    cr_expect_eq(memcmp(arena, again, (size_t)model.arena_size * sizeof *arena), 0);
    int64_t nonzero = 0, weights = 0;
    for (int64_t i = 0; i < model.arena_size; i++) nonzero += arena[i] != 0;
    for (int p = 0; p < model.parameter_count; p += 2) {
        const ls_parameter *weight = &model.parameter[p];
        weights += weight->rows * weight->columns;
        for (int64_t r = 0; r < weight->rows; r++)
            for (int64_t c = 0; c < weight->columns; c++)
                cr_assert_neq(arena[weight->offset + r * weight->ld + c], 0, "%s", weight->name);
    }
    cr_expect_eq(nonzero, weights, "the biases and pads are zero");
    cr_expect_neq(arena[model.parameter[0].offset], arena[model.parameter[2].offset],
                  "layers of the same shape");
    ls_free(arena), ls_free(again);
    ls_model_free(&model);
    clear(&layers);
}

Test(model, parameters_are_found_by_name)
{
    layer_list layers = {0};
    add(&layers, "dense", "a", 5);
    ls_model model;
    build(&layers, &model);
    cr_expect_eq(ls_model_find(&model, "a.bias"), &model.parameter[1]);
    cr_expect_null(ls_model_find(&model, "a"));
    cr_expect_null(ls_model_find(&model, "a.bia"));
    ls_model_free(&model);
    clear(&layers);
}

/* Each build gets one allocation further than the one before, until the fifth gets all it wants. */
Test(model, refused_memory_is_reported)
{
    setenv("LOCKSTEP_FAULT", "memory:nth=3,memory:nth=5,memory:nth=8,memory:nth=12", 1);
    layer_list layers = {0};
    add(&layers, "dense", NULL, 5);
    cr_assert_eq(ls_alloc_count(), 2,
                 "the numbers above start after the options of dense and its initialiser");
    ls_model model;
    for (int refusal = 1; refusal <= 4; refusal++) {
        cr_expect_eq(ls_model_build(&layers.list, &input_of_4, "r.yaml", &model), LS_ERROR_MEMORY, "%d",
                     refusal);
        cr_expect_not_null(strstr(ls_error_message(), "memory"), "%s", ls_error_message());
        cr_expect(model.node == NULL && model.parameter == NULL && model.parameter_count == 0);
    }
    build(&layers, &model);
    ls_model_free(&model);
    clear(&layers);
}
