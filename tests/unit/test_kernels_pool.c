/* Pooling and sums over positions: every table gives the bits of the definition. */
#include "support/kernels.h"

typedef struct problem {
    ls_pool pool;
    int64_t in, out; /* elements of a panel */
    float *x, *dy;
} problem;

static int64_t inputs_of(const ls_span *span, int64_t out)
{
    int64_t count = 0;
    for (int64_t k = 0; k < span->kernel; k++) {
        const int64_t in = out * span->stride - span->before + k * span->dilation;
        count += in >= 0 && in < span->in;
    }
    return count;
}

/* Every window holds an input; some are larger than the image, some leave inputs out. */
static ls_span span_make(int64_t in_max)
{
    for (;;) {
        ls_span span = {.in = 1 + random_below(in_max),
                        .kernel = 1 + random_below(4),
                        .stride = 1 + random_below(4),
                        .dilation = random_below(4) ? 1 : 2,
                        .before = random_below(2) ? random_below(3) : 0};
        int64_t after = span.before > 0 ? random_below(3) : 0;
        int64_t room = span.in + span.before + after - span.dilation * (span.kernel - 1) - 1;
        span.out = room >= 0 ? room / span.stride + 1 : 0;
        bool good = span.out > 0;
        for (int64_t o = 0; o < span.out; o++) good = good && inputs_of(&span, o) > 0;
        if (good) return span;
    }
}

/* Few different values, so that windows hold equal ones. */
static problem problem_make(void)
{
    problem p = {.pool = {.channels = 1 + random_below(5),
                          .lanes = LS_LANES * (1 + random_below(3)),
                          .height = random_below(4) ? span_make(7) : (ls_span){1, 1, 1, 1, 1, 0},
                          .width = span_make(9),
                          .count_padding = random_below(2)}};
    if (random_below(4) == 0) p.pool.height = p.pool.width = (ls_span){6, 3, 2, 2, 1, 0};
    p.in = p.pool.channels * p.pool.height.in * p.pool.width.in * p.pool.lanes;
    p.out = p.pool.channels * p.pool.height.out * p.pool.width.out * p.pool.lanes;
    p.x = random_floats(p.in, -1.0f, 1.0f);
    p.dy = random_floats(p.out, -1.0f, 1.0f);
    for (int64_t i = 0; i < p.in; i++)
        if (random_below(2)) p.x[i] = (float)random_below(3) - 1.0f;
    p.x[random_below(p.in)] = NAN;
    p.x[random_below(p.in)] = INFINITY;
    return p;
}

static void problem_free(problem *p)
{
    free(p->x);
    free(p->dy);
}

typedef struct results {
    float *max, *max_dx, *average, *average_dx;
    int32_t *index;
} results;

static results results_make(const problem *p)
{
    return (results){.max = random_floats(p->out, 5.0f, 6.0f),
                     .max_dx = random_floats(p->in, 5.0f, 6.0f),
                     .average = random_floats(p->out, 5.0f, 6.0f),
                     .average_dx = random_floats(p->in, 5.0f, 6.0f),
                     .index = (int32_t *)random_floats(p->out, 5.0f, 6.0f)};
}

static void results_free(results *r)
{
    free(r->max), free(r->max_dx), free(r->average), free(r->average_dx), free(r->index);
}

/* One output of one lane by the words of the definition; dx is zero before the first. */
static void one_output(const problem *p, int64_t c, int64_t h, int64_t w, int64_t n, results *r)
{
    const ls_pool *pool = &p->pool;
    const ls_span *height = &pool->height, *width = &pool->width;
    const int64_t y = ((c * height->out + h) * width->out + w) * pool->lanes + n;
    const int64_t inputs = inputs_of(height, h) * inputs_of(width, w);
    const float share = 1.0f / (float)(pool->count_padding ? height->kernel * width->kernel : inputs);
    float sum = 0;
    int64_t best = -1;
    for (int64_t kh = 0; kh < height->kernel; kh++)
        for (int64_t kw = 0; kw < width->kernel; kw++) {
            const int64_t ih = h * height->stride - height->before + kh * height->dilation;
            const int64_t iw = w * width->stride - width->before + kw * width->dilation;
            if (ih < 0 || ih >= height->in || iw < 0 || iw >= width->in) continue;
            const int64_t x = ((c * height->in + ih) * width->in + iw) * pool->lanes + n;
            sum += p->x[x];
            r->average_dx[x] += p->dy[y] * share;
            if (best < 0 || p->x[x] > p->x[best] || isnan(p->x[x])) {
                best = x;
                r->index[y] = (int32_t)(kh * width->kernel + kw);
            }
        }
    r->average[y] = sum * share;
    r->max[y] = p->x[best];
    r->max_dx[best] += p->dy[y];
}

