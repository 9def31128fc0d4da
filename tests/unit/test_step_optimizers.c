/* Whole steps of a small model with every optimiser of the registry: it learns, its bits do not depend on
   threads and segments, and it goes on from a checkpoint as if nothing had happened. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "support/optimizer_run.h"
#include "support/run.h"
#include "train/trainer.h"

enum { ROWS = 48, INPUTS = 5, CLASSES = 3 };

typedef struct setting {
    ls_context *context;
    ls_recipe *recipe;
    ls_trainer *trainer;
    float inputs[ROWS * INPUTS];
    int32_t labels[ROWS];
} setting;

/* Classes that a network can learn: which of three inputs is the largest. */
static void fill_data(setting *s)
{
    for (int i = 0; i < ROWS * INPUTS; i++)
        s->inputs[i] = (float)ls_random_normal(5, LS_RANDOM_BENCH, 0, (uint64_t)i);
    for (int r = 0; r < ROWS; r++) {
        const float *x = s->inputs + r * INPUTS;
        s->labels[r] = x[0] > x[1] ? (x[0] > x[2] ? 0 : 2) : (x[1] > x[2] ? 1 : 2);
    }
}

static ls_status try(int threads, int units, const char *optimizer, const char *training, setting *s)
{
    char *text =
        ls_format("seed: 3\ndata: {type: push, inputs: %d, classes: %d}\n"
                  "model:\n  - {type: dense, units: %d, activation: tanh}\n"
                  "  - {type: dense, units: 17, activation: tanh}\n"
                  "  - {type: dense, units: %d, name: output}\n"
                  "loss: softmax_cross_entropy\noptimizer: %s\ntraining: {batch: %d, grain: 8, %s}\n",
                  INPUTS, CLASSES, units, CLASSES, optimizer, ROWS, training);
    *s = (setting){.context = NULL};
    cr_assert_eq(ls_context_create(threads, &s->context), LS_OK);
    cr_assert_eq(ls_recipe_parse(text, "test", NULL, NULL, 0, &s->recipe), LS_OK, "%s", ls_error_message());
    ls_free(text);
    fill_data(s);
    return ls_trainer_create(s->context, s->recipe, &s->trainer);
}

static setting *make(int threads, const char *optimizer, const char *training)
{
    setting *s = malloc(sizeof *s);
    cr_assert_eq(try(threads, 19, optimizer, training, s), LS_OK, "%s: %s", optimizer, ls_error_message());
    return s;
}

static void release(setting *s)
{
    ls_trainer_free(s->trainer);
    ls_recipe_free(s->recipe);
    ls_context_free(s->context);
    free(s);
}

/* The loss of the last step, before it. */
static double run(setting *s, int steps)
{
    double loss = NAN;
    for (int i = 0; i < steps; i++)
        cr_assert_eq(ls_trainer_step(s->trainer, ROWS, s->inputs, NULL, s->labels, &loss), LS_OK, "%s",
                     ls_error_message());
    return loss;
}

static void expect_same(const setting *a, const setting *b, const char *optimizer, const char *what)
{
    const ls_step *x = &a->trainer->step, *y = &b->trainer->step;
    size_t bytes = (size_t)x->model->arena_size * sizeof(float);
    cr_assert(memcmp(x->parameters, y->parameters, bytes) == 0, "%s, %s: weights differ", optimizer, what);
    for (int s = 0; s < x->state_count; s++) {
        for (int p = 0; p < x->model->parameter_count; p++) {
            const ls_parameter *parameter = &x->model->parameter[p];
            for (int64_t row = 0; row < parameter->rows; row++) {
                int64_t first = parameter->offset + row * parameter->ld;
                cr_assert(memcmp(x->state[s] + first, y->state[s] + first,
                                 (size_t)parameter->columns * sizeof(float)) == 0,
                          "%s, %s: state %d of %s differs", optimizer, what, s, parameter->name);
            }
        }
    }
}

