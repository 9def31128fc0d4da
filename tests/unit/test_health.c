/* The health of layers: what is measured, and what is said of it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/training.h"

#define RECIPE(LAYERS, OPTIMIZER, TRAINING)                                                                  \
    "seed: 3\ndata: {type: csv, train: iris.csv, test_fraction: 0.2, normalise: "                            \
    "standardise}\nmodel:\n" LAYERS                                                                          \
    "  - {type: dense, units: 3, name: output}\nloss: softmax_cross_entropy\n"                               \
    "optimizer: {" OPTIMIZER "}\ntraining: {batch: 40, grain: 8, " TRAINING "}\n"

#define RELU "  - {type: dense, units: 19, activation: relu}\n"

static ls_health *measured(training *t)
{
    t->trainer.measure = true;
    training_steps(t, 1);
    cr_assert_eq(t->trainer.health_is_new, 1);
    return t->trainer.step.health;
}

Test(health, norms_are_those_of_the_step)
{
    training *t = training_begin(2, RECIPE(RELU, "type: sgd, lr: 0.25", "clip_norm: 1e9"));
    double squares[4] = {0};
    for (int p = 0; p < 4; p++) {
        const ls_parameter *parameter = &t->trainer.model.parameter[p];
        for (int64_t i = 0; i < parameter->rows * parameter->ld; i++)
            squares[p] += pow((double)t->trainer.step.parameters[parameter->offset + i], 2);
    }
    const ls_health *health = measured(t);
    cr_expect_eq(*health->step, 1);
    cr_expect_eq(*health->samples, 40);
    cr_expect_float_eq(ls_health_gradient(health) / t->trainer.step.gradient_norm, 1, 1e-12);
    cr_expect_eq(*health->first, ls_health_gradient(health));
    for (int p = 0; p < 4; p++) {
        cr_expect_float_eq(health->weight[p], sqrt(squares[p]), 1e-12);
        cr_expect_gt(health->gradient[p], 0);
        cr_expect_float_eq(health->update[p] / health->gradient[p], 0.25, 1e-4);
    }
    training_end(t);
}

Test(health, activations_are_root_mean_squares_over_samples_and_units)
{
    training *t = training_begin(1, RECIPE(RELU, "type: sgd", "shuffle: false"));
    const ls_health *health = measured(t);
    double sum = 0;
    for (int64_t r = 0; r < 40; r++) {
        for (int64_t i = 0; i < 4; i++) {
            const ls_normalisation *n = &t->trainer.normalisation;
            float x = t->trainer.train.floats[r * 4 + i];
            sum += pow((double)((x - n->shift[i]) * n->scale[i]), 2);
        }
    }
    cr_expect_float_eq(health->activation[0], sqrt(sum / 160), 1e-6);
    cr_expect(isnan(health->activation[1]), "the activation works in the place of dense_0");
    cr_expect_gt(health->activation[2], 0.1);
    cr_expect_gt(health->activation[3], 0.1);
    cr_expect(isnan(health->dead[0]) && isnan(health->dead[1]) && isnan(health->dead[3]));
    training_end(t);
}

Test(health, dead_units_are_counted)
{
    training *t = training_begin(2, RECIPE(RELU, "type: sgd", "shuffle: false"));
    float *bias = t->trainer.step.parameters + t->trainer.model.parameter[1].offset;
    cr_assert_str_eq(t->trainer.model.parameter[1].name, "dense_0.bias");
    for (int u = 0; u < 19; u++) bias[u] = u < 12 ? -1e6F : 1e3F;
    const ls_health *health = measured(t);
    cr_expect_float_eq(health->dead[2], 12.0 / 19, 1e-12);
    char *words[LS_HEALTH_WORDS], *found = NULL;
    int count = ls_health_words(health, words);
    for (int w = 0; w < count; w++) {
        if (strstr(words[w], "dead") != NULL) found = words[w];
    }
    cr_assert_not_null(found);
    cr_expect_str_eq(found,
                     "63 % of the units of dense_0_activation are dead, 0 for all 40 samples of a batch; "
                     "try a smaller optimizer.lr, leaky_relu or he initialisation");
    for (int w = 0; w < count; w++) ls_free(words[w]);
    training_end(t);
}

/* Places of a channel share its weights, so channels live or die. */
Test(health, channels_of_images_are_dead_as_a_whole)
{
    training *t = training_begin(
        1,
        RECIPE(
            "  - {type: reshape, shape: [1, 2, 2]}\n"
            "  - {type: conv2d, filters: 5, kernel: 1, activation: relu, name: conv}\n  - {type: flatten}\n",
            "type: sgd", "shuffle: false"));
    const ls_parameter *parameter = ls_model_find(&t->trainer.model, "conv.bias");
    for (int c = 0; c < 5; c++) t->trainer.step.parameters[parameter->offset + c] = c < 2 ? -1e6F : 1;
    const ls_health *health = measured(t);
    int tensor = 0;
    for (int n = 0; n < t->trainer.model.node_count; n++) {
        if (strcmp(t->trainer.model.node[n].name, "conv_activation") == 0) tensor = n + 1;
    }
    cr_expect_float_eq(health->dead[tensor], 0.4, 1e-12);
    training_end(t);
}

