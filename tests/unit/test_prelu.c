/* The layer prelu: its parameters and which slope goes where. Derivatives: test_registry_layers.c. */
#include <criterion/criterion.h>
#include "support/written_model.h"

enum { LANES = 16, CHANNELS = 3, POSITIONS = 4, COUNT = CHANNELS * POSITIONS * LANES };

static const ls_shape image = {.rank = 3, .dim = {CHANNELS, 2, 2}};

/* x = -1 everywhere, slopes 1, 2, 3. */
static void run(const char *text, int slopes, float *y, float *sums)
{
    written_model written = write_model(text, &image);
    cr_assert_eq(written.model.parameter_count, 1);
    const ls_parameter *parameter = &written.model.parameter[0];
    cr_expect(parameter->columns == slopes && parameter->dims == 1 && !parameter->decay);
    cr_expect_str_eq(parameter->name, "prelu_0.slope");
    float arena[16];
    cr_assert_eq(ls_model_initialise(&written.model, 1, arena), LS_OK);
    for (int i = 0; i < slopes; i++) cr_expect_eq(arena[i], 0.25F);
    _Alignas(64) float x[COUNT], dy[COUNT], dx[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = -1, dy[i] = (float)(i % LANES);
    ls_layer_call call = {.kernels = ls_kernels_get(),
                          .node = &written.model.node[0],
                          .lanes = LANES,
                          .parameter = (const float *const[]){(float[]){1, 2, 3}},
                          .sample_gradient = (float *const[]){sums},
                          .x = {x},
                          .y = y,
                          .dy = dy,
                          .dx = {dx}};
    call.node->type->forward(&call);
    call.node->type->backward(&call);
    for (int i = 0; i < COUNT; i++) cr_assert_eq(dx[i], -y[i] * dy[i]);
    written_model_free(&written);
}

Test(prelu, has_a_slope_for_each_channel_or_one_in_all)
{
    _Alignas(64) float y[COUNT], sums[CHANNELS * LANES];
    run("model:\n- prelu", CHANNELS, y, sums);
    for (int i = 0; i < COUNT; i++) cr_assert_eq(y[i], (float)(-1 - i / (POSITIONS * LANES)));
    for (int i = 0; i < CHANNELS * LANES; i++) cr_assert_eq(sums[i], (float)(-POSITIONS * (i % LANES)));
    run("model:\n- {type: prelu, shared: true}", 1, y, sums);
    for (int i = 0; i < COUNT; i++) cr_assert_eq(y[i], -1);
    for (int i = 0; i < LANES; i++) cr_assert_eq(sums[i], (float)(-CHANNELS * POSITIONS * i));
}

Test(prelu, may_follow_a_layer_as_its_activation)
{
    written_model written =
        write_model("model:\n- {type: dense, units: 5, activation: prelu, name: a}", &image);
    cr_assert_eq(written.model.parameter_count, 3);
    cr_expect_str_eq(written.model.parameter[2].name, "a_activation.slope");
    cr_expect_eq(written.model.parameter[2].columns, 5);
    written_model_free(&written);
}