/* Those that work on whole batches are in test_lbfgs_training.c. */
#define EVERY_OPTIMIZER                                                                                      \
    (const ls_component_type *const *type = ls_optimizer_registry.types; *type != NULL;                      \
     type++) if (((const ls_optimizer_type *)*type)->whole == NULL)

Test(step_optimizers, every_one_learns)
{
    for
        EVERY_OPTIMIZER
        {
            const char *optimizer = optimizer_example((*type)->name);
            setting *s = make(1, optimizer, "clip_value: 1");
            double first = run(s, 1), last = run(s, 60);
            cr_expect(last < 0.7 * first, "%s: the loss went from %g to %g", optimizer, first, last);
            release(s);
        }
}

Test(step_optimizers, threads_and_segments_do_not_change_bits)
{
    const int threads[] = {2, 3, 5, 16}, tries = ls_test_in_valgrind() ? 1 : 4;
    for
        EVERY_OPTIMIZER
        {
            const char *optimizer = optimizer_example((*type)->name);
            setting *one = make(1, optimizer, "clip_norm: 0.5");
            run(one, 8);
            cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
            for (int i = 0; i < tries; i++) {
                setting *s = make(threads[i], optimizer, "clip_norm: 0.5, segments: 2");
                cr_assert_eq(s->trainer->step.plan.threads, threads[i]);
                run(s, 8);
                expect_same(one, s, optimizer, "threads");
                release(s);
            }
            unsetenv("LOCKSTEP_ALL_THREADS");
            release(one);
        }
}

Test(step_optimizers, a_checkpoint_goes_on_with_the_same_bits)
{
    char path[] = "/tmp/lockstep-optimizer-XXXXXX";
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    close(file);
    for
        EVERY_OPTIMIZER
        {
            const char *optimizer = optimizer_example((*type)->name);
            setting *whole = make(1, optimizer, ""), *first = make(1, optimizer, ""),
                    *second = make(1, optimizer, "");
            run(whole, 20);
            run(first, 7);
            cr_assert_eq(ls_trainer_save_checkpoint(first->trainer, path), LS_OK, "%s", ls_error_message());
            cr_assert_eq(ls_trainer_load_checkpoint(second->trainer, path), LS_OK, "%s", ls_error_message());
            run(second, 13);
            expect_same(whole, second, optimizer, "resumed");
            release(whole);
            release(first);
            release(second);
        }
    unlink(path);
}

Test(step_optimizers, no_memory_is_allocated_within_a_step)
{
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    for
        EVERY_OPTIMIZER
        {
            setting *s = make(2, optimizer_example((*type)->name), "clip_norm: 1");
            cr_assert_eq(s->trainer->step.plan.threads, 2);
            ls_dataset data = {.rows = ROWS,
                               .inputs = INPUTS,
                               .rank = 1,
                               .shape = {INPUTS},
                               .classes = CLASSES,
                               .floats = s->inputs,
                               .labels = s->labels};
            ls_step_call call = {.rows = {.data = &data, .count = ROWS}, .learning_rate = 0.01};
            cr_assert_eq(ls_step_run(&s->trainer->step, &call), LS_OK);
            uint64_t before = ls_alloc_count();
            for (int i = 0; i < 5; i++) cr_assert_eq(ls_step_run(&s->trainer->step, &call), LS_OK);
            cr_assert_eq(ls_alloc_count(), before, "%s", (*type)->name);
            release(s);
        }
}

static const ls_parameter *find(const setting *s, const char *name)
{
    const ls_parameter *parameter = ls_model_find(&s->trainer->model, name);
    cr_assert_not_null(parameter, "%s", name);
    return parameter;
}

static double change_of(const setting *s, const char *name, const float *before)
{
    const ls_parameter *parameter = find(s, name);
    double sum = 0;
    for (int64_t i = parameter->offset; i < parameter->offset + parameter->rows * parameter->ld; i++)
        sum += pow((double)s->trainer->step.parameters[i] - (double)before[i], 2);
    return sqrt(sum);
}

