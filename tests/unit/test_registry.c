/* Every layer, activation and loss of the registries: derivatives against finite differences in double
 * precision, then the float kernels against the double reference. A new one is tested by being registered. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "support/default_component.h"
#include "support/gradient_check.h"

static const ls_shape shapes[] = {{.rank = 1, .dim = {1}},
                                  {.rank = 1, .dim = {17}},
                                  {.rank = 1, .dim = {30}},
                                  {.rank = 3, .dim = {2, 3, 5}}};
static const int64_t units_tried[] = {1, 3, 17};
enum {
    SHAPES = sizeof shapes / sizeof shapes[0],
    UNITS = sizeof units_tried / sizeof units_tried[0],
    PARAMETERS_MAX = 8
};
static const double unit_roundoff = 0x1p-24;

typedef void (*node_check)(const ls_model *model, ls_node *node);

/* Calls check for a model of this one layer on each shape that it accepts, for small and odd sizes. */
static void for_each_shape(const ls_component_type *type, node_check check)
{
    int accepted = 0;
    for (int s = 0; s < SHAPES; s++)
        for (int u = 0; u < UNITS; u++) {
            ls_component component = default_component(&ls_layer_registry, type->name, units_tried[u]);
            ls_component_list list = {.count = 1, .item = &component};
            ls_model model;
            if (ls_model_build(&list, &shapes[s], NULL, &model) == LS_OK) {
                accepted++;
                check(&model, &model.node[0]);
                ls_model_free(&model);
            }
            ls_component_clear(&component);
        }
    cr_assert_gt(accepted, 0, "%s accepts none of the shapes tried", type->name);
}

static void for_each_layer(node_check check)
{
    const ls_component_type *const *type = ls_layer_registry.types;
    cr_assert_not_null(*type);
    for (; *type != NULL; type++) for_each_shape(*type, check);
}

static void expect_right_gradient(const ls_model *model, ls_node *node)
{
    gradient_report report = check_layer_gradient(model, node, 7);
    cr_expect_leq(report.worst, 1, "%s: %s", node->name, report.where);
}

Test(registry, layers_have_the_derivatives_of_their_functions)
{
    for_each_layer(expect_right_gradient);
}

/* The control: a slightly wrong derivative by the last input, then by the last number of the last parameter.
 */
static const ls_layer_type *broken_original;

static void broken_by_input(const ls_reference_call *call)
{
    broken_original->reference_backward(call);
    call->dx[0][ls_shape_size(&call->node->in[0]) - 1] += 1e-4;
}

static void broken_by_parameter(const ls_reference_call *call)
{
    broken_original->reference_backward(call);
    call->gradient[call->node->parameter_count - 1][call->node->out.dim[0] - 1] *= 1.001;
}

static void expect_detection(const ls_model *model, ls_node *node)
{
    broken_original = node->type;
    ls_layer_type broken = *node->type;
    node->type = &broken;
    broken.reference_backward = broken_by_input;
    cr_expect_gt(check_layer_gradient(model, node, 7).worst, 1, "%s: a wrong dx is not seen", node->name);
    broken.reference_backward = broken_by_parameter;
    if (node->parameter_count > 0)
        cr_expect_gt(check_layer_gradient(model, node, 7).worst, 1, "%s: a wrong gradient is not seen",
                     node->name);
}

Test(registry, a_broken_layer_derivative_is_caught)
{
    for_each_layer(expect_detection);
}

/* One layer with panels of floats, and what the reference makes of the same numbers. */
typedef struct float_case {
    const ls_model *model;
    const ls_node *node;
    int64_t in, out, lanes;
    float *arena, *x, *y, *dy, *dx;
    const float *parameter[PARAMETERS_MAX];
    int64_t ld[PARAMETERS_MAX];
    double tolerance_forward, tolerance_backward;
} float_case;

static float *new_floats(int64_t count)
{
    float *array = ls_alloc((size_t)count, sizeof *array);
    cr_assert_not_null(array);
    return array;
}

