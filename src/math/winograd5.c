/* What the minimal filtering for 5 by 5 costs, and the memory that it works in (math/winograd5.h). */
#include "math/winograd5.h"
#include "math/kernels.h"

/* A strip of tiles of a pass, and the turned dY and the transforms of a gradient, stay in a second-level
   cache of 1 MB; in bytes. */
enum { PASS_BUDGET = 512 * 1024, TURNED_BUDGET = 256 * 1024, BLOCK_BUDGET = 192 * 1024 };

enum {
    LINE = LS_LANES, /* floats of a cache line: planes have one more than their contents, so that the elements
                        of a tile do not compete for the same sets of the cache */
    TILES_MIN = 2
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

static int64_t divided_up(int64_t number, int64_t by)
{
    return (number + by - 1) / by;
}

static int64_t tiles_of(int64_t positions)
{
    return divided_up(positions, LS_WINOGRAD5_OUTPUTS);
}

/* Of all tiles, of so many vectors each: strips of nearly the same length. */
static int64_t tiles_at_once(int64_t all, int64_t vectors, int64_t budget)
{
    const int64_t most_tiles = most(budget / (vectors * LS_LANES * (int64_t)sizeof(float)), TILES_MIN);
    return divided_up(all, divided_up(all, most_tiles));
}

/* Two passes and a gradient. Measured costs of transforms: a channel of a tile, and a filter once a panel in
   each of the three. */
double ls_winograd5_cost(const ls_conv *conv)
{
    enum { PASS = 750, INPUT = 1000, DELTA = 750, FILTER = 90 };
    const double in = (double)conv->in_channels, out = (double)conv->out_channels;
    const double padded = (double)round_up(conv->out_channels);
    const double pass = LS_WINOGRAD5_ELEMENTS * in * out + PASS * (in + out),
                 gradient = LS_WINOGRAD5_ELEMENTS * in * padded + INPUT * in + DELTA * padded;
    const double tiles = (double)tiles_of(conv->height.out) * (double)tiles_of(conv->width.out);
    return tiles * (2 * pass + gradient) + 3 * FILTER * in * out;
}

static int64_t half_width(bool backward)
{
    return backward ? LS_WINOGRAD5_INPUTS : LS_WINOGRAD5_OUTPUTS;
}

ls_winograd5_pass ls_winograd5_pass_of(const ls_conv *conv, bool backward)
{
    const int64_t source = backward ? conv->out_channels : conv->in_channels,
                  result = backward ? conv->in_channels : conv->out_channels;
    const int64_t vectors = LS_WINOGRAD5_LINE * (source + result + result * half_width(backward));
    ls_winograd5_pass pass = {
        .tiles = tiles_at_once(tiles_of(conv->height.out) * tiles_of(conv->width.out), vectors, PASS_BUDGET)};
    const int64_t line = pass.tiles * LS_LANES;
    /* Vectors of filters reach beyond the last one. */
    pass.filter_plane = round_up(conv->out_channels * conv->in_channels) + 2 * LINE;
    pass.source_plane = source * line + LINE;
    pass.product_plane = result * line + LINE;
    pass.half_plane = result * line * half_width(backward) + LINE;
    return pass;
}

static int64_t pass_size(const ls_conv *conv, bool backward)
{
    const ls_winograd5_pass pass = ls_winograd5_pass_of(conv, backward);
    return LS_WINOGRAD5_FILTERS * pass.filter_plane +
           LS_WINOGRAD5_LINE * (pass.source_plane + pass.product_plane + pass.half_plane);
}

int64_t ls_winograd5_scratch(const ls_conv *conv)
{
    return most(pass_size(conv, false), pass_size(conv, true));
}

ls_winograd5_block ls_winograd5_block_of(const ls_conv *conv, int64_t rows, int64_t channels)
{
    /* Small blocks must not need more memory than large ones, so the number of
     * tiles is the same. */
    const int64_t across = tiles_of(conv->width.out), down = tiles_of(conv->height.out);
    const int64_t typical = least(conv->in_channels, LS_BLOCK) + least(conv->out_channels, LS_BLOCK / 2);
    const int64_t row = LS_WINOGRAD5_OUTPUTS * conv->width.out * LS_LANES;
    ls_winograd5_block block = {.width = round_up(rows)};
    block.band = least(most(TURNED_BUDGET / (row * LS_BLOCK / 2 * (int64_t)sizeof(float)), 1), down);
    block.tiles = tiles_at_once(block.band * across, LS_WINOGRAD5_LINE * typical, BLOCK_BUDGET);
    block.turned = block.band * row * block.width + LINE;
    block.input_plane = channels * block.tiles * LS_LANES + LINE;
    block.delta_plane = block.tiles * LS_LANES * block.width + LINE;
    block.sum_plane = channels * block.width + LINE;
    return block;
}

int64_t ls_winograd5_gradient_scratch(const ls_conv *conv, int64_t rows, int64_t channels)
{
    const ls_winograd5_block block = ls_winograd5_block_of(conv, rows, channels);
    return block.turned + LS_WINOGRAD5_LINE * (block.input_plane + block.delta_plane) +
           LS_WINOGRAD5_ELEMENTS * block.sum_plane;
}
