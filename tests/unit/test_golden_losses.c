/* Losses and derivatives as PyTorch has them (tests/golden/losses.py). Both begin with the same floats;
 * PyTorch goes on in double precision, the kernels in float. A mean is of some 9 losses of up to 30, each of
 * about 10 roundings, and a derivative of a mean is at most 4: 2e-6 of the value and 1e-6 cover both. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "nn/loss.h"
#include "support/default_component.h"

enum { LANES = 16, UNITS_MAX = 4 };

typedef struct golden {
    int64_t rows, units;
    _Alignas(64) float x[UNITS_MAX * LANES], values[UNITS_MAX * LANES], weight[LANES],
        delta[UNITS_MAX * LANES];
    _Alignas(64) float loss[LANES];
    int32_t label[LANES];
} golden;

static golden panel;

static json_t *read_cases(void)
{
    const char *top = getenv("srcdir");
    char *path = ls_format("%s/tests/golden/losses.json", top == NULL ? "." : top);
    json_error_t error;
    json_t *cases = json_load_file(path, 0, &error);
    cr_assert_not_null(cases, "%s: %s", path, error.text);
    ls_free(path);
    return cases;
}

static double number_at(const json_t *matrix, int64_t row, int64_t unit)
{
    return json_number_value(json_array_get(json_array_get(matrix, (size_t)row), (size_t)unit));
}

static void fill(const json_t *one, const ls_component *loss)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    const json_t *x = json_object_get(one, "x"), *values = json_object_get(one, "values");
    const json_t *labels = json_object_get(one, "labels");
    memset(&panel, 0, sizeof panel);
    panel.rows = (int64_t)json_array_size(x);
    panel.units = (int64_t)json_array_size(json_array_get(x, 0));
    cr_assert(panel.rows > 0 && panel.rows <= LANES && panel.units > 0 && panel.units <= UNITS_MAX);
    cr_assert_neq(values == NULL, labels == NULL);
    cr_assert_eq(type->target == LS_TARGET_LABELS, labels != NULL);
    for (int64_t n = 0; n < panel.rows; n++) {
        panel.label[n] = (int32_t)json_integer_value(json_array_get(labels, (size_t)n));
        bool ignored = type->ignores != NULL && type->ignores(loss->options, panel.label[n]);
        panel.weight[n] = ignored ? 0 : 1;
        for (int64_t u = 0; u < panel.units; u++) {
            panel.x[u * LANES + n] = (float)number_at(x, n, u);
            if (values != NULL) panel.values[u * LANES + n] = (float)number_at(values, n, u);
        }
    }
}

static double sum_of_weights(const ls_component *loss)
{
    const ls_loss_type *type = (const ls_loss_type *)loss->type;
    if (type->weighted == NULL || !type->weighted(loss->options)) return (double)panel.rows;
    double sum = 0;
    for (int64_t n = 0; n < panel.rows; n++) sum += (double)type->weight(loss->options, panel.label[n]);
    return sum;
}

static void expect_near(double found, double expected, const char *loss, const char *what)
{
    cr_expect(fabs(found - expected) <= 2e-6 * fabs(expected) + 1e-6, "%s: %s is %.9g instead of %.9g", loss,
              what, found, expected);
}

Test(golden_losses, are_those_of_pytorch)
{
    json_t *cases = read_cases();
    cr_assert_geq(json_array_size(cases), 20);
    for (size_t c = 0; c < json_array_size(cases); c++) {
        const json_t *one = json_array_get(cases, c);
        const char *text = json_string_value(json_object_get(one, "loss"));
        ls_component loss = component_of(&ls_loss_registry, text);
        fill(one, &loss);
        ls_loss_target target = {.values = panel.values, .label = panel.label, .weight = panel.weight};
        ((const ls_loss_type *)loss.type)
            ->panel(loss.options, ls_kernels_get(), panel.units, LANES, panel.x, &target, panel.delta,
                    panel.loss);
        double sum = 0, weights = sum_of_weights(&loss);
        for (int64_t n = 0; n < panel.rows; n++) sum += (double)panel.loss[n];
        expect_near(sum / weights, json_number_value(json_object_get(one, "mean")), text, "the mean");
        for (int64_t n = 0; n < panel.rows; n++)
            for (int64_t u = 0; u < panel.units; u++)
                expect_near((double)panel.delta[u * LANES + n] / weights,
                            number_at(json_object_get(one, "gradient"), n, u), text, "a derivative");
        ls_component_clear(&loss);
    }
    json_decref(cases);
}
