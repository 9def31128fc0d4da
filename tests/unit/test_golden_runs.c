/* Whole trainings against PyTorch (tests/golden/runs.json, made by runs.py there): what goes by epochs, and
 * L-BFGS. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lockstep/lockstep.h>
#include "base/memory.h"
#include "io/safetensors.h"
#include "support/directory.h"

/* Relative to 1 + |value|. The rows are standardised in float, and weights grow to about 2 in up to 96 steps,
   each of which is off by some 2^-24 of a weight: seen are 4e-7, and a wrong rate or average does far more
   than 3e-6. L-BFGS divides by differences of gradients, which enlarges roundings: seen are 5e-6. It takes
   the same steps as long as both line searches accept their first points; where it goes on to the end, both
   must have found the one minimum, which float32 shows to about 2^-24 over the curvature of 0.05. */
static double tolerance_of(const char *name)
{
    return strncmp(name, "lbfgs", 5) == 0 ? 2e-5 : 3e-6;
}

enum { EPOCHS_MAX = 64 };

typedef struct record {
    int epochs;
    double loss[EPOCHS_MAX], rate[EPOCHS_MAX];
} record;

static void take_epoch(void *user, const ls_progress *progress)
{
    record *to = user;
    if (!progress->epoch_end || progress->finished || progress->epoch > EPOCHS_MAX) return;
    to->epochs = (int)progress->epoch;
    to->loss[progress->epoch - 1] = progress->loss;
    to->rate[progress->epoch - 1] = progress->learning_rate;
}

static void expect_near(const char *name, const char *what, size_t index, double found, const json_t *list)
{
    double wanted = json_number_value(json_array_get(list, index));
    cr_expect(fabs(found - wanted) <= tolerance_of(name) * (1 + fabs(wanted)), "%s: %s %zu is %.9g, not %.9g",
              name, what, index, found, wanted);
}

/* The matrix, then the biases. */
static void compare_weights(const char *name, const char *directory, const json_t *expected)
{
    static const char *const tensors[] = {"line.weight", "line.bias"};
    char path[256];
    size_t index = 0;
    ls_safetensors file;
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
    cr_assert_eq(ls_safetensors_read(path, &file), LS_OK, "%s", ls_error_message());
    for (int t = 0; t < 2; t++) {
        const ls_tensor *tensor = ls_safetensors_find(&file, tensors[t]);
        cr_assert_not_null(tensor);
        for (size_t i = 0; i < ls_tensor_bytes(tensor) / sizeof(float); i++) {
            float value;
            memcpy(&value, (const char *)tensor->data + i * sizeof value, sizeof value);
            expect_near(name, tensors[t], index, (double)value, expected);
            index++;
        }
    }
    cr_expect_eq(index, json_array_size(expected));
    ls_safetensors_free(&file);
}

static void run_case(const char *name, const json_t *one, const char *data)
{
    char directory[LS_TEST_DIRECTORY];
    ls_context *context;
    ls_recipe *recipe;
    record found = {0};
    const json_t *loss = json_object_get(one, "loss"), *rate = json_object_get(one, "rate");
    ls_test_directory_make(directory);
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    ls_status status =
        ls_recipe_parse(json_string_value(json_object_get(one, "recipe")), name, data, NULL, 0, &recipe);
    cr_assert_eq(status, LS_OK, "%s", ls_error_message());
    ls_run_options options = {.directory = directory, .progress = take_epoch, .user = &found};
    cr_assert_eq(ls_train(context, recipe, &options, NULL), LS_OK, "%s: %s", name, ls_error_message());
    cr_expect_geq((size_t)found.epochs, json_array_size(loss), "%s: %d epochs", name, found.epochs);
    for (size_t e = 0; e < json_array_size(loss); e++) expect_near(name, "loss", e, found.loss[e], loss);
    for (size_t e = 0; e < json_array_size(rate); e++) expect_near(name, "rate", e, found.rate[e], rate);
    compare_weights(name, directory, json_object_get(one, "weights"));
    ls_recipe_free(recipe);
    ls_context_free(context);
    ls_test_directory_remove(directory);
}

Test(golden_runs, end_as_in_pytorch, .timeout = 60)
{
    const char *top = getenv("srcdir"), *name;
    json_t *one;
    json_error_t error;
    char *path = ls_format("%s/tests/golden/runs.json", top != NULL ? top : ".");
    char *data = ls_format("%s/datasets", top != NULL ? top : ".");
    json_t *cases = json_load_file(path, 0, &error);
    cr_assert_not_null(cases, "%s: %s", path, error.text);
    cr_assert_geq(json_object_size(cases), 8);
    json_object_foreach(cases, name, one) run_case(name, one, data);
    json_decref(cases);
    ls_free(data);
    ls_free(path);
}
