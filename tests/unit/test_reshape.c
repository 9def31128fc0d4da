/* The layers that change the shape alone: reshape and flatten. */
#include <criterion/criterion.h>
#include <string.h>
#include "support/written_model.h"

static const ls_shape image = {.rank = 3, .dim = {2, 3, 5}};

static void expect_shape(const char *text, ls_shape expected)
{
    written_model written = write_model(text, &image);
    char found[LS_SHAPE_TEXT];
    ls_shape_text(ls_model_output(&written.model), found, sizeof found);
    cr_expect(ls_shape_equal(ls_model_output(&written.model), &expected), "%s gives %s", text, found);
    written_model_free(&written);
}

Test(reshape, gives_the_shape_that_is_asked_for)
{
    expect_shape("model:\n- flatten", (ls_shape){1, {30}});
    expect_shape("model:\n- {type: reshape, shape: [5, 6]}", (ls_shape){2, {5, 6}});
    expect_shape("model:\n- {type: reshape, shape: 30}", (ls_shape){1, {30}});
    expect_shape("model:\n- {type: reshape, shape: [-1, 3]}", (ls_shape){2, {10, 3}});
    expect_shape("model:\n- {type: reshape, shape: [5, 1, -1]}", (ls_shape){3, {5, 1, 6}});
    expect_shape("model:\n- {type: reshape, shape: [-1]}", (ls_shape){1, {30}});
    expect_shape("model:\n- {type: reshape, shape: [5, 1, 2, 3]}", (ls_shape){4, {5, 1, 2, 3}});
}

Test(reshape, refuses_what_does_not_fit)
{
    expect_model_error(
        "model:\n- {type: reshape, shape: [4, 7]}", &image,
        "r.yaml:2:3: layer reshape_0: 2 x 3 x 5 = 30 numbers come in, but shape asks for 4 x 7 = 28");
    expect_model_error(
        "model:\n- {type: reshape, shape: [4, -1]}", &image,
        "r.yaml:2:3: layer reshape_0: 2 x 3 x 5 = 30 numbers come in, which cannot be divided by the "
        "known dimensions of shape, 4");
    expect_model_error("model:\n- {type: reshape, shape: [-1, -1]}", &image,
                       "r.yaml:2:3: layer reshape: only one dimension of shape can be -1");
    expect_model_error(
        "model:\n- {type: reshape, shape: [0, 30]}", &image,
        "r.yaml:2:3: layer reshape: a dimension of shape is 0, expected a positive number or -1");
    expect_model_error("model:\n- {type: reshape, shape: [1, 1, 1, 1, 30]}", &image,
                       "r.yaml:2:3: layer reshape: shape has more than 4 dimensions");
    expect_model_error("model:\n- {type: reshape, shape: [16777216, 16777216, 16777216]}", &image,
                       "r.yaml:2:3: layer reshape: shape has too many numbers");
    expect_model_error(
        "model:\n- {type: flatten, inputs: [input, input]}", &image,
        "r.yaml:2:3: layer flatten_0: 2 inputs are given, but a layer of type flatten takes 1");
}

/* Channel, row, column: the order in memory, so that nothing moves. */
Test(reshape, keeps_the_order_of_the_numbers)
{
    enum { LANES = 16, COUNT = 30 * LANES };
    written_model written = write_model("model:\n- {type: reshape, shape: [6, 5]}", &image);
    _Alignas(64) float x[COUNT], y[COUNT], dx[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = (float)i;
    run_last_node(&written.model, LANES, (const float *const[]){x}, y, x, (float *const[]){dx});
    cr_expect(memcmp(x, y, sizeof x) == 0 && memcmp(x, dx, sizeof x) == 0);
    run_last_node(&written.model, LANES, (const float *const[]){x}, x, y, (float *const[]){y});
    cr_expect(memcmp(x, dx, sizeof x) == 0 && memcmp(y, dx, sizeof x) == 0, "in place");
    written_model_free(&written);
}
