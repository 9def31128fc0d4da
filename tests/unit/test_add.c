/* The layer add: known values, and what it refuses. Derivatives: test_registry_layers.c. */
#include <criterion/criterion.h>
#include <string.h>
#include "support/written_model.h"

enum { LANES = 16, UNITS = 3 };

static const ls_shape vector = {.rank = 1, .dim = {UNITS}};

static const char three_branches[] = "model:\n"
                                     "- {type: tanh, name: a}\n"
                                     "- {type: relu, name: b, inputs: input}\n"
                                     "- {type: add, inputs: [a, b, input]}\n";

/* The order shows: (1 + 2^-24) + 2^-24 is 1 in float, 1 + (2^-24 + 2^-24) is not. */
Test(add, sums_from_left_to_right)
{
    written_model written = write_model(three_branches, &vector);
    cr_expect(ls_shape_equal(ls_model_output(&written.model), &vector));
    _Alignas(64) float x[3][UNITS * LANES], y[UNITS * LANES];
    for (int i = 0; i < UNITS * LANES; i++) x[0][i] = 1, x[1][i] = x[2][i] = 0x1p-24F;
    x[0][LANES] = 3, x[1][LANES] = -5, x[2][LANES] = 0.5F;
    run_last_node(&written.model, LANES, (const float *const[]){x[0], x[1], x[2]}, y, NULL, NULL);
    cr_expect(y[0] == 1 && y[UNITS * LANES - 1] == 1, "%a", y[0]);
    cr_expect_eq(y[LANES], -1.5F);
    run_last_node(&written.model, LANES, (const float *const[]){x[1], x[2], x[0]}, y, NULL, NULL);
    cr_expect(y[0] == 0x1.000002p0F && y[UNITS * LANES - 1] == 0x1.000002p0F, "%a", y[0]);
    written_model_free(&written);
}

Test(add, gives_its_derivative_to_each_input)
{
    written_model written = write_model(three_branches, &vector);
    _Alignas(64) float x[UNITS * LANES] = {0}, y[UNITS * LANES], dy[UNITS * LANES], dx[2][UNITS * LANES];
    for (int i = 0; i < UNITS * LANES; i++) dy[i] = (float)i;
    run_last_node(&written.model, LANES, (const float *const[]){x, x, x}, y, dy,
                  (float *const[]){dx[0], NULL, dx[1]});
    cr_expect(memcmp(dx[0], dy, sizeof dy) == 0 && memcmp(dx[1], dy, sizeof dy) == 0);
    written_model_free(&written);
}

Test(add, refuses_other_shapes_and_a_single_input)
{
    expect_model_error("model:\n"
                       "- {type: dense, units: 5, name: wide}\n"
                       "- {type: add, name: sum, inputs: [wide, input]}",
                       &vector,
                       "r.yaml:3:3: layer sum: wide is 5, but input is 3; only equal shapes can be added");
    expect_model_error(
        "model:\n"
        "- {type: reshape, shape: [3, 1], name: turned}\n"
        "- {type: add, inputs: [input, turned]}",
        &vector, "r.yaml:3:3: layer add_0: input is 3, but turned is 3 x 1; only equal shapes can be added");
    expect_model_error(
        "model:\n- {type: add}", &vector,
        "r.yaml:2:3: layer add_0: one input is given, but a layer of type add takes 2 to 8; name "
        "them as in inputs: [a, b]");
}
