/* Exact sums of the gradients: every term is rounded once to a multiple of a power of two q, then added as an
   integer, so that the sum does not depend on order or grouping.

   For at most 2^31 terms x_i with sum of |x_i| <= bound take the smallest E with 2^E (1 - 2^-21) >= bound and
   q = 2^(E-51). The bit pattern of the double x + 1.5*2^52*q is magic_bits + round(x/q), so adding patterns
   modulo 2^64 adds the integers. Any partial sum is at most 2^51 steps, roundings included, within the
   mantissa: no overflow for any partition. (Derivation: docs/layout-invariance.md.) */
#ifndef LS_BASE_EXACT_H
#define LS_BASE_EXACT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct ls_exact_scale {
    double magic;        /* 1.5 * 2^52 * q */
    uint64_t magic_bits; /* its bit pattern */
} ls_exact_scale;

/* The scale for terms whose absolute values sum up to at most bound (0 <= bound <= 2^1020; 0 gives the
 * smallest scale). Rounding to whole steps can raise each term by half a step, hence 2^31 terms by 2^30 steps
 * together. So E is the smallest exponent with bound <= 2^E - 2^30 q = 2^E (1 - 2^-21), which keeps even the
 * worst partial sum within 2^51 steps. The smallest scale, that of all bounds below 2^-1022, has q = 2^-1073.
 */
static inline ls_exact_scale ls_exact_scale_for(double bound)
{
    const uint64_t mantissa_bits = (UINT64_C(1) << 52) - 1;
    const uint64_t largest = (UINT64_C(1) << 52) - (UINT64_C(1) << 32); /* of 2 (1 - 2^-21) = 1.mantissa */
    assert(bound >= 0 && bound <= 0x1p1020);
    uint64_t bits;
    memcpy(&bits, &bound, sizeof bits);
    uint64_t power = (bits >> 52 & 0x7FF) + 1; /* biased: bound < 2^(power - 1023) */
    if ((bits & mantissa_bits) > largest) power++;
    /* 2^52 q is twice 2^E; no rounding and no library. */
    ls_exact_scale scale = {.magic_bits = (power + 1) << 52 | UINT64_C(1) << 51};
    memcpy(&scale.magic, &scale.magic_bits, sizeof scale.magic);
    return scale;
}

static inline uint64_t ls_exact_term(ls_exact_scale scale, double x)
{
    double shifted = x + scale.magic;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits;
}

/* The value of the sum (mod 2^64) of terms patterns, terms >= 1. */
static inline double ls_exact_value(ls_exact_scale scale, uint64_t sum, uint64_t terms)
{
    uint64_t bits = sum - (terms - 1) * scale.magic_bits;
    double shifted;
    memcpy(&shifted, &bits, sizeof shifted);
    return shifted - scale.magic;
}

#endif
