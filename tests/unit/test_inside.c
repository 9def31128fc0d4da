/* Training inside another program, through the public headers alone. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <lockstep/lockstep.h>
#include "support/pushing.h"
#include "support/run.h"

static const char values_recipe[] =
    "data: {type: push, inputs: 2, outputs: 1}\n"
    "model: [{type: dense, units: 24, activation: tanh}, {type: dense, units: 1}]\n"
    "loss: mse\noptimizer: {type: sgd, lr: 0.1, momentum: 0.9}\n"
    "training: {batch: 16, grain: 4}\n";
static const char labels_recipe[] = "data: {type: push, inputs: 2, classes: 3}\n"
                                    "model: [{type: dense, units: 3}]\nloss: softmax_cross_entropy\n";

static pushing begin(const char *text, int threads)
{
    pushing r = pushing_begin("inside", text, threads);
    return r;
}

enum { ROWS_MAX = 60 };

static void step(pushing *r, int round, int64_t rows)
{
    float inputs[2 * ROWS_MAX], targets[ROWS_MAX];
    for (int64_t i = 0; i < rows; i++) {
        inputs[2 * i] = sinf((float)(round * 31 + i));
        inputs[2 * i + 1] = cosf((float)(round * 17 + 3 * i));
        targets[i] = inputs[2 * i] * inputs[2 * i + 1];
    }
    double loss;
    cr_assert_eq(ls_trainer_step(r->trainer, rows, inputs, targets, NULL, &loss), LS_OK, "%s",
                 ls_error_message());
    cr_assert(rows == 0 || loss >= 0);
}

static void predict(pushing *r, float *outputs)
{
    const float probe[8] = {0, 0, 1, 1, -0.5f, 0.5f, 0.3f, -0.8f};
    cr_assert_eq(ls_trainer_predict(r->trainer, 4, probe, outputs), LS_OK);
}

/* Fewer rows than the batch, none, and more than the batch. */
static const int64_t rows_of_round[] = {16, 5, 0, 60, 17, 1, 33};
enum { ROUNDS = sizeof rows_of_round / sizeof *rows_of_round };

Test(inside, bits_do_not_depend_on_threads_and_none_is_no_step)
{
    float expected[4], found[4];
    for (int threads = 1; threads <= 8; threads *= 2) {
        pushing r = begin(values_recipe, threads);
        for (int i = 0; i < ROUNDS; i++) step(&r, i, rows_of_round[i]);
        cr_expect_eq(ls_trainer_steps(r.trainer), ROUNDS - 1);
        predict(&r, threads == 1 ? expected : found);
        if (threads > 1) cr_assert(memcmp(expected, found, sizeof found) == 0, "%d threads", threads);
        pushing_end(&r);
    }
}

Test(inside, it_learns)
{
    pushing r = begin(values_recipe, 1);
    for (int i = 0; i < 600; i++) step(&r, i, 16);
    float outputs[4];
    predict(&r, outputs);
    cr_expect_float_eq(outputs[2], -0.25f, 0.1f);
    cr_expect_float_eq(outputs[3], -0.24f, 0.1f);
    pushing_end(&r);
}

Test(inside, a_checkpoint_continues_with_the_same_bits)
{
    char path[] = "/tmp/lockstep-inside-XXXXXX";
    cr_assert_geq(mkstemp(path), 0);
    float expected[4], found[4];
    pushing whole = begin(values_recipe, 1), half = begin(values_recipe, 2), rest = begin(values_recipe, 3);
    for (int i = 0; i < ROUNDS; i++) step(&whole, i, rows_of_round[i]);
    for (int i = 0; i < 4; i++) step(&half, i, rows_of_round[i]);
    cr_assert_eq(ls_trainer_save_checkpoint(half.trainer, path), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_trainer_load_checkpoint(rest.trainer, path), LS_OK, "%s", ls_error_message());
    cr_expect_eq(ls_trainer_steps(rest.trainer), 3);
    for (int i = 4; i < ROUNDS; i++) step(&rest, i, rows_of_round[i]);
    predict(&whole, expected);
    predict(&rest, found);
    cr_expect(memcmp(expected, found, sizeof found) == 0);
    unlink(path);
    pushing_end(&whole);
    pushing_end(&half);
    pushing_end(&rest);
}

