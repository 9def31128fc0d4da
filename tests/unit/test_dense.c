#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "support/default_component.h"
#include "support/gradient_check.h"

enum { LANES = 16 };

static ls_component dense(int64_t units)
{
    return default_component(&ls_layer_registry, "dense", units);
}

static void build_one(ls_component *component, ls_shape input, ls_model *model)
{
    ls_component_list list = {.count = 1, .item = component};
    cr_assert_eq(ls_model_build(&list, &input, NULL, model), LS_OK, "%s", ls_error_message());
}

Test(dense, declares_a_weight_that_decays_and_a_bias_that_does_not)
{
    ls_component component = dense(17);
    ls_model model;
    build_one(&component, (ls_shape){.rank = 1, .dim = {5}}, &model);
    const ls_parameter *weight = ls_model_find(&model, "dense_0.weight"),
                       *bias = ls_model_find(&model, "dense_0.bias");
    cr_assert(weight != NULL && bias != NULL && model.parameter_count == 2);
    cr_expect(weight->rows == 17 && weight->columns == 5 && weight->ld == 16 && weight->dims == 2 &&
              weight->decay);
    cr_expect(weight->fan_in == 5 && weight->fan_out == 17);
    cr_expect(bias->rows == 1 && bias->columns == 17 && bias->ld == 32 && bias->dims == 1 && !bias->decay);
    cr_expect_str_eq(weight->initialiser.type->name, "glorot");
    cr_expect_str_eq(bias->initialiser.type->name, "zeros");
    cr_expect(ls_model_operations(&model) == 5 * 17 && model.parameter_elements == 6 * 17);
    const ls_layer_type *type = model.node[0].type;
    cr_expect_eq(type->gradient(&model.node[0], 0), LS_GRADIENT_OUTER);
    cr_expect_eq(type->gradient(&model.node[0], 1), LS_GRADIENT_SUM);
    ls_model_free(&model);
    ls_component_clear(&component);
}

Test(dense, flattens_images)
{
    ls_component component = dense(3);
    ls_model model;
    build_one(&component, (ls_shape){.rank = 3, .dim = {2, 4, 5}}, &model);
    cr_expect_eq(ls_model_find(&model, "dense_0.weight")->columns, 40);
    cr_expect(ls_model_output(&model)->rank == 1 && ls_model_output(&model)->dim[0] == 3);
    ls_model_free(&model);
    ls_component_clear(&component);
}

Test(dense, without_bias_has_one_parameter_and_right_derivatives)
{
    ls_component component = dense(17);
    *(bool *)option_of(&component, "bias") = false;
    ls_model model;
    build_one(&component, (ls_shape){.rank = 1, .dim = {3}}, &model);
    cr_assert_eq(model.parameter_count, 1);
    gradient_report report = check_layer_gradient(&model, &model.node[0], 3);
    cr_expect_leq(report.worst, 1, "%s", report.where);
    ls_model_free(&model);
    ls_component_clear(&component);
}

/* 2 inputs, 3 units, with small integers, so that all results are exact. */
static const float weights[3][2] = {{1, 2}, {-3, 4}, {5, -6}};
static const float biases[3] = {10, 20, 30};

typedef struct small_case {
    ls_component component;
    ls_model model;
    float *arena;
    const float *parameter[2];
    int64_t ld[2];
    _Alignas(64) float x[2 * LANES], y[3 * LANES], dy[3 * LANES], dx[2 * LANES];
    ls_layer_call call;
} small_case;

static void small_case_make(bool bias, small_case *made)
{
    memset(made, 0, sizeof *made);
    made->component = dense(3);
    *(bool *)option_of(&made->component, "bias") = bias;
    build_one(&made->component, (ls_shape){.rank = 1, .dim = {2}}, &made->model);
    made->arena = ls_alloc((size_t)made->model.arena_size, sizeof(float));
    cr_assert_not_null(made->arena);
    for (int p = 0; p < made->model.parameter_count; p++) {
        const ls_parameter *parameter = &made->model.parameter[p];
        made->parameter[p] = made->arena + parameter->offset;
        made->ld[p] = parameter->ld;
    }
    for (int r = 0; r < 3; r++) memcpy(made->arena + r * made->ld[0], weights[r], sizeof weights[r]);
    if (bias) memcpy(made->arena + made->model.parameter[1].offset, biases, sizeof biases);
    for (int n = 0; n < LANES; n++) {
        made->x[n] = (float)n;
        made->x[LANES + n] = (float)(1 - n);
        made->dy[n] = 1, made->dy[LANES + n] = (float)n, made->dy[2 * LANES + n] = -1;
    }
    made->call = (ls_layer_call){.kernels = ls_kernels_get(),
                                 .node = &made->model.node[0],
                                 .lanes = LANES,
                                 .parameter = made->parameter,
                                 .ld = made->ld,
                                 .x = {made->x},
                                 .y = made->y,
                                 .dy = made->dy,
                                 .dx = {made->dx}};
}

static void small_case_free(small_case *made)
{
    ls_free(made->arena);
    ls_model_free(&made->model);
    ls_component_clear(&made->component);
}

static void expect_outputs(bool bias)
{
    static small_case made;
    small_case_make(bias, &made);
    made.model.node[0].type->forward(&made.call);
    for (int n = 0; n < LANES; n++)
        for (int u = 0; u < 3; u++) {
            float expected =
                weights[u][0] * (float)n + weights[u][1] * (float)(1 - n) + (bias ? biases[u] : 0);
            cr_expect_eq(made.y[u * LANES + n], expected, "unit %d of lane %d", u, n);
        }
    small_case_free(&made);
}

Test(dense, output_is_weights_times_input_plus_bias)
{
    expect_outputs(true);
    expect_outputs(false);
}

Test(dense, input_derivative_is_the_transposed_product)
{
    static small_case made;
    small_case_make(true, &made);
    made.model.node[0].type->backward(&made.call);
    for (int n = 0; n < LANES; n++) {
        cr_expect_eq(made.dx[n], 1 - 3 * (float)n - 5, "lane %d", n);
        cr_expect_eq(made.dx[LANES + n], 2 + 4 * (float)n + 6, "lane %d", n);
    }
    small_case_free(&made);
}

Test(dense, unwanted_input_derivative_is_left_out)
{
    static small_case made;
    small_case_make(true, &made);
    made.call.dx[0] = NULL;
    made.model.node[0].type->backward(&made.call);
    for (int i = 0; i < 2 * LANES; i++) cr_expect_eq(made.dx[i], 0);
    small_case_free(&made);
}
