/* Left and right of an image are exchanged at random. */
#include <stddef.h>
#include "data/augment.h"

typedef struct flip_options {
    double probability;
} flip_options;

static void apply(const void *opaque, ls_random_words random, const ls_augment_image *image)
{
    const flip_options *options = opaque;
    const int64_t W = image->width, rows = image->channels * image->height, stride = image->stride;
    if ((double)random.word[0] >= options->probability * 0x1p32) return;
    for (int64_t r = 0; r < rows; r++) {
        float *row = image->x + r * W * stride;
        for (int64_t w = 0; w < W / 2; w++) {
            float left = row[w * stride];
            row[w * stride] = row[(W - 1 - w) * stride];
            row[(W - 1 - w) * stride] = left;
        }
    }
}

static const ls_option options_table[] = {{.key = "probability",
                                           .kind = LS_OPTION_REAL,
                                           .offset = offsetof(flip_options, probability),
                                           .minimum = 0,
                                           .maximum = 1,
                                           .default_text = "0.5",
                                           .help = "How likely an image is flipped."},
                                          LS_OPTION_END};

const ls_augment_type ls_augment_random_flip = {
    .base = {.name = "random_flip",
             .help = "Exchanges left and right of an image at random.",
             .options = options_table,
             .options_size = sizeof(flip_options)},
    .apply = apply,
};
