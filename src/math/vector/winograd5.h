/* The transforms of the minimal filtering for 5 by 5 (math/winograd5.h) on
   vectors of samples or of channels. Each is a fixed sequence of additions:
   inputs and deltas along the height first, products along the width first.

   Transforms go by rows of elements: element (i, j) of a tile, for one i and
   all j, takes one combination of at most four rows of the image. */
#ifndef LS_MATH_VECTOR_WINOGRAD5_H
#define LS_MATH_VECTOR_WINOGRAD5_H

#include "math/vector/floats.h"
#include "math/winograd5.h"

enum { LINE5 = LS_WINOGRAD5_LINE, INPUTS = LS_WINOGRAD5_INPUTS, OUTPUTS = LS_WINOGRAD5_OUTPUTS };

/* a, a + b, a - b, (a + b) - (c + d), (a - b) - (c - d), (a + b) + (c + d), (a - b) + (c - d) */
typedef enum form { ONE, SUM, LESS, SUM_LESS_SUM, LESS_LESS_LESS, SUM_AND_SUM, LESS_AND_LESS } form;

typedef struct combination {
    form form;
    int row[4]; /* a, b, c, d among the rows of the tile */
} combination;

/* The rows of B^T. */
static const combination input_combination[LINE5] = {
    {LESS_LESS_LESS, {0, 4, 1, 5}},
    {LESS, {1, 5}},
    {LESS_LESS_LESS, {2, 6, 1, 5}},
    {SUM_LESS_SUM, {2, 4, 3, 5}},
    {SUM, {3, 5}},
    {SUM_LESS_SUM, {4, 6, 3, 5}},
    {LESS_LESS_LESS, {4, 2, 5, 3}},
    {LESS, {5, 3}},
    {LESS_LESS_LESS, {6, 4, 5, 3}},
    {LESS, {6, 2}},
    {LESS, {7, 3}},
};

/* The rows of A. */
static const combination delta_combination[LINE5] = {
    {ONE, {0}},
    {SUM, {0, 1}},
    {ONE, {1}},
    {SUM, {0, 2}},
    {SUM_AND_SUM, {0, 2, 1, 3}},
    {SUM, {1, 3}},
    {LESS, {0, 2}},
    {LESS_AND_LESS, {0, 2, 1, 3}},
    {LESS, {1, 3}},
    {ONE, {2}},
    {ONE, {3}},
};

/* Rows of an image that are combined: position p of row r is at row[r] + p * step[r]. Positions before 0 and
   from columns on are padding. A row of padding has step 0 and points to zeros; plane leads from the rows of
   a channel to those of the next one, 0 on padding. */
typedef struct row_set {
    const float *row[4];
    int64_t step[4], plane[4], columns;
} row_set;

static const float zeros5[LS_LANES] __attribute__((aligned(64)));

/* The rows that a combination takes from an image of height rows, which begins at image, of a tile that
   begins at row first. Numbers next to each other are step apart, channels plane. */
static inline row_set row_set_of(const combination *how, const float *image, int64_t first, int64_t height,
                                 int64_t columns, int64_t step, int64_t plane)
{
    row_set set = {.columns = columns};
    for (int r = 0; r < 4; r++) {
        const int64_t h = first + how->row[r];
        const bool inside = h >= 0 && h < height;
        set.row[r] = inside ? image + h * columns * step : zeros5;
        set.step[r] = inside ? step : 0;
        set.plane[r] = inside ? plane : 0;
    }
    return set;
}

static inline void next_channel(row_set *set)
{
    for (int r = 0; r < 4; r++) set->row[r] += set->plane[r];
}

/* checked: the position may be padding. */
LS_INLINE vector combined(form how, bool checked, const row_set *rows, int64_t p, int lane)
{
    if (checked && (p < 0 || p >= rows->columns)) return BROADCAST(0.0f);
    const vector a = LOAD(rows->row[0] + p * rows->step[0] + lane);
    if (how == ONE) return a;
    const vector b = LOAD(rows->row[1] + p * rows->step[1] + lane);
    if (how == SUM) return a + b;
    if (how == LESS) return a - b;
    const vector c = LOAD(rows->row[2] + p * rows->step[2] + lane),
                 d = LOAD(rows->row[3] + p * rows->step[3] + lane);
    if (how == SUM_LESS_SUM) return (a + b) - (c + d);
    if (how == LESS_LESS_LESS) return (a - b) - (c - d);
    if (how == SUM_AND_SUM) return (a + b) + (c + d);
    return (a - b) + (c - d);
}

/* count of them from position p on. */
LS_INLINE void combined_line(form how, int count, const row_set *rows, int64_t p, int lane, vector *line)
{
    if (p >= 0 && p + count <= rows->columns) {
        LS_UNROLL for (int k = 0; k < count; k++) line[k] = combined(how, false, rows, p + k, lane);
    } else {
        LS_UNROLL for (int k = 0; k < count; k++) line[k] = combined(how, true, rows, p + k, lane);
    }
}

/* v = B^T d */
LS_INLINE void input_line5(const vector *d, float *to, int64_t plane)
{
    const vector a = d[1] - d[5], b = d[3] + d[5], c = d[5] - d[3];
    STORE(to, (d[0] - d[4]) - a);
    STORE(to + plane, a);
    STORE(to + 2 * plane, (d[2] - d[6]) - a);
    STORE(to + 3 * plane, (d[2] + d[4]) - b);
    STORE(to + 4 * plane, b);
    STORE(to + 5 * plane, (d[4] + d[6]) - b);
    STORE(to + 6 * plane, (d[4] - d[2]) - c);
    STORE(to + 7 * plane, c);
    STORE(to + 8 * plane, (d[6] - d[4]) - c);
    STORE(to + 9 * plane, d[6] - d[2]);
    STORE(to + 10 * plane, d[7] - d[3]);
}

