/* What Winograd's algorithm computes is the convolution of the direct kernels, as exactly as is promised;
   where it is chosen. */
#include <stdio.h>
#include "math/winograd.h"
#include "support/kernels.h"

typedef struct problem {
    ls_conv conv;
    int64_t in, out; /* elements of a panel of x and of y */
    float *x, *dy, *weight;
} problem;

static problem problem_of(int64_t channels, int64_t size, int64_t kernel)
{
    const ls_span span = {size, size, kernel, 1, 1, kernel / 2};
    problem p = {.conv = {.in_channels = channels,
                          .out_channels = channels,
                          .groups = 1,
                          .lanes = LS_LANES,
                          .height = span,
                          .width = span,
                          .ld = kernel * kernel * channels}};
    p.in = p.out = channels * size * size * LS_LANES;
    p.x = random_floats(p.in, -1.0f, 1.0f);
    p.dy = random_floats(p.out, -1.0f, 1.0f);
    p.conv.weight = p.weight = random_floats(channels * p.conv.ld, -1.0f, 1.0f);
    return p;
}

/* What it should be, in double precision, with sums of absolute values: sums of products of floats. */
typedef struct truth {
    double value, size;
} truth;

static void add_term(truth *sum, double a, double b)
{
    sum->value += a * b;
    sum->size += fabs(a * b);
}

/* All terms of lane 0. */
static void convolve(const problem *p, truth *y, truth *dx, truth *weight)
{
    const ls_conv *c = &p->conv;
    const int64_t side = c->width.kernel, window = side * side;
    for (int64_t o = 0; o < c->out_channels; o++)
        for (int64_t i = 0; i < c->in_channels; i++)
            for (int64_t k = 0; k < window; k++)
                for (int64_t h = 0; h < c->height.out; h++)
                    for (int64_t w = 0; w < c->width.out; w++) {
                        const int64_t ih = h - c->height.before + k / side,
                                      iw = w - c->width.before + k % side;
                        if (ih < 0 || ih >= c->height.in || iw < 0 || iw >= c->width.in) continue;
                        const int64_t in = (i * c->height.in + ih) * c->width.in + iw,
                                      out = (o * c->height.out + h) * c->width.out + w,
                                      place = o * c->ld + window * i + k;
                        const double x = (double)p->x[in * c->lanes], dy = (double)p->dy[out * c->lanes];
                        add_term(&y[out], (double)p->weight[place], x);
                        add_term(&dx[in], (double)p->weight[place], dy);
                        add_term(&weight[place], dy, x);
                    }
}

/* The largest error, in units of 2^-24 times the largest sum of absolute values. */
static double error_of(const float *got, const truth *sums, int64_t count, int64_t step)
{
    double worst = 0, size = 1e-30;
    for (int64_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs((double)got[i * step] - sums[i].value));
        size = fmax(size, sums[i].size);
    }
    return worst / size * 0x1p24;
}

typedef struct errors {
    double y, dx, weight;
} errors;

static errors errors_of(const problem *p, const ls_kernels *kernels, bool winograd, const truth *y,
                        const truth *dx, const truth *weight)
{
    const ls_conv *c = &p->conv;
    const ls_grain_part part = {.x = p->x, .dy = p->dy, .lane = 0, .count = 1};
    float *got_y = random_floats(p->out, 0, 0), *got_dx = random_floats(p->in, 0, 0);
    float *got = random_floats(c->out_channels * c->ld, 0, 0),
          *passes = random_floats(ls_winograd_scratch(c), 0, 0);
    float *scratch = random_floats(ls_winograd_gradient_scratch(c, c->out_channels, c->in_channels) +
                                       ls_conv_gradient_scratch(c, c->out_channels),
                                   0, 0);
    const ls_conv_gradient gradient = {.conv = c,
                                       .part = &part,
                                       .part_count = 1,
                                       .rows = c->out_channels,
                                       .columns = c->ld,
                                       .scratch = scratch,
                                       .tile = got,
                                       .ld = c->ld};
    if (winograd) {
        kernels->winograd_forward(c, p->x, NULL, got_y, passes);
        kernels->winograd_backward(c, p->dy, got_dx, passes);
        kernels->winograd_gradient(&gradient);
    } else {
        kernels->conv_forward(c, p->x, NULL, got_y);
        kernels->conv_backward(c, p->dy, got_dx);
        kernels->conv_gradient(&gradient);
    }
    const errors found = {error_of(got_y, y, p->out / c->lanes, c->lanes),
                          error_of(got_dx, dx, p->in / c->lanes, c->lanes),
                          error_of(got, weight, c->out_channels * c->ld, 1)};
    free(got_y), free(got_dx), free(got), free(passes), free(scratch);
    return found;
}

