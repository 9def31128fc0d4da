/* Convolutions of 5 by 5 by minimal filtering, forward and backward by the data
   (math/winograd5.h).

   Each element of a transformed tile is a fixed sequence of additions; each of
   its 121 products is one chain of fused multiply-adds over the channels of the
   source, ascending, from zero, that of element (4, 4) forward from the bias;
   each result of a tile is a fixed sequence of additions of the 121, along the
   width first. Tiles of derivatives by the input overlap: they are added in
   order, row by row. Padding counts as zeros; what is beyond the edge is left
   out.

   A strip of tiles is made one row of elements after the other: the row of the
   transformed source, 11 matrix products of it, and their transform along the
   width. */
#include "math/vector/turn.h"
#include "math/vector/winograd5.h"
#include <string.h>

enum { TAPS = LS_WINOGRAD5_TAPS * LS_WINOGRAD5_TAPS };

typedef struct pass {
    const ls_conv *conv;
    ls_winograd5_pass size;
    bool backward;
    int64_t rows, terms;  /* channels of the result and of the source */
    int64_t down, across; /* tiles */
    int64_t halves;       /* numbers of a product that is transformed along the width */
    const float *source, *bias;
    float *result;
    float *filter, *transformed, *product, *half; /* scratch */
} pass;

static pass pass_of(const ls_conv *conv, bool backward, const float *source, float *result, float *scratch)
{
    pass made = {.conv = conv,
                 .size = ls_winograd5_pass_of(conv, backward),
                 .backward = backward,
                 .rows = backward ? conv->in_channels : conv->out_channels,
                 .terms = backward ? conv->out_channels : conv->in_channels,
                 .down = (conv->height.out + OUTPUTS - 1) / OUTPUTS,
                 .across = (conv->width.out + OUTPUTS - 1) / OUTPUTS,
                 .halves = backward ? INPUTS : OUTPUTS,
                 .source = source,
                 .result = result};
    made.filter = scratch;
    made.transformed = made.filter + LS_WINOGRAD5_FILTERS * made.size.filter_plane;
    made.product = made.transformed + LINE5 * made.size.source_plane;
    made.half = made.product + LINE5 * made.size.product_plane;
    return made;
}

/* G g G^T of LS_LANES filters: taps[k] holds tap k of each. */
LS_INLINE void transform_filters(const float taps[2 * LS_LANES][LS_LANES], float *to, int64_t plane)
{
    enum { LINE = LINE5 - 1 };
    for (int n = 0; n < LS_LANES; n += WIDTH) {
        vector u[LS_WINOGRAD5_TAPS][LINE];
        LS_UNROLL for (int w = 0; w < LS_WINOGRAD5_TAPS; w++)
        {
            vector g[LS_WINOGRAD5_TAPS];
            LS_UNROLL for (int h = 0; h < LS_WINOGRAD5_TAPS; h++) g[h] = LOAD(taps[5 * h + w] + n);
            filter_line5(g, u[w]);
        }
        LS_UNROLL for (int i = 0; i < LINE; i++)
        {
            vector g[LS_WINOGRAD5_TAPS], line[LINE];
            LS_UNROLL for (int w = 0; w < LS_WINOGRAD5_TAPS; w++) g[w] = u[w][i];
            filter_line5(g, line);
            LS_UNROLL for (int j = 0; j < LINE; j++) STORE(to + (LINE * i + j) * plane + n, line[j]);
        }
    }
}

/* taps[k][n] is tap k of filter n of LS_LANES, of which count are there; at
 * from are room numbers of the row. */
static void gather_taps(const float *from, int64_t count, int64_t room, float taps[2 * LS_LANES][LS_LANES])
{
    if (room >= (LS_LANES - 1) * TAPS + 2 * LS_LANES) {
        ls_turn(from, TAPS, LS_LANES, taps[0], LS_LANES);
        ls_turn(from + LS_LANES, TAPS, LS_LANES, taps[LS_LANES], LS_LANES); /* behind the taps: not used */
        return;
    }
    for (int n = 0; n < LS_LANES; n++, from += TAPS)
        for (int k = 0; k < TAPS; k++) taps[k][n] = n < count ? from[k] : 0.0f;
}

