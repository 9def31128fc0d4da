/* Convolutions and pooling as layers: shapes, parameters, what errors say, a few results by hand. The
 * registry tests compare with derivatives and references. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "nn/model.h"
#include "support/written_model.h"

static const ls_shape mnist = {.rank = 3, .dim = {1, 28, 28}};
static const ls_shape cifar = {.rank = 3, .dim = {3, 32, 32}};
static const ls_shape signal_input = {.rank = 2, .dim = {4, 100}};

static void expect_shape(const char *layer, const ls_shape *in, const char *expected)
{
    char text[256], got[LS_SHAPE_TEXT];
    snprintf(text, sizeof text, "model: [%s]", layer);
    written_model written = write_model(text, in);
    ls_shape_text(ls_model_output(&written.model), got, sizeof got);
    cr_expect_str_eq(got, expected, "%s: %s instead of %s", layer, got, expected);
    written_model_free(&written);
}

Test(convolution, shapes)
{
    expect_shape("{type: conv2d, filters: 20, kernel: 5}", &mnist, "20 x 24 x 24");
    expect_shape("{type: conv2d, filters: 16, kernel: 3, padding: same}", &cifar, "16 x 32 x 32");
    expect_shape("{type: conv2d, filters: 16, kernel: 3, padding: 1, stride: 2}", &cifar, "16 x 16 x 16");
    expect_shape("{type: conv2d, filters: 16, kernel: 4, padding: same, stride: 3}", &cifar, "16 x 11 x 11");
    expect_shape("{type: conv2d, filters: 5, kernel: [3, 7], dilation: [2, 1], stride: [1, 2]}", &cifar,
                 "5 x 28 x 13");
    expect_shape("{type: conv2d, filters: 5, kernel: 3, padding: [0, 1]}", &cifar, "5 x 30 x 32");
    expect_shape("{type: conv2d, filters: 5, kernel: 3, padding: [1, 0, 2, 2]}", &cifar, "5 x 31 x 34");
    expect_shape("{type: conv1d, filters: 8, kernel: 9}", &signal_input, "8 x 92");
    expect_shape("{type: conv1d, filters: 8, kernel: 9, padding: [8, 0]}", &signal_input, "8 x 100");
    expect_shape("{type: max_pool, kernel: 2}", &cifar, "3 x 16 x 16");
    expect_shape("{type: max_pool, kernel: 3, stride: 2, padding: 1}", &cifar, "3 x 16 x 16");
    expect_shape("{type: average_pool, kernel: [2, 4]}", &cifar, "3 x 16 x 8");
    expect_shape("{type: average_pool, kernel: 8}", &signal_input, "4 x 12");
    expect_shape("global_average_pool", &cifar, "3");
    expect_shape("global_average_pool", &signal_input, "4");
}

Test(convolution, parameters_have_the_dimensions_of_other_libraries)
{
    written_model written = write_model(
        "model: [{type: conv2d, filters: 6, kernel: [3, 5], groups: 3, name: c, activation: relu}]", &cifar);
    const ls_parameter *weight = ls_model_find(&written.model, "c.weight"),
                       *bias = ls_model_find(&written.model, "c.bias");
    const int64_t dim[4] = {6, 1, 3, 5};
    cr_expect(weight->dims == 4 && memcmp(weight->dim, dim, sizeof dim) == 0);
    cr_expect(weight->rows == 6 && weight->columns == 15 && weight->decay);
    cr_expect(weight->fan_in == 15 && weight->fan_out == 30);
    cr_expect(bias->dims == 1 && bias->dim[0] == 6 && bias->columns == 6 && !bias->decay);
    cr_expect_eq(ls_model_operations(&written.model), 6 * 30 * 28 * 15);
    cr_expect_str_eq(written.model.node[1].type->base.name, "relu");
    written_model_free(&written);
    written =
        write_model("model: [{type: conv1d, filters: 6, kernel: 5, bias: false, name: c}]", &signal_input);
    weight = ls_model_find(&written.model, "c.weight");
    cr_expect(weight->dims == 3 && weight->dim[0] == 6 && weight->dim[1] == 4 && weight->dim[2] == 5);
    cr_expect_eq(written.model.parameter_count, 1);
    written_model_free(&written);
}

Test(convolution, errors_show_the_arithmetic)
{
    const ls_shape small = {.rank = 3, .dim = {4, 3, 8}};
    expect_model_error(
        "model: [{type: conv2d, filters: 2, kernel: 5}]", &small,
        "r.yaml:1:9: layer conv2d_0: a kernel of 5 does not fit into a height of 3: (3 + 2*0 - 5)/1 + 1 = -1 "
        "outputs, expected at least 1; use padding");
    expect_model_error(
        "model: [{type: max_pool, kernel: [3, 4], stride: 2, dilation: 3, padding: [1, 2, 0, 0]}]", &small,
        "r.yaml:1:9: layer max_pool_0: a kernel of 3 does not fit into a height of 3: (3 + 1 + 2 - 3*(3 - 1) "
        "- "
        "1)/2 + 1 = 0 outputs, expected at least 1; use padding");
    expect_model_error("model: [{type: conv1d, filters: 2, kernel: 120}]", &signal_input,
                       "r.yaml:1:9: layer conv1d_0: a kernel of 120 does not fit into a length of 100: (100 "
                       "+ 2*0 - 120)/1 + "
                       "1 = -19 outputs, expected at least 1; use padding");
}

Test(convolution, errors_say_what_came_in)
{
    const ls_shape flat = {.rank = 1, .dim = {784}};
    expect_model_error(
        "model: [{type: conv2d, filters: 2, kernel: 5}]", &flat,
        "r.yaml:1:9: layer conv2d_0: an input of 784 comes in, but a layer of type conv2d takes channels x "
        "height x width; give the data a shape (data.shape) or put a layer of type reshape in front");
    expect_model_error(
        "model: [{type: conv1d, filters: 2, kernel: 5}]", &mnist,
        "r.yaml:1:9: layer conv1d_0: an input of 1 x 28 x 28 comes in, but a layer of type conv1d takes "
        "channels x length; take conv2d for images, or make signals of them with a layer of type reshape in "
        "front");
    expect_model_error("model: [{type: conv2d, filters: 2, kernel: 5}]", &signal_input,
                       "r.yaml:1:9: layer conv2d_0: an input of 4 x 100 comes in, but a layer of type conv2d "
                       "takes channels x "
                       "height x width; take conv1d for signals, or make images of them with a layer of type "
                       "reshape in front");
    expect_model_error(
        "model: [{type: max_pool, kernel: 2}]", &flat,
        "r.yaml:1:9: layer max_pool_0: an input of 784 comes in, but a layer of type max_pool takes "
        "channels x length or channels x height x width; give the data a shape (data.shape) or put "
        "a layer of type reshape in front");
    expect_model_error(
        "model: [global_average_pool]", &flat,
        "r.yaml:1:9: layer global_average_pool_0: an input of 784 comes in, but a layer of type "
        "global_average_pool takes channels x length or channels x height x width");
    expect_model_error(
        "model: [{type: conv2d, filters: 4, kernel: 5, groups: 2}]", &cifar,
        "r.yaml:1:9: layer conv2d_0: groups is 2, which does not divide the input's channels, 3");
    expect_model_error("model: [{type: conv2d, filters: 4, kernel: 5, groups: 3}]", &cifar,
                       "r.yaml:1:9: layer conv2d_0: groups is 3, which does not divide filters, 4");
    expect_model_error(
        "model: [{type: conv2d, filters: 4, kernel: [5, 5, 5]}]", &cifar,
        "r.yaml:1:9: layer conv2d_0: kernel has 3 numbers, expected one, or two: [height, width]");
    expect_model_error("model: [{type: max_pool, kernel: 2, padding: [1, 1, 1]}]", &cifar,
                       "r.yaml:1:9: layer max_pool_0: padding has 3 numbers, expected one, or two: [height, "
                       "width], or four: "
                       "[top, bottom, left, right]");
    expect_model_error(
        "model: [{type: conv1d, filters: 4, kernel: [5, 5]}]", &signal_input,
        "r.yaml:1:9: layer conv1d_0: kernel has 2 numbers, expected one for an input of one dimension");
    expect_model_error(
        "model: [{type: max_pool, kernel: 2, padding: 3}]", &signal_input,
        "r.yaml:1:9: layer max_pool_0: output 0 along the length would look at nothing but padding; use less "
        "of it");
}

enum { LANES = 16 };

/* A 3 by 3 edge filter, as in every textbook, on an image of 3 by 3 with a margin of zeros. */
Test(convolution, known_result)
{
    const ls_shape image = {.rank = 3, .dim = {1, 3, 3}};
    static const float weights[9] = {0, 1, 0, 1, -4, 1, 0, 1, 0};
    static const float expected[9] = {2, 1, -4, -3, 0, -7, -16, -11, -22};
    written_model written =
        write_model("model: [{type: conv2d, filters: 1, kernel: 3, padding: same, bias: false}]", &image);
    const ls_node *node = &written.model.node[0];
    const float *parameter[] = {weights};
    const int64_t ld[] = {9};
    _Alignas(64) float x[9 * LANES], y[9 * LANES];
    for (int i = 0; i < 9 * LANES; i++) x[i] = (float)(i / LANES + 1) * (float)(i % LANES);
    ls_layer_call call = {
        .kernels = ls_kernels_get(), .node = node, .lanes = LANES, .parameter = parameter, .ld = ld};
    call.x[0] = x;
    call.y = y;
    node->type->forward(&call);
    for (int i = 0; i < 9 * LANES; i++) cr_expect_eq(y[i], expected[i / LANES] * (float)(i % LANES), "%d", i);
    written_model_free(&written);
}

