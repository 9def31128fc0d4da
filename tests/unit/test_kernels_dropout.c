/* Dropout: the mask is made of the numbers of ls_random, the same in every table. */
#include "support/kernels.h"
#include "base/random.h"

enum { ELEMENTS = 11, GROUP = 3, LANES = 48, COUNT = ELEMENTS * GROUP * LANES, USED = 41 };

static ls_dropout mask_of(double keep)
{
    return (ls_dropout){.key = 0x123456789abcdefu,
                        .counter = ls_random_counter(LS_RANDOM_DROPOUT, UINT64_C(5) << 40 | 77),
                        .first = 100,
                        .count = USED,
                        .group = GROUP,
                        .threshold = (uint32_t)(keep * 0x1p32),
                        .scale = (float)(1 / keep)};
}

static bool is_kept(const ls_dropout *mask, int element, int lane)
{
    uint64_t sample = (uint64_t)(mask->first + (lane < mask->count ? lane : 0));
    ls_random_words words = ls_random(mask->key, LS_RANDOM_DROPOUT, UINT64_C(5) << 40 | 77,
                                      sample << 32 | (uint64_t)(element / 4));
    return words.word[element % 4] < mask->threshold;
}

Test(kernels_dropout, masks_are_made_of_counters_in_every_table)
{
    _Alignas(64) float x[COUNT], y[COUNT];
    ls_dropout mask = mask_of(0.6);
    for (int i = 0; i < COUNT; i++) x[i] = random_float(-2.0f, 2.0f);
    for (int t = 0; table(t); t++) {
        table(t)->dropout(&mask, ELEMENTS, LANES, x, y);
        for (int i = 0; i < COUNT; i++) {
            bool kept = is_kept(&mask, i / LANES / GROUP, i % LANES);
            cr_assert_eq(y[i], kept ? x[i] * mask.scale : 0.0f, "%s, %d", table(t)->name, i);
        }
        memcpy(y, x, sizeof y);
        table(t)->dropout(&mask, ELEMENTS, LANES, y, y);
        for (int i = 0; i < COUNT; i++)
            cr_assert_eq(y[i], is_kept(&mask, i / LANES / GROUP, i % LANES) ? x[i] * mask.scale : 0.0f);
    }
}

/* Infinity and NaN are dropped like numbers, and go through where they are kept. */
Test(kernels_dropout, what_is_dropped_is_zero_whatever_it_was)
{
    _Alignas(64) float x[COUNT], y[COUNT];
    ls_dropout mask = mask_of(0.5);
    for (int i = 0; i < COUNT; i++) x[i] = i % 2 ? NAN : INFINITY;
    ls_kernels_get()->dropout(&mask, ELEMENTS, LANES, x, y);
    int dropped = 0;
    for (int i = 0; i < COUNT; i++) {
        dropped += y[i] == 0;
        cr_assert(y[i] == 0 || (i % 2 ? isnan(y[i]) : isinf(y[i])));
    }
    cr_expect(dropped > COUNT / 3 && dropped < COUNT * 2 / 3);
}