Test(inside, a_saved_model_predicts_the_same)
{
    char path[] = "/tmp/lockstep-inside-XXXXXX";
    cr_assert_geq(mkstemp(path), 0);
    pushing r = begin(values_recipe, 1);
    for (int i = 0; i < 20; i++) step(&r, i, 16);
    cr_assert_eq(ls_trainer_save_model(r.trainer, path), LS_OK, "%s", ls_error_message());
    ls_predictor *predictor;
    cr_assert_eq(ls_predictor_load(r.context, path, &predictor), LS_OK, "%s", ls_error_message());
    const float probe[8] = {0, 0, 1, 1, -0.5f, 0.5f, 0.3f, -0.8f};
    float expected[4], found[4];
    predict(&r, expected);
    cr_assert_eq(ls_predictor_predict(predictor, 4, probe, found, NULL), LS_OK);
    cr_expect(memcmp(expected, found, sizeof found) == 0);
    cr_expect_eq(ls_predictor_inputs(predictor), 2);
    cr_expect_eq(ls_predictor_outputs(predictor), 1);
    ls_predictor_free(predictor);
    unlink(path);
    pushing_end(&r);
}

Test(inside, a_label_out_of_range_says_the_row)
{
    pushing r = begin(labels_recipe, 1);
    const float inputs[4] = {0, 1, 2, 3};
    const int32_t labels[2] = {1, 3};
    cr_expect_eq(ls_trainer_step(r.trainer, 2, inputs, NULL, labels, NULL), LS_ERROR_DATA);
    cr_expect(strstr(ls_error_message(), "row 1 is 3, expected 0 to 2") != NULL, "%s", ls_error_message());
    cr_expect_eq(ls_trainer_step(r.trainer, 2, inputs, NULL, NULL, NULL), LS_ERROR_ARGUMENT);
    pushing_end(&r);
}

Test(inside, a_recipe_with_files_is_not_for_pushed_rows)
{
    ls_context *context;
    ls_recipe *recipe;
    ls_trainer *trainer;
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_eq(ls_recipe_parse("data: xor\nmodel: [{type: dense, units: 1}]\nloss: binary_cross_entropy\n",
                                 "r", NULL, NULL, 0, &recipe),
                 LS_OK, "%s", ls_error_message());
    cr_expect_eq(ls_trainer_create(context, recipe, &trainer), LS_ERROR_RECIPE);
    cr_expect_null(trainer);
    ls_recipe_free(recipe);
    ls_context_free(context);
}

#if defined(__x86_64__)
/* Flush to zero, denormals are zero and another rounding mode in the calling program neither change the bits
 * nor get lost. */
Test(inside, the_callers_floating_point_state_is_left_alone)
{
    if (ls_test_in_valgrind()) cr_skip_test("valgrind does not follow the floating-point settings");
    float expected[4], found[4];
    for (int odd = 0; odd < 2; odd++) {
        pushing r = begin(values_recipe, 2);
        unsigned mine = _mm_getcsr() | (odd ? 0x8040u | 0x6000u : 0);
        for (int i = 0; i < ROUNDS; i++) {
            /* The samples are made in the usual state, the step is called in the odd one. */
            float inputs[2 * ROWS_MAX], targets[ROWS_MAX];
            for (int64_t k = 0; k < rows_of_round[i]; k++) {
                inputs[2 * k] = ldexpf((float)(k + 1), k % 3 == 0 ? -148 : -3);
                inputs[2 * k + 1] = (float)k / 64;
                targets[k] = (float)(k % 2);
            }
            unsigned before = _mm_getcsr();
            _mm_setcsr(mine);
            ls_status status = ls_trainer_step(r.trainer, rows_of_round[i], inputs, targets, NULL, NULL);
            unsigned after = _mm_getcsr();
            _mm_setcsr(before);
            cr_assert_eq(status, LS_OK, "%s", ls_error_message());
            cr_assert_eq(after & 0xffc0u, mine & 0xffc0u, "the control bits are %x, were %x", after, mine);
        }
        predict(&r, odd ? found : expected);
        pushing_end(&r);
    }
    cr_expect(memcmp(expected, found, sizeof found) == 0);
}
#endif
