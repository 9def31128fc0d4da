/* Random numbers as functions of counters. */
#include <assert.h>
#include <math.h>
#include <Random123/philox.h>
#include <string.h>
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

/* The coefficients stand as quotients, which compilers round as IEEE 754 says, from the highest power down.
   The sums are chains of fma, so that no compiler can contract them in another way. */
static const double artanh_series[] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                       1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
static const double sine_series[] = {
    1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800,
    1.0 / 362880,          -1.0 / 5040,          1.0 / 120,        -1.0 / 6};
static const double cosine_series[] = {
    1.0 / 20922789888000, -1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800,
    1.0 / 40320,          -1.0 / 720,         1.0 / 24,        -1.0 / 2};

static double polynomial(const double *coefficients, int count, double x)
{
    double value = coefficients[0];
    for (int i = 1; i < count; i++) value = fma(value, x, coefficients[i]);
    return value;
}

/* ln x for normal x > 0. With x = 2^e m, m in [sqrt(1/2), sqrt(2)), and s = (m - 1) / (m + 1):
   ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...), where s^2 < 0.0295. */
static double logarithm(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp0) { /* sqrt(2) */
        m *= 0.5;
        exponent++;
    }
    double s = (m - 1) / (m + 1), square = s * s, twice = 2 * s;
    double series = polynomial(artanh_series, sizeof artanh_series / sizeof(double), square);
    double logarithm_of_m = fma(twice * square, series, twice);
    /* ln 2 in two parts, for the digits beyond a double */
    double low = fma(exponent, 0x1.ef35793c76730p-45, logarithm_of_m);
    return fma(exponent, 0x1.62e42fefa3800p-1, low);
}

/* sin x and cos x for |x| <= pi/4, by their series at 0. */
static double sine(double x)
{
    double square = x * x;
    double series = polynomial(sine_series, sizeof sine_series / sizeof(double), square);
    return fma(x * square, series, x);
}

static double cosine(double x)
{
    double square = x * x;
    double series = polynomial(cosine_series, sizeof cosine_series / sizeof(double), square);
    return fma(square, series, 1);
}

/* cos(2 pi turn) for turn in [0, 1). Quarters of a turn are taken off without rounding. */
static double cosine_of_turn(double turn)
{
    int quarters = (int)(4 * turn + 0.5);
    double x = (4 * turn - quarters) * 0x1.921fb54442d18p0; /* pi / 2 */
    double value = quarters % 2 == 0 ? cosine(x) : sine(x);
    return quarters == 1 || quarters == 2 ? -value : value;
}

/* sqrt(-2 ln u) cos(2 pi v) with u in (0, 1], v in [0, 1). The square root is exact by IEEE 754, fma too. */
double ls_random_normal(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b)
{
    ls_random_words random = ls_random(seed, purpose, a, b);
    double u = (double)((join_words(random.word[0], random.word[1]) >> 11) + 1) * 0x1p-53;
    double v = (double)(join_words(random.word[2], random.word[3]) >> 11) * 0x1p-53;
    return sqrt(-2 * logarithm(u)) * cosine_of_turn(v);
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
