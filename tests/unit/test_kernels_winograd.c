/* Winograd's convolutions: every table gives the bits of the definition, whatever the geometry. */
#include <stdio.h>
#include "math/winograd.h"
#include "support/conv_problem.h"
#include "support/winograd_lines.h"

static ls_span span_make(int kernel, int64_t in_max)
{
    for (;;) {
        ls_span span = {.in = 1 + random_below(in_max), .kernel = kernel, .stride = 1, .dilation = 1};
        span.before = random_below(3) ? random_below(kernel - 1) : random_below(2 * kernel - 1);
        span.out = span.in + span.before + (random_below(3) ? span.before : random_below(2 * kernel - 1)) -
                   (kernel - 1);
        if (span.out > 0) return span;
    }
}

static conv_problem problem_make(const winograd_form *form)
{
    return conv_problem_of(1 + random_below(random_below(2) ? 4 : 35),
                           1 + random_below(random_below(2) ? 8 : 35), 1, LS_LANES * (1 + random_below(3)),
                           span_make(form->kernel, random_below(4) ? 6 : 27),
                           span_make(form->kernel, random_below(4) ? 6 : 27));
}

static const winograd_form *form_of(const conv_problem *p)
{
    return &winograd_forms[p->conv.width.kernel == 5];
}

static const char *text_of(const conv_problem *p)
{
    static char text[256];
    const ls_conv *c = &p->conv;
    snprintf(text, sizeof text,
             "window of %d, %d -> %d channels, %d lanes, height %d -> %d before %d, width %d -> %d before %d",
             (int)c->width.kernel, (int)c->in_channels, (int)c->out_channels, (int)c->lanes,
             (int)c->height.in, (int)c->height.out, (int)c->height.before, (int)c->width.in,
             (int)c->width.out, (int)c->width.before);
    return text;
}

/* The definition. Transforms go along the height first, then along the width; those of products along the
   width first. */
