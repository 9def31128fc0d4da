/* Every layer and activation of the registry: derivatives against finite differences in double precision,
 * then the float kernels against the double reference. A new one is tested by being registered. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "support/default_component.h"
#include "support/gradient_check.h"
#include "support/layer_cases.h"
#include "support/layer_memory.h"

enum { PARAMETERS_MAX = 8 };
static const double unit_roundoff = 0x1p-24;

static void expect_right_gradient(const ls_model *model, ls_node *node)
{
    gradient_report report = check_layer_gradient(model, node, 7);
    cr_expect_leq(report.worst, 1, "%s: %s", node->name, report.where);
}

Test(registry_layers, layers_have_the_derivatives_of_their_functions)
{
    for_each_layer(expect_right_gradient);
}

/* The control: a slightly wrong derivative by the last number of the last input, then of the last parameter.
 */
static const ls_layer_type *broken_original;
static int64_t broken_element;

static void broken_by_input(const ls_reference_call *call)
{
    int last = call->node->input_count - 1;
    broken_original->reference_backward(call);
    call->dx[last][ls_shape_size(&call->node->in[last]) - 1] += 1e-4;
}

static void broken_by_parameter(const ls_reference_call *call)
{
    broken_original->reference_backward(call);
    call->gradient[call->node->parameter_count - 1][broken_element] += 1e-4;
}

static void expect_detection(const ls_model *model, ls_node *node)
{
    broken_original = node->type;
    ls_layer_type broken = *node->type;
    node->type = &broken;
    broken.reference_backward = broken_by_input;
    if (node->type->whole_numbers == NULL)
        cr_expect_gt(check_layer_gradient(model, node, 7).worst, 1, "%s: a wrong dx is not seen", node->name);
    if (node->parameter_count > 0) {
        const ls_parameter *last = &model->parameter[node->first_parameter + node->parameter_count - 1];
        broken_element = last->rows * last->columns - 1;
        broken.reference_backward = broken_by_parameter;
        cr_expect_gt(check_layer_gradient(model, node, 7).worst, 1, "%s: a wrong gradient is not seen",
                     node->name);
    }
    node->type = broken_original;
}

Test(registry_layers, a_broken_layer_derivative_is_caught)
{
    for_each_layer(expect_detection);
}

