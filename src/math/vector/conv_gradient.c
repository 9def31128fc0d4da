/* The gradient of a convolution by its weights (math/image.h), for the samples of a grain.

   Sample i of the grain is on lane i mod 16. For each weight, each lane has one chain of fused multiply-adds
   of dy and x over the positions of the output ascending, and over the groups of lanes ascending, starting
   from zero; padding counts as x = 0. At the end the lanes are added in pairs: neighbours, then neighbouring
   pairs, and so on; lanes of other grains count as zero. So a grain of 1, 2, 4 or 8 samples has the same sum
   wherever it lies, and samples stay in the lanes of vectors: nothing is transposed.

   Operations: each register tile of r output channels by t taps loads r + t vectors for r * t multiply-adds
   at each position. The vectors of dy come from the second-level cache, those of x mostly from the first,
   since neighbouring positions and taps share them. */
#include <string.h>
#include "math/conv.h"
#include "math/vector/lane_sums.h"

/* Part of a gradient: all rows of a block that belong to one group of channels, and up to LS_BLOCK
 * columns within one set of input channels. */
typedef struct block {
    const ls_conv_gradient *gradient;
    int64_t first_row, rows;
    int64_t first_column, columns;
    int64_t channel, channels; /* input channels that the columns belong to, within all */
    float *sum;                /* [rows][columns][LS_LANES] */
} block;

/* Where the images of a group of lanes are: dy as in the panel, x as in the panel or padded. */
typedef struct image_set {
    const float *x, *dy;
    int64_t x_channel, x_row, x_position; /* distances in floats */
    int64_t dy_channel, dy_position;
} image_set;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static const float *tap_of(const block *part, const image_set *images, int64_t column)
{
    const ls_conv *conv = part->gradient->conv;
    const int64_t kernel = conv->width.kernel, window = conv->height.kernel * kernel;
    const int64_t tap = (part->first_column + column) % window,
                  channel = (part->first_column + column) / window;
    return images->x + (channel - part->first_column / window) * images->x_channel +
           tap / kernel * conv->height.dilation * images->x_row +
           tap % kernel * conv->width.dilation * images->x_position;
}

#if LS_LEVEL == 0

/* One weight, LS_LANES chains. */
static void run_tiles(const block *part, const image_set *images, bool first)
{
    const ls_conv *conv = part->gradient->conv;
    for (int64_t row = 0; row < part->rows; row++)
        for (int64_t column = 0; column < part->columns; column++) {
            float *sum = part->sum + (row * part->columns + column) * LS_LANES;
            const float *x = tap_of(part, images, column), *dy = images->dy + row * images->dy_channel;
            if (first) memset(sum, 0, LS_LANES * sizeof *sum);
            for (int64_t h = 0; h < conv->height.out; h++)
                for (int64_t w = 0; w < conv->width.out; w++, dy += images->dy_position) {
                    const float *from = x + h * conv->height.stride * images->x_row +
                                        w * conv->width.stride * images->x_position;
                    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] =
                        __builtin_fmaf(dy[n], from[n], sum[n]);
                }
        }
}

#else

#include "math/vector/simd.h"

enum {
    TILE_ROWS = 5,
    TILE_TAPS = 6,
    TILE_GROUP = 3,
    TILE_GROUPS = (TILE_ROWS + TILE_GROUP - 1) / TILE_GROUP
};

/* What is the same for all tiles of a part. Distances in floats. */
typedef struct strides {
    int64_t height, width; /* positions of the output */
    int64_t dy_channel, dy_position;
    int64_t x_position, x_row; /* from an output to the next, and from the end of a row to the next one */
    int64_t sum_row;
    bool first;
    const float *tap[LS_BLOCK]; /* x of each column at the first position */
} strides;

/* rows x taps chains of a vector each. rows and taps are constants where it is inlined. The vectors of dy
   wait in registers while those of x pass by. */
LS_INLINE void tile(int rows, int taps, const strides *step, const float *dy, const float *const *from,
                    float *sum)
{
    vector acc[TILE_ROWS][TILE_TAPS];
    const float *x[TILE_TAPS], *y[TILE_GROUPS];
    const int64_t dy_channel = step->dy_channel, dy_position = step->dy_position,
                  x_position = step->x_position;
    LS_UNROLL for (int t = 0; t < taps; t++) x[t] = from[t];
    LS_UNROLL for (int r = 0; r < rows; r += TILE_GROUP) y[r / TILE_GROUP] = dy + r * dy_channel;
    LS_UNROLL for (int r = 0; r < rows; r++)
    {
        LS_UNROLL for (int t = 0; t < taps; t++) acc[r][t] =
            step->first ? BROADCAST(0.0f) : LOAD(sum + r * step->sum_row + t * LS_LANES);
    }
    int64_t offset = 0;
    for (int64_t h = step->height; h > 0; h--) {
        for (int64_t w = step->width; w > 0; w--) {
            vector d[TILE_ROWS];
            LS_UNROLL for (int r = 0; r < rows; r++) d[r] =
                LOAD(y[r / TILE_GROUP] + r % TILE_GROUP * dy_channel);
            LS_UNROLL for (int t = 0; t < taps; t++)
            {
                vector v = LOAD(x[t] + offset);
                __asm__("" : "+v"(v)); /* or the compiler loads it once for each row */
                LS_UNROLL for (int r = 0; r < rows; r++) acc[r][t] = MULTIPLY_ADD(d[r], v, acc[r][t]);
            }
            LS_UNROLL for (int r = 0; r < rows; r += TILE_GROUP) y[r / TILE_GROUP] += dy_position;
            offset += x_position;
        }
        offset += step->x_row;
    }
    LS_UNROLL for (int r = 0; r < rows; r++)
    {
        LS_UNROLL for (int t = 0; t < taps; t++) STORE(sum + r * step->sum_row + t * LS_LANES, acc[r][t]);
    }
}