/* What a vector writes behind the filters of an output channel is overwritten by those of the next one. */
static void transform_weights(const pass *job)
{
    const ls_conv *conv = job->conv;
    float taps[2 * LS_LANES][LS_LANES] __attribute__((aligned(64)));
    for (int64_t out = 0; out < conv->out_channels; out++)
        for (int64_t in = 0; in < conv->in_channels; in += LS_LANES) {
            gather_taps(conv->weight + out * conv->ld + in * TAPS, conv->in_channels - in,
                        conv->ld - in * TAPS, taps);
            transform_filters(taps, job->filter + out * conv->in_channels + in, job->size.filter_plane);
        }
}

/* Tiles [first, first + count) of all lanes from lane on, row by row. */
typedef struct strip {
    int64_t first, count, lane;
} strip;

/* Tiles [tile, tile + count) of a row of tiles, place tiles behind the
 * beginning of the strip. */
typedef struct run {
    int64_t row, tile, count, place;
} run;

static bool next_run(const pass *job, const strip *of, run *at)
{
    at->place += at->count;
    if (at->place >= of->count) return false;
    at->row = (of->first + at->place) / job->across;
    at->tile = (of->first + at->place) % job->across;
    at->count = job->across - at->tile;
    if (at->count > of->count - at->place) at->count = of->count - at->place;
    return true;
}

/* Row i of the elements of the source. */
static void transform_source(const pass *job, int i, const strip *of)
{
    const ls_conv *conv = job->conv;
    const bool backward = job->backward;
    const combination *how = &(backward ? delta_combination : input_combination)[i];
    const int64_t height = backward ? conv->height.out : conv->height.in,
                  width = backward ? conv->width.out : conv->width.in;
    const int64_t above = backward ? 0 : conv->height.before, left = backward ? 0 : conv->width.before;
    const int64_t line = job->size.tiles * LS_LANES, plane = job->size.source_plane;
    for (run at = {.place = 0}; next_run(job, of, &at);) {
        row_set rows = row_set_of(how, job->source + of->lane, OUTPUTS * at.row - above, height, width,
                                  conv->lanes, height * width * conv->lanes);
        float *to = job->transformed + at.place * LS_LANES;
        for (int64_t c = 0; c < job->terms; c++, to += line, next_channel(&rows))
            if (backward)
                delta_tiles5(how->form, &rows, OUTPUTS * at.tile, at.count, to, LS_LANES, plane);
            else
                input_tiles5(how->form, &rows, OUTPUTS * at.tile - left, at.count, to, LS_LANES, plane);
    }
}

static void multiply(const pass *job, int i, int64_t tiles)
{
    const int64_t channels = job->conv->in_channels;
    ls_gemm gemm = {.M = job->rows,
                    .N = tiles * LS_LANES,
                    .K = job->terms,
                    .row_stride = job->backward ? 1 : channels,
                    .column_stride = job->backward ? channels : 1,
                    .ldb = job->size.tiles * LS_LANES,
                    .ldc = job->size.tiles * LS_LANES};
    for (int j = 0; j < LINE5; j++) {
        gemm.A = job->filter + ls_winograd5_filter(i, j) * job->size.filter_plane;
        gemm.B = job->transformed + j * job->size.source_plane;
        gemm.C = job->product + j * job->size.product_plane;
        gemm.bias = i == 4 && j == 4 ? job->bias : NULL;
        LS_VARIANT(ls_gemm_run)(&gemm);
    }
}

/* Products of row i of the elements, along the width. */
LS_INLINE void transform_products(const pass *job, bool backward, int i, int64_t tiles)
{
    enum { MOST = INPUTS };
    const int halves = backward ? INPUTS : OUTPUTS;
    const float *from = job->product;
    float *to = job->half + i * job->size.half_plane;
    for (int64_t r = 0; r < job->rows; r++)
        for (int64_t t = 0; t < job->size.tiles; t++, from += LS_LANES, to += halves * LS_LANES)
            for (int lane = 0; lane < LS_LANES && t < tiles; lane += WIDTH) {
                vector m[LINE5], line[MOST];
                LS_UNROLL for (int j = 0; j < LINE5; j++) m[j] =
                    LOAD(from + j * job->size.product_plane + lane);
                if (backward)
                    spread_line5(m, line);
                else
                    output_line5(m, line);
                LS_UNROLL for (int k = 0; k < halves; k++) STORE(to + k * LS_LANES + lane, line[k]);
            }
}

