/* Convolutions of 3 by 3 by Winograd's minimal filtering, forward and backward
   by the data (math/winograd.h).

   Each element of a transformed tile is a fixed sequence of additions; each of
   the 16 products of a tile is one chain of fused multiply-adds over the
   channels of the source, ascending, from zero; each result is a fixed sequence
   of additions of the 16, along the width first. The bias is where the chain of
   element (1, 1) begins, which enters all four outputs of a tile with the
   factor 1. Padding counts as zeros; outputs beyond the edge are left out.

   Samples lie in lanes, so all transforms are additions of whole vectors.
   Strips of tiles are transformed and multiplied while they are in the
   second-level cache. A register tile holds one row of four elements for some
   results, so that they are transformed along the width before they leave the
   registers. */
#include "math/vector/winograd.h"
#include "math/vector/turn.h"
#include <string.h>

typedef struct pass {
    ls_winograd_pass size;
    bool backward;
    int64_t lanes, rows, terms;      /* channels of the result and of the source */
    int64_t filter_row, filter_term; /* strides of the transformed filters */
    ls_span height, width;           /* from source (in) to result (out); before may be negative */
    int64_t down, across;            /* tiles */
    const float *source, *bias;
    float *result;
    float *filter, *transformed, *half, *zeros; /* scratch */
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
    made.half = made.transformed + 4 * made.size.source_plane;
    made.zeros = made.half + made.rows * made.size.half_row;
    memset(made.zeros, 0, (size_t)made.size.zeros * sizeof *made.zeros);
    return made;
}

enum { TAPS = 9 };

/* G g G^T of LS_LANES filters: taps[k] holds tap k of each. */
LS_INLINE void transform_filters(const float taps[LS_LANES][LS_LANES], float *to, int64_t plane)
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

/* taps[k][n] is tap k of filter n of LS_LANES, of which count are there; at
 * from are room numbers of the row. */
static void gather_taps(const float *from, int64_t count, int64_t room, float taps[LS_LANES][LS_LANES])
{
    if (room >= (LS_LANES - 1) * TAPS + LS_LANES) {
        ls_turn(from, TAPS, LS_LANES, taps[0], LS_LANES); /* what is behind the taps is not looked at */
        return;
    }
    for (int n = 0; n < LS_LANES; n++, from += TAPS)
        for (int k = 0; k < TAPS; k++) taps[k][n] = n < count ? from[k] : 0.0f;
}

static void transform_weights(const ls_conv *conv, const ls_winograd_pass *size, float *to)
{
    float taps[LS_LANES][LS_LANES] __attribute__((aligned(64)));
    for (int64_t out = 0; out < conv->out_channels; out++)
        for (int64_t in = 0; in < conv->in_channels; in += LS_LANES) {
            gather_taps(conv->weight + out * conv->ld + in * TAPS, conv->in_channels - in,
                        conv->ld - in * TAPS, taps);
            transform_filters(taps, to + out * size->filter_ld + in, size->filter_plane);
        }
}

/* Tiles [tile, tile + count) of a row of tiles, to or from place place of the
 * strip. */
typedef struct run {
    int64_t row, tile, count, place;
} run;

static void transform_source(const pass *job, const run *at, int64_t lane)
{
    const int64_t line = job->width.in * job->lanes, plane = job->height.in * line;
    const int64_t first = 2 * at->row - job->height.before;
    float *to = job->transformed + at->place * job->size.source_step;
    for (int64_t c = 0; c < job->terms; c++, to += 4 * LS_LANES) {
        tile_rows rows = {.step = job->lanes, .columns = job->width.in, .ahead = plane};
        for (int r = 0; r < LS_WINOGRAD_ROWS; r++) {
            const bool inside = first + r >= 0 && first + r < job->height.in;
            rows.row[r] = inside ? job->source + c * plane + (first + r) * line + lane : job->zeros;
        }
        input_tiles(&rows, 2 * at->tile - job->width.before, at->count, to, job->size.source_step,
                    job->size.source_plane, LS_LANES);
    }
}

