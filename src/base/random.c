/* Random numbers as functions of counters. */
#include <assert.h>
#include <math.h>
#include <Random123/philox.h>
#include "base/elementary.h"
#include "base/random.h"

uint64_t ls_random_counter(ls_random_purpose purpose, uint64_t a)
{
    return a ^ (uint64_t)purpose << 56;
}

ls_random_words ls_random(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b)
{
    a = ls_random_counter(purpose, a);
    philox4x32_ctr_t counter = {{(uint32_t)b, (uint32_t)(b >> 32), (uint32_t)a, (uint32_t)(a >> 32)}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t random = philox4x32_R(10, counter, key);
    return (ls_random_words){{random.v[0], random.v[1], random.v[2], random.v[3]}};
}

static uint64_t join_words(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

double ls_random_uniform(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b)
{
    ls_random_words random = ls_random(seed, purpose, a, b);
    return (double)(join_words(random.word[0], random.word[1]) >> 11) * 0x1p-53;
}

/* sqrt(-2 ln u) cos(2 pi v) with u in (0, 1], v in [0, 1). The square root is exact by IEEE 754, fma too. */
double ls_random_normal(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b)
{
    ls_random_words random = ls_random(seed, purpose, a, b);
    double u = (double)((join_words(random.word[0], random.word[1]) >> 11) + 1) * 0x1p-53;
    double v = (double)(join_words(random.word[2], random.word[3]) >> 11) * 0x1p-53;
    return sqrt(-2 * ls_logarithm(u)) * ls_cosine_of_turn(v);
}

/* The high word of random * n is uniform if products with a low word below 2^64 mod n are drawn again (Lemire
   2019, doi:10.1145/3230636). Each counter gives two draws; later attempts count in the top byte of b. */
uint64_t ls_random_below(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b, uint64_t n)
{
    assert(n > 0);
    uint64_t smallest = -n % n;
    for (uint64_t attempt = 0;; attempt++) {
        ls_random_words random = ls_random(seed, purpose, a, b ^ attempt << 56);
        for (int half = 0; half < 4; half += 2) {
            uint64_t draw = join_words(random.word[half], random.word[half + 1]);
            unsigned __int128 product = (unsigned __int128)draw * n;
            if ((uint64_t)product >= smallest) return (uint64_t)(product >> 64);
        }
    }
}

/* A draw for element i from [0, i], by the same method with 32 bits. word is the one at counter b = i / 4;
   later attempts take the same word of counters that no first attempt uses. */
static uint32_t draw_position(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint32_t i, uint32_t word)
{
    uint64_t n = (uint64_t)i + 1, product = word * n;
    if ((uint32_t)product >= n) return (uint32_t)(product >> 32); /* most draws need no division */
    uint32_t smallest = (uint32_t)((UINT64_C(1) << 32) % n);
    for (uint64_t attempt = 1; (uint32_t)product < smallest; attempt++)
        product = ls_random(seed, purpose, a, attempt << 32 | i / 4).word[i % 4] * n;
    return (uint32_t)(product >> 32);
}

void ls_random_permutation(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint32_t *order, size_t n)
{
    assert(n <= UINT32_MAX);
    ls_random_words random = {{0}};
    for (uint32_t i = 0; i < n; i++) {
        if (i % 4 == 0) random = ls_random(seed, purpose, a, i / 4);
        uint32_t position = draw_position(seed, purpose, a, i, random.word[i % 4]);
        order[i] = i;
        order[i] = order[position];
        order[position] = i;
    }
}