static double *new_doubles(int64_t count)
{
    double *array = ls_alloc((size_t)count, sizeof *array);
    cr_assert_not_null(array);
    return array;
}

static void draw(float *array, int64_t count, double scale, uint64_t series)
{
    for (int64_t i = 0; i < count; i++) array[i] = (float)(scale * test_number(11, series, (uint64_t)i));
}

/* What may differ: with parameters, an output is a chain of terms + 1 fused multiply-adds of numbers of at
 * most 1, so no partial sum exceeds terms + 1 and each of as many roundings is at most (terms + 1) 2^-24.
 * Activations have values up to 4 and slopes up to 1.13 and are good to a few units in the last place; the
 * factor 8 covers both. */
static double tolerance(int64_t terms)
{
    double longest = (double)(terms + 1);
    return 8 * longest * longest * unit_roundoff;
}

static void float_case_make(const ls_model *model, const ls_node *node, int64_t lanes, float_case *made)
{
    *made = (float_case){.model = model, .node = node, .lanes = lanes};
    made->in = ls_shape_size(&node->in[0]);
    made->out = ls_shape_size(&node->out);
    made->arena = new_floats(model->arena_size);
    made->x = new_floats(made->in * lanes);
    made->y = new_floats(made->out * lanes);
    made->dy = new_floats(made->out * lanes);
    made->dx = new_floats(made->in * lanes);
    draw(made->x, made->in * lanes, node->parameter_count > 0 ? 1 : 4, 1);
    draw(made->dy, made->out * lanes, 1, 2);
    for (int p = 0; p < node->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[node->first_parameter + p];
        for (int64_t r = 0; r < parameter->rows; r++)
            draw(made->arena + parameter->offset + r * parameter->ld, parameter->columns, 1,
                 100 + (uint64_t)r);
        made->parameter[p] = made->arena + parameter->offset;
        made->ld[p] = parameter->ld;
    }
    made->tolerance_forward = tolerance(node->parameter_count > 0 ? made->in : 1);
    made->tolerance_backward = tolerance(node->parameter_count > 0 ? made->out : 1);
}

static void float_case_free(float_case *made)
{
    ls_free(made->arena), ls_free(made->x), ls_free(made->y), ls_free(made->dy), ls_free(made->dx);
}

static void run_floats(const float_case *made, const float *x, float *y, const float *dy, float *dx)
{
    ls_layer_call call = {.kernels = ls_kernels_get(),
                          .node = made->node,
                          .lanes = made->lanes,
                          .parameter = made->parameter,
                          .ld = made->ld,
                          .x = {x},
                          .y = y,
                          .dy = dy,
                          .dx = {dx}};
    made->node->type->forward(&call);
    made->node->type->backward(&call);
}

static double *lane_of(const float *panel, int64_t units, int64_t lanes, int64_t lane)
{
    double *array = new_doubles(units);
    for (int64_t u = 0; u < units; u++) array[u] = panel[u * lanes + lane];
    return array;
}

static void expect_near(const double *expected, const float *panel, int64_t units, const float_case *made,
                        int64_t lane, double allowed, const char *what)
{
    double worst = 0;
    for (int64_t u = 0; u < units; u++) {
        double difference = fabs(panel[u * made->lanes + lane] - expected[u]);
        worst = difference <= worst ? worst : difference;
    }
    cr_expect(worst <= allowed, "%s, %lld lanes: %s is off by %g, allowed is %g", made->node->name,
              (long long)made->lanes, what, worst, allowed);
}

/* The gradient that the step makes from dy and x (LS_GRADIENT_OUTER, LS_GRADIENT_SUM), here in double. Each
 * product of floats is exact, the reference adds in the same order. */
