/* Dropout over panels: the random numbers of ls_random (Philox4x32-10, Salmon et al., SC 2011) for LS_LANES
   samples at a time, integer operations alone. */
#include "math/vector/isa.h"

enum { ROUNDS = 10, WORDS = 4 };

typedef struct words {
    uint32_t word[WORDS][LS_LANES];
} words;

LS_INLINE void philox_round(uint32_t key0, uint32_t key1, words *w)
{
    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
    {
        uint64_t product0 = (uint64_t)w->word[0][n] * 0xD2511F53u;
        uint64_t product1 = (uint64_t)w->word[2][n] * 0xCD9E8D57u;
        uint32_t word0 = (uint32_t)(product1 >> 32) ^ w->word[1][n] ^ key0;
        uint32_t word2 = (uint32_t)(product0 >> 32) ^ w->word[3][n] ^ key1;
        w->word[0][n] = word0;
        w->word[1][n] = (uint32_t)product1;
        w->word[2][n] = word2;
        w->word[3][n] = (uint32_t)product0;
    }
}

/* Four words for each of LS_LANES samples: those of counter b = sample, element / 4. */
LS_INLINE void draw(const ls_dropout *mask, const uint32_t *sample, uint32_t quarter, words *w)
{
    uint32_t key0 = (uint32_t)mask->key, key1 = (uint32_t)(mask->key >> 32);
    for (int n = 0; n < LS_LANES; n++) {
        w->word[0][n] = quarter;
        w->word[1][n] = sample[n];
        w->word[2][n] = (uint32_t)mask->counter;
        w->word[3][n] = (uint32_t)(mask->counter >> 32);
    }
    for (int r = 0; r < ROUNDS; r++) {
        philox_round(key0, key1, w);
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

/* The rows of one element, which share its word. */
LS_INLINE void apply(const ls_dropout *mask, const uint32_t *word, int64_t lanes, const float *x, float *y)
{
    for (int64_t row = 0; row < mask->group; row++) {
        const float *xr = x + row * lanes;
        float *yr = y + row * lanes;
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
        {
            float scaled = xr[n] * mask->scale;
            yr[n] = word[n] < mask->threshold ? scaled : 0.0f;
        }
    }
}

void LS_VARIANT(ls_drop)(const ls_dropout *mask, int64_t elements, int64_t lanes, const float *x, float *y)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        uint32_t sample[LS_LANES];
        for (int n = 0; n < LS_LANES; n++)
            sample[n] = (uint32_t)(mask->first + (l + n < mask->count ? l + n : 0));
        for (int64_t e = 0; e < elements; e += WORDS) {
            words w;
            draw(mask, sample, (uint32_t)(e / WORDS), &w);
            for (int64_t i = 0; i < WORDS && e + i < elements; i++) {
                int64_t at = (e + i) * mask->group * lanes + l;
                apply(mask, w.word[i], lanes, x + at, y + at);
            }
        }
    }
}
