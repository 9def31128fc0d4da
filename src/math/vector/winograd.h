/* The transforms of Winograd's convolution (math/winograd.h) on vectors of
   samples or of channels. Each is a fixed sequence of additions, first along
   the height, then along the width. */
#ifndef LS_MATH_VECTOR_WINOGRAD_H
#define LS_MATH_VECTOR_WINOGRAD_H

#include "math/vector/floats.h"
#include "math/winograd.h"

/* Rows of an image that a row of tiles looks at: position p of row r is at
   row[r] + p * step, LS_LANES numbers; positions before 0 and from columns on
   are padding. Rows of padding are rows of zeros. What will be wanted next is
   ahead floats further on. */
typedef struct tile_rows {
    const float *row[4];
    int64_t step, columns, ahead;
} tile_rows;

/* One column of B^T d; checked tells whether it may be padding. */
LS_INLINE void input_column(bool checked, const tile_rows *rows, int64_t p, int lane, vector *v)
{
    vector d[4];
    if (checked && (p < 0 || p >= rows->columns)) {
        LS_UNROLL for (int i = 0; i < 4; i++) v[i] = BROADCAST(0.0f);
        return;
    }
    const int64_t offset = p * rows->step + lane;
    LS_UNROLL for (int r = 0; r < 4; r++)
    {
        d[r] = LOAD(rows->row[r] + offset);
        __builtin_prefetch(rows->row[r] + offset + rows->ahead);
        KEEP(d[r]);
    }
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
}

/* One tile, of which a and b are the first two columns; they become those of
 * the next. */
LS_INLINE void input_tile(bool checked, const tile_rows *rows, int64_t p, int lane, vector *a, vector *b,
                          float *to, int64_t row_plane, int64_t plane)
{
    vector c[4], d[4];
    input_column(checked, rows, p + 2, lane, c);
    input_column(checked, rows, p + 3, lane, d);
    LS_UNROLL for (int i = 0; i < 4; i++)
    {
        float *at = to + i * row_plane;
        STORE(at, a[i] - c[i]);
        STORE(at + plane, b[i] + c[i]);
        STORE(at + 2 * plane, c[i] - b[i]);
        STORE(at + 3 * plane, b[i] - d[i]);
        a[i] = c[i];
        b[i] = d[i];
    }
}

/* B^T d B of count tiles next to each other, the first of which begins at
   position p, which may be padding. Element (i, j) of tile t goes to to[t *
   tile_step + i * row_plane + j * plane]. */
LS_INLINE void input_tiles(const tile_rows *rows, int64_t p, int64_t count, float *to, int64_t tile_step,
                           int64_t row_plane, int64_t plane)
{
    const int64_t end = p + 2 * count;
    int64_t inside = rows->columns - 2;
    if (inside > end) inside = end;
    for (int lane = 0; lane < LS_LANES; lane += WIDTH) {
        vector a[4], b[4];
        float *at = to + lane;
        int64_t q = p;
        input_column(true, rows, q, lane, a);
        input_column(true, rows, q + 1, lane, b);
        for (; q < -2; q += 2, at += tile_step) input_tile(true, rows, q, lane, a, b, at, row_plane, plane);
        for (; q + 1 < inside; q += 2, at += tile_step)
            input_tile(false, rows, q, lane, a, b, at, row_plane, plane);
        for (; q < end; q += 2, at += tile_step) input_tile(true, rows, q, lane, a, b, at, row_plane, plane);
    }
}

/* One column of A dY A^T, without the signs of the last row and column of A:
 * those are in gradient_line. */
LS_INLINE void delta_column(const tile_rows *rows, bool high, int64_t p, int lane, vector *v)
{
    const bool inside = p < rows->columns;
    const int64_t offset = p * rows->step + lane;
    v[0] = inside ? LOAD(rows->row[0] + offset) : BROADCAST(0.0f);
    v[3] = inside && high ? LOAD(rows->row[1] + offset) : BROADCAST(0.0f);
    __builtin_prefetch(rows->row[0] + offset + rows->ahead);
    __builtin_prefetch(rows->row[1] + offset + rows->ahead);
    v[1] = v[0] + v[3];
    v[2] = v[0] - v[3];
}

/* A dY A^T of count tiles, the first of which begins at position p; high: they
 * have a second row. */
LS_INLINE void delta_tiles(const tile_rows *rows, bool high, int64_t p, int64_t count, float *to,
                           int64_t tile_step, int64_t plane)
{
    for (int lane = 0; lane < LS_LANES; lane += WIDTH) {
        float *at = to + lane;
        for (int64_t t = 0; t < count; t++, at += tile_step) {
            vector a[4], b[4];
            delta_column(rows, high, p + 2 * t, lane, a);
            delta_column(rows, high, p + 2 * t + 1, lane, b);
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

/* G g. */
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
