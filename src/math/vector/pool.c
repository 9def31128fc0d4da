/* Pooling over windows of image panels, and sums over the positions of a channel (kernels.h). Plain loops of
   LS_LANES iterations, so that every variant gives the same bits: each lane of an output is one chain over
   the inputs of its window ascending, each lane of dx one over the outputs that look at it ascending,
   starting from zero. */
#include <string.h>
#include "math/vector/isa.h"

/* The taps of one output's window that lie within the image, in one dimension. */
typedef struct reach {
    int64_t tap, taps, source; /* source: place of the first */
} reach;

LS_INLINE reach reach_at(const ls_span *span, int64_t out)
{
    const int64_t start = out * span->stride - span->before;
    reach at = {.tap = 0, .taps = span->kernel, .source = start};
    if (start >= 0 && start + (span->kernel - 1) * span->dilation < span->in) return at;
    while (at.source < 0) at.source += span->dilation, at.tap++, at.taps--;
    while (at.source + (at.taps - 1) * span->dilation >= span->in) at.taps--;
    return at;
}

/* The part of a window within the image: where its first tap is, and how far it is to the next ones, in
 * floats. */
typedef struct window {
    int64_t heights, widths;
    int64_t first, row, step;
    int32_t tap, kernel; /* number of the first tap; taps of a row of the window */
} window;

LS_INLINE window window_at(const ls_pool *pool, reach height, int64_t w)
{
    const reach width = reach_at(&pool->width, w);
    return (window){.heights = height.taps,
                    .widths = width.taps,
                    .first = (height.source * pool->width.in + width.source) * pool->lanes,
                    .row = pool->height.dilation * pool->width.in * pool->lanes,
                    .step = pool->width.dilation * pool->lanes,
                    .tap = (int32_t)(height.tap * pool->width.kernel + width.tap),
                    .kernel = (int32_t)pool->width.kernel};
}

/* Calls body(heights, widths, arguments) with constants for the most frequent sizes, so that the loops over
 * the window are unrolled. */
#define FOR_SIZES(at, body, ...)                                                                             \
    do {                                                                                                     \
        if ((at)->heights == 2 && (at)->widths == 2)                                                         \
            body(2, 2, at, __VA_ARGS__);                                                                     \
        else if ((at)->heights == 3 && (at)->widths == 3)                                                    \
            body(3, 3, at, __VA_ARGS__);                                                                     \
        else                                                                                                 \
            body((at)->heights, (at)->widths, at, __VA_ARGS__);                                              \
    } while (0)

static int64_t in_plane(const ls_pool *pool)
{
    return pool->height.in * pool->width.in * pool->lanes;
}

LS_INLINE void max_of(int64_t heights, int64_t widths, const window *at, const float *x, float *y,
                      int32_t *index)
{
    float best[LS_LANES];
    int32_t where[LS_LANES];
    for (int n = 0; n < LS_LANES; n++) best[n] = x[n];
    for (int n = 0; n < LS_LANES; n++) where[n] = at->tap;
    LS_UNROLL for (int64_t h = 0; h < heights; h++)
    {
        LS_UNROLL for (int64_t w = 0; w < widths; w++)
        {
            const float *from = x + h * at->row + w * at->step;
            const int32_t tap = at->tap + (int32_t)h * at->kernel + (int32_t)w;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
            {
                const float value = from[n];
                const int take = (value > best[n]) | (value != value);
                best[n] = take ? value : best[n];
                where[n] = take ? tap : where[n];
            }
        }
    }
    for (int n = 0; n < LS_LANES; n++) y[n] = best[n];
    for (int n = 0; n < LS_LANES; n++) index[n] = where[n];
}

void LS_VARIANT(ls_max_pool_forward)(const ls_pool *pool, const float *x, float *y, int32_t *index)
{
    for (int64_t c = 0; c < pool->channels; c++, x += in_plane(pool))
        for (int64_t h = 0; h < pool->height.out; h++) {
            const reach height = reach_at(&pool->height, h);
            for (int64_t w = 0; w < pool->width.out; w++, y += pool->lanes, index += pool->lanes) {
                const window at = window_at(pool, height, w);
                for (int64_t n = 0; n < pool->lanes; n += LS_LANES)
                    FOR_SIZES(&at, max_of, x + at.first + n, y + n, index + n);
            }
        }
}

/* Whether each input belongs to one window exactly, so that dx need not be cleared before and added to. */
static bool covers_once(const ls_pool *pool)
{
    const ls_span *spans[] = {&pool->height, &pool->width};
    for (int i = 0; i < 2; i++)
        if (spans[i]->kernel != spans[i]->stride || spans[i]->dilation != 1 || spans[i]->before != 0 ||
            spans[i]->out * spans[i]->stride != spans[i]->in)
            return false;
    return true;
}

LS_INLINE void max_back(int64_t heights, int64_t widths, const window *at, bool once, const float *dy,
                        const int32_t *index, float *dx)
{
    LS_UNROLL for (int64_t h = 0; h < heights; h++)
    {
        LS_UNROLL for (int64_t w = 0; w < widths; w++)
        {
            float *to = dx + h * at->row + w * at->step;
            const int32_t tap = at->tap + (int32_t)h * at->kernel + (int32_t)w;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) to[n] =
                (once ? 0.0f : to[n]) + (index[n] == tap ? dy[n] : 0.0f);
        }
    }
}

