/* A window as large as the image, at a random place of the image with a margin around it. */
#include <stddef.h>
#include "data/augment.h"

typedef struct crop_options {
    int64_t padding;
} crop_options;

/* Uniform in -range .. range; the bias is below (2 range + 1) / 2^32. */
static int64_t offset_of(uint32_t word, int64_t range)
{
    return (int64_t)((uint64_t)word * (uint64_t)(2 * range + 1) >> 32) - range;
}

/* y[i] = x[i + offset], 0 beyond the ends, in an order that reads each element before it is written. */
static void move_row(float *y, const float *x, int64_t W, int64_t offset, int64_t stride)
{
    for (int64_t i = 0; i < W; i++) {
        int64_t w = offset >= 0 ? i : W - 1 - i, from = w + offset;
        y[w * stride] = from >= 0 && from < W ? x[from * stride] : 0;
    }
}

static void clear_row(float *y, int64_t W, int64_t stride)
{
    for (int64_t w = 0; w < W; w++) y[w * stride] = 0;
}

static void apply(const void *opaque, ls_random_words random, const ls_augment_image *image)
{
    const crop_options *options = opaque;
    const int64_t C = image->channels, H = image->height, W = image->width, stride = image->stride;
    const int64_t down = image->signal ? 0 : offset_of(random.word[0], options->padding);
    const int64_t right = offset_of(random.word[1], options->padding);
    for (int64_t c = 0; c < C; c++) {
        float *plane = image->x + c * H * W * stride;
        for (int64_t i = 0; i < H; i++) {
            int64_t h = down >= 0 ? i : H - 1 - i, from = h + down;
            float *row = plane + h * W * stride;
            if (from >= 0 && from < H)
                move_row(row, plane + from * W * stride, W, right, stride);
            else
                clear_row(row, W, stride);
        }
    }
}

static const ls_option options_table[] = {
    {.key = "padding",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(crop_options, padding),
     .minimum = 1,
     .maximum = 65536,
     .default_text = "4",
     .help = "Width of the margin: the largest distance by which an image moves in each direction."},
    LS_OPTION_END};

const ls_augment_type ls_augment_random_crop = {
    .base =
        {.name = "random_crop",
         .help =
             "Moves an image up or down and to the left or right at random (a signal along its length): a "
             "window of its own size out of the image with a margin around it. The margin is 0 after "
             "normalisation, which is the mean where `normalise` is standardise.",
         .options = options_table,
         .options_size = sizeof(crop_options)},
    .apply = apply,
};
