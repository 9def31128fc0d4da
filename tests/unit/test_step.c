/* Whole steps of small models, in one process. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/trainer.h"

typedef struct setting {
    ls_context *context;
    ls_recipe *recipe;
    ls_model model;
    ls_dataset data;
    ls_step step;
} setting;

enum { ROWS = 37, INPUTS = 5, CLASSES = 3 };

static void fill_data(ls_dataset *data)
{
    *data = (ls_dataset){.rows = ROWS, .inputs = INPUTS, .rank = 1, .shape = {INPUTS}, .classes = CLASSES};
    data->floats = ls_alloc(ROWS * INPUTS, sizeof(float));
    data->labels = ls_alloc(ROWS, sizeof(int32_t));
    for (int i = 0; i < ROWS * INPUTS; i++) {
        data->floats[i] = (float)ls_random_normal(5, LS_RANDOM_BENCH, 0, (uint64_t)i);
    }
    for (int r = 0; r < ROWS; r++)
        data->labels[r] = (int32_t)ls_random_below(5, LS_RANDOM_BENCH, 1, (uint64_t)r, CLASSES);
}

static setting *make_with(int threads, const char *first, const char *second, const char *more)
{
    setting *s = calloc(1, sizeof *s);
    char *text = ls_format("seed: 3\ndata: {type: push, inputs: %d, classes: %d}\n"
                           "model:\n  - {%s}\n  - {%s}\n  - {type: dense, units: %d, name: output}\n"
                           "loss: softmax_cross_entropy\n%s\n",
                           INPUTS, CLASSES, first, second, CLASSES, more);
    ls_shape input = {.rank = 1, .dim = {INPUTS}};
    cr_assert_eq(ls_context_create(threads, &s->context), LS_OK);
    cr_assert_eq(ls_recipe_parse(text, "test", NULL, NULL, 0, &s->recipe), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_model_build(&s->recipe->model, &input, "test", &s->model), LS_OK, "%s",
                 ls_error_message());
    fill_data(&s->data);
    cr_assert_eq(ls_step_create(s->context->comm, threads, &s->model, s->recipe, ROWS, &s->step), LS_OK);
    ls_free(text);
    return s;
}

static setting *make_sized(int threads, int units, const char *more)
{
    char *first = ls_format("type: dense, units: %d, activation: tanh", units);
    char *second = ls_format("type: dense, units: %d, activation: gelu", units - 1);
    setting *s = make_with(threads, first, second, more);
    ls_free(first);
    ls_free(second);
    return s;
}

static setting *make(int threads, const char *more)
{
    return make_sized(threads, 19, more);
}

static void release(setting *s)
{
    ls_step_free(&s->step);
    ls_model_free(&s->model);
    ls_dataset_free(&s->data);
    ls_recipe_free(s->recipe);
    ls_context_free(s->context);
    free(s);
}

static ls_status run_rows(setting *s, int64_t first, int64_t count)
{
    ls_step_call call = {.rows = {.data = &s->data, .first = first, .count = count}, .learning_rate = 0.5};
    return ls_step_run(&s->step, &call);
}

static ls_status run(setting *s)
{
    return run_rows(s, 0, ROWS);
}

/* The loss of the batch in double precision from the parameters of an arena, by the reference functions of
 * the layers. */
static double reference_loss(const setting *s, const double *parameters)
{
    const ls_loss_type *loss = (const ls_loss_type *)s->recipe->loss.type;
    double total = 0;
    for (int r = 0; r < ROWS; r++) {
        double tensor[8][32];
        for (int i = 0; i < INPUTS; i++) tensor[0][i] = (double)s->data.floats[r * INPUTS + i];
        for (int n = 0; n < s->model.node_count; n++) {
            const ls_node *node = &s->model.node[n];
            const double *views[2] = {NULL};
            double dense[2][1024];
            for (int p = 0; p < node->parameter_count; p++) {
                const ls_parameter *parameter = &s->model.parameter[node->first_parameter + p];
                for (int64_t row = 0; row < parameter->rows; row++) {
                    memcpy(dense[p] + row * parameter->columns,
                           parameters + parameter->offset + row * parameter->ld,
                           (size_t)parameter->columns * sizeof(double));
                }
                views[p] = dense[p];
            }
            ls_reference_call call = {
                .node = node, .parameter = views, .x = {tensor[node->input[0]]}, .y = tensor[n + 1]};
            node->type->reference_forward(&call);
        }
        total += loss->reference(s->recipe->loss.options, CLASSES, tensor[s->model.node_count], NULL,
                                 s->data.labels[r], NULL);
    }
    return total / ROWS;
}

