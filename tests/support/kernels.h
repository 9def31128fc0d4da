/* What the tests of the kernels share: the tables to compare, repeatable random numbers, comparison of bits.
 */
#ifndef TESTS_SUPPORT_KERNELS_H
#define TESTS_SUPPORT_KERNELS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <criterion/criterion.h>
#include "math/kernels.h"

/* Table number index of those that this processor runs; NULL behind the last. The first is the reference. */
static inline const ls_kernels *table(int index)
{
    static const char *const names[] = {"generic", "avx2", "avx512"};
    for (int i = 0; i < 3; i++) {
        const ls_kernels *kernels = ls_kernels_named(names[i]);
        if (kernels && index-- == 0) return kernels;
    }
    return NULL;
}

static inline uint32_t random_word(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

/* 0 to n - 1 */
static inline int64_t random_below(int64_t n)
{
    return (int64_t)(random_word() % (uint32_t)n);
}

static inline float random_float(float low, float high)
{
    return low + (high - low) * ((float)(random_word() >> 8) * 0x1p-24f);
}

static inline float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* count floats at a multiple of 64 bytes, random from low to high; free() */
static inline float *random_floats(int64_t count, float low, float high)
{
    float *x = aligned_alloc(64, ((size_t)count * sizeof *x + 127) / 64 * 64);
    for (int64_t i = 0; i < count; i++) x[i] = random_float(low, high);
    return x;
}

static inline float *copy_floats(const float *from, int64_t count)
{
    float *x = random_floats(count, 0.0f, 1.0f);
    memcpy(x, from, (size_t)count * sizeof *x);
    return x;
}

/* The first index where the bits differ, -1 if there is none. All NaNs count as one. */
static inline int64_t first_difference(const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (bits_of_float(a[i]) != bits_of_float(b[i]) && !(isnan(a[i]) && isnan(b[i]))) return i;
    return -1;
}

/* Distance of got from the true value, in units of the last place of a float there. */
static inline double ulps(float got, double truth)
{
    if (isnan(truth) || isnan(got)) return isnan(truth) && isnan(got) ? 0.0 : INFINITY;
    if (isinf(got) || fabs(truth) > 0x1.ffffffp127)
        return (double)got == (double)(float)truth ? 0.0 : INFINITY;
    int exponent;
    frexp(truth, &exponent);
    if (exponent < -125 || truth == 0.0) exponent = -125;
    return fabs((double)got - truth) / ldexp(1.0, exponent - 24);
}

#endif