/* docs/performance.md says how large errors are; the limits are two to three times that. */
Test(winograd, errors_are_as_small_as_promised)
{
    const struct {
        int64_t channels, size, kernel;
    } shapes[] = {{16, 32, 3}, {32, 16, 3}, {64, 8, 3}, {16, 16, 5}, {32, 12, 5}, {64, 8, 5}};
    for (int i = 0; i < 6; i++) {
        const int64_t size = shapes[i].size, side = shapes[i].kernel;
        problem p = problem_of(shapes[i].channels, size, side);
        truth *y = calloc((size_t)p.out, sizeof *y), *dx = calloc((size_t)p.in, sizeof *dx);
        truth *weight = calloc((size_t)(p.conv.out_channels * p.conv.ld), sizeof *weight);
        convolve(&p, y, dx, weight);
        const errors direct = errors_of(&p, ls_kernels_get(), false, y, dx, weight),
                     winograd = errors_of(&p, ls_kernels_get(), true, y, dx, weight);
        printf("# %d channels of %d x %d, window %d: direct %.2f %.2f %.2f, winograd %.2f %.2f %.2f\n",
               (int)shapes[i].channels, (int)size, (int)size, (int)side, direct.y, direct.dx, direct.weight,
               winograd.y, winograd.dx, winograd.weight);
        cr_expect(direct.y <= 6 && direct.dx <= 6 && direct.weight <= 6);
        cr_expect(winograd.y <= 3 && winograd.dx <= 3 && winograd.weight <= 4);
        free(y), free(dx), free(weight);
        free(p.x), free(p.dy), free(p.weight);
    }
}

Test(winograd, it_is_chosen_where_it_pays)
{
    const ls_span wide = {8, 8, 3, 1, 1, 1}, small = {2, 2, 3, 1, 1, 1}, stride = {8, 4, 3, 2, 1, 1},
                  dilation = {8, 8, 3, 1, 2, 2}, five = {8, 8, 5, 1, 1, 2}, lenet_1 = {28, 24, 5, 1, 1, 0},
                  lenet_2 = {12, 8, 5, 1, 1, 0}, one = {5, 1, 5, 1, 1, 0}, stride_5 = {12, 4, 5, 2, 1, 0},
                  seven = {8, 8, 7, 1, 1, 3};
    const struct {
        int64_t in, out, groups;
        ls_span height, width;
        bool fits, pays;
    } cases[] = {
        {16, 16, 1, wide, wide, true, true},          {64, 32, 1, wide, wide, true, true},
        {3, 16, 1, wide, wide, true, false},          {64, 64, 1, small, small, true, false},
        {16, 16, 2, wide, wide, false, false},        {16, 16, 1, stride, wide, false, false},
        {16, 16, 1, wide, stride, false, false},      {16, 16, 1, wide, dilation, false, false},
        {16, 16, 1, five, wide, false, false},        {16, 16, 1, five, five, true, true},
        {20, 50, 1, lenet_2, lenet_2, true, true},    {1, 20, 1, lenet_1, lenet_1, true, false},
        {50, 50, 1, one, one, true, false},           {20, 50, 2, lenet_2, lenet_2, false, false},
        {20, 50, 1, stride_5, lenet_2, false, false}, {20, 50, 1, seven, seven, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ls_conv conv = {.in_channels = cases[i].in,
                              .out_channels = cases[i].out,
                              .groups = cases[i].groups,
                              .height = cases[i].height,
                              .width = cases[i].width};
        cr_expect_eq(ls_winograd_fits(&conv), cases[i].fits, "case %d", (int)i);
        cr_expect_eq(ls_winograd_pays(&conv), cases[i].pays, "case %d", (int)i);
    }
}