static void expect_gradient_kind(const float_case *made, int p, const double *reference)
{
    const ls_parameter *parameter = &made->model->parameter[made->node->first_parameter + p];
    ls_gradient_kind kind = made->node->type->gradient(made->node, p);
    for (int64_t r = 0; kind != LS_GRADIENT_NONE && r < parameter->rows; r++)
        for (int64_t c = 0; c < parameter->columns; c++) {
            double sum = 0;
            for (int64_t n = 0; n < made->lanes; n++) {
                double dy = made->dy[(kind == LS_GRADIENT_SUM ? c : r) * made->lanes + n];
                sum += kind == LS_GRADIENT_SUM ? dy : dy * (double)made->x[c * made->lanes + n];
            }
            cr_expect_float_eq(sum, reference[r * parameter->columns + c], 1e-12, "%s: %s[%lld][%lld]",
                               made->node->name, parameter->name, (long long)r, (long long)c);
        }
}

static void compare_with_reference(const float_case *made)
{
    const ls_node *node = made->node;
    double *parameter[PARAMETERS_MAX] = {NULL}, *gradient[PARAMETERS_MAX] = {NULL};
    for (int p = 0; p < node->parameter_count; p++) {
        const ls_parameter *view = &made->model->parameter[node->first_parameter + p];
        parameter[p] = new_doubles(view->rows * view->columns);
        gradient[p] = new_doubles(view->rows * view->columns);
        for (int64_t r = 0; r < view->rows; r++)
            for (int64_t c = 0; c < view->columns; c++)
                parameter[p][r * view->columns + c] = made->parameter[p][r * view->ld + c];
    }
    double *y = new_doubles(made->out), *dx = new_doubles(made->in);
    for (int64_t n = 0; n < made->lanes; n++) {
        double *x = lane_of(made->x, made->in, made->lanes, n),
               *dy = lane_of(made->dy, made->out, made->lanes, n);
        ls_reference_call call = {.node = node,
                                  .parameter = (const double *const *)parameter,
                                  .x = {x},
                                  .y = y,
                                  .dy = dy,
                                  .dx = {dx},
                                  .gradient = gradient};
        node->type->reference_forward(&call);
        node->type->reference_backward(&call);
        expect_near(y, made->y, made->out, made, n, made->tolerance_forward, "y");
        expect_near(dx, made->dx, made->in, made, n, made->tolerance_backward, "dx");
        ls_free(x), ls_free(dy);
    }
    for (int p = 0; p < node->parameter_count; p++) {
        expect_gradient_kind(made, p, gradient[p]);
        ls_free(parameter[p]), ls_free(gradient[p]);
    }
    ls_free(y), ls_free(dx);
}

static void expect_float_path(const ls_model *model, ls_node *node)
{
    for (int64_t lanes = 16; lanes <= 64; lanes += 16) {
        float_case made;
        float_case_make(model, node, lanes, &made);
        run_floats(&made, made.x, made.y, made.dy, made.dx);
        compare_with_reference(&made);
        float_case_free(&made);
    }
}

Test(registry, layers_in_float_follow_their_reference)
{
    for_each_layer(expect_float_path);
}

/* A layer that works in place gives the same bits when y lies on x and dx on dy. */
static void expect_in_place(const ls_model *model, ls_node *node)
{
    const ls_layer_type *type = node->type;
    if (!(type->works_in_place == NULL ? type->in_place : type->works_in_place(node))) return;
    float_case made;
    float_case_make(model, node, 48, &made);
    cr_assert_eq(made.in, made.out);
    run_floats(&made, made.x, made.y, made.dy, made.dx);
    run_floats(&made, made.x, made.x, made.dy, made.dy);
    size_t bytes = (size_t)(made.out * made.lanes) * sizeof(float);
    cr_expect_eq(memcmp(made.x, made.y, bytes), 0, "%s: y differs in place", node->name);
    cr_expect_eq(memcmp(made.dy, made.dx, bytes), 0, "%s: dx differs in place", node->name);
    float_case_free(&made);
}

Test(registry, layers_in_place_give_the_same_bits)
{
    for_each_layer(expect_in_place);
}

