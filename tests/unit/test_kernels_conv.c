/* Convolutions: every table gives the bits of the definition, whatever the geometry, and what is defined is a
   convolution. */
#include <stdio.h>
#include "support/conv_problem.h"

/* A span whose window may be larger than the input, may skip inputs at the end, and may lie on padding. */
static ls_span span_make(int64_t in_max, int64_t kernel_max)
{
    for (;;) {
        ls_span span = {.in = 1 + random_below(in_max),
                        .kernel = 1 + random_below(kernel_max),
                        .stride = 1 + random_below(3),
                        .dilation = 1 + random_below(2),
                        .before = random_below(3) ? random_below(4) : 0};
        int64_t after = span.before > 0 ? random_below(4) : 0;
        int64_t room = span.in + span.before + after - span.dilation * (span.kernel - 1) - 1;
        span.out = room >= 0 ? room / span.stride + 1 : 0;
        if (span.out > 0) return span;
    }
}

static conv_problem problem_make(void)
{
    const int64_t groups = random_below(3) ? 1 : 1 + random_below(3);
    return conv_problem_of(1 + random_below(random_below(2) ? 4 : 19),
                           1 + random_below(random_below(2) ? 8 : 17), groups,
                           LS_LANES * (1 + random_below(3)),
                           random_below(4) ? span_make(7, 4) : (ls_span){1, 1, 1, 1, 1, 0}, span_make(9, 5));
}

static const char *text_of(const conv_problem *p)
{
    static char text[256];
    const ls_conv *c = &p->conv;
    snprintf(text, sizeof text,
             "%d -> %d channels, %d groups, %d lanes, height %d -> %d kernel %d stride %d dilation %d "
             "before %d, width %d -> %d kernel %d stride %d dilation %d before %d",
             (int)c->in_channels, (int)c->out_channels, (int)c->groups, (int)c->lanes, (int)c->height.in,
             (int)c->height.out, (int)c->height.kernel, (int)c->height.stride, (int)c->height.dilation,
             (int)c->height.before, (int)c->width.in, (int)c->width.out, (int)c->width.kernel,
             (int)c->width.stride, (int)c->width.dilation, (int)c->width.before);
    return text;
}

/* Visits the terms of a convolution: output (o, oh, ow) += weight (o, i, kh, kw) * input (channel, ih, iw),
   in the order of these loops. i counts within the group. */
typedef struct term {
    int64_t y, x, weight; /* elements: y and x of lane 0 */
    bool padding;
} term;

typedef void term_visit(void *context, const term *at);

static int64_t input_of(const ls_span *span, int64_t out, int64_t k)
{
    return out * span->stride - span->before + k * span->dilation;
}

static void each_term(const conv_problem *p, term_visit *visit, void *context)
{
    const ls_conv *c = &p->conv;
    const int64_t in = c->in_channels / c->groups, out = c->out_channels / c->groups;
    for (int64_t o = 0; o < c->out_channels; o++)
        for (int64_t i = 0; i < in; i++)
            for (int64_t kh = 0; kh < c->height.kernel; kh++)
                for (int64_t kw = 0; kw < c->width.kernel; kw++)
                    for (int64_t h = 0; h < c->height.out; h++)
                        for (int64_t w = 0; w < c->width.out; w++) {
                            const int64_t ih = input_of(&c->height, h, kh), iw = input_of(&c->width, w, kw);
                            const int64_t channel = o / out * in + i;
                            visit(
                                context,
                                &(term){
                                    .y = ((o * c->height.out + h) * c->width.out + w) * c->lanes,
                                    .x = ((channel * c->height.in + ih) * c->width.in + iw) * c->lanes,
                                    .weight = o * c->ld + (i * c->height.kernel + kh) * c->width.kernel + kw,
                                    .padding = ih < 0 || ih >= c->height.in || iw < 0 || iw >= c->width.in,
                                });
                        }
}

/* In this order of loops each y and each dx gets its terms as the definition orders them, one lane like the
 * other. */
typedef struct float_chains {
    const conv_problem *p;
    float *y, *dx;
} float_chains;

static void add_float(void *context, const term *at)
{
    float_chains *chains = context;
    if (at->padding) return;
    for (int64_t n = 0; n < chains->p->conv.lanes; n++) {
        const float weight = chains->p->weight[at->weight];
        chains->y[at->y + n] = fmaf(weight, chains->p->x[at->x + n], chains->y[at->y + n]);
        chains->dx[at->x + n] = fmaf(weight, chains->p->dy[at->y + n], chains->dx[at->x + n]);
    }
}

