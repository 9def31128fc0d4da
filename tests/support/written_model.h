/* Models written as in a recipe, for tests of layers: "model:" and the lines below it, so that the first
 * layer stands in line 2 of r.yaml. */
#ifndef TESTS_WRITTEN_MODEL_H
#define TESTS_WRITTEN_MODEL_H

#include "io/recipe.h"
#include "nn/model.h"

typedef struct written_model {
    ls_recipe *recipe;
    ls_model model;
} written_model;

/* Fails the test if there is an error. */
written_model write_model(const char *text, const ls_shape *input);
void written_model_free(written_model *written);
/* Expects this message, of the recipe or of the model. */
void expect_model_error(const char *text, const ls_shape *input, const char *message);

/* Forward through the last node of the model with these panels (x[i] of its input i), or backward if dy is
 * given, when dx[i] are filled where they are not NULL. */
void run_last_node(const ls_model *model, int64_t lanes, const float *const *x, float *y, const float *dy,
                   float *const *dx);

#endif