/* Lanes are samples: what stands in the others must not matter. */
static void expect_independent_lanes(const ls_model *model, ls_node *node)
{
    float_case few, many;
    float_case_make(model, node, 16, &few);
    float_case_make(model, node, 64, &many);
    for (int64_t u = 0; u < few.in; u++)
        for (int64_t n = 0; n < 16; n++) many.x[u * 64 + 32 + n] = few.x[u * 16 + n];
    for (int64_t u = 0; u < few.out; u++)
        for (int64_t n = 0; n < 16; n++) many.dy[u * 64 + 32 + n] = few.dy[u * 16 + n];
    run_floats(&few, few.x, few.y, few.dy, few.dx);
    run_floats(&many, many.x, many.y, many.dy, many.dx);
    for (int64_t u = 0; u < few.out; u++)
        cr_expect_eq(memcmp(many.y + u * 64 + 32, few.y + u * 16, 16 * sizeof(float)), 0, "%s: y",
                     node->name);
    for (int64_t u = 0; u < few.in; u++)
        cr_expect_eq(memcmp(many.dx + u * 64 + 32, few.dx + u * 16, 16 * sizeof(float)), 0, "%s: dx",
                     node->name);
    float_case_free(&few);
    float_case_free(&many);
}

Test(registry, samples_have_the_same_bits_in_any_panel)
{
    for_each_layer(expect_independent_lanes);
}

Test(registry, activations_are_layers_that_keep_the_shape)
{
    cr_assert_not_null(ls_activation_registry.types[0]);
    for (const ls_component_type *const *type = ls_activation_registry.types; *type != NULL; type++) {
        ls_component component = default_component(&ls_layer_registry, (*type)->name, 1);
        cr_expect_eq(component.type, *type, "%s is another component as layer", (*type)->name);
        ls_component_list list = {.count = 1, .item = &component};
        ls_model model;
        cr_assert_eq(ls_model_build(&list, &shapes[3], NULL, &model), LS_OK, "%s", ls_error_message());
        cr_expect_eq(memcmp(ls_model_output(&model), &shapes[3], sizeof shapes[3]), 0);
        cr_expect_eq(model.parameter_count, 0);
        ls_model_free(&model);
        ls_component_clear(&component);
    }
}

static void expect_kernels_agree(const ls_layer_type *type, ls_activation which)
{
    cr_expect_eq(type->in_place, ls_activation_from_output(which), "%s", type->base.name);
}

Test(registry, in_place_is_what_the_kernels_allow)
{
    static const char *const names[LS_ACTIVATION_COUNT] = {"identity", "sigmoid",    "tanh",
                                                           "relu",     "leaky_relu", "gelu"};
    for (int which = 0; which < LS_ACTIVATION_COUNT; which++) {
        ls_component component = default_component(&ls_activation_registry, names[which], 1);
        expect_kernels_agree((const ls_layer_type *)component.type, (ls_activation)which);
        ls_component_clear(&component);
    }
}

/* Losses, at sizes that their check accepts. */
typedef void (*loss_check)(const ls_loss_type *type, const void *options, int64_t units);

static void for_each_loss(loss_check check)
{
    static const int64_t units[] = {1, 2, 3, 17};
    cr_assert_not_null(ls_loss_registry.types[0]);
    for (const ls_component_type *const *type = ls_loss_registry.types; *type != NULL; type++) {
        ls_component component = default_component(&ls_loss_registry, (*type)->name, 1);
        const ls_loss_type *loss = (const ls_loss_type *)component.type;
        int accepted = 0;
        for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
            int64_t classes = loss->target == LS_TARGET_LABELS ? units[u] : 0;
            if (loss->check(component.options, units[u], classes, classes == 0 ? units[u] : 0) != LS_OK)
                continue;
            accepted++;
            check(loss, component.options, units[u]);
        }
        cr_assert_gt(accepted, 1, "%s accepts none of the sizes tried", (*type)->name);
        ls_component_clear(&component);
    }
}

enum { LANES = 48 };

typedef struct loss_case {
    float x[17 * LANES], values[17 * LANES], weight[LANES], delta[17 * LANES], loss[LANES];
    int32_t label[LANES];
    double x_of[17], values_of[17], gradient[17];
    ls_loss_target target;
} loss_case;

