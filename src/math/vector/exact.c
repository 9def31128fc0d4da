/* Exact sums of tiles (base/exact.h) and the maxima from which their scales come. Integer sums and maxima do
   not depend on order, and each element is converted by itself: nothing here depends on the width of vectors.
 */
#include <string.h>
#include "math/vector/activation.h"
#include "math/vector/few.h"

#if LS_LEVEL == 0

LS_INLINE int64_t largest_of_vectors(const float *x, int64_t count, uint32_t *largest)
{
    (void)x, (void)count, (void)largest;
    return 0;
}

#else

/* Of the first elements, LS_LANES at a time; returns how many those are. */
LS_INLINE int64_t largest_of_vectors(const float *x, int64_t count, uint32_t *largest)
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    int64_t i = 0;
#if LS_LEVEL == 2
    __m512i both = _mm512_setzero_si512();
    for (; i + LS_LANES <= count; i += LS_LANES)
        both = _mm512_max_epu32(
            both, _mm512_and_si512(_mm512_loadu_si512(x + i), _mm512_broadcast_i64x4(magnitude)));
    __m256i eight = _mm256_max_epu32(_mm512_castsi512_si256(both), _mm512_extracti64x4_epi64(both, 1));
#else
    __m256i low = _mm256_setzero_si256(), high = low;
    for (; i + LS_LANES <= count; i += LS_LANES) {
        low =
            _mm256_max_epu32(low, _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(x + i)), magnitude));
        high = _mm256_max_epu32(
            high, _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(x + i + WIDTH)), magnitude));
    }
    __m256i eight = _mm256_max_epu32(low, high);
#endif
    __m128i four = _mm_max_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0xb1));
    *largest = (uint32_t)_mm_cvtsi128_si32(four);
    return i;
}

#endif

uint32_t LS_VARIANT(ls_largest)(const float *x, int64_t count)
{
    uint32_t largest = 0;
    for (int64_t i = largest_of_vectors(x, count, &largest); i < count; i++) {
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

void LS_VARIANT(ls_exact_close)(ls_exact_scale scale, uint64_t terms, double factor, int64_t rows,
                                int64_t columns, const float *last, int64_t ldl, const uint64_t *sum,
                                int64_t lds, float *x, int64_t ldx)
{
    for (int64_t r = 0; r < rows; r++, x += ldx, last += ldl) {
        if (sum == NULL) {
            FOR_COLUMNS(
                x[i] = (float)(ls_exact_value(scale, ls_exact_term(scale, (double)last[i]), terms) * factor));
            continue;
        }
        FOR_COLUMNS(x[i] =
                        (float)(ls_exact_value(scale, sum[i] + ls_exact_term(scale, (double)last[i]), terms) *
                                factor));
        sum += lds;
    }
}

void LS_VARIANT(ls_add_integers)(const uint64_t *x, uint64_t *sum, int64_t count)
{
    const int64_t columns = count;
    FOR_COLUMNS(sum[i] += x[i]);
}

enum { HALF = LS_LANES / 2 }; /* columns at a time: small parameters seldom have more */

typedef float half_vector __attribute__((vector_size(HALF * sizeof(float))));
/* Elements of two rows change places. */
#define EXCHANGE(A, B, LOW, HIGH)                                                                            \
    do {                                                                                                     \
        half_vector first_ = __builtin_shufflevector(A, B, LOW);                                             \
        (B) = __builtin_shufflevector(A, B, HIGH);                                                           \
        (A) = first_;                                                                                        \
    } while (0)
#define LOW_ONES   0, 8, 2, 10, 4, 12, 6, 14
#define HIGH_ONES  1, 9, 3, 11, 5, 13, 7, 15
#define LOW_TWOS   0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_TWOS  2, 3, 10, 11, 6, 7, 14, 15
#define LOW_FOURS  0, 1, 2, 3, 8, 9, 10, 11
#define HIGH_FOURS 4, 5, 6, 7, 12, 13, 14, 15

LS_INLINE void transpose_half(half_vector v[HALF])
{
    LS_UNROLL for (int n = 0; n < HALF; n += 2) EXCHANGE(v[n], v[n + 1], LOW_ONES, HIGH_ONES);
    LS_UNROLL for (int n = 0; n < HALF; n++)
    {
        if (!(n & 2)) EXCHANGE(v[n], v[n + 2], LOW_TWOS, HIGH_TWOS);
    }
    LS_UNROLL for (int n = 0; n < HALF / 2; n++) EXCHANGE(v[n], v[n + 4], LOW_FOURS, HIGH_FOURS);
}

/* Columns of right with samples as rows: packed[s][n], by vectors: what is stored in floats and loaded as a
   vector right after would wait. lanes is a multiple of LS_LANES, so whole vectors of samples can be read. */
LS_INLINE void pack_small(const ls_small_outer *outer, int64_t first, float packed[LS_BLOCK][HALF])
{
    int64_t used = outer->N - first < HALF ? outer->N - first : HALF;
    for (int64_t s = 0; s < outer->rows; s += HALF) {
        half_vector v[HALF] = {0};
        LS_UNROLL for (int n = 0; n < HALF; n++)
        {
            if (n < used) memcpy(&v[n], outer->right + (first + n) * outer->lanes + s, sizeof v[n]);
        }
        transpose_half(v);
        LS_UNROLL for (int n = 0; n < HALF; n++) memcpy(packed[s + n], &v[n], sizeof v[n]);
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

/* Apart, so that few columns need not make room for what it keeps. */
static __attribute__((noinline)) void outer_by_columns(const ls_small_outer *outer)
{
    float packed[LS_BLOCK][HALF] __attribute__((aligned(64)));
    for (int64_t first = 0; first < outer->N; first += HALF) {
        pack_small(outer, first, packed);
        for (int64_t m = 0; m < outer->M; m++) {
            const float *left = outer->left ? outer->left + m * outer->lanes : NULL;
            small_row(outer, left, packed, outer->gradient + m * outer->ld + first);
        }
    }
    for (int64_t m = 0; m < outer->M && outer->N <= HALF; m++)
        memset(outer->gradient + m * outer->ld + HALF, 0, HALF * sizeof(float));
}

void LS_VARIANT(ls_exact_outer)(const ls_small_outer *outer)
{
    if (outer->N <= FEW && outer->grain <= 2)
        ls_few_columns(outer);
    else
        outer_by_columns(outer);
}
