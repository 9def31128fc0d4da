/* The gradient of a convolution of 3 by 3 by its weights, by Winograd's minimal
   filtering (math/winograd.h).

   For each of the 16 elements of a transformed tile, each pair of an output and
   an input channel is one chain of fused multiply-adds over the groups of
   LS_LANES samples, their tiles row by row, and the samples of the grain within
   the group, all ascending, from zero; padding and outputs beyond the edge
   count as zeros. At the end each 16 sums are transformed into 9 weights by a
   fixed sequence of additions. So the sums of a grain do not depend on where in
   a panel it lies, nor on the block that is asked for.

   The samples are the inner dimension of 16 matrix products. Those of A dY A^T
   are read as they lie; inputs are turned once, so that channels lie side by
   side, four rows of an image at a time. */
#include "math/vector/turn.h"
#include "math/vector/winograd.h"
#include <assert.h>
#include <string.h>

enum { TAPS = 9, ROWS = LS_WINOGRAD_ROWS };

typedef struct block {
    const ls_conv_gradient *gradient;
    ls_winograd_block size;
    int64_t channel, channels; /* of the input */
    float *turned;             /* row h of the image is in place h % ROWS */
    float *zeros, *input, *delta, *sum;
} block;

static block block_of(const ls_conv_gradient *gradient)
{
    assert(gradient->first_column % TAPS == 0 && gradient->columns % TAPS == 0);
    block made = {
        .gradient = gradient, .channel = gradient->first_column / TAPS, .channels = gradient->columns / TAPS};
    made.size = ls_winograd_block_of(gradient->conv, gradient->rows, made.channels);
    made.turned = gradient->scratch;
    made.zeros = made.turned + ROWS * made.size.input_row;
    memset(made.zeros, 0, (size_t)made.size.input_row * sizeof *made.zeros);
    made.input = made.zeros + made.size.input_row;
    made.delta = made.input + LS_WINOGRAD_ELEMENTS * made.size.input_plane;
    made.sum = made.delta + LS_WINOGRAD_ELEMENTS * made.size.delta_plane;
    return made;
}

/* Samples begin .. end - 1 of LS_LANES, whose images begin at x and dy. */
typedef struct group {
    const float *x, *dy;
    int64_t begin, end;
    bool first;
} group;

static void turn_row(const block *part, const group *samples, int64_t h)
{
    const ls_conv *conv = part->gradient->conv;
    const int64_t line = conv->width.in * conv->lanes, plane = conv->height.in * line;
    const float *from = samples->x + part->channel * plane + h * line;
    float *to = part->turned + h % ROWS * part->size.input_row;
    for (int64_t w = 0; w < conv->width.in; w++, from += conv->lanes, to += LS_LANES * part->size.width)
        for (int64_t c = 0; c < part->channels; c += LS_LANES)
            ls_turn(from + c * plane, plane, part->channels - c, to + c, part->size.width);
}

/* Tiles tile .. tile + count - 1 of a row of tiles. */
typedef struct strip {
    int64_t row, tile, count;
} strip;

static void transform_input(const block *part, const strip *at)
{
    const ls_conv *conv = part->gradient->conv;
    const int64_t step = LS_LANES * part->size.width, first = 2 * at->row - conv->height.before;
    tile_rows rows = {.step = step, .columns = conv->width.in};
    for (int64_t c = 0; c < step; c += LS_LANES) {
        for (int r = 0; r < ROWS; r++) {
            const bool inside = first + r >= 0 && first + r < conv->height.in;
            rows.row[r] = inside ? part->turned + (first + r) % ROWS * part->size.input_row + c : part->zeros;
        }
        input_tiles(&rows, 2 * at->tile - conv->width.before, at->count, part->input + c, step,
                    4 * part->size.input_plane, part->size.input_plane);
    }
}

static void transform_delta(const block *part, const group *samples, const strip *at)
{
    const ls_conv_gradient *gradient = part->gradient;
    const ls_conv *conv = gradient->conv;
    const int64_t line = conv->width.out * conv->lanes, plane = conv->height.out * line;
    const bool high = 2 * at->row + 1 < conv->height.out;
    for (int64_t o = 0; o < gradient->rows; o++) {
        const float *dy = samples->dy + (gradient->first_row + o) * plane + 2 * at->row * line;
        const tile_rows rows = {
            .row = {dy, dy + line}, .step = conv->lanes, .columns = conv->width.out, .ahead = plane};
        delta_tiles(&rows, high, 2 * at->tile, at->count, part->delta + o * part->size.delta_row, LS_LANES,
                    part->size.delta_plane);
    }
}

