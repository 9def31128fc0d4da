/* Differences of fourth order, (8 (f(+h) - f(-h)) - (f(+2h) - f(-2h))) / 12 h, with h = 1e-3: their own error
 * is h^4/30 times the fifth derivative, some 1e-12, and the rounding of f over h some 1e-11 for the sizes
 * tested. A wrong formula is off by far more than the 1e-9 allowed. */
#include "support/gradient_check.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include "base/memory.h"
#include "base/random.h"

enum { PARAMETERS_MAX = 8 };
static const double step = 1e-3;
static const double kink_distance = 4e-3;
static const double allowed = 1e-9;

/* Of layers that couple samples; they are far apart, so that no variance is small. */
enum { SAMPLES = 3 };

typedef struct layer_case {
    ls_reference_call call;
    int64_t in_size[LS_INPUTS_MAX], out_size, parameter_size[PARAMETERS_MAX];
    double *x[LS_INPUTS_MAX], *dx[LS_INPUTS_MAX];
    double *dy, *parameter[PARAMETERS_MAX], *gradient[PARAMETERS_MAX];
} layer_case;

double test_number(uint64_t seed, uint64_t series, uint64_t index)
{
    return 2 * ls_random_uniform(seed, LS_RANDOM_BENCH, series, index) - 1;
}

static double *new_array(int64_t count)
{
    double *array = ls_alloc((size_t)count, sizeof *array);
    cr_assert_not_null(array);
    return array;
}

static double *new_numbers(int64_t count, double scale, uint64_t seed, uint64_t series)
{
    double *array = new_array(count);
    for (int64_t i = 0; i < count; i++) array[i] = scale * test_number(seed, series, (uint64_t)i);
    return array;
}

double whole_test_number(const ls_node *node, double number, double otherwise)
{
    if (node->type->whole_numbers == NULL) return otherwise;
    return floor((number + 1) / 2 * (double)node->type->whole_numbers(node));
}

/* Inputs away from kinks; where all draws come too close the check would prove nothing, so it fails. */
static double *new_input(const ls_node *node, int64_t count, uint64_t seed, uint64_t series)
{
    double scale = node->parameter_count == 0 ? 4 : 1;
    for (uint64_t draw = 0; draw < 1000; draw++) {
        double *x = new_numbers(count, scale, seed + 1000 * draw, series);
        for (int64_t i = 0; i < count; i++) x[i] = whole_test_number(node, x[i] / scale, x[i]);
        if (node->type->kink == NULL || node->type->kink(node, x) > kink_distance) return x;
        ls_free(x);
    }
    cr_assert_fail("%s: no input away from kinks", node->name);
    return NULL;
}

static void layer_case_make(const ls_model *model, const ls_node *node, uint64_t seed, layer_case *made)
{
    int64_t samples = node->type->couples_samples ? SAMPLES : 1;
    *made = (layer_case){.call = {.node = node, .samples = samples}};
    made->out_size = ls_shape_size(&node->out) * samples;
    made->dy = new_numbers(made->out_size, 1, seed, 1);
    made->call.y = new_array(made->out_size);
    made->call.dy = made->dy;
    for (int i = 0; i < node->input_count; i++) {
        int64_t size = ls_shape_size(&node->in[i]);
        made->in_size[i] = size * samples;
        made->call.x[i] = made->x[i] = new_input(node, made->in_size[i], seed, 10 + (uint64_t)i);
        for (int64_t k = 0; k < made->in_size[i]; k++) made->x[i][k] += 1.5 * (double)(k / size);
        made->call.dx[i] = made->dx[i] = new_array(made->in_size[i]);
    }
    cr_assert_leq(node->parameter_count, PARAMETERS_MAX);
    for (int p = 0; p < node->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[node->first_parameter + p];
        made->parameter_size[p] = parameter->rows * parameter->columns;
        made->parameter[p] = new_numbers(made->parameter_size[p], 1, seed, 100 + (uint64_t)p);
        made->gradient[p] = new_array(made->parameter_size[p]);
    }
    made->call.parameter = (const double *const *)made->parameter;
    made->call.gradient = made->gradient;
}

static void layer_case_free(layer_case *made)
{
    ls_free(made->dy);
    ls_free(made->call.y);
    for (int i = 0; i < LS_INPUTS_MAX; i++) ls_free(made->x[i]), ls_free(made->dx[i]);
    for (int p = 0; p < PARAMETERS_MAX; p++) ls_free(made->parameter[p]), ls_free(made->gradient[p]);
}

static double layer_value(const layer_case *made)
{
    made->call.node->type->reference_forward(&made->call);
    double sum = 0;
    for (int64_t o = 0; o < made->out_size; o++) sum += made->dy[o] * made->call.y[o];
    return sum;
}

static double layer_difference(const layer_case *made, double *number)
{
    double middle = *number, value[4];
    const double offset[4] = {step, -step, 2 * step, -2 * step};
    for (int k = 0; k < 4; k++) {
        *number = middle + offset[k];
        value[k] = layer_value(made);
    }
    *number = middle;
    return (8 * (value[0] - value[1]) - (value[2] - value[3])) / (12 * step);
}

static void note_deviation(gradient_report *report, double analytic, double numeric, const char *what,
                           int which, int64_t index)
{
    double ratio = fabs(analytic - numeric) / (allowed * (1 + fabs(numeric)));
    if (ratio <= report->worst) return;
    report->worst = isnan(ratio) ? INFINITY : ratio;
    snprintf(report->where, sizeof report->where, "%s %d, element %lld: %.12g instead of %.12g", what, which,
             (long long)index, analytic, numeric);
}

gradient_report check_layer_gradient(const ls_model *model, const ls_node *node, uint64_t seed)
{
    gradient_report report = {.worst = 0};
    layer_case made;
    layer_case_make(model, node, seed, &made);
    layer_value(&made);
    node->type->reference_backward(&made.call);
    bool whole = node->type->whole_numbers != NULL; /* no derivative by them */
    for (int i = 0; i < node->input_count && !whole; i++)
        for (int64_t k = 0; k < made.in_size[i]; k++)
            note_deviation(&report, made.dx[i][k], layer_difference(&made, &made.x[i][k]), "input", i, k);
    for (int p = 0; p < node->parameter_count; p++)
        for (int64_t k = 0; k < made.parameter_size[p]; k++)
            note_deviation(&report, made.gradient[p][k], layer_difference(&made, &made.parameter[p][k]),
                           "parameter", p, k);
    layer_case_free(&made);
    return report;
}

gradient_report check_loss_gradient(const ls_loss_type *type, const void *options, int64_t units,
                                    const double *x, const double *values, int32_t label)
{
    gradient_report report = {.worst = 0};
    double *moved = new_array(units), *gradient = new_array(units);
    for (int64_t u = 0; u < units; u++) moved[u] = x[u];
    type->reference(options, units, x, values, label, gradient);
    for (int64_t u = 0; u < units; u++) {
        const double offset[4] = {step, -step, 2 * step, -2 * step};
        double value[4];
        for (int k = 0; k < 4; k++) {
            moved[u] = x[u] + offset[k];
            value[k] = type->reference(options, units, moved, values, label, NULL);
        }
        moved[u] = x[u];
        double numeric = (8 * (value[0] - value[1]) - (value[2] - value[3])) / (12 * step);
        note_deviation(&report, gradient[u], numeric, "unit", 0, u);
    }
    ls_free(moved);
    ls_free(gradient);
    return report;
}