/* Some results of a run of tiles, of which one row of elements is made. */
typedef struct product {
    int row;                /* of elements */
    const float *filter[4]; /* of the row's elements, for the first result */
    int64_t filter_row, filter_term;
    int64_t terms, tiles;
    const float *source; /* [tiles][terms][4][LS_LANES] */
    int64_t source_step; /* to the next tile */
    const float *bias;   /* NULL: none */
    float *half;         /* [tiles][2][2][LS_LANES] */
    int64_t half_row;    /* to those of the next result */
    float *result;
    int64_t result_row, result_line, result_step;
    bool high, wide; /* whether the tiles have a second row, and the last one a
                        second column of results */
} product;

enum {
#if LS_LEVEL == 2
    RESULTS = 6, /* 24 sums, 4 vectors of the source, 1 weight */
#elif LS_LEVEL == 1
    RESULTS = 2,
#else
    RESULTS = 1,
#endif
    GROUP = 3,
    GROUPS = (RESULTS + GROUP - 1) / GROUP
};

/* Takes a result of one row of elements, transformed along the width. Rows come
 * in the order 1, 2, 0, 3. */
LS_INLINE void finish_row(const product *of, bool wide, float *half, float *to, vector left, vector right)
{
    if (of->row == 1) {
        STORE(half, left);
        STORE(half + LS_LANES, right);
    } else if (of->row == 2) {
        const vector l = LOAD(half), r = LOAD(half + LS_LANES);
        STORE(half, l + left);
        STORE(half + LS_LANES, r + right);
        STORE(half + 2 * LS_LANES, l - left);
        STORE(half + 3 * LS_LANES, r - right);
    } else if (of->row == 0) {
        STORE(to, left + LOAD(half));
        if (wide) STORE(to + of->result_step, right + LOAD(half + LS_LANES));
    } else if (of->high) {
        STORE(to + of->result_line, LOAD(half + 2 * LS_LANES) - left);
        if (wide) STORE(to + of->result_line + of->result_step, LOAD(half + 3 * LS_LANES) - right);
    }
}

/* results is a constant where it is inlined, so that sum is a set of registers.
 */
LS_INLINE void tile(int results, const product *of, int lane, int64_t place)
{
    vector sum[RESULTS][4];
    const float *a[4][GROUPS], *source = of->source + place * of->source_step + lane;
    const int64_t filter_row = of->filter_row, filter_term = of->filter_term;
    LS_UNROLL for (int j = 0; j < 4; j++)
    {
        LS_UNROLL for (int r = 0; r < results; r += GROUP) a[j][r / GROUP] = of->filter[j] + r * filter_row;
        LS_UNROLL for (int r = 0; r < results; r++) sum[r][j] = BROADCAST(0.0f);
    }
    if (of->row == 1 && of->bias) {
        LS_UNROLL for (int r = 0; r < results; r++) sum[r][1] = BROADCAST(of->bias[r]);
    }
    for (int64_t k = of->terms; k > 0; k--, source += 4 * LS_LANES) {
        vector b[4];
        LS_UNROLL for (int j = 0; j < 4; j++) b[j] = LOAD(source + j * LS_LANES);
        LS_UNROLL for (int j = 0; j < 4; j++)
        {
            LS_UNROLL for (int r = 0; r < results; r++) sum[r][j] =
                MULTIPLY_ADD(BROADCAST(a[j][r / GROUP][r % GROUP * filter_row]), b[j], sum[r][j]);
            LS_UNROLL for (int r = 0; r < results; r += GROUP) a[j][r / GROUP] += filter_term;
        }
    }
    const bool wide = of->wide || place + 1 < of->tiles;
    float *half = of->half + place * 4 * LS_LANES + lane,
          *to = of->result + 2 * place * of->result_step + lane;
    LS_UNROLL for (int r = 0; r < results; r++)
    {
        const vector *m = sum[r];
        finish_row(of, wide, half, to, m[0] + (m[1] + m[2]), (m[1] - m[2]) - m[3]);
        half += of->half_row;
        to += of->result_row;
    }
}

typedef void tile_function(const product *of);
#define TILE(results)                                                                                        \
    static void tile_##results(const product *of)                                                            \
    {                                                                                                        \
        for (int64_t place = 0; place < of->tiles; place++)                                                  \
            for (int lane = 0; lane < LS_LANES; lane += WIDTH) tile(results, of, lane, place);               \
    }