/* Where same padding is odd the end gets the larger part: y[p] = x[p] + 10 x[p + 1]. */
Test(convolution, odd_padding_goes_to_the_end)
{
    const ls_shape series = {.rank = 2, .dim = {1, 3}};
    static const float weights[2] = {1, 10}, expected[3] = {21, 32, 3};
    written_model written =
        write_model("model: [{type: conv1d, filters: 1, kernel: 2, padding: same, bias: false}]", &series);
    const float *parameter[] = {weights};
    const int64_t ld[] = {2};
    _Alignas(64) float x[3 * LANES], y[3 * LANES];
    for (int i = 0; i < 3 * LANES; i++) x[i] = (float)(i / LANES + 1);
    ls_layer_call call = {.kernels = ls_kernels_get(),
                          .node = &written.model.node[0],
                          .lanes = LANES,
                          .parameter = parameter,
                          .ld = ld};
    call.x[0] = x;
    call.y = y;
    written.model.node[0].type->forward(&call);
    for (int i = 0; i < 3 * LANES; i++) cr_expect_eq(y[i], expected[i / LANES], "%d", i);
    written_model_free(&written);
}

/* Windows (0, 4), (8, 16), (32, 0), where the first and the last 0 are padding. */
static void expect_averages(const char *layer, const float expected[3])
{
    const ls_shape series = {.rank = 2, .dim = {1, 4}};
    written_model written = write_model(layer, &series);
    _Alignas(64) float x[4 * LANES], y[3 * LANES], dy[3 * LANES], dx[4 * LANES];
    for (int i = 0; i < 4 * LANES; i++) x[i] = (float)(4 << i / LANES);
    for (int i = 0; i < 3 * LANES; i++) dy[i] = 1;
    run_last_node(&written.model, LANES, (const float *[]){x}, y, dy, (float *[]){dx});
    for (int i = 0; i < 3 * LANES; i++) cr_expect_eq(y[i], expected[i / LANES], "%s: %d", layer, i);
    cr_expect_eq(dx[0], expected[0] / 4, "%s", layer);
    cr_expect_eq(dx[LANES], 0.5F, "%s", layer);
    written_model_free(&written);
}

