/* Winograd's convolutions: every table gives the bits of the definition, whatever the geometry. */
#include <stdio.h>
#include "math/winograd.h"
#include "support/conv_problem.h"

static ls_span span_make(int64_t in_max)
{
    for (;;) {
        ls_span span = {.in = 1 + random_below(in_max), .kernel = 3, .stride = 1, .dilation = 1};
        span.before = random_below(3) ? random_below(2) : random_below(5);
        span.out = span.in + span.before + (random_below(3) ? span.before : random_below(5)) - 2;
        if (span.out > 0) return span;
    }
}

static conv_problem problem_make(void)
{
    return conv_problem_of(1 + random_below(random_below(2) ? 4 : 35),
                           1 + random_below(random_below(2) ? 8 : 35), 1, LS_LANES * (1 + random_below(3)),
                           span_make(random_below(4) ? 6 : 27), span_make(random_below(4) ? 6 : 27));
}

static const char *text_of(const conv_problem *p)
{
    static char text[256];
    const ls_conv *c = &p->conv;
    snprintf(text, sizeof text,
             "%d -> %d channels, %d lanes, height %d -> %d before %d, width %d -> %d before %d",
             (int)c->in_channels, (int)c->out_channels, (int)c->lanes, (int)c->height.in, (int)c->height.out,
             (int)c->height.before, (int)c->width.in, (int)c->width.out, (int)c->width.before);
    return text;
}

/* The definition. Transforms go along the height first, then along the width; that of the products along the
   width first. */
static void filter_line(const float *g, int step, float *u)
{
    const float ends = g[0] + g[2 * step];
    u[0] = g[0];
    u[step] = 0.5f * (ends + g[step]);
    u[2 * step] = 0.5f * (ends - g[step]);
    u[3 * step] = g[2 * step];
}

static void filter_of(const float *g, bool turned, float u[4][4])
{
    float taps[3][4] = {{0}}, tall[4][4] = {{0}};
    for (int k = 0; k < 9; k++) taps[k / 3][k % 3] = g[turned ? 8 - k : k];
    for (int w = 0; w < 3; w++) filter_line(&taps[0][w], 4, &tall[0][w]);
    for (int i = 0; i < 4; i++) filter_line(tall[i], 1, u[i]);
}

static void input_line(const float *d, int step, float *v)
{
    v[0] = d[0] - d[2 * step];
    v[step] = d[step] + d[2 * step];
    v[2 * step] = d[2 * step] - d[step];
    v[3 * step] = d[step] - d[3 * step];
}

/* An image of one sample: its number h, w, or zero on padding. */
typedef struct image {
    const float *x;
    int64_t height, width, lanes;
} image;

static float at(const image *from, int64_t h, int64_t w)
{
    const bool inside = h >= 0 && h < from->height && w >= 0 && w < from->width;
    return inside ? from->x[(h * from->width + w) * from->lanes] : 0.0f;
}

static void input_of(const image *from, int64_t h, int64_t w, float v[4][4])
{
    float d[4][4], tall[4][4];
    for (int i = 0; i < 16; i++) d[i / 4][i % 4] = at(from, h + i / 4, w + i % 4);
    for (int j = 0; j < 4; j++) input_line(&d[0][j], 4, &tall[0][j]);
    for (int i = 0; i < 4; i++) input_line(tall[i], 1, v[i]);
}

/* Rows results from columns sources, weight(r, c) being that of the direct convolution. */
typedef struct pass {
    const conv_problem *p;
    bool backward;
    int64_t rows, terms;
    ls_span height, width;
    const float *source;
} pass;

static pass pass_of(const conv_problem *p, bool backward)
{
    const ls_conv *c = &p->conv;
    pass made = {p, false, c->out_channels, c->in_channels, c->height, c->width, p->x};
    if (!backward) return made;
    const ls_span height = {.in = c->height.out, .out = c->height.in, .before = 2 - c->height.before},
                  width = {.in = c->width.out, .out = c->width.in, .before = 2 - c->width.before};
    return (pass){p, true, c->in_channels, c->out_channels, height, width, p->dy};
}

