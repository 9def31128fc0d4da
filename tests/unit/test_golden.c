/* Small networks against what PyTorch says of them in double precision (tests/golden/make): predictions,
   losses, and parameters after some steps. With one step of learning rate 1 these show the gradients. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <lockstep/lockstep.h>
#include "train/trainer.h"

/* Our float32 against their float64, relative to 1 + |value|: a step is off by some 2^-24 times the number of
   additions behind a value, of at most a few dozen here; steps build on each other, and divide by small
   numbers in some optimisers. Seen are 2.3e-7 at most, the same on every processor; the rest leaves room for
   another order of operations. A wrong factor in a formula moves values by far more. */
static const double tolerance_once = 1e-6, tolerance_many = 3e-6;

static json_t *cases;

static void set_up(void)
{
    char path[4096];
    json_error_t error;
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/networks.json", top != NULL ? top : ".");
    cases = json_load_file(path, 0, &error);
    cr_assert_not_null(cases, "%s: %s", path, error.text);
}

static void tear_down(void)
{
    json_decref(cases);
}

TestSuite(golden, .init = set_up, .fini = tear_down, .timeout = 120);

/* The same formula as in tests/golden/cases.py. */
static float number(uint32_t series, uint32_t index)
{
    uint32_t h = index * 2654435761u + series * 40503u + 12345u;
    h ^= h >> 16;
    h *= 0x45d9f3bu;
    h ^= h >> 16;
    return (float)(h >> 8) * 0x1p-23f - 1;
}

static const char *text_of(const json_t *of, const char *key)
{
    return json_string_value(json_object_get(of, key));
}

static int64_t integer_of(const json_t *of, const char *key)
{
    return json_integer_value(json_object_get(of, key));
}

static void fill_parameters(ls_trainer *trainer)
{
    uint32_t series = 100;
    for (int p = 0; p < trainer->model.parameter_count; p++, series++) {
        const ls_parameter *view = &trainer->model.parameter[p];
        if (view->untrained) continue;
        for (int64_t i = 0; i < view->rows * view->columns; i++) {
            float *w =
                trainer->step.parameters + view->offset + i / view->columns * view->ld + i % view->columns;
            float value = number(series, (uint32_t)i);
            *w = view->dims > 1 ? value / 2 : value / 4 + (*w == 1 ? 1 : 0);
        }
    }
}

/* Samples of all batches. */
static int64_t samples_of(const json_t *of)
{
    return integer_of(of, "rows") * integer_of(of, "batches");
}

static float *make_inputs(const json_t *of, int64_t inputs)
{
    int64_t count = samples_of(of) * inputs, whole = integer_of(of, "whole");
    float *x = malloc((size_t)count * sizeof *x);
    for (int64_t i = 0; i < count; i++) {
        x[i] = number(1, (uint32_t)i);
        if (whole > 0) x[i] = floorf((x[i] + 1) / 2 * (float)whole);
    }
    return x;
}

static float *make_targets(const json_t *of, int64_t outputs)
{
    int64_t rows = samples_of(of);
    const char *kind = text_of(of, "target");
    float *y = malloc((size_t)(rows * outputs) * sizeof *y);
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0;
        for (int64_t u = 0; u < outputs; u++) sum += (number(2, (uint32_t)(r * outputs + u)) + 1) / 2 + 0.25;
        for (int64_t u = 0; u < outputs; u++) {
            double t = number(2, (uint32_t)(r * outputs + u));
            double value = t;
            if (strcmp(kind, "unit") == 0) value = (t + 1) / 2;
            if (strcmp(kind, "counts") == 0) value = floor((t + 1) * 4);
            if (strcmp(kind, "mixed") == 0 && u == outputs - 1) value = floor((t + 1) / 2 * 3);
            if (strcmp(kind, "distribution") == 0) value = ((t + 1) / 2 + 0.25) / sum;
            y[r * outputs + u] = (float)value;
        }
    }
    return y;
}

static void expect_near(const json_t *of, const char *what, int64_t index, double found,
                        const json_t *expected, double tolerance)
{
    double wanted = json_number_value(expected);
    cr_expect(fabs(found - wanted) <= tolerance * (1 + fabs(wanted)), "%s: %s %d is %.9g, not %.9g",
              text_of(of, "name"), what, (int)index, found, wanted);
}