/* With the step w' = w - 0.5 g the gradient is read from the weights and compared with finite differences of
 * the reference. */
Test(step, the_gradient_is_that_of_finite_differences_in_double_precision)
{
    setting *s = make(2, "training: {grain: 8}");
    size_t size = (size_t)s->model.arena_size;
    double *parameters = calloc(size, sizeof *parameters);
    for (size_t i = 0; i < size; i++) parameters[i] = (double)s->step.parameters[i];
    cr_assert_eq(run(s), LS_OK, "%s", ls_error_message());
    for (int p = 0; p < s->model.parameter_count; p++) {
        const ls_parameter *parameter = &s->model.parameter[p];
        for (int64_t e = 0; e < parameter->rows * parameter->columns; e++) {
            size_t i =
                (size_t)(parameter->offset + e / parameter->columns * parameter->ld + e % parameter->columns);
            double before = parameters[i], h = 1e-5;
            double found = (before - (double)s->step.parameters[i]) / 0.5;
            parameters[i] = before + h;
            double above = reference_loss(s, parameters);
            parameters[i] = before - h;
            double below = reference_loss(s, parameters);
            parameters[i] = before;
            double expected = (above - below) / (2 * h);
            cr_assert(fabs(found - expected) < 1e-6, "%s[%d]: %.9g, expected %.9g", parameter->name, (int)e,
                      found, expected);
        }
    }
    free(parameters);
    release(s);
}

static void expect_same(const setting *a, const setting *b, const char *what)
{
    cr_assert(memcmp(a->step.parameters, b->step.parameters, (size_t)a->model.arena_size * sizeof(float)) ==
                  0,
              "%s", what);
}

static setting *trained(int threads, const char *more)
{
    setting *s = make(threads, more);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(run_rows(s, 0, 20), LS_OK);
        cr_assert_eq(run_rows(s, 20, 17), LS_OK);
    }
    return s;
}

/* The work of this model is too small for several threads, so they are forced upon the plan. */
Test(step, threads_panels_and_segments_do_not_change_bits)
{
    setting *one = trained(1, "training: {grain: 8}");
    setting *segments = trained(1, "training: {grain: 8, segments: 3}");
    expect_same(one, segments, "segments");
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    for (int threads = 2; threads <= 16; threads *= 2) {
        setting *s = trained(threads, "training: {grain: 8, segments: 2}");
        cr_assert_eq(s->step.plan.threads, threads);
        expect_same(one, s, "threads");
        release(s);
    }
    unsetenv("LOCKSTEP_ALL_THREADS");
    release(one);
    release(segments);
}

Test(step, a_dropped_sample_changes_the_weights)
{
    setting *all = make(1, ""), *fewer = make(1, "");
    cr_assert_eq(run(all), LS_OK);
    cr_assert_eq(run_rows(fewer, 0, ROWS - 1), LS_OK);
    cr_assert(memcmp(all->step.parameters, fewer->step.parameters,
                     (size_t)all->model.arena_size * sizeof(float)) != 0);
    release(all);
    release(fewer);
}

Test(step, no_memory_is_allocated_within_a_step)
{
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    setting *s =
        make(2, "training: {grain: 4, clip_norm: 1.0}\noptimizer: {type: sgd, lr: 0.1, momentum: 0.9}");
    cr_assert_eq(s->step.plan.threads, 2);
    cr_assert_eq(run(s), LS_OK);
    uint64_t before = ls_alloc_count();
    for (int i = 0; i < 10; i++) cr_assert_eq(run(s), LS_OK);
    cr_assert_eq(ls_alloc_count(), before);
    release(s);
}

Test(step, infinity_in_the_data_stops_before_any_weight_changes)
{
    setting *s = make(1, "");
    size_t bytes = (size_t)s->model.arena_size * sizeof(float);
    float *before = malloc(bytes);
    memcpy(before, s->step.parameters, bytes);
    s->data.floats[7] = INFINITY;
    cr_assert_eq(run(s), LS_ERROR_NUMERIC);
    cr_expect(strstr(ls_error_message(), "input data") != NULL, "%s", ls_error_message());
    s->data.floats[7] = NAN;
    cr_assert_eq(run(s), LS_ERROR_NUMERIC);
    cr_expect(memcmp(before, s->step.parameters, bytes) == 0);
    cr_expect_eq(s->step.steps, 0);
    free(before);
    release(s);
}