static float_chains chains_of(const conv_problem *p)
{
    float_chains chains = {p, random_floats(p->out, 0.0f, 0.0f), random_floats(p->in, 0.0f, 0.0f)};
    const int64_t plane = p->out / p->conv.out_channels;
    for (int64_t i = 0; p->bias && i < p->out; i++) chains.y[i] = p->bias[i / plane];
    each_term(p, add_float, &chains);
    return chains;
}

static void check_passes(const conv_problem *p)
{
    float_chains wanted = chains_of(p);
    for (int t = 0; table(t); t++) {
        float *y = random_floats(p->out, 5.0f, 6.0f), *dx = random_floats(p->in, 5.0f, 6.0f);
        table(t)->conv_forward(&p->conv, p->x, p->bias, y);
        table(t)->conv_backward(&p->conv, p->dy, dx);
        int64_t where = first_difference(y, wanted.y, p->out);
        cr_assert(where < 0, "%s: %s: y[%d] is %a, not %a", table(t)->name, text_of(p), (int)where,
                  (double)y[where], (double)wanted.y[where]);
        where = first_difference(dx, wanted.dx, p->in);
        cr_assert(where < 0, "%s: %s: dx[%d] is %a, not %a", table(t)->name, text_of(p), (int)where,
                  (double)dx[where], (double)wanted.dx[where]);
        free(y);
        free(dx);
    }
    free(wanted.y);
    free(wanted.dx);
}

Test(kernels_conv, every_table_gives_the_bits_of_the_definition)
{
    for (int i = 0; i < 300; i++) {
        conv_problem p = problem_make();
        check_passes(&p);
        conv_problem_free(&p);
    }
}

Test(kernels_conv, every_height_and_width_of_tile)
{
    for (int64_t out = 1; out <= 15; out++)
        for (int64_t width = 1; width <= 5; width++) {
            conv_problem p =
                conv_problem_of(1 + random_below(3), out, 1, LS_LANES * (1 + random_below(2)),
                                (ls_span){3, 2, 2, 1, 1, 0}, (ls_span){width + 2, width, 3, 1, 1, 0});
            check_passes(&p);
            conv_problem_free(&p);
        }
}

/* The gradient of each lane by each weight, from zero, padding counted as zero. */
typedef struct lane_chains {
    const conv_problem *p;
    float *sum; /* [out_channels][ld][lanes] */
} lane_chains;

static void add_lane(void *context, const term *at)
{
    lane_chains *chains = context;
    for (int64_t n = 0; n < chains->p->conv.lanes; n++) {
        float *sum = &chains->sum[at->weight * chains->p->conv.lanes + n];
        *sum = fmaf(chains->p->dy[at->y + n], at->padding ? 0.0f : chains->p->x[at->x + n], *sum);
    }
}

/* As the definition says, for one grain in lanes first to end - 1 of a panel, of which each group of LS_LANES
   continues the chains of the one before. */
static void grain_by_definition(const conv_problem *p, int64_t first, int64_t end, float *tile)
{
    const ls_conv *c = &p->conv;
    const int64_t weights = c->out_channels * c->ld, lanes = c->lanes;
    float *chain = random_floats(weights * LS_LANES, 0.0f, 0.0f);
    for (int64_t group = first / LS_LANES; group * LS_LANES < end; group++) {
        lane_chains next = {p, random_floats(weights * lanes, 0.0f, 0.0f)};
        for (int64_t i = 0; i < weights; i++)
            memcpy(next.sum + i * lanes + group * LS_LANES, chain + i * LS_LANES, LS_LANES * sizeof(float));
        each_term(p, add_lane, &next);
        for (int64_t i = 0; i < weights; i++)
            memcpy(chain + i * LS_LANES, next.sum + i * lanes + group * LS_LANES, LS_LANES * sizeof(float));
        free(next.sum);
    }
    const int64_t from = first % LS_LANES, to = end - first >= LS_LANES ? LS_LANES : from + end - first;
    for (int64_t i = 0; i < weights; i++) {
        float *lane = chain + i * LS_LANES;
        for (int64_t n = 0; n < LS_LANES; n++)
            if (n < from || n >= to) lane[n] = 0;
        for (int64_t distance = 1; distance < LS_LANES; distance *= 2)
            for (int64_t n = 0; n < LS_LANES; n += 2 * distance) lane[n] += lane[n + distance];
        tile[i] = lane[0];
    }
    free(chain);
}

