/* Normalisation: batch_norm in float against its reference, running statistics, and whole steps. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "support/default_component.h"
#include "support/gradient_check.h"
#include "support/layer_cases.h"
#include "support/layer_memory.h"

enum { LANES = 32, COUNT = 27, GRAIN = 16, CHANNELS = 3, POSITIONS = 35, UNITS = CHANNELS * POSITIONS };

typedef struct norm_case {
    ls_component component;
    ls_model model;
    ls_node *node;
    layer_memory memory;
    float *arena, *x, *y, *dy, *dx;
    const float *parameter[4];
    int64_t ld[4];
    ls_layer_call call;
} norm_case;

static float *new_floats(int64_t count)
{
    float *array = ls_alloc((size_t)count, sizeof *array);
    cr_assert_not_null(array);
    return array;
}

/* A panel with COUNT samples; the lanes after them repeat lane 0 and have no derivative. */
static void fill_panel(norm_case *c)
{
    for (int64_t u = 0; u < UNITS; u++)
        for (int64_t n = 0; n < LANES; n++) {
            uint64_t index = (uint64_t)(u * LANES + (n < COUNT ? n : 0));
            double channel = (double)(u / POSITIONS);
            c->x[u * LANES + n] = (float)((channel + 1) * test_number(1, 2, index) + 3 * channel);
            c->dy[u * LANES + n] = n < COUNT ? (float)test_number(1, 3, index) : 0;
        }
}

static void set_up(norm_case *c, int statistics)
{
    *c = (norm_case){.component = default_component(&ls_layer_registry, "batch_norm", 1)};
    *(int *)c->component.options = statistics; /* the first option */
    ls_shape in = {.rank = 3, .dim = {CHANNELS, 5, 7}};
    cr_assert(build_alone(&c->component, &in, 1, &c->model));
    c->node = &c->model.node[0];
    c->memory = layer_memory_make(&c->model, c->node, LANES);
    c->memory.pass.grain = GRAIN;
    c->memory.pass.count = COUNT;
    c->arena = new_floats(c->model.arena_size);
    c->x = new_floats(UNITS * LANES), c->y = new_floats(UNITS * LANES);
    c->dy = new_floats(UNITS * LANES), c->dx = new_floats(UNITS * LANES);
    cr_assert_eq(ls_model_initialise(&c->model, 1, c->arena), LS_OK);
    for (int p = 0; p < 4; p++) {
        float *values = c->arena + c->model.parameter[p].offset;
        c->parameter[p] = values;
        c->ld[p] = c->model.parameter[p].ld;
        for (int i = 0; i < CHANNELS; i++) {
            cr_expect_eq(values[i], p == 0 || p == 3 ? 1 : 0, "%s", c->model.parameter[p].name);
            values[i] += (float)(0.5 * test_number(1, 4, (uint64_t)(p * CHANNELS + i)));
        }
    }
    fill_panel(c);
    c->call = (ls_layer_call){.kernels = ls_kernels_get(),
                              .node = c->node,
                              .lanes = LANES,
                              .parameter = c->parameter,
                              .ld = c->ld,
                              .x = {c->x},
                              .y = c->y,
                              .dy = c->dy,
                              .dx = {c->dx}};
    layer_memory_use(&c->memory, &c->call);
}

static void tear_down(norm_case *c)
{
    layer_memory_free(&c->memory);
    ls_free(c->arena), ls_free(c->x), ls_free(c->y), ls_free(c->dy), ls_free(c->dx);
    ls_model_free(&c->model);
    ls_component_clear(&c->component);
}

/* What the reference says of samples begin .. end - 1, compared with the floats; the gradients of weight and
 * bias are added to gradient. */
static void compare(const norm_case *c, int64_t begin, int64_t end, double gradient[2][CHANNELS])
{
    static double x[COUNT * UNITS], y[COUNT * UNITS], dy[COUNT * UNITS], dx[COUNT * UNITS];
    double parameter[4][CHANNELS];
    for (int p = 0; p < 4; p++)
        for (int i = 0; i < CHANNELS; i++) parameter[p][i] = (double)c->parameter[p][i];
    for (int64_t n = begin; n < end; n++)
        for (int64_t u = 0; u < UNITS; u++) {
            x[(n - begin) * UNITS + u] = (double)c->x[u * LANES + n];
            dy[(n - begin) * UNITS + u] = (double)c->dy[u * LANES + n];
        }
    const double *const parameters[4] = {parameter[0], parameter[1], parameter[2], parameter[3]};
    double *gradients[4] = {gradient[0], gradient[1], NULL, NULL};
    ls_reference_call call = {.node = c->node,
                              .samples = end - begin,
                              .parameter = parameters,
                              .x = {x},
                              .y = y,
                              .dy = dy,
                              .dx = {dx},
                              .gradient = gradients};
    c->node->type->reference_forward(&call);
    c->node->type->reference_backward(&call);
    for (int64_t n = begin; n < end; n++)
        for (int64_t u = 0; u < UNITS; u++) {
            int64_t index = (n - begin) * UNITS + u;
            cr_assert_float_eq(c->y[u * LANES + n], y[index], 2e-6, "y of unit %d, lane %d", (int)u, (int)n);
            cr_assert_float_eq(c->dx[u * LANES + n], dx[index], 2e-6, "dx of unit %d, lane %d: %g, not %g",
                               (int)u, (int)n, (double)c->dx[u * LANES + n], dx[index]);
        }
}

static void expect_gradients(const norm_case *c, double expected[2][CHANNELS])
{
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < CHANNELS; i++) {
            double sum = 0;
            for (int64_t n = 0; n < COUNT; n++) sum += c->memory.sample_gradient[p][i * LANES + n];
            cr_expect_float_eq(sum, expected[p][i], 1e-5 * (1 + fabs(expected[p][i])), "%s[%d]",
                               c->model.parameter[p].name, i);
        }
}