static void compare_predictions(const json_t *of, const char *key, ls_trainer *trainer, const float *x,
                                double tolerance)
{
    const json_t *expected = json_object_get(of, key);
    int64_t rows = samples_of(of), count = rows * ls_trainer_outputs(trainer);
    float *y = malloc((size_t)count * sizeof *y);
    cr_assert_eq(ls_trainer_predict(trainer, rows, x, y), LS_OK, "%s", ls_error_message());
    cr_assert_eq((int64_t)json_array_size(expected), count, "%s: %s", text_of(of, "name"), key);
    for (int64_t i = 0; i < count; i++)
        expect_near(of, key, i, (double)y[i], json_array_get(expected, (size_t)i), tolerance);
    free(y);
}

static void compare_parameters(const json_t *of, const ls_trainer *trainer, double tolerance)
{
    const json_t *expected = json_object_get(of, "after");
    size_t next = 0;
    for (int p = 0; p < trainer->model.parameter_count; p++) {
        const ls_parameter *view = &trainer->model.parameter[p];
        for (int64_t i = 0; i < view->rows * view->columns; i++) {
            float w =
                trainer->step.parameters[view->offset + i / view->columns * view->ld + i % view->columns];
            expect_near(of, view->name, i, (double)w, json_array_get(expected, next++), tolerance);
        }
    }
    cr_expect_eq(next, json_array_size(expected), "%s: parameters", text_of(of, "name"));
}

static double tolerance_of(const json_t *of)
{
    return integer_of(of, "steps") == 1 ? tolerance_once : tolerance_many;
}

static void run_steps(const json_t *of, ls_trainer *trainer, const float *x, const float *y,
                      const int32_t *labels)
{
    const json_t *losses = json_object_get(of, "losses");
    int64_t steps = integer_of(of, "steps"), every = integer_of(of, "every"), rows = integer_of(of, "rows");
    int64_t inputs = ls_trainer_inputs(trainer), outputs = trainer->train.outputs;
    double tolerance = tolerance_of(of);
    for (int64_t s = 0; s < steps; s++) {
        double loss;
        int64_t first = s % integer_of(of, "batches") * rows;
        const float *values = y == NULL ? NULL : y + first * outputs;
        ls_status status = ls_trainer_step(trainer, rows, x + first * inputs, values,
                                           labels == NULL ? NULL : labels + first, &loss);
        cr_assert_eq(status, LS_OK, "%s: %s", text_of(of, "name"), ls_error_message());
        if (s % every == 0)
            expect_near(of, "loss", s, loss, json_array_get(losses, (size_t)(s / every)), tolerance);
    }
    compare_parameters(of, trainer, tolerance);
}

static void run_case(const json_t *of)
{
    ls_context *context;
    ls_recipe *recipe;
    ls_trainer *trainer;
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_eq(ls_recipe_parse(text_of(of, "recipe"), text_of(of, "name"), NULL, NULL, 0, &recipe), LS_OK,
                 "%s", ls_error_message());
    cr_assert_eq(ls_trainer_create(context, recipe, &trainer), LS_OK, "%s", ls_error_message());
    fill_parameters(trainer);
    int classes = trainer->train.classes;
    float *x = make_inputs(of, ls_trainer_inputs(trainer));
    float *y = classes > 0 ? NULL : make_targets(of, trainer->train.outputs);
    int32_t labels[64];
    cr_assert_leq(samples_of(of), 64);
    for (int r = 0; r < samples_of(of) && classes > 0; r++) labels[r] = r * 5 % classes;
    compare_predictions(of, "predictions", trainer, x, tolerance_once);
    run_steps(of, trainer, x, y, classes > 0 ? labels : NULL);
    if (json_object_get(of, "predictions after") != NULL)
        compare_predictions(of, "predictions after", trainer, x, tolerance_of(of));
    free(x), free(y);
    ls_trainer_free(trainer);
    ls_recipe_free(recipe);
    ls_context_free(context);
}

Test(golden, small_networks_train_as_in_pytorch)
{
    size_t index;
    json_t *of;
    cr_assert_gt(json_array_size(cases), 140);
    json_array_foreach(cases, index, of) run_case(of);
}