/* Units that answer to some samples only, wherever these samples are worked on. */
Test(health, threads_do_not_change_what_is_measured)
{
    const char *recipe = RECIPE(RELU RELU, "type: adam", "accumulate: 2");
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    training *one = training_begin(1, recipe), *many = training_begin(5, recipe);
    training_steps(one, 7);
    training_steps(many, 7);
    const ls_health *a = measured(one), *b = measured(many);
    cr_assert_eq(a->count, b->count);
    cr_expect(memcmp(a->value, b->value, (size_t)a->count * sizeof *a->value) == 0);
    cr_expect(training_same(one, many));
    training_end(one);
    training_end(many);
}

Test(health, measuring_changes_no_weight_and_gets_no_memory)
{
    const char *recipe = RECIPE(RELU, "type: sgd, momentum: 0.9", "clip_norm: 0.5");
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    training *t = training_begin(2, recipe), *plain = training_begin(1, recipe);
    cr_assert_eq(t->trainer.step.plan.threads, 2);
    training_steps(plain, 5);
    measured(t);
    uint64_t before = ls_alloc_count();
    training_steps(t, 1);
    cr_expect_eq(ls_alloc_count(), before);
    training_steps(t, 3);
    cr_expect(training_same(t, plain));
    training_end(t);
    training_end(plain);
}

Test(health, it_can_be_switched_off_and_skipped_steps_are_not_measured)
{
    training *t = training_begin(1, RECIPE(RELU, "type: sgd", "health: -1"));
    cr_expect_null(t->trainer.step.health);
    t->trainer.measure = true;
    training_steps(t, 1);
    cr_expect_eq(t->trainer.health_is_new, 0);
    training_end(t);
    t = training_begin(1, RECIPE(RELU, "type: sgd", "nonfinite: skip"));
    t->trainer.train.floats[7] = NAN;
    t->trainer.measure = true;
    for (int n = 0; n < 3 && t->trainer.step.skipped == 0; n++) {
        t->trainer.health_is_new = 0;
        training_steps(t, 1);
    }
    cr_expect_eq(t->trainer.step.skipped, 1);
    cr_expect_eq(t->trainer.health_is_new, 0);
    training_end(t);
}

/* The words for numbers that are made up. */
static void expect_words(const char *what, const double *gradient, double first, double update,
                         const char *expected)
{
    training *t = training_begin(1, RECIPE(RELU RELU, "type: sgd", "epochs: 1"));
    ls_health *health = t->trainer.step.health;
    *health->step = 1;
    *health->first = first;
    for (int p = 0; p < 6; p++) {
        const ls_parameter *parameter = &t->trainer.model.parameter[p];
        double elements = (double)parameter->rows * (double)parameter->columns;
        health->gradient[p] = p % 2 == 0 ? gradient[p / 2] * sqrt(elements) : 0;
        health->weight[p] = 1;
        health->update[p] = p == 2 ? update : 0.01;
    }
    char *words[LS_HEALTH_WORDS];
    int count = ls_health_words(health, words);
    cr_expect_eq(count, expected == NULL ? 0 : 1, "%s: %d lines", what, count);
    if (count > 0 && expected != NULL)
        cr_expect(strncmp(words[0], expected, strlen(expected)) == 0, "%s: %s", what, words[0]);
    for (int w = 0; w < count; w++) ls_free(words[w]);
    training_end(t);
}

Test(health, each_trouble_has_its_words)
{
    expect_words("sound", (double[]){1, 2, 3}, 1, 0.1, NULL);
    expect_words("a little smaller", (double[]){1e-3, 0.1, 3}, 1, 0.1, NULL);
    expect_words(
        "vanishing", (double[]){1e-6, 1e-3, 3}, 1, 0.1,
        "the gradient of dense_0 is 10^6 times smaller than that of output: vanishing; try relu or he");
    expect_words("vanishing in the middle", (double[]){1e-3, 1e-4, 3}, 1, 0.1,
                 "the gradient of dense_1 is 10^4 times smaller than that of output: vanishing");
    expect_words("nothing comes back", (double[]){0, 0, 3}, 1, 0.1,
                 "the gradient of dense_0 is zero, while that of output is not");
    expect_words("exploding", (double[]){5e5, 1e3, 1}, 1e9, 0.1,
                 "the gradient of dense_0 is 10^5 times larger than that of output: exploding");
    expect_words("growing", (double[]){1, 2, 3}, 1e-5, 0.1,
                 "the gradient is 10^6 times larger than when it was first measured: exploding");
    expect_words("a rate too large", (double[]){1, 2, 3}, 1, 0.7,
                 "one step changes the weights of dense_1 by 70 % of their norm: too large");
    expect_words("all zero", (double[]){0, 0, 0}, 1, 0.1, NULL);
}