static void expect_quiet_rest(const norm_case *c)
{
    for (int64_t u = 0; u < UNITS; u++)
        for (int64_t n = COUNT; n < LANES; n++) {
            cr_assert_eq(c->y[u * LANES + n], c->y[u * LANES], "lane %d does not repeat lane 0", (int)n);
            cr_assert_eq(c->dx[u * LANES + n], 0, "lane %d has a derivative", (int)n);
        }
}

Test(norms, batch_norm_takes_its_statistics_over_each_grain)
{
    norm_case c;
    set_up(&c, 0);
    double gradient[2][CHANNELS] = {{0}};
    c.node->type->forward(&c.call);
    c.node->type->backward(&c.call);
    compare(&c, 0, GRAIN, gradient);
    compare(&c, GRAIN, COUNT, gradient);
    expect_gradients(&c, gradient);
    expect_quiet_rest(&c);
    tear_down(&c);
}

/* The sums that the ranks would find together, here over the lanes of the one panel. */
static void meet(const norm_case *c, const double *lane_sums, int sums, double *batch_sums)
{
    cr_assert_eq(c->node->type->batch_sums(c->node), sums);
    for (int s = 0; s < sums; s++) {
        batch_sums[s] = 0;
        for (int n = 0; n < COUNT; n++) batch_sums[s] += lane_sums[s * LANES + n];
    }
}

Test(norms, batch_norm_takes_its_statistics_over_the_batch_where_asked_to)
{
    enum { SUMS = 2 * CHANNELS + 1 };
    static double lane_sums[SUMS * LANES], batch_sums[SUMS];
    norm_case c;
    set_up(&c, 1);
    double gradient[2][CHANNELS] = {{0}};
    c.call.lane_sums = lane_sums;
    c.node->type->gather(&c.call);
    meet(&c, lane_sums, SUMS, batch_sums);
    c.call.batch_sums = batch_sums;
    c.node->type->forward(&c.call);
    c.node->type->gather_back(&c.call);
    meet(&c, lane_sums, SUMS, batch_sums);
    c.node->type->backward(&c.call);
    compare(&c, 0, COUNT, gradient);
    expect_gradients(&c, gradient);
    expect_quiet_rest(&c);
    tear_down(&c);
}

/* Mean and variance (times N / (N - 1)) of the whole batch, within and between its grains. */
Test(norms, running_statistics_are_those_of_the_whole_batch)
{
    norm_case c;
    set_up(&c, 0);
    c.node->type->forward(&c.call);
    float mean[2][CHANNELS], expected[2][CHANNELS];
    for (int i = 0; i < CHANNELS; i++) {
        double sum[2] = {0}, x1 = 0, x2 = 0, numbers = COUNT * POSITIONS;
        for (int k = 0; k < 2; k++)
            for (int n = 0; n < COUNT; n++) sum[k] += c.memory.sample_gradient[2 + k][i * LANES + n];
        for (int k = 0; k < 2; k++) mean[k][i] = (float)(sum[k] / COUNT);
        for (int64_t u = i * POSITIONS; u < (i + 1) * POSITIONS; u++)
            for (int n = 0; n < COUNT; n++) x1 += c.x[u * LANES + n];
        for (int64_t u = i * POSITIONS; u < (i + 1) * POSITIONS; u++)
            for (int n = 0; n < COUNT; n++) x2 += pow(c.x[u * LANES + n] - x1 / numbers, 2);
        expected[0][i] = (float)(0.9 * c.parameter[2][i] + 0.1 * x1 / numbers);
        expected[1][i] = (float)(0.9 * c.parameter[3][i] + 0.1 * x2 / (numbers - 1));
    }
    float *parameter[4];
    for (int p = 0; p < 4; p++) parameter[p] = c.arena + c.model.parameter[p].offset;
    const float *const means[4] = {NULL, NULL, mean[0], mean[1]};
    c.node->type->after_step(
        &(ls_layer_update){.node = c.node, .parameter = parameter, .mean = means, .rows = COUNT});
    for (int i = 0; i < CHANNELS; i++) {
        cr_expect_float_eq(c.parameter[2][i], expected[0][i], 1e-6);
        cr_expect_float_eq(c.parameter[3][i], expected[1][i], 1e-6);
    }
    tear_down(&c);
}

Test(norms, prediction_uses_the_running_statistics)
{
    norm_case c;
    set_up(&c, 0);
    c.memory.pass.training = false;
    c.node->type->forward(&c.call);
    for (int64_t u = 0; u < UNITS; u++) {
        int64_t i = u / POSITIONS;
        double z = ((double)c.x[u * LANES] - c.parameter[2][i]) / sqrt((double)c.parameter[3][i] + 1e-5);
        cr_expect_float_eq(c.y[u * LANES], c.parameter[0][i] * z + c.parameter[1][i], 1e-5);
    }
    tear_down(&c);
}

Test(norms, groups_must_divide_the_channels_and_hold_two_numbers)
{
    ls_component component = default_component(&ls_layer_registry, "group_norm", 1);
    *(int64_t *)((char *)component.options + component.type->options[0].offset) = 4;
    ls_model model;
    ls_shape six = {.rank = 1, .dim = {6}}, four = {.rank = 1, .dim = {4}};
    cr_expect_not(build_alone(&component, &six, 1, &model));
    cr_expect(strstr(ls_error_message(), "6 channels cannot be cut into 4 groups"), "%s", ls_error_message());
    cr_expect_not(build_alone(&component, &four, 1, &model));
    cr_expect(strstr(ls_error_message(), "single number"), "%s", ls_error_message());
    ls_component_clear(&component);
}