/* One layer with panels of floats, and what the reference makes of the same numbers. */
typedef struct float_case {
    const ls_model *model;
    const ls_node *node;
    int inputs;
    int64_t in[LS_INPUTS_MAX], out, lanes;
    float *arena, *x[LS_INPUTS_MAX], *y, *dy, *dx[LS_INPUTS_MAX];
    const float *parameter[PARAMETERS_MAX];
    int64_t ld[PARAMETERS_MAX];
    layer_memory memory;
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

static void float_case_make(const ls_model *model, const ls_node *node, int64_t lanes, float_case *made)
{
    *made = (float_case){.model = model, .node = node, .inputs = node->input_count, .lanes = lanes};
    made->out = ls_shape_size(&node->out);
    made->memory = layer_memory_make(model, node, lanes);
    made->arena = new_floats(model->arena_size);
    made->y = new_floats(made->out * lanes);
    made->dy = new_floats(made->out * lanes);
    draw(made->dy, made->out * lanes, 1, 2);
    for (int i = 0; i < made->inputs; i++) {
        made->in[i] = ls_shape_size(&node->in[i]);
        made->x[i] = new_floats(made->in[i] * lanes);
        made->dx[i] = new_floats(made->in[i] * lanes);
        draw(made->x[i], made->in[i] * lanes, node->parameter_count > 0 ? 1 : 4, 10 + (uint64_t)i);
        for (int64_t k = 0; k < made->in[i] * lanes && node->type->whole_numbers != NULL; k++)
            made->x[i][k] = (float)whole_test_number(node, (double)made->x[i][k], 0);
    }
    for (int p = 0; p < node->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[node->first_parameter + p];
        for (int64_t r = 0; r < parameter->rows; r++)
            draw(made->arena + parameter->offset + r * parameter->ld, parameter->columns, 1,
                 100 + (uint64_t)r);
        made->parameter[p] = made->arena + parameter->offset;
        made->ld[p] = parameter->ld;
    }
}

static void float_case_free(float_case *made)
{
    layer_memory_free(&made->memory);
    ls_free(made->arena), ls_free(made->y), ls_free(made->dy);
    for (int i = 0; i < made->inputs; i++) ls_free(made->x[i]), ls_free(made->dx[i]);
}

static ls_layer_call float_call(const float_case *made)
{
    ls_layer_call call = {.kernels = ls_kernels_get(),
                          .node = made->node,
                          .lanes = made->lanes,
                          .parameter = made->parameter,
                          .ld = made->ld,
                          .y = made->y,
                          .dy = made->dy};
    for (int i = 0; i < made->inputs; i++) call.x[i] = made->x[i], call.dx[i] = made->dx[i];
    layer_memory_use(&made->memory, &call);
    return call;
}

static void run_floats(const ls_layer_call *call)
{
    call->node->type->forward(call);
    call->node->type->backward(call);
}

/* How many inputs an output depends on, and how many outputs depend on an input, at most, as the reference's
 * derivatives show. */
typedef struct dependence {
    int64_t forward, backward;
} dependence;

static dependence count_dependence(const float_case *made, ls_reference_call *call)
{
    dependence found = {1, 1};
    int64_t inputs = 0, at;
    for (int i = 0; i < made->inputs; i++) inputs += made->in[i];
    int64_t *outputs_of = ls_alloc((size_t)inputs, sizeof *outputs_of);
    double *unit = new_doubles(made->out);
    const double *dy = call->dy;
    cr_assert_not_null(outputs_of);
    call->dy = unit;
    for (int64_t o = 0; o < made->out; o++) {
        int64_t inputs_of = 0;
        unit[o] = 1;
        made->node->type->reference_backward(call);
        unit[o] = at = 0;
        for (int i = 0; i < made->inputs; i++)
            for (int64_t k = 0; k < made->in[i]; k++, at++) {
                if (call->dx[i][k] == 0) continue;
                inputs_of++;
                if (++outputs_of[at] > found.backward) found.backward = outputs_of[at];
            }
        if (inputs_of > found.forward) found.forward = inputs_of;
    }
    call->dy = dy;
    ls_free(outputs_of), ls_free(unit);
    return found;
}

/* What may differ: an output is a sum of terms + 1 numbers of about 1 at most, so no partial sum exceeds
 * terms + 1 and each of as many roundings is at most (terms + 1) 2^-24. Activations have values up to 4 and
 * slopes up to 1.13 and are good to a few units in the last place; the factor 8 covers both. */
static double tolerance(int64_t terms)
{
    double longest = (double)(terms + 1);
    return 8 * longest * longest * unit_roundoff;
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

/* What the step makes of dy and x against the reference. */
static void expect_gradient_kind(const float_case *made, int p, const double *reference)
{
    const ls_parameter *parameter = &made->model->parameter[made->node->first_parameter + p];
    ls_gradient_kind kind = made->node->type->gradient(made->node, p);
    if (kind == LS_GRADIENT_NONE || parameter->untrained) return;
    layer_gradient_source from = {.lanes = made->lanes,
                                  .x = made->x[0],
                                  .dy = made->dy,
                                  .positions = made->in[0],
                                  .sample_gradient = made->memory.sample_gradient[p]};
    bool tiles = kind == LS_GRADIENT_TILE, rounded = tiles || kind == LS_GRADIENT_SAMPLES;
    float *of_tiles = new_floats(parameter->rows * parameter->columns);
    if (tiles) layer_tiles(made->model, made->node, p, made->lanes, made->x[0], made->dy, of_tiles);
    /* A chain of n numbers of at most 1 is off by n^2 2^-24 at worst; chance makes it a few times n 2^-24. */
    double terms = (double)(made->out / made->node->out.dim[0] * made->lanes);
    double allowed = rounded ? 4 * terms * unit_roundoff : 1e-12;
    for (int64_t r = 0; r < parameter->rows; r++)
        for (int64_t c = 0; c < parameter->columns; c++) {
            int64_t index = r * parameter->columns + c;
            double value = tiles ? of_tiles[index] : layer_gradient(made->node, p, &from, r, c);
            cr_expect_float_eq(value, reference[index], allowed, "%s: %s[%lld][%lld]: %g instead of %g",
                               made->node->name, parameter->name, (long long)r, (long long)c, value,
                               reference[index]);
        }
    ls_free(of_tiles);
}

/* Doubles for a reference call; parameters without padding. */
static ls_reference_call new_reference(const float_case *made, double **parameter, double **gradient)
{
    ls_reference_call call = {.node = made->node,
                              .samples = 1,
                              .parameter = (const double *const *)parameter,
                              .y = new_doubles(made->out),
                              .gradient = gradient};
    for (int p = 0; p < made->node->parameter_count; p++) {
        const ls_parameter *view = &made->model->parameter[made->node->first_parameter + p];
        parameter[p] = new_doubles(view->rows * view->columns);
        gradient[p] = new_doubles(view->rows * view->columns);
        for (int64_t r = 0; r < view->rows; r++)
            for (int64_t c = 0; c < view->columns; c++)
                parameter[p][r * view->columns + c] = made->parameter[p][r * view->ld + c];
    }
    for (int i = 0; i < made->inputs; i++) call.dx[i] = new_doubles(made->in[i]);
    return call;
}

static void free_reference(const float_case *made, ls_reference_call *call)
{
    ls_free(call->y);
    for (int i = 0; i < made->inputs; i++) ls_free(call->dx[i]);
    for (int p = 0; p < made->node->parameter_count; p++)
        ls_free((void *)call->parameter[p]), ls_free(call->gradient[p]);
}

/* A layer may call a sample unfit for comparison by a negative distance to the next kink. */
static bool is_fit(const ls_node *node, double *const *x)
{
    return node->type->kink == NULL || node->type->kink(node, x[0]) >= 0;
}

/* The first lane also tells how long the sums are. True if the lane could be compared. */
static bool compare_lane(const float_case *made, ls_reference_call *call, int64_t lane, dependence *terms)
{
    const ls_node *node = made->node;
    double *x[LS_INPUTS_MAX];
    double *dy = lane_of(made->dy, made->out, made->lanes, lane);
    for (int i = 0; i < made->inputs; i++)
        call->x[i] = x[i] = lane_of(made->x[i], made->in[i], made->lanes, lane);
    call->dy = dy;
    node->type->reference_forward(call);
    if (lane == 0) {
        *terms = count_dependence(made, call);
        for (int p = 0; p < node->parameter_count; p++) {
            const ls_parameter *view = &made->model->parameter[node->first_parameter + p];
            memset(call->gradient[p], 0, (size_t)(view->rows * view->columns) * sizeof(double));
        }
    }
    node->type->reference_backward(call);
    bool fit = is_fit(node, x);
    if (fit) expect_near(call->y, made->y, made->out, made, lane, tolerance(terms->forward), "y");
    for (int i = 0; i < made->inputs; i++) {
        if (fit)
            expect_near(call->dx[i], made->dx[i], made->in[i], made, lane, tolerance(terms->backward), "dx");
        ls_free(x[i]);
    }
    ls_free(dy);
    return fit;
}

static void compare_with_reference(const float_case *made)
{
    double *parameter[PARAMETERS_MAX] = {NULL}, *gradient[PARAMETERS_MAX] = {NULL};
    ls_reference_call call = new_reference(made, parameter, gradient);
    dependence terms;
    int compared = 0;
    for (int64_t n = 0; n < made->lanes; n++) compared += compare_lane(made, &call, n, &terms);
    cr_expect_gt(compared, 0, "%s: no lane could be compared", made->node->name);
    for (int p = 0; p < made->node->parameter_count; p++) expect_gradient_kind(made, p, gradient[p]);
    free_reference(made, &call);
}

static void expect_float_path(const ls_model *model, ls_node *node)
{
    if (node->type->couples_samples) return; /* tests of their own: test_norms.c */
    for (int64_t lanes = 16; lanes <= 64; lanes += 16) {
        float_case made;
        float_case_make(model, node, lanes, &made);
        made.memory.pass.training = !node->type->random;
        ls_layer_call call = float_call(&made);
        run_floats(&call);
        compare_with_reference(&made);
        float_case_free(&made);
    }
}

Test(registry_layers, layers_in_float_follow_their_reference)
{
    for_each_layer(expect_float_path);
}

static void expect_same_bits(const float *a, const float *b, int64_t count, const ls_node *node,
                             const char *what)
{
    cr_expect_eq(memcmp(a, b, (size_t)count * sizeof *a), 0, "%s: %s differs", node->name, what);
}

/* A layer that works in place gives the same bits when y lies on x and dx on dy. */
static void expect_in_place(const ls_model *model, ls_node *node)
{
    const ls_layer_type *type = node->type;
    if (!(type->works_in_place == NULL ? type->in_place : type->works_in_place(node))) return;
    float_case made;
    float_case_make(model, node, 48, &made);
    cr_assert(made.inputs == 1 && made.in[0] == made.out);
    ls_layer_call call = float_call(&made);
    run_floats(&call);
    call.y = made.x[0];
    call.dx[0] = made.dy;
    run_floats(&call);
    expect_same_bits(made.x[0], made.y, made.out * made.lanes, node, "y in place");
    expect_same_bits(made.dy, made.dx[0], made.out * made.lanes, node, "dx in place");
    float_case_free(&made);
}

Test(registry_layers, layers_in_place_give_the_same_bits)
{
    for_each_layer(expect_in_place);
}

/* Nobody may want the derivative by some of the inputs; the others are the same without it. */
static void expect_derivatives_apart(const ls_model *model, ls_node *node)
{
    float_case all, some;
    float_case_make(model, node, 32, &all);
    float_case_make(model, node, 32, &some);
    ls_layer_call call = float_call(&all);
    run_floats(&call);
    for (int left_out = 0; left_out < all.inputs; left_out++) {
        call = float_call(&some);
        call.dx[left_out] = NULL;
        run_floats(&call);
        for (int i = 0; i < all.inputs; i++)
            if (i != left_out) expect_same_bits(some.dx[i], all.dx[i], all.in[i] * all.lanes, node, "dx");
    }
    float_case_free(&all);
    float_case_free(&some);
}

Test(registry_layers, each_input_derivative_may_be_left_out)
{
    for_each_layer(expect_derivatives_apart);
}

static void copy_lanes(const float *few, float *many, int64_t units)
{
    for (int64_t u = 0; u < units; u++)
        for (int64_t n = 0; n < 16; n++) many[u * 64 + 32 + n] = few[u * 16 + n];
}

static void expect_same_lanes(const float *few, const float *many, int64_t units, const ls_node *node,
                              const char *what)
{
    for (int64_t u = 0; u < units; u++) expect_same_bits(many + u * 64 + 32, few + u * 16, 16, node, what);
}

/* Lanes are samples: what stands in the others must not matter. */
static void expect_independent_lanes(const ls_model *model, ls_node *node)
{
    if (node->type->couples_samples) return;
    float_case few, many;
    float_case_make(model, node, 16, &few);
    float_case_make(model, node, 64, &many);
    few.memory.pass.first = many.memory.pass.first + 32;
    for (int i = 0; i < few.inputs; i++) copy_lanes(few.x[i], many.x[i], few.in[i]);
    copy_lanes(few.dy, many.dy, few.out);
    ls_layer_call call = float_call(&few);
    run_floats(&call);
    call = float_call(&many);
    run_floats(&call);
    expect_same_lanes(few.y, many.y, few.out, node, "y");
    for (int i = 0; i < few.inputs; i++) expect_same_lanes(few.dx[i], many.dx[i], few.in[i], node, "dx");
    float_case_free(&few);
    float_case_free(&many);
}

Test(registry_layers, samples_have_the_same_bits_in_any_panel)
{
    for_each_layer(expect_independent_lanes);
}

static const ls_shape any_image = {.rank = 3, .dim = {2, 3, 5}};

Test(registry_layers, activations_are_layers_that_keep_the_shape)
{
    cr_assert_not_null(ls_activation_registry.types[0]);
    for (const ls_component_type *const *type = ls_activation_registry.types; *type != NULL; type++) {
        ls_component component = default_component(&ls_layer_registry, (*type)->name, 1);
        cr_expect_eq(component.type, *type, "%s is another component as layer", (*type)->name);
        ls_component_list list = {.count = 1, .item = &component};
        ls_model model;
        cr_assert_eq(ls_model_build(&list, &any_image, NULL, &model), LS_OK, "%s", ls_error_message());
        cr_expect_eq(memcmp(ls_model_output(&model), &any_image, sizeof any_image), 0);
        ls_model_free(&model);
        ls_component_clear(&component);
    }
}

static void expect_kernels_agree(const ls_layer_type *type, ls_activation which)
{
    cr_expect_eq(type->in_place, ls_activation_from_output(which), "%s", type->base.name);
}

Test(registry_layers, in_place_is_what_the_kernels_allow)
{
    static const char *const names[LS_ACTIVATION_COUNT] = {
        "identity", "sigmoid", "tanh", "relu",     "leaky_relu",   "gelu",      "gelu",
        "elu",      "selu",    "silu", "softplus", "hard_sigmoid", "hard_swish"};
    for (int which = 0; which < LS_ACTIVATION_COUNT; which++) {
        ls_component component = default_component(&ls_activation_registry, names[which], 1);
        expect_kernels_agree((const ls_layer_type *)component.type, (ls_activation)which);
        ls_component_clear(&component);
    }
}