/* The 2 by 2 results of one tile. */
static void tile_by_definition(const pass *job, int64_t row, int64_t h, int64_t w, int64_t lane,
                               float y[2][2])
{
    const ls_conv *c = &job->p->conv;
    float m[4][4] = {{0}}, u[4][4], v[4][4], s[2][4];
    if (!job->backward && job->p->bias) m[1][1] = job->p->bias[row];
    for (int64_t term = 0; term < job->terms; term++) {
        const int64_t out = job->backward ? term : row, in = job->backward ? row : term;
        const image from = {job->source + term * job->height.in * job->width.in * c->lanes + lane,
                            job->height.in, job->width.in, c->lanes};
        filter_of(job->p->weight + out * c->ld + in * 9, job->backward, u);
        input_of(&from, h - job->height.before, w - job->width.before, v);
        for (int e = 0; e < 16; e++)
            m[e / 4][e % 4] = fmaf(u[e / 4][e % 4], v[e / 4][e % 4], m[e / 4][e % 4]);
    }
    for (int i = 0; i < 4; i++) {
        s[0][i] = m[i][0] + (m[i][1] + m[i][2]);
        s[1][i] = (m[i][1] - m[i][2]) - m[i][3];
    }
    for (int b = 0; b < 2; b++) {
        y[0][b] = s[b][0] + (s[b][1] + s[b][2]);
        y[1][b] = (s[b][1] - s[b][2]) - s[b][3];
    }
}

static float *pass_by_definition(const pass *job)
{
    const int64_t height = job->height.out, width = job->width.out, lanes = job->p->conv.lanes;
    float *result = random_floats(job->rows * height * width * lanes, 0.0f, 0.0f);
    for (int64_t row = 0; row < job->rows; row++)
        for (int64_t h = 0; h < height; h += 2)
            for (int64_t w = 0; w < width; w += 2)
                for (int64_t lane = 0; lane < lanes; lane++) {
                    float y[2][2];
                    tile_by_definition(job, row, h, w, lane, y);
                    for (int e = 0; e < 4; e++)
                        if (h + e / 2 < height && w + e % 2 < width)
                            result[((row * height + h + e / 2) * width + w + e % 2) * lanes + lane] =
                                y[e / 2][e % 2];
                }
    return result;
}

static float *scratch_of(const ls_conv *conv)
{
    return random_floats(ls_winograd_scratch(conv), -9.0f, 9.0f);
}

static void check_passes(const conv_problem *p)
{
    const pass forward = pass_of(p, false), backward = pass_of(p, true);
    float *wanted_y = pass_by_definition(&forward), *wanted_dx = pass_by_definition(&backward);
    for (int t = 0; table(t); t++) {
        float *y = random_floats(p->out, 5.0f, 6.0f), *dx = random_floats(p->in, 5.0f, 6.0f);
        float *scratch = scratch_of(&p->conv);
        table(t)->winograd_forward(&p->conv, p->x, p->bias, y, scratch);
        table(t)->winograd_backward(&p->conv, p->dy, dx, scratch);
        int64_t where = first_difference(y, wanted_y, p->out);
        cr_assert(where < 0, "%s: %s: y[%d] is %a, not %a", table(t)->name, text_of(p), (int)where,
                  (double)y[where], (double)wanted_y[where]);
        where = first_difference(dx, wanted_dx, p->in);
        cr_assert(where < 0, "%s: %s: dx[%d] is %a, not %a", table(t)->name, text_of(p), (int)where,
                  (double)dx[where], (double)wanted_dx[where]);
        free(y), free(dx), free(scratch);
    }
    free(wanted_y), free(wanted_dx);
}

Test(kernels_winograd, every_table_gives_the_bits_of_the_definition)
{
    for (int i = 0; i < 40; i++) {
        conv_problem p = problem_make();
        check_passes(&p);
        conv_problem_free(&p);
    }
}

Test(kernels_winograd, single_rows_and_columns_and_wide_margins)
{
    const ls_span one = {1, 1, 3, 1, 1, 1}, three = {3, 3, 3, 1, 1, 1}, inside = {3, 1, 3, 1, 1, 0},
                  margin = {2, 8, 3, 1, 1, 4}, behind = {7, 9, 3, 1, 1, 0};
    const ls_span spans[] = {one, three, inside, margin, behind};
    for (int i = 0; i < 25; i++) {
        conv_problem p = conv_problem_of(3, 5, 1, LS_LANES, spans[i / 5], spans[i % 5]);
        check_passes(&p);
        conv_problem_free(&p);
    }
}

