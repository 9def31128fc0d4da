/* Blocks of layers that are repeated: names, inputs, places, overrides, mistakes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "support/written_model.h"

static const ls_shape vector = {.rank = 1, .dim = {4}};

/* The layers of a model with the names of their inputs: "a(input) b(a) sum(a,b)". */
static void model_text(const ls_model *model, char *text, size_t size)
{
    size_t used = 0;
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        used += (size_t)snprintf(text + used, size - used, "%s%s(", n > 0 ? " " : "", node->name);
        for (int i = 0; i < node->input_count; i++) {
            const char *name = node->input[i] == 0 ? "input" : model->node[node->input[i] - 1].name;
            used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? "," : "", name);
        }
        used += (size_t)snprintf(text + used, size - used, ")");
    }
}

static void expect_model(const char *text, const char *expected)
{
    char found[4096];
    written_model written = write_model(text, &vector);
    model_text(&written.model, found, sizeof found);
    cr_expect_str_eq(found, expected);
    written_model_free(&written);
}

Test(recipe_repeat, layers_are_named_after_block_repetition_and_themselves)
{
    expect_model("model:\n"
                 "- {type: dense, units: 4, name: stem}\n"
                 "- repeat: 2\n"
                 "  name: block\n"
                 "  layers:\n"
                 "  - {type: dense, units: 4, name: fc, activation: relu}\n"
                 "  - tanh\n"
                 "  - {type: dense, units: 4}\n",
                 "stem(input) block_0_fc(stem) block_0_fc_activation(block_0_fc) "
                 "block_0_tanh_0(block_0_fc_activation) block_0_dense_1(block_0_tanh_0) "
                 "block_1_fc(block_0_dense_1) block_1_fc_activation(block_1_fc) "
                 "block_1_tanh_0(block_1_fc_activation) block_1_dense_1(block_1_tanh_0)");
}

Test(recipe_repeat, previous_is_what_comes_into_a_repetition)
{
    expect_model("model:\n"
                 "- repeat: 3\n"
                 "  name: block\n"
                 "  layers:\n"
                 "  - {type: dense, units: 4, name: fc}\n"
                 "  - {type: add, inputs: [fc, previous], name: sum}\n",
                 "block_0_fc(input) block_0_sum(block_0_fc,input) block_1_fc(block_0_sum) "
                 "block_1_sum(block_1_fc,block_0_sum) block_2_fc(block_1_sum) "
                 "block_2_sum(block_2_fc,block_1_sum)");
    expect_model("model:\n"
                 "- relu\n"
                 "- repeat: 1\n"
                 "  layers:\n"
                 "  - tanh\n"
                 "  - {type: add, inputs: [tanh_0, previous]}\n",
                 "relu_0(input) repeat_0_0_tanh_0(relu_0) repeat_0_0_add_0(repeat_0_0_tanh_0,relu_0)");
}

/* A name within the block goes before one around it, which goes before one of the whole list. */
Test(recipe_repeat, inputs_are_looked_up_from_the_inside)
{
    expect_model("model:\n"
                 "- {type: tanh, name: a}\n"
                 "- {type: tanh, name: b}\n"
                 "- {type: tanh, name: c}\n"
                 "- repeat: 1\n"
                 "  name: out\n"
                 "  layers:\n"
                 "  - {type: relu, name: b}\n"
                 "  - {type: relu, name: c}\n"
                 "  - repeat: 2\n"
                 "    name: in\n"
                 "    layers:\n"
                 "    - {type: elu, name: c}\n"
                 "    - {type: add, inputs: [a, b, c, previous, input], name: sum}\n"
                 "  - {type: add, inputs: [previous, in]}\n"
                 "- {type: add, inputs: [out_0_b, b, out_0_in_1_c, out]}\n",
                 "a(input) b(a) c(b) out_0_b(c) out_0_c(out_0_b) "
                 "out_0_in_0_c(out_0_c) out_0_in_0_sum(a,out_0_b,out_0_in_0_c,out_0_c,input) "
                 "out_0_in_1_c(out_0_in_0_sum) "
                 "out_0_in_1_sum(a,out_0_b,out_0_in_1_c,out_0_in_0_sum,input) "
                 "out_0_add_0(c,out_0_in_1_sum) add_0(out_0_b,b,out_0_in_1_c,out_0_add_0)");
}

