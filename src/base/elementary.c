#include "base/elementary.h"

#include <math.h>
#include <string.h>

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
static const double exponential_series[] = {
    1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
    1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       1.0 / 2,      1,           1};

static double polynomial(const double *coefficients, int count, double x)
{
    double value = coefficients[0];
    for (int i = 1; i < count; i++) value = fma(value, x, coefficients[i]);
    return value;
}

/* With x = 2^e m, m in [sqrt(1/2), sqrt(2)), and s = (m - 1) / (m + 1):
   ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...), where s^2 < 0.0295. */
double ls_logarithm(double x)
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

/* Quarters of a turn are taken off without rounding. */
double ls_cosine_of_turn(double turn)
{
    int quarters = (int)(4 * turn + 0.5);
    double x = (4 * turn - quarters) * 0x1.921fb54442d18p0; /* pi / 2 */
    double value = quarters % 2 == 0 ? cosine(x) : sine(x);
    return quarters == 1 || quarters == 2 ? -value : value;
}

/* 2^exponent for a normal result. */
static double power_of_two(int64_t exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* With x = k ln 2 + r, |r| <= ln(2) / 2: e^x = 2^k e^r, where e^r is its series. */
double ls_exponential(double x)
{
    if (!(x >= -708)) return x != x ? x : 0;
    if (x > 709) return INFINITY;
    int64_t k = (int64_t)(x * 0x1.71547652b82fep0 + (x < 0 ? -0.5 : 0.5)); /* 1 / ln 2 */
    double r = fma(-(double)k, 0x1.62e42fefa3800p-1, x);
    r = fma(-(double)k, 0x1.ef35793c76730p-45, r);
    double value = polynomial(exponential_series, sizeof exponential_series / sizeof(double), r);
    return value * power_of_two(k - 1) * 2; /* k may be 1024 */
}

double ls_power(double base, int64_t exponent)
{
    double result = 1;
    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2 == 1) result *= base;
        base *= base;
    }
    return result;
}

double ls_real_power(double base, double exponent)
{
    if (exponent <= 0x1p53 && exponent == (double)(int64_t)exponent) return ls_power(base, (int64_t)exponent);
    if (base < 0x1p-1022) return 0;
    return ls_exponential(exponent * ls_logarithm(base));
}