/* A dY A^T without the signs of its last row and column, then G^T z G with them. */
static void delta_of(const image *from, int64_t h, int64_t w, float z[4][4])
{
    float tall[4][2];
    for (int j = 0; j < 2; j++) {
        const float upper = at(from, h, w + j), lower = at(from, h + 1, w + j);
        tall[0][j] = upper;
        tall[1][j] = upper + lower;
        tall[2][j] = upper - lower;
        tall[3][j] = lower;
    }
    for (int i = 0; i < 4; i++) {
        z[i][0] = tall[i][0];
        z[i][1] = tall[i][0] + tall[i][1];
        z[i][2] = tall[i][0] - tall[i][1];
        z[i][3] = tall[i][1];
    }
}

static void gradient_line(const float *z, int step, float *g, int to)
{
    const float even = 0.5f * (z[step] + z[2 * step]);
    g[0] = z[0] + even;
    g[to] = 0.5f * (z[step] - z[2 * step]);
    g[2 * to] = even - z[3 * step];
}

/* The nine weights of one pair of channels for samples first .. end - 1 of a panel. */
static void weights_by_definition(const conv_problem *p, int64_t out, int64_t in, int64_t first, int64_t end,
                                  float *result)
{
    const ls_conv *c = &p->conv;
    float sum[4][4] = {{0}}, v[4][4], z[4][4], tall[3][4];
    for (int64_t group = first / LS_LANES * LS_LANES; group < end; group += LS_LANES)
        for (int64_t h = 0; h < c->height.out; h += 2)
            for (int64_t w = 0; w < c->width.out; w += 2)
                for (int64_t lane = group; lane < group + LS_LANES; lane++) {
                    if (lane < first || lane >= end) continue;
                    const image x = {p->x + in * c->height.in * c->width.in * c->lanes + lane, c->height.in,
                                     c->width.in, c->lanes},
                                dy = {p->dy + out * c->height.out * c->width.out * c->lanes + lane,
                                      c->height.out, c->width.out, c->lanes};
                    input_of(&x, h - c->height.before, w - c->width.before, v);
                    delta_of(&dy, h, w, z);
                    for (int e = 0; e < 16; e++)
                        sum[e / 4][e % 4] = fmaf(z[e / 4][e % 4], v[e / 4][e % 4], sum[e / 4][e % 4]);
                }
    for (int j = 0; j < 4; j++) gradient_line(&sum[0][j], 4, &tall[0][j], 4);
    for (int h = 0; h < 3; h++) gradient_line(tall[h], 1, result + 3 * h, 1);
}

/* The whole gradient, blocks of channels at a time. */
static void gradient_in_blocks(const conv_problem *p, const ls_kernels *kernels, int64_t first, int64_t end,
                               int64_t band, int64_t channels, float *result)
{
    const conv_gradient_maker maker = {kernels->winograd_gradient,
                                       ls_winograd_gradient_scratch(&p->conv, band, channels)};
    conv_gradient_in_blocks(p, maker, first, end, band, 9 * channels, result);
}

static void check_gradient(const conv_problem *p)
{
    const ls_conv *c = &p->conv;
    int64_t first, end;
    conv_draw_grain(c->lanes, &first, &end);
    const int64_t band = random_below(2) ? c->out_channels : 1 + random_below(c->out_channels);
    const int64_t channels = random_below(2) ? c->in_channels : 1 + random_below(c->in_channels);
    float *wanted = random_floats(c->out_channels * c->ld, 7.0f, 7.0f);
    for (int64_t o = 0; o < c->out_channels; o++)
        for (int64_t i = 0; i < c->in_channels; i++)
            weights_by_definition(p, o, i, first, end, wanted + o * c->ld + 9 * i);
    for (int t = 0; table(t); t++) {
        float *got = random_floats(c->out_channels * c->ld, 7.0f, 7.0f);
        gradient_in_blocks(p, table(t), first, end, band, channels, got);
        int64_t where = first_difference(got, wanted, c->out_channels * c->ld);
        cr_assert(where < 0, "%s: %s, lanes %d to %d, %d x %d at a time: row %d column %d is %a, not %a",
                  table(t)->name, text_of(p), (int)first, (int)end, (int)band, (int)channels,
                  (int)(where / c->ld), (int)(where % c->ld), (double)got[where], (double)wanted[where]);
        free(got);
    }
    free(wanted);
}