Test(recipe_repeat, a_block_may_name_its_input)
{
    expect_model("model:\n"
                 "- {type: tanh, name: a}\n"
                 "- {repeat: 1, name: left, layers: [relu]}\n"
                 "- repeat: 1\n"
                 "  name: right\n"
                 "  inputs: a\n"
                 "  layers:\n"
                 "  - {repeat: 2, layers: [elu, {type: add, inputs: [elu_0, previous]}]}\n"
                 "- {type: add, inputs: [left, right]}\n",
                 "a(input) left_0_relu_0(a) "
                 "right_0_repeat_0_0_elu_0(a) right_0_repeat_0_0_add_0(right_0_repeat_0_0_elu_0,a) "
                 "right_0_repeat_0_1_elu_0(right_0_repeat_0_0_add_0) "
                 "right_0_repeat_0_1_add_0(right_0_repeat_0_1_elu_0,right_0_repeat_0_0_add_0) "
                 "add_0(left_0_relu_0,right_0_repeat_0_1_add_0)");
}

/* A block in front of an unnamed layer does not change the name of the layer. */
Test(recipe_repeat, blocks_leave_the_names_of_other_layers)
{
    expect_model("model:\n"
                 "- {repeat: 2, name: b, layers: [relu]}\n"
                 "- relu\n"
                 "- {type: add, inputs: [relu_0, b_0_relu_0]}\n",
                 "b_0_relu_0(input) b_1_relu_0(b_0_relu_0) relu_0(b_1_relu_0) add_0(relu_0,b_0_relu_0)");
}

/* Three stages of three blocks; the first block of the later stages has a shortcut of its own. */
Test(recipe_repeat, a_residual_network_is_a_page)
{
    static const char text[] = "model:\n"
                               "- {type: dense, units: 4, name: stem}\n"
                               "- repeat: 3\n"
                               "  name: stage1\n"
                               "  layers: &block\n"
                               "  - {type: dense, units: 4, activation: relu, name: fc1}\n"
                               "  - {type: dense, units: 4, name: fc2}\n"
                               "  - {type: add, inputs: [fc2, previous]}\n"
                               "  - relu\n"
                               "- repeat: 1\n"
                               "  name: down2\n"
                               "  layers:\n"
                               "  - {type: dense, units: 3, activation: relu, name: fc1}\n"
                               "  - {type: dense, units: 4, name: fc2}\n"
                               "  - {type: dense, units: 4, name: shortcut, inputs: previous}\n"
                               "  - {type: add, inputs: [fc2, shortcut]}\n"
                               "  - relu\n"
                               "- {repeat: 2, name: stage2, layers: *block}\n"
                               "- {type: dense, units: 2, name: top}\n";
    written_model written = write_model(text, &vector);
    cr_expect_eq(written.model.node_count, 1 + 3 * 5 + 6 + 2 * 5 + 1);
    char found[4096];
    model_text(&written.model, found, sizeof found);
    cr_expect_not_null(
        strstr(found, "down2_0_shortcut(stage1_2_relu_0) down2_0_add_0(down2_0_fc2,down2_0_shortcut)"));
    cr_expect_not_null(strstr(found, "stage2_0_add_0(stage2_0_fc2,down2_0_relu_0)"));
    cr_expect_not_null(strstr(found, "top(stage2_1_relu_0)"));
    written_model_free(&written);
}