TILE(1)
#if LS_LEVEL > 0
TILE(2)
#endif
#if LS_LEVEL == 2
TILE(3)
TILE(4)
TILE(5)
TILE(6)
static tile_function *const tile_of[RESULTS] = {tile_1, tile_2, tile_3, tile_4, tile_5, tile_6};
#elif LS_LEVEL == 1
static tile_function *const tile_of[RESULTS] = {tile_1, tile_2};
#else
static tile_function *const tile_of[RESULTS] = {tile_1};
#endif

/* All results. */
static void multiply(const pass *job, product *of)
{
    int64_t result = 0;
    for (int64_t left = (job->rows + RESULTS - 1) / RESULTS; left > 0; left--) {
        const int64_t results = (job->rows - result + left - 1) / left;
        tile_of[results - 1](of);
        for (int j = 0; j < 4; j++) of->filter[j] += results * of->filter_row;
        if (of->bias) of->bias += results;
        of->half += results * of->half_row;
        of->result += results * of->result_row;
        result += results;
    }
}

static int turned_element(const pass *job, int element)
{
    static const int turn[4] = {3, 1, 2, 0};
    return job->backward ? 4 * turn[element / 4] + turn[element % 4] : element;
}

static void multiply_run(const pass *job, int row, const run *at, int64_t lane)
{
    const int64_t h = 2 * at->row, w = 2 * at->tile, width = job->width.out;
    product of = {.row = row,
                  .filter_row = job->filter_row,
                  .filter_term = job->filter_term,
                  .terms = job->terms,
                  .tiles = at->count,
                  .source =
                      job->transformed + row * job->size.source_plane + at->place * job->size.source_step,
                  .source_step = job->size.source_step,
                  .bias = job->bias,
                  .half = job->half + at->place * 4 * LS_LANES,
                  .half_row = job->size.half_row,
                  .result = job->result + (h * width + w) * job->lanes + lane,
                  .result_row = job->height.out * width * job->lanes,
                  .result_line = width * job->lanes,
                  .result_step = job->lanes,
                  .high = h + 1 < job->height.out,
                  .wide = w + 2 * at->count <= width};
    for (int j = 0; j < 4; j++)
        of.filter[j] = job->filter + turned_element(job, 4 * row + j) * job->size.filter_plane;
    multiply(job, &of);
}

static bool next_run(const pass *job, int64_t first, int64_t count, run *at)
{
    at->place += at->count;
    if (at->place >= count) return false;
    at->row = (first + at->place) / job->across;
    at->tile = (first + at->place) % job->across;
    at->count = job->across - at->tile;
    if (at->count > count - at->place) at->count = count - at->place;
    return true;
}

static void run_strip(const pass *job, int64_t first, int64_t count, int64_t lane)
{
    static const int order[4] = {1, 2, 0, 3};
    for (run at = {.place = 0}; next_run(job, first, count, &at);) transform_source(job, &at, lane);
    for (int i = 0; i < 4; i++)
        for (run at = {.place = 0}; next_run(job, first, count, &at);) multiply_run(job, order[i], &at, lane);
}

static void run_pass(const ls_conv *conv, const pass *job)
{
    const int64_t tiles = job->down * job->across;
    transform_weights(conv, &job->size, job->filter);
    for (int64_t lane = 0; lane < job->lanes; lane += LS_LANES)
        for (int64_t first = 0; first < tiles; first += job->size.tiles)
            run_strip(job, first, tiles - first < job->size.tiles ? tiles - first : job->size.tiles, lane);
}

void LS_VARIANT(ls_winograd_forward)(const ls_conv *conv, const float *x, const float *bias, float *y,
                                     float *scratch)
{
    if (ls_winograd_is_5(conv)) {
        LS_VARIANT(ls_winograd5_forward)(conv, x, bias, y, scratch);
        return;
    }
    pass job = pass_of(conv, false, x, y, scratch);
    job.bias = bias;
    run_pass(conv, &job);
}

void LS_VARIANT(ls_winograd_backward)(const ls_conv *conv, const float *dy, float *dx, float *scratch)
{
    if (ls_winograd_is_5(conv)) {
        LS_VARIANT(ls_winograd5_backward)(conv, dy, dx, scratch);
        return;
    }
    const pass job = pass_of(conv, true, dy, dx, scratch);
    run_pass(conv, &job);
}