void LS_VARIANT(ls_max_pool_backward)(const ls_pool *pool, const float *dy, const int32_t *index, float *dx)
{
    const bool once = covers_once(pool);
    for (int64_t c = 0; c < pool->channels; c++, dx += in_plane(pool)) {
        if (!once) memset(dx, 0, (size_t)in_plane(pool) * sizeof *dx);
        for (int64_t h = 0; h < pool->height.out; h++) {
            const reach height = reach_at(&pool->height, h);
            for (int64_t w = 0; w < pool->width.out; w++, dy += pool->lanes, index += pool->lanes) {
                const window at = window_at(pool, height, w);
                for (int64_t n = 0; n < pool->lanes; n += LS_LANES) {
                    float *to = dx + at.first + n;
                    if (once)
                        FOR_SIZES(&at, max_back, true, dy + n, index + n, to);
                    else
                        FOR_SIZES(&at, max_back, false, dy + n, index + n, to);
                }
            }
        }
    }
}

static float factor(const ls_pool *pool, const window *at)
{
    const int64_t counted =
        pool->count_padding ? pool->height.kernel * pool->width.kernel : at->heights * at->widths;
    return 1.0f / (float)counted;
}

LS_INLINE void average_of(int64_t heights, int64_t widths, const window *at, float scale, const float *x,
                          float *y)
{
    float sum[LS_LANES] = {0};
    LS_UNROLL for (int64_t h = 0; h < heights; h++)
    {
        LS_UNROLL for (int64_t w = 0; w < widths; w++)
        {
            const float *from = x + h * at->row + w * at->step;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] += from[n];
        }
    }
    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) y[n] = sum[n] * scale;
}

void LS_VARIANT(ls_average_pool_forward)(const ls_pool *pool, const float *x, float *y)
{
    for (int64_t c = 0; c < pool->channels; c++, x += in_plane(pool))
        for (int64_t h = 0; h < pool->height.out; h++) {
            const reach height = reach_at(&pool->height, h);
            for (int64_t w = 0; w < pool->width.out; w++, y += pool->lanes) {
                const window at = window_at(pool, height, w);
                const float scale = factor(pool, &at);
                for (int64_t n = 0; n < pool->lanes; n += LS_LANES)
                    FOR_SIZES(&at, average_of, scale, x + at.first + n, y + n);
            }
        }
}

LS_INLINE void average_back(int64_t heights, int64_t widths, const window *at, bool once, float scale,
                            const float *dy, float *dx)
{
    float share[LS_LANES];
    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) share[n] = dy[n] * scale;
    LS_UNROLL for (int64_t h = 0; h < heights; h++)
    {
        LS_UNROLL for (int64_t w = 0; w < widths; w++)
        {
            float *to = dx + h * at->row + w * at->step;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) to[n] = (once ? 0.0f : to[n]) + share[n];
        }
    }
}

void LS_VARIANT(ls_average_pool_backward)(const ls_pool *pool, const float *dy, float *dx)
{
    const bool once = covers_once(pool);
    for (int64_t c = 0; c < pool->channels; c++, dx += in_plane(pool)) {
        if (!once) memset(dx, 0, (size_t)in_plane(pool) * sizeof *dx);
        for (int64_t h = 0; h < pool->height.out; h++) {
            const reach height = reach_at(&pool->height, h);
            for (int64_t w = 0; w < pool->width.out; w++, dy += pool->lanes) {
                const window at = window_at(pool, height, w);
                const float scale = factor(pool, &at);
                for (int64_t n = 0; n < pool->lanes; n += LS_LANES) {
                    float *to = dx + at.first + n;
                    if (once)
                        FOR_SIZES(&at, average_back, true, scale, dy + n, to);
                    else
                        FOR_SIZES(&at, average_back, false, scale, dy + n, to);
                }
            }
        }
    }
}

enum { TOGETHER = 4 }; /* channels whose chains wait for one another's additions */

static void sums_of(int64_t channels, int64_t positions, int64_t lanes, const float *x, float *sum)
{
    float total[TOGETHER][LS_LANES] = {{0}};
    for (int64_t p = 0; p < positions; p++)
        for (int64_t c = 0; c < channels; c++) {
            const float *from = x + (c * positions + p) * lanes;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) total[c][n] += from[n];
        }
    for (int64_t c = 0; c < channels; c++) memcpy(sum + c * lanes, total[c], sizeof total[c]);
}

void LS_VARIANT(ls_channel_sums)(int64_t channels, int64_t positions, int64_t lanes, const float *x,
                                 float *sum)
{
    for (int64_t c = 0; c < channels; c += TOGETHER)
        for (int64_t n = 0; n < lanes; n += LS_LANES) {
            const float *from = x + c * positions * lanes + n;
            float *to = sum + c * lanes + n;
            if (channels - c >= TOGETHER)
                sums_of(TOGETHER, positions, lanes, from, to);
            else
                sums_of(channels - c, positions, lanes, from, to);
        }
}
