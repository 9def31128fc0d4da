#include "support/optimizer_run.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"

optimizer_run *optimizer_begin(const char *text)
{
    optimizer_run *run = aligned_alloc(64, (sizeof *run + 63) / 64 * 64);
    memset(run, 0, sizeof *run);
    char *recipe = ls_format("data: xor\nmodel: [{type: dense, units: 1}]\nloss: mse\noptimizer: %s\n", text);
    cr_assert_eq(ls_recipe_parse(recipe, "test", NULL, NULL, 0, &run->recipe), LS_OK, "%s: %s", text,
                 ls_error_message());
    ls_free(recipe);
    run->component = &run->recipe->optimizer;
    run->type = (const ls_optimizer_type *)run->component->type;
    const ls_optimizer_options *options = run->component->options;
    run->rule = (ls_parameter_rule){
        .lr_factor = 1, .weight_decay = options->weight_decay, .l1 = options->l1, .decays = true};
    run->piece = 32;
    run->gradient_scale = 1;
    return run;
}

void optimizer_end(optimizer_run *run)
{
    ls_recipe_free(run->recipe);
    free(run);
}

static ls_update update_of(optimizer_run *run, const float *gradient, int first)
{
    const ls_optimizer_options *options = run->component->options;
    int rest = OPTIMIZER_COUNT - first;
    ls_update update = {
        .kernels = ls_kernels_get(),
        .count = rest < run->piece ? rest : run->piece,
        .w = run->w + first,
        .gradient = gradient + first,
        .learning_rate = options->learning_rate * run->rule.lr_factor,
        .gradient_scale = run->gradient_scale,
        .clip_value = run->clip_value,
        .rule = &run->rule,
        .step = run->steps + 1,
        .ratio = 1,
    };
    const char *name[LS_STATES_MAX];
    int states = run->type->states(options, name); /* it may use no more than it asks for */
    for (int s = 0; s < states; s++) update.state[s] = run->state[s] + first;
    return update;
}

void optimizer_step(optimizer_run *run, const float *gradient)
{
    const void *options = run->component->options;
    double ratio = 1;
    if (run->type->squares != NULL) {
        ls_squares sums = {0, 0};
        for (int first = 0; first < OPTIMIZER_COUNT; first += run->piece) {
            ls_update update = update_of(run, gradient, first);
            ls_squares part = run->type->squares(options, &update);
            sums.weight += part.weight;
            sums.direction += part.direction;
        }
        ratio = run->type->ratio(options, &run->rule, sums);
    }
    for (int first = 0; first < OPTIMIZER_COUNT; first += run->piece) {
        ls_update update = update_of(run, gradient, first);
        update.ratio = ratio;
        run->type->update(options, &update);
    }
    run->steps++;
}

const char *optimizer_example(const char *name)
{
    static const char *const examples[][2] = {
        {"sgd", "{type: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.01}"},
        {"rmsprop", "{type: rmsprop, momentum: 0.5, centered: true, weight_decay: 0.01}"},
        {"adagrad", "{type: adagrad, lr: 0.1, lr_decay: 0.01}"},
        {"adam", "{type: adam, lr: 0.02, amsgrad: true}"},
        {"adamw", "{type: adamw, lr: 0.02}"},
        {"lars", "{type: lars, lr: 0.5, trust: 0.04, weight_decay: 0.01}"},
        {"lamb", "{type: lamb, lr: 0.05}"},
    };
    static char plain[64];
    for (size_t e = 0; e < sizeof examples / sizeof examples[0]; e++) {
        if (strcmp(examples[e][0], name) == 0) return examples[e][1];
    }
    snprintf(plain, sizeof plain, "{type: %s}", name);
    return plain;
}