/* The whole gradient. */
static void gradient_in_blocks(const conv_problem *p, const ls_kernels *kernels, int64_t first, int64_t end,
                               int64_t band, int64_t block, float *result)
{
    const conv_gradient_maker maker = {kernels->conv_gradient, ls_conv_gradient_scratch(&p->conv, band)};
    conv_gradient_in_blocks(p, maker, first, end, band, block, result);
}

static void check_gradient(const conv_problem *p)
{
    const ls_conv *c = &p->conv;
    const int64_t size = c->out_channels * c->ld;
    int64_t first, end;
    conv_draw_grain(c->lanes, &first, &end);
    const int64_t band = random_below(2) ? c->out_channels : 1 + random_below(c->out_channels);
    const int64_t block = random_below(2) ? p->columns : 1 + random_below(p->columns);
    float *wanted = random_floats(size, 0.0f, 0.0f);
    grain_by_definition(p, first, end, wanted);
    for (int t = 0; table(t); t++) {
        float *got = random_floats(size, 7.0f, 8.0f);
        gradient_in_blocks(p, table(t), first, end, band, block, got);
        for (int64_t row = 0; row < c->out_channels; row++) {
            int64_t where = first_difference(got + row * c->ld, wanted + row * c->ld, p->columns);
            cr_assert(where < 0, "%s: %s, lanes %d to %d, %d x %d at a time: row %d column %d",
                      table(t)->name, text_of(p), (int)first, (int)end, (int)band, (int)block, (int)row,
                      (int)where);
            for (int64_t i = p->columns; i < c->ld; i++)
                cr_assert(got[row * c->ld + i] >= 7.0f, "%s writes beyond its columns", table(t)->name);
        }
        free(got);
    }
    free(wanted);
}

Test(kernels_conv, every_table_gives_the_gradient_of_the_definition)
{
    for (int i = 0; i < 200; i++) {
        conv_problem p = problem_make();
        check_gradient(&p);
        conv_problem_free(&p);
    }
}

Test(kernels_conv, large_windows_and_many_channels_have_the_gradient_of_the_definition)
{
    const int64_t shape[][3] = {{1, 20, 5}, {3, 11, 7}, {20, 13, 1}, {2, 30, 3}, {1, 1, 9}};
    for (int i = 0; i < 5; i++) {
        const int64_t kernel = shape[i][2];
        ls_span span = {kernel + 2, kernel + 2 - 2 * (i % 2) + i % 2, kernel, 1, 1, kernel / 2};
        conv_problem p = conv_problem_of(shape[i][0], shape[i][1], 1, 16, span, span);
        check_gradient(&p);
        conv_problem_free(&p);
    }
}

/* What all this should be, in double precision. Products of floats are exact there. */
typedef struct truth {
    const conv_problem *p;
    double *y, *dx, *weight;
} truth;

static void add_double(void *context, const term *at)
{
    truth *sums = context;
    const conv_problem *p = sums->p;
    if (at->padding) return;
    for (int64_t n = 0; n < p->conv.lanes; n++) {
        sums->y[at->y + n] += (double)p->weight[at->weight] * (double)p->x[at->x + n];
        sums->dx[at->x + n] += (double)p->weight[at->weight] * (double)p->dy[at->y + n];
        sums->weight[at->weight] += (double)p->dy[at->y + n] * (double)p->x[at->x + n];
    }
}

/* A chain of terms numbers of at most 1 rounds as often, each time by at most terms * 2^-24. */
static void expect_near(const float *got, const double *truth_of, int64_t count, int64_t terms,
                        const char *what)
{
    const double allowed = (double)((terms + 1) * (terms + 1)) * 0x1p-24;
    for (int64_t i = 0; i < count; i++)
        cr_assert(fabs((double)got[i] - truth_of[i]) <= allowed, "%s[%d] is %g, not %g", what, (int)i,
                  (double)got[i], truth_of[i]);
}