/* --- whole trainings --- */

static char heard[4096];

static void hear(void *user, const char *message)
{
    (void)user;
    strncat(heard, message, sizeof heard - strlen(heard) - 2);
    strcat(heard, "\n");
}

static ls_status train(const char *recipe)
{
    ls_context *context;
    ls_recipe *parsed;
    ls_run_options options = {.note = hear};
    char *directory = ls_path_join(getenv("srcdir"), "datasets");
    heard[0] = '\0';
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_eq(ls_recipe_parse(recipe, "test", directory, NULL, 0, &parsed), LS_OK, "%s",
                 ls_error_message());
    ls_status status = ls_train(context, parsed, &options, NULL);
    ls_recipe_free(parsed);
    ls_context_free(context);
    ls_free(directory);
    return status;
}

#define SIGMOID "  - {type: dense, units: 16, activation: sigmoid}\n"

Test(health, a_deep_sigmoid_network_is_told_that_its_gradients_vanish)
{
    cr_assert_eq(train(RECIPE(SIGMOID SIGMOID SIGMOID SIGMOID SIGMOID SIGMOID SIGMOID SIGMOID SIGMOID SIGMOID,
                              "type: sgd, lr: 0.1", "epochs: 2")),
                 LS_OK, "%s", ls_error_message());
    cr_expect(strstr(heard, "the gradient of dense_") != NULL, "%s", heard);
    cr_expect(strstr(heard, " times smaller than that of output: vanishing; try relu or he initialisation") !=
                  NULL,
              "%s", heard);
}

Test(health, the_same_with_relu_and_he_is_told_nothing)
{
    cr_assert_eq(train(RECIPE(RELU RELU RELU RELU, "type: sgd, lr: 0.05", "epochs: 20")), LS_OK);
    cr_expect_str_eq(heard, "");
}

#define LARGE "  - {type: dense, units: 16, activation: relu, initializer: {type: normal, std: 8}}\n"

Test(health, a_network_with_large_weights_is_told_that_it_explodes)
{
    cr_assert_eq(train(RECIPE(LARGE LARGE LARGE LARGE LARGE LARGE, "type: sgd, lr: 1e-12", "epochs: 2")),
                 LS_OK, "%s", ls_error_message());
    cr_expect(strstr(heard, "the outputs of output are 10^7 times larger than the input: exploding") != NULL,
              "%s", heard);
}

/* The sum of squares with a rate that is too large: each step is longer than the one before, until infinity.
 */
Test(health, a_training_that_explodes_ends_with_words_for_it)
{
    ls_status status =
        train("seed: 3\ndata: {type: csv, train: iris.csv, target: 1, task: values, test_fraction: 0.2}\n"
              "model: [{type: dense, units: 8}, {type: dense, units: 1, name: output}]\nloss: mse\n"
              "optimizer: {type: sgd, lr: 10}\ntraining: {batch: 40, epochs: 50}\n");
    cr_assert_eq(status, LS_ERROR_NUMERIC);
    const char *said = ls_error_message();
    cr_expect(strstr(said, "exploding") != NULL, "%s", said);
    cr_expect(strstr(said, "training.clip_norm") != NULL, "%s", said);
}

/* The first step shows no growth, but an output that is no sensible number. */
Test(health, large_weights_end_with_words_for_them)
{
    cr_assert_eq(
        train(RECIPE(LARGE LARGE LARGE LARGE LARGE LARGE LARGE LARGE, "type: sgd, lr: 1", "epochs: 2")),
        LS_ERROR_NUMERIC);
    const char *said = ls_error_message();
    cr_expect(strstr(said, "step 2: ") != NULL, "%s", said);
    cr_expect(strstr(said, "the network is exploding: the largest output of a layer was") != NULL, "%s",
              said);
}

#define INFINITE "  - {type: dense, units: 16, initializer: {type: normal, std: 1e25}}\n"

Test(health, infinity_in_the_first_step_is_no_matter_of_the_learning_rate)
{
    cr_assert_eq(train(RECIPE(INFINITE INFINITE, "type: sgd, lr: 1", "epochs: 2")), LS_ERROR_NUMERIC);
    const char *said = ls_error_message();
    cr_expect(strstr(said, "step 1: infinity or NaN in the output of layer") != NULL, "%s", said);
    cr_expect(strstr(said, "take smaller initial weights (he or glorot)") != NULL, "%s", said);
    cr_expect(strstr(said, "optimizer.lr") == NULL, "%s", said);
}