/* Samples that are not of the grain interrupt the inner dimension: then each
 * tile is a product of its own. */
static void multiply(const block *part, const group *samples, bool first, int64_t tiles)
{
    const bool whole = samples->begin == 0 && samples->end == LS_LANES;
    const int64_t products = whole ? 1 : tiles;
    ls_gemm gemm = {.M = part->gradient->rows,
                    .N = part->size.width,
                    .K = whole ? tiles * LS_LANES : samples->end - samples->begin,
                    .row_stride = part->size.delta_row,
                    .column_stride = 1,
                    .ldb = part->size.width,
                    .ldc = part->size.width};
    for (int e = 0; e < LS_WINOGRAD_ELEMENTS; e++) {
        gemm.C = part->sum + e * part->size.sum_plane;
        gemm.accumulate = !first;
        for (int64_t t = 0; t < products; t++) {
            const int64_t place = t * LS_LANES + samples->begin;
            gemm.A = part->delta + e * part->size.delta_plane + place;
            gemm.B = part->input + e * part->size.input_plane + place * part->size.width;
            LS_VARIANT(ls_gemm_run)(&gemm);
            gemm.accumulate = true;
        }
    }
}

static void add_group(const block *part, const group *samples)
{
    const ls_conv *conv = part->gradient->conv;
    const int64_t across = (conv->width.out + 1) / 2;
    int64_t turned = 0; /* rows of the image */
    strip at = {.row = 0};
    for (; 2 * at.row < conv->height.out; at.row++) {
        const int64_t last = 2 * at.row - conv->height.before + ROWS;
        if (turned < last - ROWS) turned = last - ROWS;
        for (; turned < last && turned < conv->height.in; turned++) turn_row(part, samples, turned);
        for (at.tile = 0; at.tile < across; at.tile += at.count) {
            at.count = across - at.tile < part->size.tiles ? across - at.tile : part->size.tiles;
            transform_input(part, &at);
            transform_delta(part, samples, &at);
            multiply(part, samples, samples->first && at.row == 0 && at.tile == 0, at.count);
        }
    }
}

/* The weights of LS_LANES channels of one row: G^T z G. */
static void transform_sums(const block *part, const float *sum, int64_t count, float *tile)
{
    float taps[TAPS][LS_LANES] __attribute__((aligned(64)));
    const int64_t plane = part->size.sum_plane;
    for (int n = 0; n < LS_LANES; n += WIDTH) {
        vector g[4][3];
        LS_UNROLL for (int j = 0; j < 4; j++)
        {
            const float *at = sum + j * plane + n;
            gradient_line(LOAD(at), LOAD(at + 4 * plane), LOAD(at + 8 * plane), LOAD(at + 12 * plane), g[j]);
        }
        LS_UNROLL for (int h = 0; h < 3; h++)
        {
            vector line[3];
            gradient_line(g[0][h], g[1][h], g[2][h], g[3][h], line);
            LS_UNROLL for (int w = 0; w < 3; w++) STORE(taps[3 * h + w] + n, line[w]);
        }
    }
    for (int64_t n = 0; n < count; n++)
        for (int k = 0; k < TAPS; k++) *tile++ = taps[k][n];
}

static void finish(const block *part)
{
    const ls_conv_gradient *gradient = part->gradient;
    for (int64_t o = 0; o < gradient->rows; o++)
        for (int64_t c = 0; c < part->channels; c += LS_LANES)
            transform_sums(part, part->sum + o * part->size.width + c,
                           part->channels - c < LS_LANES ? part->channels - c : LS_LANES,
                           gradient->tile + o * gradient->ld + c * TAPS);
}

void LS_VARIANT(ls_winograd_gradient)(const ls_conv_gradient *gradient)
{
    if (ls_winograd_is_5(gradient->conv)) {
        LS_VARIANT(ls_winograd5_gradient)(gradient);
        return;
    }
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
