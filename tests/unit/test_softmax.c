/* The softmax layers: over what they sum. Derivatives: test_registry_layers.c. */
#include <criterion/criterion.h>
#include <math.h>
#include "support/written_model.h"

enum { LANES = 16, CHANNELS = 3, POSITIONS = 4, COUNT = CHANNELS * POSITIONS * LANES };

static const ls_shape image = {.rank = 3, .dim = {CHANNELS, 2, 2}};

static void run(const char *text, const float *x, float *y)
{
    written_model written = write_model(text, &image);
    cr_expect(ls_shape_equal(ls_model_output(&written.model), &image));
    run_last_node(&written.model, LANES, (const float *const[]){x}, y, NULL, NULL);
    written_model_free(&written);
}

Test(softmax, is_taken_over_the_channels_at_each_position)
{
    _Alignas(64) float x[COUNT], y[COUNT], log_y[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = (float)(i * 7 % 11);
    run("model:\n- softmax", x, y);
    run("model:\n- log_softmax", x, log_y);
    for (int i = 0; i < POSITIONS * LANES; i++) {
        const int next = POSITIONS * LANES;
        double sum = 0;
        for (int c = 0; c < CHANNELS; c++) sum += (double)y[c * next + i];
        cr_expect_float_eq(sum, 1, 1e-6);
        for (int c = 0; c < CHANNELS; c++)
            cr_expect_float_eq(exp((double)log_y[c * next + i]), y[c * next + i], 1e-6);
        double ratio = (double)y[next + i] / (double)y[i];
        cr_expect_float_eq(ratio, exp((double)(x[next + i] - x[i])), 1e-5 * ratio);
    }
}