LS_INLINE void load_halves(const pass *job, int64_t place, vector *m)
{
    LS_UNROLL for (int i = 0; i < LINE5; i++) m[i] = LOAD(job->half + i * job->size.half_plane + place);
}

/* Outputs h, w and below of a result in LS_LANES lanes, which begins at image. */
static void finish_outputs(const pass *job, int64_t place, int64_t h, int64_t w, float *image)
{
    const ls_conv *conv = job->conv;
    const int64_t line = conv->width.out * conv->lanes;
    for (int k = 0; k < OUTPUTS && w + k < conv->width.out; k++, place += LS_LANES)
        for (int lane = 0; lane < LS_LANES; lane += WIDTH) {
            vector m[LINE5], y[OUTPUTS];
            float *to = image + h * line + (w + k) * conv->lanes + lane;
            load_halves(job, place + lane, m);
            output_line5(m, y);
            LS_UNROLL for (int n = 0; n < OUTPUTS; n++) if (h + n < conv->height.out)
                STORE(to + n * line, y[n]);
        }
}

/* The tile's part of the derivatives from h, w on. What a tile above or on the left reached before is there
   already. */
static void finish_inputs(const pass *job, const run *tile, int64_t place, float *image)
{
    const ls_conv *conv = job->conv;
    const int64_t line = conv->width.in * conv->lanes;
    const int64_t h = OUTPUTS * tile->row - conv->height.before,
                  w = OUTPUTS * tile->tile - conv->width.before;
    for (int k = 0; k < INPUTS; k++, place += LS_LANES) {
        if (w + k < 0 || w + k >= conv->width.in) continue;
        const bool left = tile->tile > 0 && k < INPUTS - OUTPUTS;
        for (int lane = 0; lane < LS_LANES; lane += WIDTH) {
            vector m[LINE5], d[INPUTS];
            float *to = image + h * line + (w + k) * conv->lanes + lane;
            load_halves(job, place + lane, m);
            spread_line5(m, d);
            LS_UNROLL for (int n = 0; n < INPUTS; n++)
            {
                if (h + n < 0 || h + n >= conv->height.in) continue;
                const bool above = tile->row > 0 && n < INPUTS - OUTPUTS;
                if (left || above) d[n] = LOAD(to + n * line) + d[n];
                STORE(to + n * line, d[n]);
            }
        }
    }
}

/* Products along the height. */
static void finish(const pass *job, const strip *of)
{
    const ls_conv *conv = job->conv;
    const int64_t size =
        (job->backward ? conv->height.in * conv->width.in : conv->height.out * conv->width.out) * conv->lanes;
    const int64_t step = job->halves * LS_LANES;
    float *image = job->result + of->lane;
    for (int64_t r = 0; r < job->rows; r++, image += size)
        for (int64_t t = 0; t < of->count; t++) {
            const int64_t place = (r * job->size.tiles + t) * step;
            const run at = {.row = (of->first + t) / job->across, .tile = (of->first + t) % job->across};
            if (job->backward)
                finish_inputs(job, &at, place, image);
            else
                finish_outputs(job, place, OUTPUTS * at.row, OUTPUTS * at.tile, image);
        }
}

static void run_strip(const pass *job, const strip *of)
{
    for (int i = 0; i < LINE5; i++) {
        transform_source(job, i, of);
        multiply(job, i, of->count);
        if (job->backward)
            transform_products(job, true, i, of->count);
        else
            transform_products(job, false, i, of->count);
    }
    finish(job, of);
}

static void run_pass(const pass *job)
{
    const int64_t tiles = job->down * job->across;
    transform_weights(job);
    for (strip at = {.lane = 0}; at.lane < job->conv->lanes; at.lane += LS_LANES)
        for (at.first = 0; at.first < tiles; at.first += at.count) {
            at.count = tiles - at.first < job->size.tiles ? tiles - at.first : job->size.tiles;
            run_strip(job, &at);
        }
}

void LS_VARIANT(ls_winograd5_forward)(const ls_conv *conv, const float *x, const float *bias, float *y,
                                      float *scratch)
{
    pass job = pass_of(conv, false, x, y, scratch);
    job.bias = bias;
    run_pass(&job);
}

void LS_VARIANT(ls_winograd5_backward)(const ls_conv *conv, const float *dy, float *dx, float *scratch)
{
    const pass job = pass_of(conv, true, dy, dx, scratch);
    run_pass(&job);
}
