/* The dropout layers: shares, expectation, what the mask depends on. Bits: test_kernels_dropout.c; that
 * training with them does not depend on the layout: tests/mpi. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "support/written_model.h"

enum { LANES = 64, UNITS = 600, COUNT = UNITS * LANES };

static const ls_shape vector = {.rank = 1, .dim = {UNITS}}, image = {.rank = 3, .dim = {60, 2, 5}};
static const ls_pass training = {.training = true, .seed = 3, .step = 7, .first = 128, .count = LANES};

/* Forward with ones, or backward of ones if back. */
static void run(const written_model *written, const ls_pass *pass, int index, bool back, float *y)
{
    static _Alignas(64) float ones[COUNT], nowhere[COUNT];
    for (int i = 0; i < COUNT; i++) ones[i] = 1;
    const ls_node *node = &written->model.node[0];
    ls_layer_call call = {.kernels = ls_kernels_get(),
                          .pass = pass,
                          .node = node,
                          .index = index,
                          .lanes = LANES,
                          .x = {ones},
                          .y = back ? nowhere : y,
                          .dy = ones,
                          .dx = {back ? y : nowhere}};
    if (back)
        node->type->backward(&call);
    else
        node->type->forward(&call);
}

static _Alignas(64) float first[COUNT], second[COUNT];

/* 38,400 draws: the share scatters by 0.25 %. */
Test(dropout, drops_the_wanted_share_and_keeps_the_expectation)
{
    static const double rates[] = {0.1, 0.5, 0.8};
    for (int r = 0; r < 3; r++) {
        char text[64];
        snprintf(text, sizeof text, "model:\n- {type: dropout, rate: %g}", rates[r]);
        written_model written = write_model(text, &vector);
        run(&written, &training, 0, false, first);
        double dropped = 0;
        float kept = (float)(1 / (1 - rates[r]));
        for (int i = 0; i < COUNT; i++) {
            dropped += first[i] == 0;
            cr_assert(first[i] == 0 || fabsf(first[i] - kept) < 1e-6F, "%g", first[i]);
        }
        cr_expect_float_eq(dropped / COUNT, rates[r], 0.0125, "%g of %g", dropped / COUNT, rates[r]);
        written_model_free(&written);
    }
}

static bool same(const written_model *written, const ls_pass *pass, int index)
{
    run(written, &training, 0, false, first);
    run(written, pass, index, false, second);
    return memcmp(first, second, sizeof first) == 0;
}

Test(dropout, depends_on_seed_layer_step_and_position)
{
    written_model written = write_model("model:\n- dropout", &vector);
    ls_pass pass = training;
    cr_expect(same(&written, &pass, 0));
    cr_expect_not(same(&written, &pass, 1));
    pass.seed++;
    cr_expect_not(same(&written, &pass, 0));
    pass = training, pass.step++;
    cr_expect_not(same(&written, &pass, 0));
    pass = training, pass.first += 16;
    cr_expect_not(same(&written, &pass, 0));
    for (int u = 0; u < UNITS; u++) /* the same samples, 16 lanes further on */
        cr_assert_eq(memcmp(first + u * LANES + 16, second + u * LANES, 48 * sizeof(float)), 0);
    written_model_free(&written);
}

Test(dropout, the_backward_pass_has_the_same_mask)
{
    static const char *const texts[] = {"model:\n- dropout", "model:\n- spatial_dropout"};
    for (int i = 0; i < 2; i++) {
        written_model written = write_model(texts[i], i == 0 ? &vector : &image);
        run(&written, &training, 3, false, first);
        run(&written, &training, 3, true, second);
        cr_expect_eq(memcmp(first, second, sizeof first), 0);
        written_model_free(&written);
    }
}

/* Lanes without samples repeat lane 0, on which bounds rely. */
Test(dropout, lanes_without_samples_follow_the_first)
{
    written_model written = write_model("model:\n- dropout", &vector);
    ls_pass pass = training;
    pass.count = 5;
    run(&written, &pass, 0, false, first);
    for (int u = 0; u < UNITS; u++)
        for (int n = 5; n < LANES; n++) cr_assert_eq(first[u * LANES + n], first[u * LANES]);
    written_model_free(&written);
}

Test(dropout, does_nothing_in_prediction_or_at_rate_zero)
{
    written_model written = write_model("model:\n- {type: dropout, rate: 0.9}", &vector);
    ls_pass pass = training;
    pass.training = false;
    run(&written, &pass, 0, false, first);
    for (int i = 0; i < COUNT; i++) cr_assert_eq(first[i], 1);
    written_model_free(&written);
    written = write_model("model:\n- {type: dropout, rate: 0}", &vector);
    run(&written, &training, 0, false, first);
    run(&written, &training, 0, true, second);
    for (int i = 0; i < COUNT; i++) cr_assert(first[i] == 1 && second[i] == 1);
    written_model_free(&written);
}

Test(dropout, spatial_dropout_takes_whole_channels)
{
    written_model written = write_model("model:\n- spatial_dropout", &image);
    run(&written, &training, 0, false, first);
    int dropped = 0;
    for (int c = 0; c < 60; c++)
        for (int n = 0; n < LANES; n++) {
            const float *channel = first + c * 10 * LANES + n;
            dropped += channel[0] == 0;
            for (int p = 1; p < 10; p++) cr_assert_eq(channel[p * LANES], channel[0]);
        }
    cr_expect_float_eq(dropped / (60.0 * LANES), 0.5, 0.05);
    written_model_free(&written);
    expect_model_error(
        "model:\n- spatial_dropout", &vector,
        "r.yaml:2:3: layer spatial_dropout_0: vectors of 600 numbers come in, but spatial_dropout "
        "drops channels of images or series; use dropout");
}
