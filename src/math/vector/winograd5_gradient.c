/* The gradient of a convolution of 5 by 5 by its weights, by minimal filtering
   (math/winograd5.h).

   For each of the 121 elements of a transformed tile, each pair of an output
   and an input channel is one chain of fused multiply-adds over the groups of
   LS_LANES samples, their tiles row by row, and the samples of the grain within
   the group, all ascending, from zero; padding and outputs beyond the edge
   count as zeros. At the end each 121 sums are transformed into 25 weights by a
   fixed sequence of additions. So the sums of a grain do not depend on where in
   a panel it lies, nor on the block that is asked for.

   The samples are the inner dimension of 121 matrix products, 11 of one row of
   elements at a time. Those of B^T d B are read as they lie; the images of dY
   are turned once, so that output channels lie side by side. */
#include "math/vector/turn.h"
#include "math/vector/winograd5.h"
#include <assert.h>

enum { TAPS = LS_WINOGRAD5_TAPS * LS_WINOGRAD5_TAPS };

typedef struct block {
    const ls_conv_gradient *gradient;
    ls_winograd5_block size;
    int64_t channel, channels; /* of the input */
    float *turned, *input, *delta, *sum;
} block;

static block block_of(const ls_conv_gradient *gradient)
{
    assert(gradient->first_column % TAPS == 0 && gradient->columns % TAPS == 0);
    block made = {
        .gradient = gradient, .channel = gradient->first_column / TAPS, .channels = gradient->columns / TAPS};
    made.size = ls_winograd5_block_of(gradient->conv, gradient->rows, made.channels);
    made.turned = gradient->scratch;
    made.input = made.turned + made.size.turned;
    made.delta = made.input + LINE5 * made.size.input_plane;
    made.sum = made.delta + LINE5 * made.size.delta_plane;
    return made;
}

/* Samples begin .. end - 1 of LS_LANES, whose images begin at x and dy. */
typedef struct group {
    const float *x, *dy;
    int64_t begin, end;
    bool first;
} group;

/* Rows of tiles of which dY is turned. */
typedef struct band {
    int64_t first, count;
} band;

/* Tiles tile .. tile + count - 1 of row of tiles row, place tiles behind the
 * beginning of the strip. */
typedef struct run {
    int64_t row, tile, count, place;
} run;

typedef struct strip {
    int64_t first, count; /* tiles of all, row by row */
} strip;

static int64_t across(const block *part)
{
    return (part->gradient->conv->width.out + OUTPUTS - 1) / OUTPUTS;
}

static bool next_run(const block *part, const strip *of, run *at)
{
    at->place += at->count;
    if (at->place >= of->count) return false;
    at->row = (of->first + at->place) / across(part);
    at->tile = (of->first + at->place) % across(part);
    at->count = across(part) - at->tile;
    if (at->count > of->count - at->place) at->count = of->count - at->place;
    return true;
}

static void turn_band(const block *part, const group *samples, const band *of)
{
    const ls_conv_gradient *gradient = part->gradient;
    const ls_conv *conv = gradient->conv;
    const int64_t plane = conv->height.out * conv->width.out * conv->lanes;
    int64_t end = OUTPUTS * (of->first + of->count);
    if (end > conv->height.out) end = conv->height.out;
    const float *from =
        samples->dy + gradient->first_row * plane + OUTPUTS * of->first * conv->width.out * conv->lanes;
    float *to = part->turned;
    int64_t positions = (end - OUTPUTS * of->first) * conv->width.out;
    for (; positions > 0; positions--, from += conv->lanes, to += LS_LANES * part->size.width)
        for (int64_t o = 0; o < gradient->rows; o += LS_LANES)
            ls_turn(from + o * plane, plane, gradient->rows - o, to + o, part->size.width);
}

static void transform_input(const block *part, const group *samples, int i, const run *at)
{
    const ls_conv *conv = part->gradient->conv;
    const combination *how = &input_combination[i];
    const int64_t height = conv->height.in, width = conv->width.in, plane = height * width * conv->lanes;
    row_set rows = row_set_of(how, samples->x + part->channel * plane,
                              OUTPUTS * at->row - conv->height.before, height, width, conv->lanes, plane);
    float *to = part->input + at->place * LS_LANES;
    for (int64_t c = 0; c < part->channels; c++, to += part->size.tiles * LS_LANES, next_channel(&rows))
        input_tiles5(how->form, &rows, OUTPUTS * at->tile - conv->width.before, at->count, to, LS_LANES,
                     part->size.input_plane);
}

static void transform_delta(const block *part, const band *of, int i, const run *at)
{
    const ls_conv *conv = part->gradient->conv;
    const combination *how = &delta_combination[i];
    const int64_t step = LS_LANES * part->size.width, first = OUTPUTS * of->first;
    row_set rows = row_set_of(how, part->turned, OUTPUTS * at->row - first, conv->height.out - first,
                              conv->width.out, step, LS_LANES);
    float *to = part->delta + at->place * step;
    for (int64_t n = 0; n < step; n += LS_LANES, next_channel(&rows))
        delta_tiles5(how->form, &rows, OUTPUTS * at->tile, at->count, to + n, step, part->size.delta_plane);
}

