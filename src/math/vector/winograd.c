/* Convolutions of 3 by 3 by Winograd's minimal filtering, forward and backward by the data (math/winograd.h).

   Each element of a transformed tile is a fixed sequence of additions; each of the 16 products of a tile is
   one chain of fused multiply-adds over the channels of the source, ascending, from zero; each result is a
   fixed sequence of additions of the 16. The bias is where the chain of element 5 (1, 1) begins, which enters
   all four outputs of a tile with the factor 1. Padding counts as zeros; outputs beyond the edge are left
   out.

   Samples lie in lanes, so all transforms are additions of whole vectors. Strips of tiles are transformed,
   multiplied and transformed back while they are in the second-level cache. */
#include <string.h>
#include "math/vector/winograd.h"

typedef struct pass {
    ls_winograd_pass size;
    bool backward;
    int64_t lanes, rows, terms;      /* channels of the result and of the source */
    int64_t filter_row, filter_term; /* strides of the transformed filters */
    ls_span height, width;           /* from source (in) to result (out); before may be negative */
    int64_t down, across;            /* tiles */
    const float *source, *bias;
    float *result;
    float *filter, *transformed, *product, *zeros; /* scratch */
} pass;

static ls_span turned(const ls_span *span, bool backward)
{
    if (!backward) return *span;
    return (ls_span){.in = span->out, .out = span->in, .before = span->kernel - 1 - span->before};
}

static pass pass_of(const ls_conv *conv, bool backward, const float *source, float *result, float *scratch)
{
    pass made = {.size = ls_winograd_pass_of(conv, backward),
                 .backward = backward,
                 .lanes = conv->lanes,
                 .rows = backward ? conv->in_channels : conv->out_channels,
                 .terms = backward ? conv->out_channels : conv->in_channels,
                 .height = turned(&conv->height, backward),
                 .width = turned(&conv->width, backward),
                 .source = source,
                 .result = result};
    made.filter_row = backward ? 1 : made.size.filter_ld;
    made.filter_term = backward ? made.size.filter_ld : 1;
    made.down = (made.height.out + 1) / 2;
    made.across = (made.width.out + 1) / 2;
    made.filter = scratch;
    made.transformed = made.filter + LS_WINOGRAD_ELEMENTS * made.size.filter_plane;
    made.product = made.transformed + LS_WINOGRAD_ELEMENTS * made.size.source_plane;
    made.zeros = made.product + LS_WINOGRAD_ELEMENTS * made.size.result_plane;
    memset(made.zeros, 0, (size_t)(made.width.in * made.lanes) * sizeof *made.zeros);
    return made;
}

enum { TAPS = 9 };

/* G g G^T of LS_LANES filters: taps[k] holds tap k of each. */
LS_INLINE void transform_filters(const float taps[TAPS][LS_LANES], float *to, int64_t plane)
{
    for (int n = 0; n < LS_LANES; n += WIDTH) {
        vector u[3][4];
        LS_UNROLL for (int w = 0; w < 3; w++)
            filter_line(LOAD(taps[w] + n), LOAD(taps[3 + w] + n), LOAD(taps[6 + w] + n), u[w]);
        LS_UNROLL for (int i = 0; i < 4; i++)
        {
            vector line[4];
            filter_line(u[0][i], u[1][i], u[2][i], line);
            LS_UNROLL for (int j = 0; j < 4; j++) STORE(to + (4 * i + j) * plane + n, line[j]);
        }
    }
}

static void transform_weights(const ls_conv *conv, const ls_winograd_pass *size, float *to)
{
    float taps[TAPS][LS_LANES] __attribute__((aligned(64)));
    for (int64_t out = 0; out < conv->out_channels; out++)
        for (int64_t in = 0; in < size->filter_ld; in += LS_LANES) {
            const float *from = conv->weight + out * conv->ld + in * TAPS;
            const int64_t left = conv->in_channels - in;
            for (int n = 0; n < LS_LANES; n++, from += TAPS)
                for (int k = 0; k < TAPS; k++) taps[k][n] = n < left ? from[k] : 0.0f;
            transform_filters(taps, to + out * size->filter_ld + in, size->filter_plane);
        }
}

/* Tiles [tile, tile + count) of a row of tiles, to or from place place of the strip. */
typedef struct run {
    int64_t row, tile, count, place;
} run;

static void transform_source(const pass *job, const run *at, int64_t lane)
{
    const int64_t line = job->width.in * job->lanes, plane = job->height.in * line;
    const int64_t first = 2 * at->row - job->height.before;
    for (int64_t c = 0; c < job->terms; c++) {
        tile_rows rows = {.step = job->lanes, .columns = job->width.in, .ahead = plane};
        for (int r = 0; r < LS_WINOGRAD_ROWS; r++) {
            const bool inside = first + r >= 0 && first + r < job->height.in;
            rows.row[r] = inside ? job->source + c * plane + (first + r) * line + lane : job->zeros;
        }
        input_tiles(&rows, 2 * at->tile - job->width.before, at->count,
                    job->transformed + (c * job->size.tiles + at->place) * LS_LANES, LS_LANES,
                    job->size.source_plane);
    }
}

