/* A convolution of random numbers, for the tests of its kernels. */
#ifndef TESTS_CONV_PROBLEM_H
#define TESTS_CONV_PROBLEM_H

#include "support/kernels.h"

typedef struct conv_problem {
    ls_conv conv;
    int64_t in, out, columns; /* elements of a panel of x and of y; of a row of weights */
    float *x, *dy, *weight, *bias;
} conv_problem;

/* in_channels and out_channels: of each group. */
static inline conv_problem conv_problem_of(int64_t in_channels, int64_t out_channels, int64_t groups,
                                           int64_t lanes, ls_span height, ls_span width)
{
    conv_problem p = {.conv = {.in_channels = in_channels * groups,
                               .out_channels = out_channels * groups,
                               .groups = groups,
                               .lanes = lanes,
                               .height = height,
                               .width = width}};
    p.columns = in_channels * height.kernel * width.kernel;
    p.conv.ld = p.columns + random_below(20);
    p.in = p.conv.in_channels * height.in * width.in * lanes;
    p.out = p.conv.out_channels * height.out * width.out * lanes;
    p.x = random_floats(p.in, -1.0f, 1.0f);
    p.dy = random_floats(p.out, -1.0f, 1.0f);
    p.weight = random_floats(p.conv.out_channels * p.conv.ld, -1.0f, 1.0f);
    p.bias = random_below(2) ? random_floats(p.conv.out_channels, -1.0f, 1.0f) : NULL;
    p.conv.weight = p.weight;
    return p;
}

static inline void conv_problem_free(conv_problem *p)
{
    free(p->x);
    free(p->dy);
    free(p->weight);
    free(p->bias);
}

/* What makes a block of a gradient, and the memory that it works in. */
typedef struct conv_gradient_maker {
    void (*make)(const ls_conv_gradient *gradient);
    int64_t scratch;
} conv_gradient_maker;

/* Blocks of band rows and block columns of the gradient of samples first to end - 1 of a panel, put together.
   result [out_channels][ld] */
static inline void conv_gradient_in_blocks(const conv_problem *p, conv_gradient_maker maker, int64_t first,
                                           int64_t end, int64_t band, int64_t block, float *result)
{
    const ls_conv *c = &p->conv;
    ls_grain_part part[4];
    int parts = 0;
    const bool split = random_below(2); /* as if the groups of lanes were in panels of their own */
    for (int64_t lane = first; lane < end; parts++) {
        const int64_t next = split && end - lane > LS_LANES ? lane + LS_LANES : end;
        part[parts] = (ls_grain_part){.x = p->x, .dy = p->dy, .lane = lane, .count = next - lane};
        lane = next;
    }
    float *scratch = random_floats(maker.scratch, -9.0f, 9.0f);
    ls_conv_gradient gradient = {
        .conv = c, .part = part, .part_count = parts, .scratch = scratch, .ld = c->ld};
    for (int64_t row = 0; row < c->out_channels; row += band)
        for (int64_t column = 0; column < p->columns; column += block) {
            gradient.first_row = row;
            gradient.rows = c->out_channels - row < band ? c->out_channels - row : band;
            gradient.first_column = column;
            gradient.columns = p->columns - column < block ? p->columns - column : block;
            gradient.tile = result + row * c->ld + column;
            maker.make(&gradient);
        }
    free(scratch);
}

/* A grain of 1 to 16 samples within a group of lanes, or one that begins at a group. */
static inline void conv_draw_grain(int64_t lanes, int64_t *first, int64_t *end)
{
    *first = LS_LANES * random_below(lanes / LS_LANES);
    if (random_below(2)) {
        *end = *first + 1 + random_below(lanes - *first);
    } else {
        *first += random_below(LS_LANES);
        *end = *first + 1 + random_below(LS_LANES - *first % LS_LANES);
    }
}

#endif