/* z = A y */
LS_INLINE void delta_line5(const vector *y, float *to, int64_t plane)
{
    const vector a = y[0] + y[2], b = y[1] + y[3], c = y[0] - y[2], d = y[1] - y[3];
    STORE(to, y[0]);
    STORE(to + plane, y[0] + y[1]);
    STORE(to + 2 * plane, y[1]);
    STORE(to + 3 * plane, a);
    STORE(to + 4 * plane, a + b);
    STORE(to + 5 * plane, b);
    STORE(to + 6 * plane, c);
    STORE(to + 7 * plane, c + d);
    STORE(to + 8 * plane, d);
    STORE(to + 9 * plane, y[2]);
    STORE(to + 10 * plane, y[3]);
}

/* One row of B^T d B of count tiles next to each other, the first of which
   begins at position p. Element j of tile t goes to to[t * tile_step + j *
   plane]. */
LS_INLINE void input_row5(form how, const row_set *rows, int64_t p, int64_t count, float *to,
                          int64_t tile_step, int64_t plane)
{
    for (int lane = 0; lane < LS_LANES; lane += WIDTH) {
        vector d[INPUTS];
        combined_line(how, 4, rows, p, lane, d);
        for (int64_t t = 0; t < count; t++) {
            combined_line(how, 4, rows, p + 4 * t + 4, lane, d + 4);
            input_line5(d, to + t * tile_step + lane, plane);
            LS_UNROLL for (int k = 0; k < 4; k++) d[k] = d[k + 4];
        }
    }
}

/* The same of A dY A^T. */
LS_INLINE void delta_row5(form how, const row_set *rows, int64_t p, int64_t count, float *to,
                          int64_t tile_step, int64_t plane)
{
    for (int lane = 0; lane < LS_LANES; lane += WIDTH)
        for (int64_t t = 0; t < count; t++) {
            vector y[OUTPUTS];
            combined_line(how, OUTPUTS, rows, p + 4 * t, lane, y);
            delta_line5(y, to + t * tile_step + lane, plane);
        }
}

static inline void input_tiles5(form how, const row_set *rows, int64_t p, int64_t count, float *to,
                                int64_t tile_step, int64_t plane)
{
    if (how == LESS_LESS_LESS)
        input_row5(LESS_LESS_LESS, rows, p, count, to, tile_step, plane);
    else if (how == SUM_LESS_SUM)
        input_row5(SUM_LESS_SUM, rows, p, count, to, tile_step, plane);
    else if (how == SUM)
        input_row5(SUM, rows, p, count, to, tile_step, plane);
    else
        input_row5(LESS, rows, p, count, to, tile_step, plane);
}

static inline void delta_tiles5(form how, const row_set *rows, int64_t p, int64_t count, float *to,
                                int64_t tile_step, int64_t plane)
{
    if (how == ONE)
        delta_row5(ONE, rows, p, count, to, tile_step, plane);
    else if (how == SUM)
        delta_row5(SUM, rows, p, count, to, tile_step, plane);
    else if (how == LESS)
        delta_row5(LESS, rows, p, count, to, tile_step, plane);
    else if (how == SUM_AND_SUM)
        delta_row5(SUM_AND_SUM, rows, p, count, to, tile_step, plane);
    else
        delta_row5(LESS_AND_LESS, rows, p, count, to, tile_step, plane);
}

/* y = A^T m */
LS_INLINE void output_line5(const vector *m, vector *y)
{
    const vector a = (m[3] + m[4]) + (m[6] + m[7]), b = (m[4] + m[5]) + (m[7] + m[8]);
    const vector c = (m[3] + m[4]) - (m[6] + m[7]), d = (m[4] + m[5]) - (m[7] + m[8]);
    y[0] = (m[0] + m[1]) + a;
    y[1] = (m[1] + m[2]) + b;
    y[2] = c + m[9];
    y[3] = d + m[10];
}

/* d = B m */
LS_INLINE void spread_line5(const vector *m, vector *d)
{
    const vector e = (m[1] - m[0]) - m[2], f = (m[4] - m[3]) - m[5], g = (m[7] - m[6]) - m[8];
    d[0] = m[0];
    d[1] = e;
    d[2] = (m[2] + (m[3] - m[6])) - m[9];
    d[3] = (f - g) - m[10];
    d[4] = ((m[5] - m[8]) + (m[3] + m[6])) - m[0];
    d[5] = (f + g) - e;
    d[6] = ((m[5] + m[8]) - m[2]) + m[9];
    d[7] = m[10];
}

/* u = G g, of whose elements 9 and 10 are the same. */
LS_INLINE void filter_line5(const vector *g, vector *u)
{
    const vector half = BROADCAST(0.5f), ends = g[0] + g[4];
    u[0] = g[0];
    u[1] = g[0] + g[1];
    u[2] = g[1];
    u[3] = half * (ends + g[2]);
    u[5] = half * (g[1] + g[3]);
    u[4] = u[3] + u[5];
    u[6] = half * (ends - g[2]);
    u[8] = half * (g[1] - g[3]);
    u[7] = u[6] + u[8];
    u[9] = g[4];
}

/* g = G^T z */
LS_INLINE void gradient_line5(const vector *z, vector *g)
{
    const vector half = BROADCAST(0.5f);
    const vector a = z[3] + z[4], b = z[4] + z[5], c = z[6] + z[7], d = z[7] + z[8];
    const vector even = half * (a + c);
    g[0] = (z[0] + z[1]) + even;
    g[1] = (z[1] + z[2]) + half * (b + d);
    g[2] = half * (a - c);
    g[3] = half * (b - d);
    g[4] = even + (z[9] + z[10]);
}

#endif
