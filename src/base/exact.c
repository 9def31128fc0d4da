/* The step of an exact sum. */
#include <assert.h>
#include "base/exact.h"

/* 2^exponent for exponents of normal numbers, by its bit pattern: no rounding and no library. */
static double power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* Rounding to whole steps can raise each term by half a step, hence 2^31 terms by 2^30 steps together. So E
   is the smallest exponent with bound <= 2^E - 2^30 q = 2^E (1 - 2^-21), which keeps even the worst partial
   sum within 2^51 steps. The smallest scale, that of all bounds below 2^-1022, has q = 2^-1073. */
ls_exact_scale ls_exact_scale_for(double bound)
{
    assert(bound >= 0 && bound <= 0x1p1020);
    uint64_t bits;
    memcpy(&bits, &bound, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7FF) - 1022; /* bound < 2^exponent */
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    uint64_t largest = (UINT64_C(1) << 52) - (UINT64_C(1) << 32); /* of 2 (1 - 2^-21) = 1.mantissa */
    if (mantissa > largest) exponent++;

    ls_exact_scale scale;
    scale.magic = 1.5 * power_of_two(exponent + 1);
    memcpy(&scale.magic_bits, &scale.magic, sizeof scale.magic_bits);
    return scale;
}