static results by_definition(const problem *p)
{
    results r = results_make(p);
    memset(r.max_dx, 0, (size_t)p->in * sizeof(float));
    memset(r.average_dx, 0, (size_t)p->in * sizeof(float));
    for (int64_t c = 0; c < p->pool.channels; c++)
        for (int64_t h = 0; h < p->pool.height.out; h++)
            for (int64_t w = 0; w < p->pool.width.out; w++)
                for (int64_t n = 0; n < p->pool.lanes; n++) one_output(p, c, h, w, n, &r);
    return r;
}

Test(kernels_pool, every_table_gives_the_bits_of_the_definition)
{
    for (int i = 0; i < 300; i++) {
        problem p = problem_make();
        results wanted = by_definition(&p);
        for (int t = 0; table(t); t++) {
            results got = results_make(&p);
            table(t)->max_pool_forward(&p.pool, p.x, got.max, got.index);
            table(t)->max_pool_backward(&p.pool, p.dy, got.index, got.max_dx);
            table(t)->average_pool_forward(&p.pool, p.x, got.average);
            table(t)->average_pool_backward(&p.pool, p.dy, got.average_dx);
            cr_assert(first_difference(got.max, wanted.max, p.out) < 0, "%s: max", table(t)->name);
            cr_assert_eq(memcmp(got.index, wanted.index, (size_t)p.out * sizeof *got.index), 0, "%s: index",
                         table(t)->name);
            cr_assert(first_difference(got.max_dx, wanted.max_dx, p.in) < 0, "%s: dx of max", table(t)->name);
            cr_assert(first_difference(got.average, wanted.average, p.out) < 0, "%s: average",
                      table(t)->name);
            cr_assert(first_difference(got.average_dx, wanted.average_dx, p.in) < 0, "%s: dx of average",
                      table(t)->name);
            results_free(&got);
        }
        results_free(&wanted);
        problem_free(&p);
    }
}

Test(kernels_pool, the_first_of_equal_inputs_gets_the_derivative)
{
    const ls_span span = {2, 1, 2, 2, 1, 0};
    const ls_pool pool = {.channels = 1, .lanes = 16, .height = span, .width = span};
    for (int t = 0; table(t); t++) {
        float x[64], dy[16], y[16], dx[64];
        int32_t index[16];
        for (int i = 0; i < 64; i++) x[i] = 3;
        for (int n = 0; n < 16; n++) dy[n] = (float)n;
        table(t)->max_pool_forward(&pool, x, y, index);
        table(t)->max_pool_backward(&pool, dy, index, dx);
        for (int i = 0; i < 64; i++) cr_assert_eq(dx[i], i < 16 ? (float)i : 0.0f);
    }
}

Test(kernels_pool, sums_over_positions)
{
    for (int i = 0; i < 60; i++) {
        const int64_t channels = 1 + random_below(11), positions = 1 + random_below(30),
                      lanes = 16 * (1 + random_below(3));
        float *x = random_floats(channels * positions * lanes, -1.0f, 1.0f);
        float *wanted = random_floats(channels * lanes, 0.0f, 0.0f);
        for (int64_t c = 0; c < channels; c++)
            for (int64_t p = 0; p < positions; p++)
                for (int64_t n = 0; n < lanes; n++)
                    wanted[c * lanes + n] += x[(c * positions + p) * lanes + n];
        for (int t = 0; table(t); t++) {
            float *got = random_floats(channels * lanes, 5.0f, 6.0f);
            table(t)->channel_sums(channels, positions, lanes, x, got);
            cr_assert(first_difference(got, wanted, channels * lanes) < 0, "%s", table(t)->name);
            free(got);
        }
        free(wanted);
        free(x);
    }
}