Test(convolution, averages_with_and_without_padding)
{
    expect_averages("model: [{type: average_pool, kernel: 2, padding: 1}]", (const float[]){2, 12, 16});
    expect_averages("model: [{type: average_pool, kernel: 2, padding: 1, count_padding: false}]",
                    (const float[]){4, 12, 32});
}

Test(convolution, winograd_says_what_it_takes)
{
    expect_model_error(
        "model: [{type: conv2d, filters: 4, kernel: [3, 5], algorithm: winograd}]", &cifar,
        "r.yaml:1:9: layer conv2d_0: algorithm is winograd, which takes a kernel of 3 by 3 or 5 by 5 "
        "with stride 1 and dilation 1 in 1 group, but here are a kernel of 3 by 5, stride 1 by 1, "
        "dilation 1 by 1 and 1 group; use auto or direct");
    expect_model_error(
        "model: [{type: conv2d, filters: 6, kernel: 3, stride: [1, 2], dilation: [2, 1], groups: 3, "
        "algorithm: winograd}]",
        &cifar,
        "r.yaml:1:9: layer conv2d_0: algorithm is winograd, which takes a kernel of 3 by 3 or 5 by 5 "
        "with stride 1 and dilation 1 in 1 group, but here are a kernel of 3 by 3, stride 1 by 2, "
        "dilation 2 by 1 and 3 groups; use auto or direct");
    expect_shape("{type: conv2d, filters: 4, kernel: 3, algorithm: winograd}", &cifar, "4 x 30 x 30");
    expect_shape("{type: conv2d, filters: 4, kernel: 5, algorithm: winograd}", &cifar, "4 x 28 x 28");
    expect_model_error(
        "model: [{type: conv2d, filters: 4, kernel: 7, algorithm: winograd}]", &cifar,
        "r.yaml:1:9: layer conv2d_0: algorithm is winograd, which takes a kernel of 3 by 3 or 5 by 5 "
        "with stride 1 and dilation 1 in 1 group, but here are a kernel of 7 by 7, stride 1 by 1, "
        "dilation 1 by 1 and 1 group; use auto or direct");
}