static float *copy_of(const setting *s)
{
    size_t bytes = (size_t)s->trainer->model.arena_size * sizeof(float);
    return memcpy(malloc(bytes), s->trainer->step.parameters, bytes);
}

Test(step_optimizers, groups_change_rates_of_every_optimizer)
{
    for
        EVERY_OPTIMIZER
        {
            const char *example = optimizer_example((*type)->name);
            char *frozen = ls_format("{type: %s, groups: [{match: dense_0.*, lr_factor: 0}]}", (*type)->name);
            char *slow =
                ls_format("{type: %s, groups: [{match: output.weight, lr_factor: 0.25}]}", (*type)->name);
            char *plain = ls_format("{type: %s}", (*type)->name);
            setting *a = make(1, frozen, ""), *b = make(1, slow, ""), *c = make(1, plain, "");
            float *before = copy_of(a);
            run(a, 2);
            run(b, 1);
            run(c, 1);
            cr_expect_eq(change_of(a, "dense_0.weight", before), 0, "%s", example);
            cr_expect_eq(change_of(a, "dense_0.bias", before), 0, "%s", example);
            cr_expect_gt(change_of(a, "dense_1.weight", before), 0, "%s", example);
            double ratio = change_of(b, "output.weight", before) / change_of(c, "output.weight", before);
            cr_expect_float_eq(ratio, 0.25, 1e-4, "%s: %g", example, ratio);
            cr_expect_float_eq(change_of(b, "output.bias", before), change_of(c, "output.bias", before), 0);
            free(before);
            release(a);
            release(b);
            release(c);
            ls_free(frozen);
            ls_free(slow);
            ls_free(plain);
        }
}

Test(step_optimizers, a_pattern_that_matches_nothing_stops_before_the_training)
{
    setting s;
    cr_expect_eq(try(1, 19, "{type: sgd, groups: [{match: 'outptu.*'}]}", "", &s), LS_ERROR_RECIPE);
    cr_expect(strstr(ls_error_message(),
                     "'outptu.*' matches no parameter, the nearest names are: output.weight") != NULL,
              "%s", ls_error_message());
    ls_recipe_free(s.recipe);
    ls_context_free(s.context);
}

static double longest_row(const setting *s, const char *name)
{
    const ls_parameter *parameter = find(s, name);
    double longest = 0;
    for (int64_t row = 0; row < parameter->rows; row++) {
        const float *w = s->trainer->step.parameters + parameter->offset + row * parameter->ld;
        double sum = 0;
        for (int64_t i = 0; i < parameter->columns; i++) sum += (double)w[i] * (double)w[i];
        longest = fmax(longest, sqrt(sum));
    }
    return longest;
}

/* Lengths of steps that follow from the norm of the weights, of parameters that take several pieces of the
 * update. */
Test(step_optimizers, norms_are_those_of_whole_parameters)
{
    static const char *const optimizers[] = {"{type: lars, lr: 1, momentum: 0, trust: 0.03125}",
                                             "{type: lamb, lr: 0.03125, weight_decay: 0}"};
    for (int o = 0; o < 2; o++) {
        setting s;
        cr_assert_eq(try(1, 600, optimizers[o], "", &s), LS_OK);
        const ls_step *step = &s.trainer->step;
        cr_assert_gt(step->plan.piece_count, step->model->parameter_count + 2);
        float *before = copy_of(&s), *zeros = calloc((size_t)step->model->arena_size, sizeof *zeros);
        run(&s, 1);
        float *after = copy_of(&s);
        for (int p = 0; p < step->model->parameter_count; p++) {
            const ls_parameter *parameter = &step->model->parameter[p];
            if (!parameter->decay) continue;
            double moved = change_of(&s, parameter->name, before);
            memcpy(step->parameters, before, (size_t)step->model->arena_size * sizeof *before);
            double length = change_of(&s, parameter->name, zeros);
            memcpy(step->parameters, after, (size_t)step->model->arena_size * sizeof *after);
            cr_expect_float_eq(moved, 0.03125 * length, 1e-5 * length, "%s, %s: %g of %g", optimizers[o],
                               parameter->name, moved, length);
        }
        free(after);
        free(before);
        free(zeros);
        ls_trainer_free(s.trainer);
        ls_recipe_free(s.recipe);
        ls_context_free(s.context);
    }
}