typedef void tile_function(const strides *step, const float *dy, const float *const *x, float *sum);

#define TILE(rows, taps)                                                                                     \
    static void tile_##rows##_##taps(const strides *step, const float *dy, const float *const *x,            \
                                     float *sum)                                                             \
    {                                                                                                        \
        tile(rows, taps, step, dy, x, sum);                                                                  \
    }
#define TILES_4(rows) TILE(rows, 1) TILE(rows, 2) TILE(rows, 3) TILE(rows, 4)
#define TILES_5(rows) TILES_4(rows) TILE(rows, 5)
#define TILES_6(rows) TILES_5(rows) TILE(rows, 6)
#define NAMES_4(rows) tile_##rows##_1, tile_##rows##_2, tile_##rows##_3, tile_##rows##_4
#define NAMES_5(rows) NAMES_4(rows), tile_##rows##_5
#define NAMES_6(rows) NAMES_5(rows), tile_##rows##_6

typedef struct tile_shape {
    int rows, taps;
} tile_shape;

#if LS_LEVEL == 2

/* rows * taps accumulators, rows vectors of dy and one of x in 32 registers. */
TILES_6(1)
TILES_6(2)
TILES_6(3)
TILES_6(4)
TILES_5(5)
static tile_function *const tiles[TILE_ROWS][TILE_TAPS] = {
    {NAMES_6(1)}, {NAMES_6(2)}, {NAMES_6(3)}, {NAMES_6(4)}, {NAMES_5(5)}};
static const tile_shape shapes[] = {{5, 5}, {4, 6}};

#else

/* The same in 16 registers. */
TILES_6(1)
TILES_6(2)
TILES_4(3)
static tile_function *const tiles[TILE_ROWS][TILE_TAPS] = {{NAMES_6(1)}, {NAMES_6(2)}, {NAMES_4(3)}};
static const tile_shape shapes[] = {{3, 4}, {2, 6}};

#endif

/* Vectors loaded at a position. */
static int64_t loads(const block *part, tile_shape shape)
{
    int64_t bands = (part->rows + shape.rows - 1) / shape.rows,
            blocks = (part->columns + shape.taps - 1) / shape.taps;
    return bands * part->columns + blocks * part->rows;
}

static tile_shape shape_of(const block *part)
{
    tile_shape best = shapes[0];
    for (size_t i = 1; i < sizeof shapes / sizeof *shapes; i++)
        if (loads(part, shapes[i]) < loads(part, best)) best = shapes[i];
    return best;
}

static void run_row_of_tiles(const block *part, const strides *step, const float *dy, int64_t row,
                             int64_t rows, int taps_max)
{
    int64_t column = 0;
    for (int64_t left = (part->columns + taps_max - 1) / taps_max; left > 0; left--) {
        const int64_t taps = (part->columns - column + left - 1) / left;
        float *sum = part->sum + (row * part->columns + column) * LS_LANES;
        for (int lane = 0; lane < LS_LANES; lane += WIDTH) {
            const float *x[TILE_TAPS];
            for (int64_t t = 0; t < taps; t++) x[t] = step->tap[column + t] + lane;
            tiles[rows - 1][taps - 1](step, dy + row * step->dy_channel + lane, x, sum + lane);
        }
        column += taps;
    }
}

static void run_tiles(const block *part, const image_set *images, bool first)
{
    const ls_conv *conv = part->gradient->conv;
    const tile_shape shape = shape_of(part);
    strides step = {.height = conv->height.out,
                    .width = conv->width.out,
                    .dy_channel = images->dy_channel,
                    .dy_position = images->dy_position,
                    .x_position = conv->width.stride * images->x_position,
                    .sum_row = part->columns * LS_LANES,
                    .first = first};
    step.x_row = conv->height.stride * images->x_row - conv->width.out * step.x_position;
    for (int64_t column = 0; column < part->columns; column++)
        step.tap[column] = tap_of(part, images, column);
    int64_t row = 0;
    for (int64_t left = (part->rows + shape.rows - 1) / shape.rows; left > 0; left--) {
        const int64_t rows = (part->rows - row + left - 1) / left;
        run_row_of_tiles(part, &step, images->dy, row, rows, shape.taps);
        row += rows;
    }
}

#endif

/* One line of an image of which the outputs see lines lines; position p of the result is position p - before.
 */