/* Samples that are not of the grain interrupt the inner dimension: then each
 * tile is a product of its own. */
static void multiply(const block *part, const group *samples, int i, bool first, int64_t tiles)
{
    const bool whole = samples->begin == 0 && samples->end == LS_LANES;
    const int64_t products = whole ? 1 : tiles;
    ls_gemm gemm = {.M = part->channels,
                    .N = part->size.width,
                    .K = whole ? tiles * LS_LANES : samples->end - samples->begin,
                    .row_stride = part->size.tiles * LS_LANES,
                    .column_stride = 1,
                    .ldb = part->size.width,
                    .ldc = part->size.width};
    for (int j = 0; j < LINE5; j++) {
        gemm.C = part->sum + (i * LINE5 + j) * part->size.sum_plane;
        gemm.accumulate = !first;
        for (int64_t t = 0; t < products; t++) {
            const int64_t place = t * LS_LANES + samples->begin;
            gemm.A = part->input + j * part->size.input_plane + place;
            gemm.B = part->delta + j * part->size.delta_plane + place * part->size.width;
            LS_VARIANT(ls_gemm_run)(&gemm);
            gemm.accumulate = true;
        }
    }
}

static void add_group(const block *part, const group *samples)
{
    const int64_t down = (part->gradient->conv->height.out + OUTPUTS - 1) / OUTPUTS;
    bool first = samples->first;
    for (band of = {.first = 0}; of.first < down; of.first += of.count) {
        of.count = down - of.first < part->size.band ? down - of.first : part->size.band;
        turn_band(part, samples, &of);
        const int64_t end = (of.first + of.count) * across(part);
        for (strip at = {.first = of.first * across(part)}; at.first < end; at.first += at.count) {
            at.count = end - at.first < part->size.tiles ? end - at.first : part->size.tiles;
            for (int i = 0; i < LINE5; i++) {
                for (run tiles = {.place = 0}; next_run(part, &at, &tiles);) {
                    transform_input(part, samples, i, &tiles);
                    transform_delta(part, &of, i, &tiles);
                }
                multiply(part, samples, i, first, at.count);
            }
            first = false;
        }
    }
}

/* The weights of LS_LANES output channels and one input channel: G^T z G. */
static void transform_sums(const block *part, const float *sum, float taps[TAPS][LS_LANES])
{
    const int64_t plane = part->size.sum_plane;
    for (int n = 0; n < LS_LANES; n += WIDTH) {
        vector g[LINE5][LS_WINOGRAD5_TAPS];
        LS_UNROLL for (int j = 0; j < LINE5; j++)
        {
            vector z[LINE5];
            LS_UNROLL for (int i = 0; i < LINE5; i++) z[i] = LOAD(sum + (i * LINE5 + j) * plane + n);
            gradient_line5(z, g[j]);
        }
        LS_UNROLL for (int h = 0; h < LS_WINOGRAD5_TAPS; h++)
        {
            vector z[LINE5], line[LS_WINOGRAD5_TAPS];
            LS_UNROLL for (int j = 0; j < LINE5; j++) z[j] = g[j][h];
            gradient_line5(z, line);
            LS_UNROLL for (int w = 0; w < LS_WINOGRAD5_TAPS; w++)
                STORE(taps[LS_WINOGRAD5_TAPS * h + w] + n, line[w]);
        }
    }
}

static void finish(const block *part)
{
    const ls_conv_gradient *gradient = part->gradient;
    float taps[TAPS][LS_LANES] __attribute__((aligned(64)));
    for (int64_t c = 0; c < part->channels; c++)
        for (int64_t o = 0; o < gradient->rows; o += LS_LANES) {
            transform_sums(part, part->sum + c * part->size.width + o, taps);
            for (int64_t n = 0; n < LS_LANES && o + n < gradient->rows; n++)
                for (int k = 0; k < TAPS; k++)
                    gradient->tile[(o + n) * gradient->ld + c * TAPS + k] = taps[k][n];
        }
}

void LS_VARIANT(ls_winograd5_gradient)(const ls_conv_gradient *gradient)
{
    const block part = block_of(gradient);
    bool first = true;
    for (int p = 0; p < gradient->part_count; p++) {
        const ls_grain_part *panel = &gradient->part[p];
        const int64_t end = panel->lane + panel->count;
        for (int64_t lane = panel->lane - panel->lane % LS_LANES; lane < end; lane += LS_LANES) {
            const group samples = {.x = panel->x + lane,
                                   .dy = panel->dy + lane,
                                   .begin = panel->lane > lane ? panel->lane - lane : 0,
                                   .end = end - lane < LS_LANES ? end - lane : LS_LANES,
                                   .first = first};
            add_group(&part, &samples);
            first = false;
        }
    }
    finish(&part);
}
