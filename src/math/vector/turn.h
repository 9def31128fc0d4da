/* A square of LS_LANES by LS_LANES numbers turned over its diagonal. */
#ifndef LS_MATH_VECTOR_TURN_H
#define LS_MATH_VECTOR_TURN_H

#include "math/vector/isa.h"

#if LS_LEVEL == 0

LS_INLINE void ls_turn(const float *from, int64_t distance, int64_t rows, float *to, int64_t ld)
{
    for (int64_t k = 0; k < LS_LANES; k++)
        for (int64_t n = 0; n < LS_LANES; n++) to[k * ld + n] = from[(n < rows ? n : 0) * distance + k];
}

#else

#include "math/vector/simd.h"

#if LS_LEVEL == 2
#define LS_TURN(name) _mm512_##name
#else
#define LS_TURN(name) _mm256_##name
#endif

LS_INLINE vector ls_pairs(bool high, vector a, vector b)
{
    __typeof__(LS_TURN(castps_pd)(a)) x = LS_TURN(castps_pd)(a), y = LS_TURN(castps_pd)(b);
    return LS_TURN(castpd_ps)(high ? LS_TURN(unpackhi_pd)(x, y) : LS_TURN(unpacklo_pd)(x, y));
}

/* In each quarter: column[j] holds number j of the four rows. */
LS_INLINE void ls_turn_quarters(const vector row[4], vector column[4])
{
    vector low_ab = LS_TURN(unpacklo_ps)(row[0], row[1]), high_ab = LS_TURN(unpackhi_ps)(row[0], row[1]);
    vector low_cd = LS_TURN(unpacklo_ps)(row[2], row[3]), high_cd = LS_TURN(unpackhi_ps)(row[2], row[3]);
    column[0] = ls_pairs(false, low_ab, low_cd);
    column[1] = ls_pairs(true, low_ab, low_cd);
    column[2] = ls_pairs(false, high_ab, high_cd);
    column[3] = ls_pairs(true, high_ab, high_cd);
}

/* Four rows from row first: quarter p of column[j] holds column 4p + j of the four. Each row is loaded once,
   as rows may lie at distances that fall into one set of the cache. */
LS_INLINE void ls_turn_four(const float *from, int64_t distance, int64_t rows, int64_t first, vector *column)
{
    vector row[4];
    LS_UNROLL for (int i = 0; i < 4; i++) row[i] = LOAD(from + (first + i < rows ? first + i : 0) * distance);
    ls_turn_quarters(row, column);
}

/* to[k * ld + n] = from[n * distance + k] for k < LS_LANES, n < rows (at most LS_LANES); the numbers of row 0
   for n from rows to LS_LANES - 1. */
LS_INLINE void ls_turn(const float *from, int64_t distance, int64_t rows, float *to, int64_t ld)
{
#if LS_LEVEL == 2
    vector q[4][4];
    LS_UNROLL for (int i = 0; i < 4; i++) ls_turn_four(from, distance, rows, 4 * i, q[i]);
    LS_UNROLL for (int j = 0; j < 4; j++)
    {
        vector a = _mm512_shuffle_f32x4(q[0][j], q[1][j], 0x44),
               b = _mm512_shuffle_f32x4(q[2][j], q[3][j], 0x44),
               c = _mm512_shuffle_f32x4(q[0][j], q[1][j], 0xee),
               d = _mm512_shuffle_f32x4(q[2][j], q[3][j], 0xee);
        STORE(to + j * ld, _mm512_shuffle_f32x4(a, b, 0x88));
        STORE(to + (4 + j) * ld, _mm512_shuffle_f32x4(a, b, 0xdd));
        STORE(to + (8 + j) * ld, _mm512_shuffle_f32x4(c, d, 0x88));
        STORE(to + (12 + j) * ld, _mm512_shuffle_f32x4(c, d, 0xdd));
    }
#else
    for (int64_t k = 0; k < LS_LANES; k += WIDTH)
        for (int64_t n = 0; n < LS_LANES; n += WIDTH) {
            vector q[2][4];
            LS_UNROLL for (int i = 0; i < 2; i++) ls_turn_four(from + k, distance, rows, n + 4 * i, q[i]);
            LS_UNROLL for (int j = 0; j < 4; j++)
            {
                STORE(to + (k + j) * ld + n, _mm256_permute2f128_ps(q[0][j], q[1][j], 0x20));
                STORE(to + (k + 4 + j) * ld + n, _mm256_permute2f128_ps(q[0][j], q[1][j], 0x31));
            }
        }
#endif
}

#endif

#endif
