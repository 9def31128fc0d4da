/* Optimisers at work on one parameter, without a model: for tests. */
#ifndef TESTS_OPTIMIZER_RUN_H
#define TESTS_OPTIMIZER_RUN_H

#include "io/recipe.h"
#include "optim/optimizer.h"

enum { OPTIMIZER_COUNT = 96 };

typedef struct optimizer_run {
    ls_recipe *recipe;
    const ls_component *component;
    const ls_optimizer_type *type;
    ls_parameter_rule rule; /* of the options, for a parameter that decays; may be changed */
    int piece;              /* elements a piece, a multiple of 16 */
    double gradient_scale, clip_value;
    int64_t steps;
    _Alignas(64) float w[OPTIMIZER_COUNT], state[LS_STATES_MAX][OPTIMIZER_COUNT];
} optimizer_run;

/* From the optimizer as it stands in a recipe: "{type: adam, lr: 0.1}". The test fails if it is refused. Free
 * with optimizer_end. */
optimizer_run *optimizer_begin(const char *text);
void optimizer_end(optimizer_run *run);

/* One step, piece by piece, with all phases. */
void optimizer_step(optimizer_run *run, const float *gradient);

/* "{type: NAME, ...}" for each optimiser of the registry, with options that all of its parts work. */
const char *optimizer_example(const char *name);

#endif