Test(kernels_winograd, every_table_gives_the_gradient_of_the_definition)
{
    for (int i = 0; i < 40; i++) {
        conv_problem p = problem_make();
        check_gradient(&p);
        conv_problem_free(&p);
    }
}

/* Lanes of other samples, infinite ones among them, leave no trace in the sums of a grain. */
Test(kernels_winograd, the_gradient_of_a_grain_does_not_depend_on_its_place)
{
    for (int t = 0; table(t); t++) {
        const ls_span span = {5, 5, 3, 1, 1, 1};
        conv_problem p = conv_problem_of(3, 4, 1, 2 * LS_LANES, span, span);
        float *here = random_floats(4 * p.conv.ld, 0.0f, 0.0f), *there = copy_floats(here, 4 * p.conv.ld);
        gradient_in_blocks(&p, table(t), 8, 12, 4, 3, here);
        for (int64_t i = 0; i < p.in; i += p.conv.lanes)
            for (int64_t n = 0; n < 4; n++) p.x[i + 20 + n] = p.x[i + 8 + n], p.x[i + 8 + n] = INFINITY;
        for (int64_t i = 0; i < p.out; i += p.conv.lanes)
            for (int64_t n = 0; n < 4; n++) p.dy[i + 20 + n] = p.dy[i + 8 + n], p.dy[i + 8 + n] = NAN;
        gradient_in_blocks(&p, table(t), 20, 24, 4, 3, there);
        cr_assert(first_difference(here, there, 4 * p.conv.ld) < 0, "%s", table(t)->name);
        free(here), free(there);
        conv_problem_free(&p);
    }
}

/* The other lanes do not matter, and wide panels give the bits of narrow ones. */
Test(kernels_winograd, lanes_do_not_depend_on_one_another)
{
    for (int t = 0; table(t); t++) {
        conv_problem p =
            conv_problem_of(5, 7, 1, 3 * LS_LANES, (ls_span){9, 9, 3, 1, 1, 1}, (ls_span){6, 4, 3, 1, 1, 0});
        conv_problem narrow = p;
        narrow.conv.lanes = LS_LANES;
        narrow.in = p.in / 3, narrow.out = p.out / 3;
        narrow.x = random_floats(narrow.in, -1, 1);
        const int64_t lane = LS_LANES + random_below(LS_LANES);
        for (int64_t i = 0; i < narrow.in / LS_LANES; i++)
            narrow.x[i * LS_LANES + 3] = p.x[i * p.conv.lanes + lane];
        float *wide_y = random_floats(p.out, 0, 0), *narrow_y = random_floats(narrow.out, 1, 1);
        float *scratch = scratch_of(&p.conv);
        table(t)->winograd_forward(&p.conv, p.x, p.bias, wide_y, scratch);
        table(t)->winograd_forward(&narrow.conv, narrow.x, p.bias, narrow_y, scratch);
        for (int64_t i = 0; i < narrow.out / LS_LANES; i++)
            cr_assert(bits_of_float(wide_y[i * p.conv.lanes + lane]) ==
                      bits_of_float(narrow_y[i * LS_LANES + 3]));
        free(wide_y), free(narrow_y), free(scratch), free(narrow.x);
        conv_problem_free(&p);
    }
}

Test(kernels_winograd, nan_reaches_the_outputs_that_see_it)
{
    for (int t = 0; table(t); t++) {
        const ls_span span = {7, 7, 3, 1, 1, 1};
        conv_problem p = conv_problem_of(2, 3, 1, LS_LANES, span, span);
        float *y = random_floats(p.out, 0, 0), *scratch = scratch_of(&p.conv);
        p.x[(3 * 7 + 3) * LS_LANES + 2] = NAN;
        table(t)->winograd_forward(&p.conv, p.x, p.bias, y, scratch);
        for (int64_t h = 2; h <= 4; h++)
            for (int64_t w = 2; w <= 4; w++) cr_assert(isnan(y[(h * 7 + w) * LS_LANES + 2]));
        for (int64_t i = 0; i < p.out; i++) cr_assert(i % LS_LANES == 2 || !isnan(y[i]));
        free(y), free(scratch);
        conv_problem_free(&p);
    }
}
