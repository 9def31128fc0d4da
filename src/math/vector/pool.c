/* Pooling over windows of image panels, and sums over the positions of a channel (kernels.h). Every variant
   gives the same bits: each lane of an output is one chain over the inputs of its window ascending, each lane
   of dx one over the outputs that look at it ascending, starting from zero. */
#include <string.h>
#include "math/vector/isa.h"

#if LS_LEVEL == 0
typedef float vector;
typedef int32_t integers;
typedef bool mask;
#define WIDTH                  1
#define LOAD(p)                (*(p))
#define STORE(p, v)            (*(p) = (v))
#define ZERO                   0.0f
#define LOAD_INTEGERS(p)       (*(p))
#define STORE_INTEGERS(p, v)   (*(p) = (v))
#define SAME_INTEGER(i)        (i)
#define IS_EQUAL(a, b)         ((a) == (b))
#define IS_ABOVE(a, b)         ((a) > (b) || (a) != (a))
#define PICK(m, a, b)          ((m) ? (a) : (b))
#define PICK_INTEGERS(m, a, b) ((m) ? (a) : (b))
#else
#include "math/vector/simd.h"
#define ZERO BROADCAST(0.0f)
#if LS_LEVEL == 2
typedef __m512i integers;
typedef __mmask16 mask;
#define LOAD_INTEGERS(p)       _mm512_loadu_si512(p)
#define STORE_INTEGERS(p, v)   _mm512_storeu_si512(p, v)
#define SAME_INTEGER(i)        _mm512_set1_epi32(i)
#define IS_EQUAL(a, b)         _mm512_cmpeq_epi32_mask(a, b)
#define IS_ABOVE(a, b)         (_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) | _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q))
#define PICK(m, a, b)          _mm512_mask_mov_ps(b, m, a)
#define PICK_INTEGERS(m, a, b) _mm512_mask_mov_epi32(b, m, a)
#else
typedef __m256i integers;
typedef __m256 mask;
#define LOAD_INTEGERS(p)       _mm256_loadu_si256((const __m256i *)(p))
#define STORE_INTEGERS(p, v)   _mm256_storeu_si256((__m256i *)(p), v)
#define SAME_INTEGER(i)        _mm256_set1_epi32(i)
#define IS_EQUAL(a, b)         _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b))
#define IS_ABOVE(a, b)         _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ), _mm256_cmp_ps(a, a, _CMP_UNORD_Q))
#define PICK(m, a, b)          _mm256_blendv_ps(b, a, m)
#define PICK_INTEGERS(m, a, b) _mm256_castps_si256(PICK(m, _mm256_castsi256_ps(a), _mm256_castsi256_ps(b)))
#endif
#endif

/* Windows of the sizes in FOR_SIZES are unrolled. */
#ifdef __clang__
#define UNROLL LS_UNROLL
#else
#define UNROLL _Pragma("GCC unroll 3")
#endif

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
    vector best = LOAD(x);
    integers where = SAME_INTEGER(at->tap);
    UNROLL for (int64_t h = 0; h < heights; h++)
    {
        UNROLL for (int64_t w = 0; w < widths; w++)
        {
            const vector value = LOAD(x + h * at->row + w * at->step);
            const integers tap = SAME_INTEGER(at->tap + (int32_t)h * at->kernel + (int32_t)w);
            const mask take = IS_ABOVE(value, best);
            best = PICK(take, value, best);
            where = PICK_INTEGERS(take, tap, where);
        }
    }
    STORE(y, best);
    STORE_INTEGERS(index, where);
}

void LS_VARIANT(ls_max_pool_forward)(const ls_pool *pool, const float *x, float *y, int32_t *index)
{
    for (int64_t c = 0; c < pool->channels; c++, x += in_plane(pool))
        for (int64_t h = 0; h < pool->height.out; h++) {
            const reach height = reach_at(&pool->height, h);
            for (int64_t w = 0; w < pool->width.out; w++, y += pool->lanes, index += pool->lanes) {
                const window at = window_at(pool, height, w);
                for (int64_t n = 0; n < pool->lanes; n += WIDTH)
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
    const vector value = LOAD(dy);
    const integers where = LOAD_INTEGERS(index);
    UNROLL for (int64_t h = 0; h < heights; h++)
    {
        UNROLL for (int64_t w = 0; w < widths; w++)
        {
            float *to = dx + h * at->row + w * at->step;
            const integers tap = SAME_INTEGER(at->tap + (int32_t)h * at->kernel + (int32_t)w);
            STORE(to, (once ? ZERO : LOAD(to)) + PICK(IS_EQUAL(where, tap), value, ZERO));
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
                for (int64_t n = 0; n < pool->lanes; n += WIDTH) {
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
    UNROLL for (int64_t h = 0; h < heights; h++)
    {
        UNROLL for (int64_t w = 0; w < widths; w++)
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
    UNROLL for (int64_t h = 0; h < heights; h++)
    {
        UNROLL for (int64_t w = 0; w < widths; w++)
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
