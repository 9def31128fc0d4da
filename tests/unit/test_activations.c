/* Known values of the activation layers, and that options arrive. Derivatives: test_registry.c. */
#include <criterion/criterion.h>
#include <math.h>
#include "base/options.h"
#include "nn/model.h"
#include "support/default_component.h"

enum { LANES = 16 };

static const ls_shape one_number = {.rank = 1, .dim = {1}};

/* y and dy/dx of the layer at x, by the kernels. */
static void apply(ls_component *component, float x, float *y, float *slope)
{
    ls_component_list list = {.count = 1, .item = component};
    ls_model model;
    cr_assert_eq(ls_model_build(&list, &one_number, NULL, &model), LS_OK, "%s", ls_error_message());
    _Alignas(64) float in[LANES], out[LANES], dy[LANES], dx[LANES], slopes[LANES] = {0}, sums[LANES];
    for (int n = 0; n < LANES; n++) in[n] = x, dy[n] = 1;
    cr_assert_leq(model.arena_size, LANES); /* prelu has one */
    cr_assert_eq(ls_model_initialise(&model, 1, slopes), LS_OK);
    ls_layer_call call = {.kernels = ls_kernels_get(),
                          .node = &model.node[0],
                          .lanes = LANES,
                          .parameter = (const float *const[]){slopes},
                          .sample_gradient = (float *const[]){sums},
                          .x = {in},
                          .y = out,
                          .dy = dy,
                          .dx = {dx}};
    model.node[0].type->forward(&call);
    model.node[0].type->backward(&call);
    *y = out[LANES - 1];
    *slope = dx[LANES - 1];
    ls_model_free(&model);
}

typedef struct known_value {
    const char *name;
    float x;
    double y, slope;
} known_value;

/* From tables of the functions, to six digits. */
static const known_value known[] = {
    {"identity", -3, -3, 1},
    {"sigmoid", 0, 0.5, 0.25},
    {"sigmoid", 1, 0.731059, 0.196612},
    {"sigmoid", -2, 0.119203, 0.104994},
    {"tanh", 0, 0, 1},
    {"tanh", 1, 0.761594, 0.419974},
    {"tanh", -0.5F, -0.462117, 0.786448},
    {"relu", 2, 2, 1},
    {"relu", -2, 0, 0},
    {"leaky_relu", 2, 2, 1},
    {"leaky_relu", -2, -0.02, 0.01},
    {"gelu", 0, 0, 0.5},
    {"gelu", 1, 0.841345, 1.083316},
    {"gelu", -1, -0.158655, -0.083315},
    {"gelu", -6, 0, 0},
    {"prelu", 2, 2, 1},
    {"prelu", -2, -0.5, 0.25},
    {"elu", 2, 2, 1},
    {"elu", -1, -0.632121, 0.367879},
    {"elu", -30, -1, 0},
    {"selu", 1, 1.050701, 1.050701},
    {"selu", -1, -1.111331, 0.646769},
    {"silu", 0, 0, 0.5},
    {"silu", 1, 0.731059, 0.927671},
    {"silu", -1, -0.268941, 0.072329},
    {"softplus", 0, 0.693147, 0.5},
    {"softplus", 1, 1.313262, 0.731059},
    {"softplus", -2, 0.126928, 0.119203},
    {"hard_sigmoid", 1.5F, 0.75, 1.0 / 6},
    {"hard_sigmoid", 4, 1, 0},
    {"hard_sigmoid", -3, 0, 0},
    {"hard_swish", 1, 2.0 / 3, 5.0 / 6},
    {"hard_swish", -1, -1.0 / 3, 1.0 / 6},
    {"hard_swish", -4, 0, 0},
    {"hard_swish", 5, 5, 1},
    {"softmax", 3, 1, 0}, /* of a single unit */
    {"log_softmax", 3, 0, 0},
};

Test(activations, have_known_values)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        ls_component component = default_component(&ls_layer_registry, known[i].name, 1);
        float y, slope;
        apply(&component, known[i].x, &y, &slope);
        cr_expect_float_eq(y, known[i].y, 2e-6, "%s(%g) is %g", known[i].name, known[i].x, y);
        cr_expect_float_eq(slope, known[i].slope, 2e-6, "%s'(%g) is %g", known[i].name, known[i].x, slope);
        ls_component_clear(&component);
    }
}

Test(activations, leaky_relu_has_the_slope_it_was_given)
{
    ls_component component = default_component(&ls_layer_registry, "leaky_relu", 1);
    *(double *)option_of(&component, "slope") = 0.25;
    float y, slope;
    apply(&component, -2, &y, &slope);
    cr_expect(y == -0.5F && slope == 0.25F, "%g, %g", y, slope);
    ls_component_clear(&component);
}

Test(activations, elu_has_the_alpha_it_was_given)
{
    ls_component component = default_component(&ls_layer_registry, "elu", 1);
    *(double *)option_of(&component, "alpha") = 2;
    float y, slope;
    apply(&component, -1, &y, &slope);
    cr_expect_float_eq(y, -1.264241, 1e-6);
    cr_expect_float_eq(slope, 0.735759, 1e-6);
    ls_component_clear(&component);
}

/* From PyTorch's definition: 0.841192 where the exact function gives 0.841345. */
Test(activations, gelu_has_the_form_that_is_asked_for)
{
    ls_component component = default_component(&ls_layer_registry, "gelu", 1);
    *(int *)option_of(&component, "approximate") = 1;
    float y, slope;
    apply(&component, 1, &y, &slope);
    cr_expect_float_eq(y, 0.841192, 1e-6);
    cr_expect_float_eq(slope, 1.082964, 1e-6);
    apply(&component, -2, &y, &slope);
    cr_expect_float_eq(y, -0.045402, 1e-6);
    cr_expect_float_eq(slope, -0.086099, 1e-6);
    ls_component_clear(&component);
}

Test(activations, unwanted_input_derivative_is_left_out)
{
    for (const ls_component_type *const *type = ls_activation_registry.types; *type != NULL; type++) {
        ls_component component = default_component(&ls_layer_registry, (*type)->name, 1);
        ls_node node = {
            .type = (const ls_layer_type *)*type, .options = component.options, .out = one_number};
        _Alignas(64) float y[LANES] = {0}, dy[LANES] = {0}, slope[LANES] = {0}, sums[LANES];
        ls_layer_call call = {.kernels = ls_kernels_get(),
                              .node = &node,
                              .lanes = LANES,
                              .parameter = (const float *const[]){slope},
                              .sample_gradient = (float *const[]){sums},
                              .x = {y},
                              .y = y,
                              .dy = dy};
        node.type->backward(&call);
        ls_component_clear(&component);
    }
}