static void pad_row(const ls_span *width, const float *from, int64_t lanes, int64_t reach, float *to)
{
    for (int64_t p = 0; p < reach; p++) {
        const int64_t source = p - width->before;
        if (from && source >= 0 && source < width->in)
            memcpy(to + p * LS_LANES, from + source * lanes, LS_LANES * sizeof *to);
        else
            memset(to + p * LS_LANES, 0, LS_LANES * sizeof *to);
    }
}

/* The channels of x, of which the part's first is given, with zeros around them. */
static void pad(const block *part, const float *x, float *to)
{
    const ls_conv *conv = part->gradient->conv;
    const int64_t height = ls_span_reach(&conv->height), width = ls_span_reach(&conv->width);
    for (int64_t c = 0; c < part->channels; c++)
        for (int64_t h = 0; h < height; h++, to += width * LS_LANES) {
            const int64_t source = h - conv->height.before;
            const bool inside = source >= 0 && source < conv->height.in;
            const float *row = x + (c * conv->height.in + source) * conv->width.in * conv->lanes;
            pad_row(&conv->width, inside ? row : NULL, conv->lanes, width, to);
        }
}

/* Of the LS_LANES lanes from lane of a part. */
static image_set images_of(const block *part, const ls_grain_part *panel, int64_t lane, float *padded)
{
    const ls_conv *conv = part->gradient->conv;
    const int64_t lanes = conv->lanes, positions = conv->height.out * conv->width.out;
    image_set made = {.x_position = lanes, .dy_position = lanes, .dy_channel = positions * lanes};
    made.dy = panel->dy + lane + part->first_row * made.dy_channel;
    made.x_row = conv->width.in * lanes;
    made.x_channel = conv->height.in * made.x_row;
    made.x = panel->x + lane + part->channel * made.x_channel;
    if (ls_conv_is_padded(conv)) {
        pad(part, made.x, padded);
        made.x = padded;
        made.x_position = LS_LANES;
        made.x_row = ls_span_reach(&conv->width) * LS_LANES;
        made.x_channel = ls_span_reach(&conv->height) * made.x_row;
    }
    return made;
}

/* Leaves the lanes of the grain alone in their sums. */
static void clear_lanes(const block *part, int64_t begin, int64_t end)
{
    for (int64_t i = 0; i < part->rows * part->columns; i++)
        for (int64_t n = 0; n < LS_LANES; n++)
            if (n < begin || n >= end) part->sum[i * LS_LANES + n] = 0;
}

/* Adds the lanes of the grain. */
static void finish(const block *part)
{
    const ls_conv_gradient *gradient = part->gradient;
    const int64_t begin = gradient->part[0].lane % LS_LANES,
                  end = least(begin + gradient->part[0].count, LS_LANES);
    if (begin > 0 || end < LS_LANES) clear_lanes(part, begin, end);
    ls_lane_sums(part->sum, part->rows * part->columns, part->sum);
    float *tile = gradient->tile + (part->first_row - gradient->first_row) * gradient->ld +
                  part->first_column - gradient->first_column;
    for (int64_t row = 0; row < part->rows; row++)
        memcpy(tile + row * gradient->ld, part->sum + row * part->columns,
               (size_t)part->columns * sizeof *tile);
}

static void run_part(const block *part)
{
    const ls_conv_gradient *gradient = part->gradient;
    const ls_conv *conv = gradient->conv;
    const int64_t window = conv->height.kernel * conv->width.kernel;
    float *padded = gradient->scratch + gradient->rows * ls_conv_gradient_channels(conv) * window * LS_LANES;
    bool first = true;
    for (int p = 0; p < gradient->part_count; p++) {
        const ls_grain_part *panel = &gradient->part[p];
        const int64_t end = panel->lane + panel->count;
        for (int64_t lane = panel->lane - panel->lane % LS_LANES; lane < end; lane += LS_LANES) {
            image_set images = images_of(part, panel, lane, padded);
            run_tiles(part, &images, first);
            first = false;
        }
    }
    finish(part);
}

void LS_VARIANT(ls_conv_gradient_run)(const ls_conv_gradient *gradient)
{
    const ls_conv *conv = gradient->conv;
    const int64_t in = conv->in_channels / conv->groups, out = conv->out_channels / conv->groups;
    const int64_t window = conv->height.kernel * conv->width.kernel,
                  channels = ls_conv_gradient_channels(conv);
    const int64_t row_end = gradient->first_row + gradient->rows,
                  column_end = gradient->first_column + gradient->columns;
    block part = {.gradient = gradient, .sum = gradient->scratch};
    for (part.first_row = gradient->first_row; part.first_row < row_end; part.first_row += part.rows) {
        const int64_t group = part.first_row / out;
        part.rows = least(row_end, (group + 1) * out) - part.first_row;
        for (part.first_column = gradient->first_column; part.first_column < column_end;
             part.first_column += part.columns) {
            const int64_t channel = part.first_column / window;
            part.columns = least(column_end, (channel + channels) * window) - part.first_column;
            part.columns = least(part.columns, LS_BLOCK);
            part.channel = group * in + channel;
            part.channels = least(channels, in - channel);
            run_part(&part);
        }
    }
}