Test(step, infinity_names_the_layer)
{
    setting *s = make(1, "");
    s->step.parameters[s->model.parameter[4].offset] = 3e38f;
    s->step.parameters[s->model.parameter[4].offset + 1] = 3e38f;
    for (int i = 0; i < 18; i++) s->step.parameters[s->model.parameter[4].offset + i] = 3e38f;
    cr_assert_eq(run(s), LS_ERROR_NUMERIC);
    cr_expect(strstr(ls_error_message(), "layer output") != NULL ||
                  strstr(ls_error_message(), "dense_1") != NULL,
              "%s", ls_error_message());
    release(s);
}

Test(step, the_policy_skip_leaves_the_step_out_and_counts_it)
{
    setting *s = make(1, "training: {nonfinite: skip}");
    size_t bytes = (size_t)s->model.arena_size * sizeof(float);
    float *before = malloc(bytes), value = s->data.floats[7];
    memcpy(before, s->step.parameters, bytes);
    s->data.floats[7] = NAN;
    cr_assert_eq(run(s), LS_OK);
    cr_expect(memcmp(before, s->step.parameters, bytes) == 0);
    cr_expect_eq(s->step.skipped, 1);
    s->data.floats[7] = value;
    cr_assert_eq(run(s), LS_OK);
    cr_expect(memcmp(before, s->step.parameters, bytes) != 0);
    cr_expect_eq(s->step.skipped, 1);
    free(before);
    release(s);
}

/* w' - w is limited: |w' - w| = lr * clip where the gradient is longer. */
Test(step, clipping_limits_the_global_norm)
{
    setting *s = make(1, "training: {clip_norm: 0.01}");
    size_t size = (size_t)s->model.arena_size;
    float *before = malloc(size * sizeof *before);
    memcpy(before, s->step.parameters, size * sizeof *before);
    cr_assert_eq(run(s), LS_OK);
    double sum = 0;
    for (size_t i = 0; i < size; i++) sum += pow((double)(s->step.parameters[i] - before[i]) / 0.5, 2);
    cr_expect_float_eq(sqrt(sum), 0.01, 1e-6);
    cr_expect(s->step.gradient_norm > 0.01);
    free(before);
    release(s);
}

Test(step, a_larger_batch_than_planned_needs_only_a_resize)
{
    setting *s = make(1, "training: {grain: 8}"), *planned = make(1, "training: {grain: 8}");
    ls_step_free(&s->step);
    cr_assert_eq(ls_step_create(s->context->comm, 1, &s->model, s->recipe, 9, &s->step), LS_OK);
    cr_assert_eq(ls_step_resize(&s->step, ROWS), LS_OK);
    cr_assert_eq(run(s), LS_OK);
    cr_assert_eq(run(planned), LS_OK);
    expect_same(s, planned, "resized");
    release(s);
    release(planned);
}

/* More rows wake more threads, and slices of the parameters are cut anew. */
Test(step, a_resize_that_wakes_threads_leaves_no_parameter_out)
{
    const char *more = "training: {grain: 2}";
    setting *s = make_sized(3, 600, more), *planned = make_sized(3, 600, more);
    ls_step_free(&s->step);
    cr_assert_eq(ls_step_create(s->context->comm, 3, &s->model, s->recipe, 2, &s->step), LS_OK);
    int before = s->step.plan.threads;
    cr_assert_eq(ls_step_resize(&s->step, ROWS), LS_OK);
    cr_assert(before < s->step.plan.threads && s->step.plan.home_count == s->step.plan.threads);
    cr_assert_eq(run(s), LS_OK);
    cr_assert_eq(run(planned), LS_OK);
    expect_same(s, planned, "resized");
    release(s);
    release(planned);
}

/* Threads share the units of a large first layer; its bits are those of a thread that goes panel by panel,
   also where all panels must meet behind it. */
Test(step, threads_may_share_the_units_of_the_first_layer)
{
    const char *first[] = {"type: dense, units: 2100", "type: dense, units: 2100, activation: relu"};
    const char *second[] = {"type: dense, units: 20, activation: tanh", "type: batch_norm"};
    const char *more = "training: {grain: 2}";
    const int threads[] = {2, 3, 8, 16};
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
    for (int i = 0; i < 8; i++) {
        setting *s = make_with(threads[i / 2], first[i % 2], second[i % 2], more);
        setting *alone = make_with(1, first[i % 2], second[i % 2], more);
        cr_assert(s->step.plan.opens && s->step.plan.threads == threads[i / 2] && !alone->step.plan.opens);
        for (int k = 0; k < 3; k++) {
            cr_assert_eq(run(s), LS_OK);
            cr_assert_eq(run(alone), LS_OK);
        }
        expect_same(s, alone, second[i % 2]);
        release(s);
        release(alone);
    }
    unsetenv("LOCKSTEP_ALL_THREADS");
}