Test(kernels_conv, the_definition_is_a_convolution)
{
    for (int i = 0; i < 40; i++) {
        conv_problem p = problem_make();
        const ls_conv *c = &p.conv;
        const int64_t window = c->height.kernel * c->width.kernel, weights = c->out_channels * c->ld;
        truth sums = {&p, calloc((size_t)p.out, sizeof(double)), calloc((size_t)p.in, sizeof(double)),
                      calloc((size_t)weights, sizeof(double))};
        each_term(&p, add_double, &sums);
        float *y = random_floats(p.out, 0.0f, 0.0f), *dx = random_floats(p.in, 0.0f, 0.0f),
              *weight = random_floats(weights, 0.0f, 0.0f);
        table(0)->conv_forward(c, p.x, NULL, y);
        table(0)->conv_backward(c, p.dy, dx);
        gradient_in_blocks(&p, table(0), 0, c->lanes, c->out_channels, p.columns, weight);
        expect_near(y, sums.y, p.out, p.columns, "y");
        expect_near(dx, sums.dx, p.in, c->out_channels / c->groups * window, "dx");
        expect_near(weight, sums.weight, weights, c->height.out * c->width.out * c->lanes, "weight");
        free(y), free(dx), free(weight);
        free(sums.y), free(sums.dx), free(sums.weight);
        conv_problem_free(&p);
    }
}

/* A sample has the same bits in any panel. */
Test(kernels_conv, lanes_do_not_depend_on_one_another)
{
    for (int t = 0; table(t); t++)
        for (int i = 0; i < 20; i++) {
            conv_problem p = problem_make();
            float *y = random_floats(p.out, 0.0f, 0.0f), *dx = random_floats(p.in, 0.0f, 0.0f);
            table(t)->conv_forward(&p.conv, p.x, p.bias, y);
            table(t)->conv_backward(&p.conv, p.dy, dx);
            const int64_t lanes = p.conv.lanes, n = random_below(lanes);
            conv_problem narrow = p;
            narrow.conv.lanes = LS_LANES;
            float *x1 = random_floats(p.in, -1.0f, 1.0f), *dy1 = random_floats(p.out, -1.0f, 1.0f);
            float *y1 = random_floats(p.out, 0.0f, 0.0f), *dx1 = random_floats(p.in, 0.0f, 0.0f);
            for (int64_t u = 0; u < p.in / lanes; u++) x1[u * LS_LANES + 3] = p.x[u * lanes + n];
            for (int64_t u = 0; u < p.out / lanes; u++) dy1[u * LS_LANES + 3] = p.dy[u * lanes + n];
            table(t)->conv_forward(&narrow.conv, x1, p.bias, y1);
            table(t)->conv_backward(&narrow.conv, dy1, dx1);
            for (int64_t u = 0; u < p.out / lanes; u++) cr_assert_eq(y[u * lanes + n], y1[u * LS_LANES + 3]);
            for (int64_t u = 0; u < p.in / lanes; u++) cr_assert_eq(dx[u * lanes + n], dx1[u * LS_LANES + 3]);
            free(y), free(dx), free(x1), free(dy1), free(y1), free(dx1);
            conv_problem_free(&p);
        }
}

Test(kernels_conv, infinity_and_nan_reach_the_results_that_see_them)
{
    const ls_span span = {5, 5, 3, 1, 1, 1};
    for (int t = 0; table(t); t++) {
        conv_problem p = conv_problem_of(2, 3, 1, 32, span, span);
        const int64_t bad = (1 * 25 + 2 * 5 + 0) * 32 + 17; /* channel 1, row 2, column 0 */
        p.x[bad] = INFINITY;
        p.dy[bad] = NAN;
        float *y = random_floats(p.out, 0.0f, 0.0f), *dx = random_floats(p.in, 0.0f, 0.0f),
              *weight = random_floats(3 * p.conv.ld, 0.0f, 0.0f);
        table(t)->conv_forward(&p.conv, p.x, NULL, y);
        table(t)->conv_backward(&p.conv, p.dy, dx);
        for (int64_t i = 0; i < p.out; i++) {
            const int64_t h = i / 32 % 25 / 5, w = i / 32 % 5;
            cr_assert_eq(!isfinite(y[i]), i % 32 == 17 && h >= 1 && h <= 3 && w <= 1);
        }
        for (int64_t i = 0; i < p.in; i++) {
            const int64_t h = i / 32 % 25 / 5, w = i / 32 % 5;
            cr_assert_eq(!isfinite(dx[i]), i % 32 == 17 && h >= 1 && h <= 3 && w <= 1);
        }
        gradient_in_blocks(&p, table(t), 0, 32, 3, 18, weight);
        for (int64_t column = 0; column < 18; column++) {
            cr_assert(isnan(weight[p.conv.ld + column]));
            cr_assert_eq(isfinite(weight[column]), column < 9 || column % 3 == 2);
        }
        free(y), free(dx), free(weight);
        conv_problem_free(&p);
    }
}