static void filter_of(const winograd_form *form, const float *g, bool turned, float *u)
{
    float taps[25];
    const int count = form->kernel * form->kernel;
    for (int k = 0; k < count; k++) taps[k] = g[turned ? count - 1 - k : k];
    winograd_square(form->filter, false, form->kernel, form->elements, taps, u);
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

/* A transformed tile of size by size numbers from h, w on. */
static void tile_of(winograd_line *line, int size, int elements, const image *from, int64_t h, int64_t w,
                    float *v)
{
    float d[WINOGRAD_SQUARE];
    for (int i = 0; i < size * size; i++) d[i] = at(from, h + i / size, w + i % size);
    winograd_square(line, false, size, elements, d, v);
}

static image image_of(const conv_problem *p, bool delta, int64_t channel, int64_t lane)
{
    const ls_conv *c = &p->conv;
    const int64_t height = delta ? c->height.out : c->height.in, width = delta ? c->width.out : c->width.in;
    const float *from = delta ? p->dy : p->x;
    return (image){from + channel * height * width * c->lanes + lane, height, width, c->lanes};
}

/* Rows results from columns sources, weight(r, c) being that of the direct convolution. */
typedef struct pass {
    const conv_problem *p;
    bool backward;
    int64_t rows, terms;
    ls_span height, width;
} pass;

static pass pass_of(const conv_problem *p, bool backward)
{
    const ls_conv *c = &p->conv;
    if (!backward) return (pass){p, false, c->out_channels, c->in_channels, c->height, c->width};
    const ls_span height = {.in = c->height.out, .out = c->height.in, .before = 2 - c->height.before},
                  width = {.in = c->width.out, .out = c->width.in, .before = 2 - c->width.before};
    return (pass){p, true, c->in_channels, c->out_channels, height, width};
}

static void add_products(const winograd_form *form, const float *u, const float *v, float *m)
{
    for (int e = 0; e < form->elements * form->elements; e++) m[e] = fmaf(u[e], v[e], m[e]);
}

/* The results of one tile. */
static void tile_by_definition(const pass *job, int64_t row, int64_t h, int64_t w, int64_t lane, float *y)
{
    const ls_conv *c = &job->p->conv;
    const winograd_form *form = form_of(job->p);
    float m[WINOGRAD_SQUARE] = {0}, u[WINOGRAD_SQUARE], v[WINOGRAD_SQUARE];
    if (!job->backward && job->p->bias) m[form->bias * (form->elements + 1)] = job->p->bias[row];
    for (int64_t term = 0; term < job->terms; term++) {
        const int64_t out = job->backward ? term : row, in = job->backward ? row : term;
        const image from = image_of(job->p, job->backward, term, lane);
        filter_of(form, job->p->weight + out * c->ld + in * form->kernel * form->kernel, job->backward, u);
        tile_of(form->input, form->inputs, form->elements, &from, h - job->height.before,
                w - job->width.before, v);
        add_products(form, u, v, m);
    }
    winograd_square(form->output, true, form->elements, form->outputs, m, y);
}

static float *pass_by_definition(const pass *job)
{
    const int64_t height = job->height.out, width = job->width.out, lanes = job->p->conv.lanes;
    const int size = form_of(job->p)->outputs;
    float *result = random_floats(job->rows * height * width * lanes, 0.0f, 0.0f);
    for (int64_t row = 0; row < job->rows; row++)
        for (int64_t h = 0; h < height; h += size)
            for (int64_t w = 0; w < width; w += size)
                for (int64_t lane = 0; lane < lanes; lane++) {
                    float y[WINOGRAD_SQUARE];
                    tile_by_definition(job, row, h, w, lane, y);
                    for (int e = 0; e < size * size; e++)
                        if (h + e / size < height && w + e % size < width)
                            result[((row * height + h + e / size) * width + w + e % size) * lanes + lane] =
                                y[e];
                }
    return result;
}

/* The part of a tile of dY, which begins at h, w, in the derivatives by inputs of channel in. */
static void spread_by_definition(const conv_problem *p, int64_t in, int64_t h, int64_t w, int64_t lane,
                                 float *d)
{
    const winograd_form *form = form_of(p);
    float m[WINOGRAD_SQUARE] = {0}, u[WINOGRAD_SQUARE], z[WINOGRAD_SQUARE];
    for (int64_t out = 0; out < p->conv.out_channels; out++) {
        const image from = image_of(p, true, out, lane);
        filter_of(form, p->weight + out * p->conv.ld + in * form->kernel * form->kernel, false, u);
        tile_of(form->delta, form->outputs, form->elements, &from, h, w, z);
        add_products(form, u, z, m);
    }
    winograd_square(form->spread, true, form->elements, form->inputs, m, d);
}

/* Tiles of derivatives are added row by row, the first one at a place is stored. */
static void add_tiles(const conv_problem *p, int64_t in, int64_t lane, float *result)
{
    const ls_conv *c = &p->conv;
    const int size = form_of(p)->inputs, step = form_of(p)->outputs;
    bool *there = calloc((size_t)(c->height.in * c->width.in), sizeof *there);
    for (int64_t h = 0; h < c->height.out; h += step)
        for (int64_t w = 0; w < c->width.out; w += step) {
            float d[WINOGRAD_SQUARE];
            spread_by_definition(p, in, h, w, lane, d);
            for (int e = 0; e < size * size; e++) {
                const int64_t ih = h - c->height.before + e / size, iw = w - c->width.before + e % size;
                if (ih < 0 || ih >= c->height.in || iw < 0 || iw >= c->width.in) continue;
                const int64_t place = ih * c->width.in + iw;
                float *to = result + (in * c->height.in * c->width.in + place) * c->lanes + lane;
                *to = there[place] ? *to + d[e] : d[e];
                there[place] = true;
            }
        }
    free(there);
}

static float *backward_by_definition(const conv_problem *p)
{
    if (form_of(p)->spread == NULL) {
        const pass job = pass_of(p, true);
        return pass_by_definition(&job);
    }
    float *result = random_floats(p->in, 0.0f, 0.0f);
    for (int64_t in = 0; in < p->conv.in_channels; in++)
        for (int64_t lane = 0; lane < p->conv.lanes; lane++) add_tiles(p, in, lane, result);
    return result;
}

static float *scratch_of(const ls_conv *conv)
{
    return random_floats(ls_winograd_scratch(conv), -9.0f, 9.0f);
}

static void check_passes(const conv_problem *p)
{
    const pass forward = pass_of(p, false);
    float *wanted_y = pass_by_definition(&forward), *wanted_dx = backward_by_definition(p);
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
    for (int i = 0; i < 60; i++) {
        conv_problem p = problem_make(&winograd_forms[i % WINOGRAD_FORMS]);
        check_passes(&p);
        conv_problem_free(&p);
    }
}

static void check_edges(int kernel)
{
    const int64_t k = kernel;
    const ls_span one = {1, 1, k, 1, 1, k / 2}, three = {3, 3, k, 1, 1, k / 2}, inside = {k, 1, k, 1, 1, 0},
                  margin = {2, 2 + k + 3, k, 1, 1, k + 1}, behind = {7, 9, k, 1, 1, 0};
    const ls_span spans[] = {one, three, inside, margin, behind};
    for (int i = 0; i < 25; i++) {
        conv_problem p = conv_problem_of(3, 5, 1, LS_LANES, spans[i / 5], spans[i % 5]);
        check_passes(&p);
        conv_problem_free(&p);
    }
}

Test(kernels_winograd, single_rows_and_columns_and_wide_margins)
{
    for (int f = 0; f < WINOGRAD_FORMS; f++) check_edges(winograd_forms[f].kernel);
}

/* The weights of one pair of channels for samples first .. end - 1 of a panel. */
static void weights_by_definition(const conv_problem *p, int64_t out, int64_t in, int64_t first, int64_t end,
                                  float *result)
{
    const ls_conv *c = &p->conv;
    const winograd_form *form = form_of(p);
    const int step = form->outputs;
    float sum[WINOGRAD_SQUARE] = {0}, v[WINOGRAD_SQUARE], z[WINOGRAD_SQUARE];
    for (int64_t group = first / LS_LANES * LS_LANES; group < end; group += LS_LANES)
        for (int64_t h = 0; h < c->height.out; h += step)
            for (int64_t w = 0; w < c->width.out; w += step)
                for (int64_t lane = group; lane < group + LS_LANES; lane++) {
                    if (lane < first || lane >= end) continue;
                    const image x = image_of(p, false, in, lane), dy = image_of(p, true, out, lane);
                    tile_of(form->input, form->inputs, form->elements, &x, h - c->height.before,
                            w - c->width.before, v);
                    tile_of(form->delta, step, form->elements, &dy, h, w, z);
                    add_products(form, z, v, sum);
                }
    winograd_square(form->gradient, false, form->elements, form->kernel, sum, result);
}

/* The whole gradient, blocks of channels at a time. */
static void gradient_in_blocks(const conv_problem *p, const ls_kernels *kernels, int64_t first, int64_t end,
                               int64_t band, int64_t channels, float *result)
{
    const ls_conv *c = &p->conv;
    const conv_gradient_maker maker = {kernels->winograd_gradient,
                                       ls_winograd_gradient_scratch(c, band, channels)};
    conv_gradient_in_blocks(p, maker, first, end, band, c->height.kernel * c->width.kernel * channels,
                            result);
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
            weights_by_definition(p, o, i, first, end,
                                  wanted + o * c->ld + c->height.kernel * c->width.kernel * i);
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
    for (int i = 0; i < 60; i++) {
        conv_problem p = problem_make(&winograd_forms[i % WINOGRAD_FORMS]);
        check_gradient(&p);
        conv_problem_free(&p);
    }
}

static conv_problem square_problem(int64_t in, int64_t out, int64_t lanes, int64_t size, int form)
{
    const int kernel = winograd_forms[form].kernel;
    const ls_span span = {size, size, kernel, 1, 1, kernel / 2};
    return conv_problem_of(in, out, 1, lanes, span, span);
}

/* Lanes of other samples, infinite ones among them, leave no trace in the sums of a grain. */
Test(kernels_winograd, the_gradient_of_a_grain_does_not_depend_on_its_place)
{
    for (int t = 0; table(t); t++)
        for (int f = 0; f < WINOGRAD_FORMS; f++) {
            conv_problem p = square_problem(3, 4, 2 * LS_LANES, 5, f);
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

/* Lane lane of a panel of results by one of the passes is that of lane 3 of a narrow panel of its samples. */
static void check_lane(const conv_problem *p, const ls_kernels *kernels, bool backward, int64_t lane)
{
    const int64_t in = (backward ? p->out : p->in) / p->conv.lanes,
                  out = (backward ? p->in : p->out) / p->conv.lanes;
    const float *source = backward ? p->dy : p->x;
    ls_conv narrow = p->conv;
    narrow.lanes = LS_LANES;
    float *few = random_floats(in * LS_LANES, -1, 1), *scratch = scratch_of(&p->conv);
    float *wide_y = random_floats(out * p->conv.lanes, 0, 0), *narrow_y = random_floats(out * LS_LANES, 1, 1);
    for (int64_t i = 0; i < in; i++) few[i * LS_LANES + 3] = source[i * p->conv.lanes + lane];
    if (backward) {
        kernels->winograd_backward(&p->conv, source, wide_y, scratch);
        kernels->winograd_backward(&narrow, few, narrow_y, scratch);
    } else {
        kernels->winograd_forward(&p->conv, source, p->bias, wide_y, scratch);
        kernels->winograd_forward(&narrow, few, p->bias, narrow_y, scratch);
    }
    for (int64_t i = 0; i < out; i++)
        cr_assert(bits_of_float(wide_y[i * p->conv.lanes + lane]) ==
                  bits_of_float(narrow_y[i * LS_LANES + 3]));
    free(few), free(scratch), free(wide_y), free(narrow_y);
}

/* The other lanes do not matter, and wide panels give the bits of narrow ones. */
Test(kernels_winograd, lanes_do_not_depend_on_one_another)
{
    for (int t = 0; table(t); t++)
        for (int f = 0; f < WINOGRAD_FORMS; f++) {
            conv_problem p = square_problem(5, 7, 3 * LS_LANES, 9, f);
            check_lane(&p, table(t), false, LS_LANES + random_below(LS_LANES));
            check_lane(&p, table(t), true, LS_LANES + random_below(LS_LANES));
            conv_problem_free(&p);
        }
}

Test(kernels_winograd, nan_reaches_the_outputs_that_see_it)
{
    for (int t = 0; table(t); t++)
        for (int f = 0; f < WINOGRAD_FORMS; f++) {
            conv_problem p = square_problem(2, 3, LS_LANES, 9, f);
            const int reach = winograd_forms[f].kernel / 2;
            float *y = random_floats(p.out, 0, 0), *scratch = scratch_of(&p.conv);
            p.x[(4 * 9 + 4) * LS_LANES + 2] = NAN;
            table(t)->winograd_forward(&p.conv, p.x, p.bias, y, scratch);
            for (int64_t h = 4 - reach; h <= 4 + reach; h++)
                for (int64_t w = 4 - reach; w <= 4 + reach; w++)
                    cr_assert(isnan(y[(h * 9 + w) * LS_LANES + 2]));
            for (int64_t i = 0; i < p.out; i++) cr_assert(i % LS_LANES == 2 || !isnan(y[i]));
            free(y), free(scratch);
            conv_problem_free(&p);
        }
}
