/* Gradients of parameters with very few columns in grains of one or two samples: a vector holds the terms of
   one element, a sample or grain in each lane, and the integers are added across lanes at the end. That is
   exact in any order, so the bits are those of the sums by columns (exact.c). */
#ifndef LS_MATH_VECTOR_FEW_H
#define LS_MATH_VECTOR_FEW_H

#include <string.h>
#include "math/vector/isa.h"
#if LS_LEVEL > 0
#include "math/vector/simd.h"
#endif

enum { FEW = 4 /* columns at most, and samples at a time */ };

typedef float few_floats __attribute__((vector_size(FEW * sizeof(float))));
typedef int32_t few_integers __attribute__((vector_size(FEW * sizeof(int32_t))));
typedef double few_doubles __attribute__((vector_size(FEW * sizeof(double))));
typedef uint64_t few_words __attribute__((vector_size(FEW * sizeof(uint64_t))));

LS_INLINE few_floats few_load(const float *from)
{
    few_floats v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* v where the lane is below count, else 0. */
LS_INLINE few_floats few_first(int64_t count, few_floats v)
{
    const few_integers lane = {0, 1, 2, 3};
    if (count >= FEW) return v;
    return (few_floats)((few_integers)v & (lane < (int32_t)count));
}

/* a b + c with one rounding. */
LS_INLINE few_floats few_fused(few_floats a, few_floats b, few_floats c)
{
#if LS_LEVEL == 0
    few_floats y;
    for (int n = 0; n < FEW; n++) y[n] = __builtin_fmaf(a[n], b[n], c[n]);
    return y;
#else
    return (few_floats)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c);
#endif
}

/* Adds the terms of FEW samples to sum, lane by lane. pairs: grains of two samples, whose chains end in the
   second; the first lanes are left out. A sample that is not there has left 0 and changes no chain (but the
   sign of a zero, which the sum does not see). */
LS_INLINE void few_terms(bool pairs, ls_exact_scale scale, few_floats left, few_floats right, few_words *sum)
{
    const few_words second = {0, ~UINT64_C(0), 0, ~UINT64_C(0)};
    few_floats chain = left * right;
    if (pairs) chain = few_fused(left, right, __builtin_shufflevector(chain, chain, 0, 0, 2, 2));
    few_words term = (few_words)(__builtin_convertvector(chain, few_doubles) + scale.magic);
    *sum += pairs ? term & second : term;
}

/* The sums over the lanes of each of four. */
LS_INLINE void few_totals(const few_words sum[FEW], few_words *total)
{
    few_words low = __builtin_shufflevector(sum[0], sum[1], 0, 4, 2, 6) +
                    __builtin_shufflevector(sum[0], sum[1], 1, 5, 3, 7);
    few_words high = __builtin_shufflevector(sum[2], sum[3], 0, 4, 2, 6) +
                     __builtin_shufflevector(sum[2], sum[3], 1, 5, 3, 7);
    *total = __builtin_shufflevector(low, high, 0, 1, 4, 5) + __builtin_shufflevector(low, high, 2, 3, 6, 7);
}

/* LS_LANES columns, all but the first four 0, in stores as wide as the loads that follow soon. */
LS_INLINE void few_store(few_floats v, float *to)
{
#if LS_LEVEL == 2
    STORE(to, _mm512_zextps128_ps512((__m128)v));
#elif LS_LEVEL == 1
    STORE(to, _mm256_zextps128_ps256((__m128)v));
    STORE(to + WIDTH, _mm256_setzero_ps());
#else
    memcpy(to, &v, sizeof v);
    memset(to + FEW, 0, (LS_LANES - FEW) * sizeof *to);
#endif
}

/* One row of the gradient; left NULL: ones. */
LS_INLINE void few_row(bool pairs, const ls_small_outer *outer, const float *left, float *to)
{
    const few_floats ones = {1, 1, 1, 1};
    const int64_t N = outer->N;
    few_words sum[FEW] = {0}, total;
    int64_t s = 0;
    for (; s < outer->rows; s += FEW) {
        const few_floats factor = few_first(outer->rows - s, left ? few_load(left + s) : ones);
        const float *right = outer->right + s;
        LS_UNROLL for (int n = 0; n < FEW; n++, right += outer->lanes)
        {
            if (n < N) few_terms(pairs, outer->scale, factor, few_load(right), &sum[n]);
        }
    }
    few_totals(sum, &total);
    const int64_t terms = pairs ? s / 2 : s; /* those of missing samples are 0 */
    total -= (uint64_t)(terms - 1) * outer->scale.magic_bits;
    few_doubles value = ((few_doubles)total - outer->scale.magic) * outer->factor;
    few_store(few_first(N, __builtin_convertvector(value, few_floats)), to);
}

LS_INLINE void few_rows(bool pairs, const ls_small_outer *outer)
{
    for (int64_t m = 0; m < outer->M; m++) {
        const float *left = outer->left ? outer->left + m * outer->lanes : NULL;
        few_row(pairs, outer, left, outer->gradient + m * outer->ld);
    }
}

/* For N up to FEW and grains of one or two samples. */
LS_INLINE void ls_few_columns(const ls_small_outer *outer)
{
    if (outer->grain == 1)
        few_rows(false, outer);
    else
        few_rows(true, outer);
}

#endif