/* The resolved recipe and the model's description hold the layers one by one, and read back as the same. */
Test(recipe_repeat, resolved_recipes_read_back_as_the_same)
{
    static const char text[] =
        "data: {type: xor}\nloss: mse\nmodel:\n"
        "- {repeat: 2, name: b, layers: [relu, {type: add, inputs: [relu_0, previous]}]}\n"
        "- {type: dense, units: 2}\n";
    ls_recipe *recipe = NULL, *again = NULL, *model = NULL;
    char *yaml = NULL, *json = NULL;
    cr_assert_eq(ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_recipe_to_yaml(recipe, false, &yaml), LS_OK);
    cr_assert_eq(ls_recipe_model_json(recipe, &json), LS_OK);
    cr_expect_not_null(strstr(yaml, "name: b_1_add_0\n    inputs: [b_1_relu_0, b_0_add_0]\n"), "%s", yaml);
    cr_assert_eq(ls_recipe_parse(yaml, "again.yaml", NULL, NULL, 0, &again), LS_OK, "%s", ls_error_message());
    cr_expect_null(ls_recipe_difference(recipe, again));
    cr_expect_eq(ls_recipe_digest(recipe), ls_recipe_digest(again));
    cr_assert_eq(ls_recipe_parse_model(json, "model", &model), LS_OK, "%s", ls_error_message());
    cr_expect(model->model.count == 5 && strcmp(model->model.item[3].name, "b_1_add_0") == 0);
    ls_free(yaml), ls_free(json);
    ls_recipe_free(recipe), ls_recipe_free(again), ls_recipe_free(model);
}

#define OVERRIDDEN                                                                                           \
    "data: {type: xor}\nloss: mse\nmodel:\n- {type: dense, units: 4, name: stem}\n"                          \
    "- {repeat: 2, name: b, layers: [{type: dense, units: 4, name: fc}, relu]}\n"

static ls_status parse_with(const char *first, const char *second, ls_recipe **recipe)
{
    const char *const overrides[] = {first, second};
    return ls_recipe_parse(OVERRIDDEN, "r.yaml", NULL, overrides, second == NULL ? 1 : 2, recipe);
}

/* The units of the dense layers in order, as in "4 4 4", with these settings. */
static void expect_units(const char *first, const char *second, const char *expected)
{
    char found[256] = "";
    ls_recipe *recipe = NULL;
    cr_assert_eq(parse_with(first, second, &recipe), LS_OK, "%s: %s", first, ls_error_message());
    for (int i = 0; i < recipe->model.count; i++) {
        if (strcmp(recipe->model.item[i].type->name, "dense") != 0) continue;
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%lld", used > 0 ? " " : "",
                 (long long)*(int64_t *)recipe->model.item[i].options); /* units come first */
    }
    cr_expect_str_eq(found, expected);
    ls_recipe_free(recipe);
}

Test(recipe_repeat, settings_change_one_layer_all_copies_or_the_block)
{
    expect_units("model.b_1_fc.units=7", NULL, "4 4 7");
    expect_units("model.1.units=7", NULL, "4 7 4");
    expect_units("model.b.layers.fc.units=7", NULL, "4 7 7");
    expect_units("model.b.layers.0.units=7", "model.b_0_fc.units=8", "4 8 7");
    expect_units("model.b.repeat=4", NULL, "4 4 4 4 4");
    expect_units("model.b_3_fc.units=9", "model.b.repeat=4", "4 4 4 4 9");
    expect_units("model.b.name=c", "model.c_0_fc.units=9", "4 9 4");
    expect_units("model=[{repeat: 3, layers: [{type: dense, units: 5}]}]", "model.repeat_0_1_dense_0.units=6",
                 "5 6 5");
}

static void expect_setting_error(const char *setting, const char *message)
{
    ls_recipe *recipe = NULL;
    cr_assert_eq(parse_with(setting, NULL, &recipe), LS_ERROR_RECIPE, "accepted: %s", setting);
    cr_expect_str_eq(ls_error_message(), message);
}

