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

/* gcc converts half vectors where it is asked for whole ones. */
LS_INLINE void few_widen(few_floats v, few_doubles *wide)
{
#if LS_LEVEL == 0
    *wide = __builtin_convertvector(v, few_doubles);
#else
    *wide = (few_doubles)_mm256_cvtps_pd((__m128)v);
#endif
}

LS_INLINE few_floats few_narrow(const few_doubles *v)
{
#if LS_LEVEL == 0
    return __builtin_convertvector(*v, few_floats);
#else
    return (few_floats)_mm256_cvtpd_ps((__m256d)*v);
#endif
}

/* The terms of FEW samples, lane by lane. pairs: grains of two samples, whose chains end in the second; the
   first lanes are 0. A sample that is not there has left 0 and changes no chain (but the sign of a zero,
   which the sum does not see). */
LS_INLINE void few_terms(bool pairs, double magic, few_floats left, few_floats right, few_words *term)
{
    const few_words second = {0, ~UINT64_C(0), 0, ~UINT64_C(0)};
    few_floats chain = left * right;
    if (pairs) chain = few_fused(left, right, __builtin_shufflevector(chain, chain, 0, 0, 2, 2));
    few_doubles wide;
    few_widen(chain, &wide);
    *term = (few_words)(wide + magic);
    if (pairs) *term &= second;
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

/* What is the same for all rows of a gradient. */
typedef struct few_call {
    const float *right[FEW]; /* zeros for the columns that are not there */
    int64_t rows;            /* samples */
    double magic, factor;
    uint64_t without; /* what the sums hold beside the numbers */
} few_call;

/* One row of the gradient; left NULL: ones. */
LS_INLINE few_floats few_row(bool pairs, const few_call *call, const float *left)
{
    const few_floats ones = {1, 1, 1, 1};
    few_words sum[FEW], term, total;
    few_floats factor = few_first(call->rows, left ? few_load(left) : ones);
    LS_UNROLL for (int n = 0; n < FEW; n++)
        few_terms(pairs, call->magic, factor, few_load(call->right[n]), &sum[n]);
    for (int64_t s = FEW; s < call->rows; s += FEW) {
        factor = few_first(call->rows - s, left ? few_load(left + s) : ones);
        LS_UNROLL for (int n = 0; n < FEW; n++)
        {
            few_terms(pairs, call->magic, factor, few_load(call->right[n] + s), &term);
            sum[n] += term;
        }
    }
    few_totals(sum, &total);
    few_doubles value = ((few_doubles)(total - call->without) - call->magic) * call->factor;
    return few_narrow(&value);
}

LS_INLINE void few_rows(bool pairs, const ls_small_outer *outer)
{
    static const float zeros[LS_BLOCK];
    const int64_t M = outer->M, N = outer->N;
    const uint64_t samples = ((uint64_t)outer->rows + FEW - 1) / FEW * FEW;
    few_call call = {.rows = outer->rows, .magic = outer->scale.magic, .factor = outer->factor};
    /* The terms of missing samples are 0. */
    call.without = ((pairs ? samples / 2 : samples) - 1) * outer->scale.magic_bits;
    LS_UNROLL for (int n = 0; n < FEW; n++) call.right[n] = n < N ? outer->right + n * outer->lanes : zeros;
    const float *left = outer->left;
    float *to = outer->gradient;
    for (int64_t m = 0; m < M; m++, to += outer->ld) {
        few_store(few_row(pairs, &call, left), to);
        if (left) left += outer->lanes;
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