/* Only Winograd's algorithm needs memory for a call. */
Test(convolution, auto_chooses_the_algorithm_by_shape)
{
    static const struct {
        const char *layer;
        bool winograd;
    } cases[] = {{"filters: 16, kernel: 3, padding: same", true},
                 {"filters: 16, kernel: 3, padding: same, algorithm: auto", true},
                 {"filters: 16, kernel: 3, padding: same, algorithm: direct", false},
                 {"filters: 16, kernel: 3, padding: same, stride: 2", false},
                 {"filters: 16, kernel: 3, padding: same, dilation: 2", false},
                 {"filters: 16, kernel: 3, padding: same, groups: 2", false},
                 {"filters: 16, kernel: 5, padding: same", true},
                 {"filters: 50, kernel: 5", true},
                 {"filters: 50, kernel: 5, stride: 2", false},
                 {"filters: 16, kernel: 7, padding: same", false},
                 {"filters: 1, kernel: 5, padding: same", false},
                 {"filters: 1, kernel: 5, padding: same, algorithm: winograd", true},
                 {"filters: 1, kernel: 3, padding: same", false},
                 {"filters: 1, kernel: 3, padding: same, algorithm: winograd", true}};
    const ls_shape wide = {.rank = 3, .dim = {16, 12, 12}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "model: [{type: conv2d, %s}]", cases[i].layer);
        written_model written = write_model(text, &wide);
        const ls_node *node = &written.model.node[0];
        cr_expect_eq(node->type->scratch(node, LS_LANES) > 0, cases[i].winograd, "%s", cases[i].layer);
        written_model_free(&written);
    }
}

Test(convolution, the_tiles_of_a_gradient_fit)
{
    static const char *const layers[] = {"{type: conv2d, filters: 50, kernel: 5}",
                                         "{type: conv2d, filters: 64, kernel: 3, padding: same}",
                                         "{type: conv2d, filters: 64, kernel: 3, algorithm: winograd}",
                                         "{type: conv2d, filters: 64, kernel: 5, algorithm: winograd}",
                                         "{type: conv2d, filters: 48, kernel: 5, algorithm: winograd}",
                                         "{type: conv2d, filters: 200, kernel: 1}",
                                         "{type: conv2d, filters: 97, kernel: 11, stride: 4}"};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        char text[256];
        snprintf(text, sizeof text, "model: [%s]", layers[i]);
        written_model written = write_model(text, &cifar);
        const ls_node *node = &written.model.node[0];
        int64_t rows, columns;
        node->type->tile_size(node, 0, &rows, &columns);
        cr_expect(rows >= 1 && rows <= LS_TILE_ROWS && columns >= 1 && columns <= 9 * LS_BLOCK, "%s: %d x %d",
                  layers[i], (int)rows, (int)columns);
        written_model_free(&written);
    }
}