Test(step_optimizers, max_norm_limits_the_weights_of_each_unit)
{
    for
        EVERY_OPTIMIZER
        {
            char *text = ls_format("{type: %s, max_norm: 0.5, groups: [{match: output.*, max_norm: 0}]}",
                                   (*type)->name);
            setting *s = make(1, text, "");
            run(s, 3);
            cr_expect_float_eq(longest_row(s, "dense_0.weight"), 0.5, 1e-6, "%s", text);
            cr_expect_leq(longest_row(s, "dense_1.weight"), 0.5 + 1e-6, "%s", text);
            cr_expect_gt(longest_row(s, "output.weight"), 0.5 + 1e-3, "%s", text);
            release(s);
            ls_free(text);
        }
}

/* With lr 1 and nothing else the change of a weight is its gradient: no element may exceed the limit, and
   those that stay below are as without it. */
Test(step_optimizers, clip_value_limits_every_element)
{
    setting *free_one = make(1, "{type: sgd, lr: 1}", ""),
            *s = make(1, "{type: sgd, lr: 1}", "clip_value: 0.01");
    float *before = copy_of(s);
    run(free_one, 1);
    run(s, 1);
    int clipped = 0;
    for (int64_t i = 0; i < s->trainer->model.arena_size; i++) {
        double whole = (double)free_one->trainer->step.parameters[i] - (double)before[i];
        double limited = (double)s->trainer->step.parameters[i] - (double)before[i];
        clipped += fabs(whole) > 0.01;
        cr_assert_float_eq(limited, fmax(-0.01, fmin(0.01, whole)), 1e-7);
    }
    cr_expect_gt(clipped, 10);
    free(before);
    release(free_one);
    release(s);
}

/* Biases do not decay unless they are told to. */
Test(step_optimizers, decay_spares_biases)
{
    const char *decay =
        "{type: sgd, lr: 0.1, weight_decay: 0.1, groups: [{match: output.bias, decay_on: all}]}";
    setting *with = make(1, decay, ""), *without = make(1, "{type: sgd, lr: 0.1}", "");
    const ls_parameter *inner = find(with, "dense_0.bias"), *outer = find(with, "output.bias");
    setting *both[] = {with, without};
    for (int b = 0; b < 2; b++) {
        both[b]->trainer->step.parameters[inner->offset] = 1;
        both[b]->trainer->step.parameters[outer->offset] = 1;
        run(both[b], 1);
    }
    const float *x = with->trainer->step.parameters, *y = without->trainer->step.parameters;
    cr_expect_eq(x[inner->offset], y[inner->offset]);
    cr_expect_float_eq(y[outer->offset] - x[outer->offset], 0.01, 1e-7);
    const ls_parameter *weight = find(with, "dense_1.weight");
    cr_expect_neq(x[weight->offset], y[weight->offset]);
    release(with);
    release(without);
}

Test(step_optimizers, pushed_rows_have_no_epochs)
{
    setting s;
    cr_expect_eq(try(1, 19, "{type: sgd, schedule: {type: step, every: 3}}", "", &s), LS_ERROR_RECIPE);
    cr_expect(strstr(ls_error_message(), "test:8:34: the learning rate follows epochs") != NULL, "%s",
              ls_error_message());
    ls_recipe_free(s.recipe);
    ls_context_free(s.context);
    setting *fine =
        make(1, "{type: sgd, lr: 8, schedule: {type: step, every: 3, unit: steps, factor: 0.5}}", "");
    for (int step = 0; step < 9; step++) {
        cr_expect_eq(ls_trainer_rate(fine->trainer), 8 >> step / 3);
        run(fine, 1);
    }
    release(fine);
}