Test(recipe_repeat, wrong_settings_are_refused)
{
    expect_setting_error("model.b_2_fc.units=7",
                         "--set model.b_2_fc.units=7: 'model' has no item 'b_2_fc', did you mean 'b_0_fc'?");
    expect_setting_error(
        "model.b.units=7",
        "--set model.b.units=7: unknown key 'units' of a block, expected one of: repeat, name, "
        "inputs, layers");
    expect_setting_error("model.b.repeat=0",
                         "--set model.b.repeat=0: 'repeat' is '0', expected an integer, 1 to 10000");
    expect_setting_error("model.b.layers.fx.units=7",
                         "--set model.b.layers.fx.units=7: 'layers' has no item 'fx', did you mean 'fc'?");
}

Test(recipe_repeat, mistakes_name_their_place)
{
    expect_model_error("model:\n- {repeat: 2, layers: []}", &vector,
                       "r.yaml:2:23: 'layers' is an empty list, expected a list with at least one layer");
    expect_model_error(
        "model:\n- {repeat: 2}", &vector,
        "r.yaml:2:3: missing key 'layers' of a block, expected a list with at least one layer");
    expect_model_error("model:\n- {layers: [relu]}", &vector,
                       "r.yaml:2:3: missing key 'repeat' of a block, expected an integer, 1 to 10000");
    expect_model_error("model:\n- {repeat: x, layers: [relu]}", &vector,
                       "r.yaml:2:12: 'repeat' is 'x', expected an integer, 1 to 10000");
    expect_model_error("model:\n- {repeat: 2, laiers: [relu]}", &vector,
                       "r.yaml:2:15: unknown key 'laiers' of a block, did you mean 'layers'?");
    expect_model_error(
        "model:\n- {repeat: 2, name: a b, layers: [relu]}", &vector,
        "r.yaml:2:21: 'name' is 'a b', expected a letter or _, then letters, digits, _ . -, at most 48 "
        "in all");
    expect_model_error(
        "model:\n- {repeat: 2, layers: [{type: relu, name: previous}]}", &vector,
        "r.yaml:2:43: the name 'previous' stands for the input of a repetition of a block; choose "
        "another");
    expect_model_error("model:\n- {repeat: 2, layers: [{type: relu, name: input}]}", &vector,
                       "r.yaml:2:43: the name 'input' stands for the input of the model; choose another");
    expect_model_error(
        "model:\n- {repeat: 2, name: a123456789012345678901234567890, layers: [{type: relu, name: "
        "b1234567890123456789}]}",
        &vector,
        "r.yaml:2:82: 'b1234567890123456789' of the block would be called "
        "'a123456789012345678901234567890_0_b1234567890123456789', expected at most 48 characters");
    expect_model_error("model:\n- {repeat: 10000, layers: [relu, relu, relu]}", &vector,
                       "r.yaml:2:34: the list has more than 30000 values when its blocks are repeated");
}

/* In the layers of a block places are those of the file, whichever repetition is wrong. */
Test(recipe_repeat, mistakes_within_a_block_keep_their_place)
{
    expect_model_error("model:\n- repeat: 3\n  name: b\n  layers:\n  - relu\n  - {type: dense, unit: 3}",
                       &vector, "r.yaml:6:19: unknown key 'unit' of layer dense, did you mean 'units'?");
    expect_model_error(
        "model:\n- repeat: 3\n  name: b\n  layers:\n  - {type: dense, units: 3}\n"
        "  - {type: add, inputs: [dense_0, previous]}",
        &vector,
        "r.yaml:6:5: layer b_0_add_0: b_0_dense_0 is 3, but input is 4; only equal shapes can be added");
    expect_model_error(
        "model:\n- repeat: 2\n  name: b\n  layers:\n  - {type: add, inputs: [previous, nothing]}", &vector,
        "r.yaml:5:5: layer b_0_add_0: its input 'nothing' is not the name of a layer before it, nor "
        "'input' for the model's input");
    expect_model_error(
        "model:\n- repeat: 2\n  name: b\n  layers:\n  - {type: relu, name: a}\n  - {type: tanh, name: a}",
        &vector,
        "r.yaml:6:24: the name 'b_0_a' stands twice (items 0 and 1), expected a name of its own for "
        "each layer");
}
