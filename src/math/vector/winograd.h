/* The transforms of Winograd's convolution (math/winograd.h) on vectors of samples or of channels. Each is a
   fixed sequence of additions, first along the height, then along the width. */
#ifndef LS_MATH_VECTOR_WINOGRAD_H
#define LS_MATH_VECTOR_WINOGRAD_H

#include "math/vector/isa.h"
#include "math/winograd.h"

#if LS_LEVEL == 0
typedef float vector;
#define WIDTH        1
#define LOAD(p)      (*(p))
#define STORE(p, v)  (*(p) = (v))
#define BROADCAST(x) (x)
#else
#include "math/vector/simd.h"
#endif

/* Rows of an image that a row of tiles looks at: position p of row r is at row[r] + p * step[r], LS_LANES
   numbers; positions before 0 and from columns on are padding. A row of padding has a step of 0. */
typedef struct tile_rows {
    const float *row[4];
    int64_t step[4], columns;
} tile_rows;

static const float padding[LS_LANES] __attribute__((aligned(64)));

/* rows rows from row first, which may be padding, of an image of height rows. */
LS_INLINE tile_rows rows_from(const float *image, int64_t height, int64_t width, int64_t step, int64_t first,
                              int rows)
{
    tile_rows made = {.columns = width};
    for (int r = 0; r < rows; r++) {
        const bool inside = first + r >= 0 && first + r < height;
        made.row[r] = inside ? image + (first + r) * width * step : padding;
        made.step[r] = inside ? step : 0;
    }
    return made;
}

/* One column of B^T d. */
LS_INLINE void input_column(const tile_rows *rows, int64_t p, int lane, vector *v)
{
    if (p < 0 || p >= rows->columns) {
        for (int i = 0; i < 4; i++) v[i] = BROADCAST(0.0f);
        return;
    }
    vector d[4];
    LS_UNROLL for (int r = 0; r < 4; r++) d[r] = LOAD(rows->row[r] + p * rows->step[r] + lane);
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}

/* B^T d B of count tiles next to each other, the first of which begins at position p, which may be padding.
   Element e of tile t goes to to[e * plane + t * tile_step]. */
LS_INLINE void input_tiles(const tile_rows *rows, int64_t p, int64_t count, float *to, int64_t tile_step,
                           int64_t plane)
{
    for (int lane = 0; lane < LS_LANES; lane += WIDTH) {
        vector a[4], b[4], c[4], d[4];
        float *at = to + lane;
        input_column(rows, p, lane, a);
        input_column(rows, p + 1, lane, b);
        for (int64_t t = 0; t < count; t++, at += tile_step) {
            input_column(rows, p + 2 * t + 2, lane, c);
            input_column(rows, p + 2 * t + 3, lane, d);
            LS_UNROLL for (int i = 0; i < 4; i++)
            {
                float *row = at + 4 * i * plane;
                STORE(row, a[i] - c[i]);
                STORE(row + plane, b[i] + c[i]);
                STORE(row + 2 * plane, c[i] - b[i]);
                STORE(row + 3 * plane, b[i] - d[i]);
                a[i] = c[i];
                b[i] = d[i];
            }
        }
    }
}

/* A dY A^T, without the signs of the last row and column of A: those are put into gradient_line. */
LS_INLINE void delta_column(const tile_rows *rows, int64_t p, int lane, vector *v)
{
    if (p >= rows->columns) {
        for (int i = 0; i < 4; i++) v[i] = BROADCAST(0.0f);
        return;
    }
    v[0] = LOAD(rows->row[0] + p * rows->step[0] + lane);
    v[3] = LOAD(rows->row[1] + p * rows->step[1] + lane);
    v[1] = v[0] + v[3];
    v[2] = v[0] - v[3];
}

LS_INLINE void delta_tiles(const tile_rows *rows, int64_t p, int64_t count, float *to, int64_t tile_step,
                           int64_t plane)
{
    for (int lane = 0; lane < LS_LANES; lane += WIDTH) {
        float *at = to + lane;
        for (int64_t t = 0; t < count; t++, at += tile_step) {
            vector a[4], b[4];
            delta_column(rows, p + 2 * t, lane, a);
            delta_column(rows, p + 2 * t + 1, lane, b);
            LS_UNROLL for (int i = 0; i < 4; i++)
            {
                float *row = at + 4 * i * plane;
                STORE(row, a[i]);
                STORE(row + plane, a[i] + b[i]);
                STORE(row + 2 * plane, a[i] - b[i]);
                STORE(row + 3 * plane, b[i]);
            }
        }
    }
}

/* G g: g[r] to u[0..3], distance step. */
LS_INLINE void filter_line(vector g0, vector g1, vector g2, vector *u)
{
    const vector half = BROADCAST(0.5f), ends = g0 + g2;
    u[0] = g0;
    u[1] = half * (ends + g1);
    u[2] = half * (ends - g1);
    u[3] = g2;
}

/* G^T z, of z whose last element has the wrong sign. */
LS_INLINE void gradient_line(vector z0, vector z1, vector z2, vector z3, vector *g)
{
    const vector half = BROADCAST(0.5f), even = half * (z1 + z2);
    g[0] = z0 + even;
    g[1] = half * (z1 - z2);
    g[2] = even - z3;
}

#endif
