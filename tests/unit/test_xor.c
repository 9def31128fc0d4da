/* The tutorial's program: its weights after 1, 100 and 10,000 steps, computed elsewhere in float64. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/memory.h"
#include "train/trainer.h"

static char *in_source(const char *name)
{
    const char *directory = getenv("srcdir");
    return ls_format("%s/%s", directory == NULL ? "." : directory, name);
}

/* Numbers of a nested array, in order. */
static double flatten(const json_t *array, int64_t wanted, int64_t *next)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        if (json_is_array(item)) {
            double value = flatten(item, wanted, next);
            if (!isnan(value)) return value;
        } else if ((*next)++ == wanted) {
            return json_number_value(item);
        }
    }
    return NAN;
}

static void compare(const ls_trainer *trainer, const json_t *weights)
{
    for (int p = 0; p < trainer->model.parameter_count; p++) {
        const ls_parameter *parameter = &trainer->model.parameter[p];
        const json_t *array = json_object_get(weights, parameter->name);
        cr_assert(json_is_array(array), "the reference has no %s", parameter->name);
        for (int64_t e = 0; e < parameter->rows * parameter->columns; e++) {
            int64_t next = 0, row = e / parameter->columns, column = e % parameter->columns;
            double expected = flatten(array, e, &next);
            double found = (double)trainer->step.parameters[parameter->offset + row * parameter->ld + column];
            cr_assert(fabs(found - expected) < 2e-5, "%s[%d]: %.9g, expected %.9g", parameter->name, (int)e,
                      found, expected);
        }
    }
}

Test(xor, weights_after_1_100_and_10000_steps_are_those_of_the_tutorial)
{
    char *reference_path = in_source("tests/data/xor_reference.json"),
         *recipe_path = in_source("recipes/xor.yaml");
    json_t *reference = json_load_file(reference_path, 0, NULL);
    cr_assert_not_null(reference, "%s", reference_path);
    json_t *after = json_object_get(reference, "after_steps");
    ls_recipe *recipe;
    ls_context *context;
    ls_trainer trainer;
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_eq(ls_recipe_load(recipe_path, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_trainer_setup(context, recipe, &trainer), LS_OK, "%s", ls_error_message());
    int compared = 0;
    while (trainer.step.steps < 10000) {
        ls_wish wish = LS_WISH_NONE;
        cr_assert_eq(ls_trainer_advance(&trainer, LS_OK, &wish), LS_OK, "%s", ls_error_message());
        cr_assert(ls_trainer_epoch_is_over(&trainer));
        trainer.epoch++;
        trainer.position = 0;
        char *step = ls_format("%d", (int)trainer.step.steps);
        const json_t *weights = json_object_get(after, step);
        if (weights != NULL) {
            compare(&trainer, weights);
            compared++;
        }
        ls_free(step);
    }
    cr_assert_eq(compared, 3);
    ls_trainer_clear(&trainer);
    ls_recipe_free(recipe);
    ls_context_free(context);
    json_decref(reference);
    ls_free(reference_path);
    ls_free(recipe_path);
}
