/* Sums over the lanes of many vectors at once. */
#ifndef LS_MATH_VECTOR_LANE_SUMS_H
#define LS_MATH_VECTOR_LANE_SUMS_H

#include "math/vector/isa.h"

#if LS_LEVEL == 0

LS_INLINE void ls_lane_sums_of(const float *x, float *sum)
{
    for (int v = 0; v < LS_LANES; v++, x += LS_LANES) {
        float lane[LS_LANES];
        for (int n = 0; n < LS_LANES; n++) lane[n] = x[n];
        for (int count = LS_LANES / 2; count > 0; count /= 2)
            for (int n = 0; n < count; n++) lane[n] = lane[2 * n] + lane[2 * n + 1];
        sum[v] = lane[0];
    }
}

#else

#include "math/vector/simd.h"

/* In each quarter the sums of neighbours: two of a, two of b. */
LS_INLINE vector ls_neighbours(vector a, vector b)
{
#if LS_LEVEL == 2
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
#else
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
#endif
}

/* The sums of neighbouring quarters: those of a, then those of b. */
LS_INLINE vector ls_neighbouring_quarters(vector a, vector b)
{
#if LS_LEVEL == 2
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
#else
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
#endif
}

/* Of four times LS_LANES lanes: each quarter the sums of four lanes of each. */
LS_INLINE vector ls_sums_of_fours(const float *x)
{
    return ls_neighbours(ls_neighbours(LOAD(x), LOAD(x + LS_LANES)),
                         ls_neighbours(LOAD(x + 2 * LS_LANES), LOAD(x + 3 * LS_LANES)));
}

LS_INLINE void ls_lane_sums_of(const float *x, float *sum)
{
    const float *const second = x + 4 * LS_LANES, *const third = second + 4 * LS_LANES,
                       *const fourth = third + 4 * LS_LANES;
#if LS_LEVEL == 2
    vector low = ls_neighbouring_quarters(ls_sums_of_fours(x), ls_sums_of_fours(second));
    vector high = ls_neighbouring_quarters(ls_sums_of_fours(third), ls_sums_of_fours(fourth));
    STORE(sum, ls_neighbouring_quarters(low, high));
#else
    vector low[2], high[2];
    for (int half = 0; half < 2; half++) {
        const int n = half * WIDTH;
        low[half] = ls_neighbouring_quarters(ls_sums_of_fours(x + n), ls_sums_of_fours(second + n));
        high[half] = ls_neighbouring_quarters(ls_sums_of_fours(third + n), ls_sums_of_fours(fourth + n));
    }
    STORE(sum, _mm256_add_ps(low[0], low[1]));
    STORE(sum + WIDTH, _mm256_add_ps(high[0], high[1]));
#endif
}

#endif

/* sum[i] = the sum of lanes i * LS_LANES .. + 15 for i < count, added in pairs: neighbours, then neighbouring
 * pairs, and so on. Works in place. Up to the next multiple of LS_LANES of i is read and written. */
static inline void ls_lane_sums(const float *x, int64_t count, float *sum)
{
    for (int64_t i = 0; i < count; i += LS_LANES) ls_lane_sums_of(x + i * LS_LANES, sum + i);
}

#endif
