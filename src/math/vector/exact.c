/* Exact sums of tiles (base/exact.h) and the maxima from which their scales come. Integer sums and maxima do
   not depend on order, and each element is converted by itself: nothing here depends on the width of vectors.
 */
#include "math/vector/activation.h"

uint32_t LS_VARIANT(ls_largest)(const float *x, int64_t count)
{
    uint32_t lane[LS_LANES] = {0}, largest = 0;
    int64_t i = 0;
    for (; i + LS_LANES <= count; i += LS_LANES) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
        {
            uint32_t bits = ls_bits_of(x[i + n]) & 0x7fffffffu;
            lane[n] = lane[n] > bits ? lane[n] : bits;
        }
    }
    for (int n = 0; n < LS_LANES; n++) largest = largest > lane[n] ? largest : lane[n];
    for (; i < count; i++) {
        uint32_t bits = ls_bits_of(x[i]) & 0x7fffffffu;
        largest = largest > bits ? largest : bits;
    }
    return largest;
}

/* A statement for each column c of a row: whole groups of lanes first, which become vectors, then the rest.
 */
#define FOR_COLUMNS(statement)                                                                               \
    do {                                                                                                     \
        int64_t c = 0;                                                                                       \
        for (int64_t end = columns - columns % LS_LANES; c < end;) {                                         \
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)                                                \
            {                                                                                                \
                const int64_t i = c + n;                                                                     \
                statement;                                                                                   \
            }                                                                                                \
            c += LS_LANES;                                                                                   \
        }                                                                                                    \
        for (int64_t i = c; i < columns; i++) statement;                                                     \
    } while (0)

void LS_VARIANT(ls_exact_store)(ls_exact_scale scale, int64_t rows, int64_t columns, const float *x,
                                int64_t ldx, uint64_t *sum, int64_t lds)
{
    for (int64_t r = 0; r < rows; r++, x += ldx, sum += lds)
        FOR_COLUMNS(sum[i] = ls_exact_term(scale, (double)x[i]));
}

void LS_VARIANT(ls_exact_add)(ls_exact_scale scale, int64_t rows, int64_t columns, const float *x,
                              int64_t ldx, uint64_t *sum, int64_t lds)
{
    for (int64_t r = 0; r < rows; r++, x += ldx, sum += lds)
        FOR_COLUMNS(sum[i] += ls_exact_term(scale, (double)x[i]));
}

void LS_VARIANT(ls_exact_finish)(ls_exact_scale scale, uint64_t terms, double factor, int64_t rows,
                                 int64_t columns, const uint64_t *sum, int64_t lds, float *x, int64_t ldx)
{
    for (int64_t r = 0; r < rows; r++, x += ldx, sum += lds)
        FOR_COLUMNS(x[i] = (float)(ls_exact_value(scale, sum[i], terms) * factor));
}

enum { HALF = LS_LANES / 2 }; /* columns at a time: small parameters seldom have more */

/* Columns of right with samples as rows: packed[s][n]. */
LS_INLINE void pack_small(const ls_small_outer *outer, int64_t first, float packed[LS_BLOCK][HALF])
{
    int64_t used = outer->N - first < HALF ? outer->N - first : HALF;
    for (int64_t s = 0; used < HALF && s < outer->rows; s++) {
        LS_INDEPENDENT for (int n = 0; n < HALF; n++) packed[s][n] = 0.0f;
    }
    for (int64_t n = 0; n < used; n++) {
        const float *right = outer->right + (first + n) * outer->lanes;
        for (int64_t s = 0; s < outer->rows; s++) packed[s][n] = right[s];
    }
}

/* One row of HALF columns; left NULL: ones. */
LS_INLINE void small_row(const ls_small_outer *outer, const float *left, float packed[LS_BLOCK][HALF],
                         float *to)
{
    uint64_t sum[HALF] = {0};
    for (int64_t begin = 0, end; begin < outer->rows; begin = end) {
        float chain[HALF] = {0};
        end = outer->rows - begin < outer->grain ? outer->rows : begin + outer->grain;
        for (int64_t s = begin; s < end; s++) {
            const float factor = left ? left[s] : 1.0f;
            LS_INDEPENDENT for (int n = 0; n < HALF; n++) chain[n] =
                __builtin_fmaf(factor, packed[s][n], chain[n]);
        }
        LS_INDEPENDENT for (int n = 0; n < HALF; n++) sum[n] += ls_exact_term(outer->scale, (double)chain[n]);
    }
    const uint64_t without = (outer->terms - 1) * outer->scale.magic_bits;
    LS_INDEPENDENT for (int n = 0; n < HALF; n++) to[n] =
        (float)(ls_exact_value(outer->scale, sum[n] - without, 1) * outer->factor);
}

void LS_VARIANT(ls_exact_outer)(const ls_small_outer *outer)
{
    float packed[LS_BLOCK][HALF] __attribute__((aligned(64)));
    for (int64_t first = 0; first < LS_LANES; first += HALF) {
        if (first < outer->N) pack_small(outer, first, packed);
        for (int64_t m = 0; m < outer->M; m++) {
            float *to = outer->gradient + m * outer->ld + first;
            if (first < outer->N) {
                small_row(outer, outer->left ? outer->left + m * outer->lanes : NULL, packed, to);
            } else {
                LS_INDEPENDENT for (int n = 0; n < HALF; n++) to[n] = 0.0f;
            }
        }
    }
}
