/* When Winograd's convolution is used, and the memory that it works in (math/winograd.h). */
#include "math/winograd.h"
#include "math/winograd5.h"
#include "math/kernels.h"

enum {
    LINE = LS_LANES,           /* floats of a cache line */
    PASS_BUDGET = 256 * 1024,  /* bytes of transformed tiles of a pass, and of a gradient: well within a */
    BLOCK_BUDGET = 384 * 1024, /* second-level cache of 1 MB */
    TILES_MIN = 4,             /* that share the work of a strip */
    GAIN = 8                   /* at least one part in so many */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t round_up(int64_t value)
{
    return (value + LS_LANES - 1) / LS_LANES * LS_LANES;
}

static bool fits(const ls_span *span)
{
    return (span->kernel == 3 || span->kernel == 5) && span->stride == 1 && span->dilation == 1;
}

bool ls_winograd_fits(const ls_conv *conv)
{
    return conv->groups == 1 && conv->height.kernel == conv->width.kernel && fits(&conv->height) &&
           fits(&conv->width);
}

/* Pairs of an output and a tap that is not on padding. */
static int64_t pairs(const ls_span *span)
{
    int64_t count = 0;
    for (int64_t k = 0; k < span->kernel; k++) {
        const int64_t first = most(span->before - k, 0), end = least(span->in + span->before - k, span->out);
        count += most(end - first, 0);
    }
    return count;
}

static int64_t tiles_of(int64_t positions)
{
    return (positions + 1) / 2;
}

/* The time of a step in multiply-adds of whole vectors, of which one takes a
   cycle: two passes and a gradient. Measured costs of transforms: a channel of
   a tile, a filter once a panel. */
static double winograd_cost(const ls_conv *conv)
{
    if (ls_winograd_is_5(conv)) return ls_winograd5_cost(conv);
    enum { PASS = 32, INPUT = 90, DELTA = 60, FILTER = 12 };
    const double in = (double)conv->in_channels, out = (double)conv->out_channels;
    const double padded = (double)round_up(conv->in_channels);
    const double pass = LS_WINOGRAD_ELEMENTS * in * out + PASS * (in + out),
                 gradient = LS_WINOGRAD_ELEMENTS * padded * out + INPUT * padded + DELTA * out;
    const double tiles = (double)tiles_of(conv->height.out) * (double)tiles_of(conv->width.out);
    return tiles * (2 * pass + gradient) + 2 * FILTER * in * out;
}

static double direct_cost(const ls_conv *conv)
{
    const double passes = 2 * (double)pairs(&conv->height) * (double)pairs(&conv->width);
    const double gradient =
        (double)(conv->height.out * conv->height.kernel) * (double)(conv->width.out * conv->width.kernel);
    return (passes + gradient) * (double)conv->in_channels * (double)conv->out_channels;
}

bool ls_winograd_pays(const ls_conv *conv)
{
    return ls_winograd_fits(conv) && winograd_cost(conv) * (GAIN + 1) < direct_cost(conv) * GAIN;
}

static int64_t tiles_at_once(int64_t channels, int64_t budget)
{
    const int64_t each = channels * LS_WINOGRAD_ELEMENTS * LS_LANES * (int64_t)sizeof(float);
    return most(budget / each, TILES_MIN);
}

ls_winograd_pass ls_winograd_pass_of(const ls_conv *conv, bool backward)
{
    const int64_t height = backward ? conv->height.in : conv->height.out,
                  width = backward ? conv->width.in : conv->width.out;
    const int64_t source = backward ? conv->out_channels : conv->in_channels;
    ls_winograd_pass pass = {
        .tiles = least(tiles_at_once(source, PASS_BUDGET), tiles_of(height) * tiles_of(width))};
    pass.filter_ld = round_up(conv->in_channels);
    pass.filter_plane = conv->out_channels * pass.filter_ld + LINE;
    pass.source_step = 4 * LS_LANES * source + LINE;
    pass.source_plane = pass.tiles * pass.source_step + LINE;
    pass.half_row = 4 * LS_LANES * pass.tiles + LINE;
    pass.zeros = (backward ? conv->width.out : conv->width.in) * conv->lanes;
    return pass;
}

static int64_t pass_size(const ls_conv *conv, bool backward)
{
    const ls_winograd_pass pass = ls_winograd_pass_of(conv, backward);
    const int64_t result = backward ? conv->in_channels : conv->out_channels;
    return LS_WINOGRAD_ELEMENTS * pass.filter_plane + 4 * pass.source_plane + result * pass.half_row +
           pass.zeros;
}

int64_t ls_winograd_scratch(const ls_conv *conv)
{
    if (ls_winograd_is_5(conv)) return ls_winograd5_scratch(conv);
    return most(pass_size(conv, false), pass_size(conv, true));
}

ls_winograd_block ls_winograd_block_of(const ls_conv *conv, int64_t rows, int64_t channels)
{
    /* Small blocks must not need more memory than large ones, so the number of
     * tiles is the same. */
    const int64_t typical = least(conv->in_channels, LS_BLOCK) + least(conv->out_channels, LS_BLOCK);
    ls_winograd_block block = {.width = round_up(channels)};
    block.tiles = least(tiles_at_once(typical, BLOCK_BUDGET), tiles_of(conv->width.out));
    block.input_row = conv->width.in * LS_LANES * block.width + LINE;
    block.input_plane = block.tiles * LS_LANES * block.width + LINE;
    block.delta_row = block.tiles * LS_LANES + LINE;
    block.delta_plane = rows * block.delta_row + LINE;
    block.sum_plane = rows * block.width + LINE;
    return block;
}

int64_t ls_winograd_gradient_scratch(const ls_conv *conv, int64_t rows, int64_t channels)
{
    if (ls_winograd_is_5(conv)) return ls_winograd5_gradient_scratch(conv, rows, channels);
    const ls_winograd_block block = ls_winograd_block_of(conv, rows, channels);
    return (LS_WINOGRAD_ROWS + 1) * block.input_row +
           LS_WINOGRAD_ELEMENTS * (block.input_plane + block.delta_plane + block.sum_plane);
}