static int flipped(int element)
{
    static const int turn[4] = {3, 1, 2, 0};
    return 4 * turn[element / 4] + turn[element % 4];
}

static void multiply(const pass *job, int64_t tiles)
{
    enum { BIASED = 5 };
    ls_gemm gemm = {.M = job->rows,
                    .N = tiles * LS_LANES,
                    .K = job->terms,
                    .row_stride = job->filter_row,
                    .column_stride = job->filter_term,
                    .ldb = job->size.tiles * LS_LANES,
                    .ldc = job->size.tiles * LS_LANES};
    for (int e = 0; e < LS_WINOGRAD_ELEMENTS; e++) {
        gemm.A = job->filter + (job->backward ? flipped(e) : e) * job->size.filter_plane;
        gemm.B = job->transformed + e * job->size.source_plane;
        gemm.C = job->product + e * job->size.result_plane;
        gemm.bias = e == BIASED ? job->bias : NULL;
        LS_VARIANT(ls_gemm_run)(&gemm);
    }
}

/* A^T m A of one tile: y[a][b]. */
LS_INLINE void output_tile(const float *product, int64_t plane, vector y[2][2])
{
    vector s[2][4];
    LS_UNROLL for (int j = 0; j < 4; j++)
    {
        const float *at = product + j * plane;
        vector m1 = LOAD(at + 4 * plane), m2 = LOAD(at + 8 * plane);
        s[0][j] = LOAD(at) + (m1 + m2);
        s[1][j] = (m1 - m2) - LOAD(at + 12 * plane);
    }
    LS_UNROLL for (int a = 0; a < 2; a++)
    {
        y[a][0] = s[a][0] + (s[a][1] + s[a][2]);
        y[a][1] = (s[a][1] - s[a][2]) - s[a][3];
    }
}

/* A run of one channel, whose first output is at to; wide and high tell whether the last column of the last
   tile and the lower row are outputs. */
LS_INLINE void output_tiles(const float *product, int64_t plane, int64_t count, bool high, bool wide,
                            float *to, int64_t lanes, int64_t width)
{
    for (int lane = 0; lane < LS_LANES; lane += WIDTH)
        for (int64_t t = 0; t < count; t++) {
            vector y[2][2];
            float *at = to + 2 * t * lanes + lane;
            const bool second = wide || t + 1 < count;
            output_tile(product + t * LS_LANES + lane, plane, y);
            STORE(at, y[0][0]);
            if (second) STORE(at + lanes, y[0][1]);
            if (!high) continue;
            STORE(at + width * lanes, y[1][0]);
            if (second) STORE(at + (width + 1) * lanes, y[1][1]);
        }
}

static void transform_product(const pass *job, const run *at, int64_t lane)
{
    const int64_t width = job->width.out, plane = job->height.out * width;
    const bool high = 2 * at->row + 1 < job->height.out, wide = 2 * (at->tile + at->count) <= width;
    for (int64_t c = 0; c < job->rows; c++)
        output_tiles(job->product + (c * job->size.tiles + at->place) * LS_LANES, job->size.result_plane,
                     at->count, high, wide,
                     job->result + (c * plane + 2 * at->row * width + 2 * at->tile) * job->lanes + lane,
                     job->lanes, width);
}

typedef void each_run(const pass *job, const run *at, int64_t lane);

static void for_each_run(const pass *job, int64_t first, int64_t count, int64_t lane, each_run *work)
{
    run at = {.place = 0};
    for (; at.place < count; at.place += at.count) {
        at.row = (first + at.place) / job->across;
        at.tile = (first + at.place) % job->across;
        at.count = job->across - at.tile;
        if (at.count > count - at.place) at.count = count - at.place;
        work(job, &at, lane);
    }
}

static void run_pass(const ls_conv *conv, const pass *job)
{
    const int64_t tiles = job->down * job->across;
    transform_weights(conv, &job->size, job->filter);
    for (int64_t lane = 0; lane < job->lanes; lane += LS_LANES)
        for (int64_t first = 0; first < tiles; first += job->size.tiles) {
            const int64_t count = tiles - first < job->size.tiles ? tiles - first : job->size.tiles;
            for_each_run(job, first, count, lane, transform_source);
            multiply(job, count);
            for_each_run(job, first, count, lane, transform_product);
        }
}

void LS_VARIANT(ls_winograd_forward)(const ls_conv *conv, const float *x, const float *bias, float *y,
                                     float *scratch)
{
    pass job = pass_of(conv, false, x, y, scratch);
    job.bias = bias;
    run_pass(conv, &job);
}

void LS_VARIANT(ls_winograd_backward)(const ls_conv *conv, const float *dy, float *dx, float *scratch)
{
    const pass job = pass_of(conv, true, dy, dx, scratch);
    run_pass(conv, &job);
}
