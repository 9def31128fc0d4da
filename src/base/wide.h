/* A wide accumulator (Kulisch): the exact sum of any number (< 2^31) of doubles that are float32 values or
   products of two float32 values, hence independent of order and grouping, and summable over ranks as
   integers. Digits of 32 bits in int64 limbs leave 31 bits of headroom for carries; ls_wide_normalise settles
   them. Non-finite terms are counted apart, and so are terms of 2^288 or more. */
#ifndef LS_BASE_WIDE_H
#define LS_BASE_WIDE_H

#include <stdint.h>

enum { LS_WIDE_LIMBS = 20 }; /* 2^-320 .. 2^288 and headroom */

typedef struct ls_wide {
    int64_t limb[LS_WIDE_LIMBS];
    int64_t nonfinite; /* infinite, NaN or too large; the value is then NaN */
} ls_wide;

void ls_wide_clear(ls_wide *sum);
/* Exact if term is a multiple of 2^-320 (smaller digits are cut off, alike in any order). */
void ls_wide_add(ls_wide *sum, double term);
/* The same for count numbers. */
void ls_wide_add_floats(ls_wide *sum, const float *term, int64_t count);
void ls_wide_merge(ls_wide *sum, const ls_wide *other);
void ls_wide_normalise(ls_wide *sum); /* unique representation; do so before summing over ranks as int64 */
double ls_wide_value(const ls_wide *sum); /* correctly rounded to nearest even */

#endif