static void loss_case_make(int64_t units, loss_case *made)
{
    draw(made->x, units * LANES, 4, 21);
    draw(made->values, units * LANES, 0.5, 22);
    for (int64_t i = 0; i < units * LANES; i++) made->values[i] += 0.5F;
    for (int64_t n = 0; n < LANES; n++) {
        made->weight[n] = n % 7 == 3 ? 0 : 1;
        made->label[n] = (int32_t)((n * 5) % units);
    }
    made->target = (ls_loss_target){.values = made->values, .label = made->label, .weight = made->weight};
}

static void loss_case_take_lane(loss_case *made, int64_t units, int64_t lane)
{
    for (int64_t u = 0; u < units; u++) {
        made->x_of[u] = made->x[u * LANES + lane];
        made->values_of[u] = made->values[u * LANES + lane];
    }
}

static _Alignas(64) loss_case the_loss_case;

static void expect_right_loss_gradient(const ls_loss_type *type, const void *options, int64_t units)
{
    loss_case *made = &the_loss_case;
    loss_case_make(units, made);
    for (int64_t n = 0; n < LANES; n++) {
        loss_case_take_lane(made, units, n);
        gradient_report report =
            check_loss_gradient(type, options, units, made->x_of, made->values_of, made->label[n]);
        cr_expect_leq(report.worst, 1, "%s: %s", type->base.name, report.where);
    }
}

Test(registry, losses_have_the_derivatives_of_their_functions)
{
    for_each_loss(expect_right_loss_gradient);
}

static const ls_loss_type *broken_loss_original;

static double broken_loss(const void *options, int64_t units, const double *x, const double *values,
                          int32_t label, double *gradient)
{
    double loss = broken_loss_original->reference(options, units, x, values, label, gradient);
    if (gradient != NULL) gradient[units - 1] += 1e-6;
    return loss;
}

static void expect_loss_detection(const ls_loss_type *type, const void *options, int64_t units)
{
    loss_case *made = &the_loss_case;
    loss_case_make(units, made);
    loss_case_take_lane(made, units, 0);
    broken_loss_original = type;
    ls_loss_type broken = *type;
    broken.reference = broken_loss;
    gradient_report report =
        check_loss_gradient(&broken, options, units, made->x_of, made->values_of, made->label[0]);
    cr_expect_gt(report.worst, 1, "%s: a wrong derivative is not seen", type->base.name);
}

Test(registry, a_broken_loss_derivative_is_caught)
{
    for_each_loss(expect_loss_detection);
}

/* A loss adds one term a unit, each at most 25 here; derivatives are at most 9. A few roundings each. */
static void expect_loss_in_float(const ls_loss_type *type, const void *options, int64_t units)
{
    loss_case *made = &the_loss_case;
    loss_case_make(units, made);
    type->panel(options, ls_kernels_get(), units, LANES, made->x, &made->target, made->delta, made->loss);
    double allowed = (double)(units + 8) * unit_roundoff;
    for (int64_t n = 0; n < LANES; n++) {
        loss_case_take_lane(made, units, n);
        double loss =
            type->reference(options, units, made->x_of, made->values_of, made->label[n], made->gradient);
        double weight = made->weight[n];
        cr_expect_float_eq(made->loss[n], weight * loss, allowed * 25 * (double)units,
                           "%s: loss of lane %lld", type->base.name, (long long)n);
        for (int64_t u = 0; u < units; u++)
            cr_expect_float_eq(made->delta[u * LANES + n], weight * made->gradient[u], allowed * 9,
                               "%s: derivative by unit %lld of lane %lld", type->base.name, (long long)u,
                               (long long)n);
    }
    static float loss_alone[LANES];
    type->panel(options, ls_kernels_get(), units, LANES, made->x, &made->target, NULL, loss_alone);
    cr_expect_eq(memcmp(loss_alone, made->loss, sizeof loss_alone), 0, "%s: without derivatives",
                 type->base.name);
}

Test(registry, losses_in_float_follow_their_reference)
{
    for_each_loss(expect_loss_in_float);
}
