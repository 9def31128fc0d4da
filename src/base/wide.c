/* The wide accumulator. Limb i counts units of 2^(32 i - 320). A term below 2^288 reaches three limbs at
   most, with one digit of 32 bits each, so 2^31 terms stay below 2^63 in every limb, and their sum below
   2^319. */
#include <stdbool.h>
#include <string.h>
#include "base/wide.h"

enum { LOWEST_EXPONENT = -320, DIGIT_BITS = 32 };
#define DIGIT_MASK INT64_C(0xFFFFFFFF)

void ls_wide_clear(ls_wide *sum)
{
    memset(sum, 0, sizeof *sum);
}

void ls_wide_add(ls_wide *sum, double term)
{
    uint64_t bits;
    memcpy(&bits, &term, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7FF);
    uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    int position = exponent - 1075 - LOWEST_EXPONENT; /* term = mantissa * 2^position units */
    if (__builtin_expect(position < 0, 0)) {
        if (position <= -53) return; /* zero, or nothing of it reaches the lowest unit */
        mantissa >>= -position;
        position = 0;
    }
    if (__builtin_expect(exponent >= 1023 + 288, 0)) {
        sum->nonfinite++;
        return;
    }
    int shift = position % DIGIT_BITS;
    int64_t *limb = &sum->limb[position / DIGIT_BITS];
    uint64_t upper = mantissa >> (DIGIT_BITS - shift);
    int64_t sign = -(int64_t)(bits >> 63); /* 0 or -1: (x ^ sign) - sign is x or -x */
    limb[0] += ((int64_t)(mantissa << shift & DIGIT_MASK) ^ sign) - sign;
    limb[1] += ((int64_t)(upper & DIGIT_MASK) ^ sign) - sign;
    limb[2] += ((int64_t)(upper >> DIGIT_BITS) ^ sign) - sign;
}

/* A float has so few digits that they reach two limbs only, and none of it lies below the lowest unit. */
void ls_wide_add_floats(ls_wide *sum, const float *term, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &term[i], sizeof bits);
        uint32_t exponent = bits >> 23 & 0xFF, normal = exponent > 0;
        if (__builtin_expect(exponent == 0xFF, 0)) {
            sum->nonfinite++;
            continue;
        }
        uint32_t mantissa = (bits & ((1u << 23) - 1)) | normal << 23;
        uint32_t position = exponent + (1 - normal) + (uint32_t)(-150 - LOWEST_EXPONENT);
        int64_t *limb = &sum->limb[position / DIGIT_BITS];
        int64_t sign = -(int64_t)(bits >> 31),
                digits = (int64_t)((uint64_t)mantissa << position % DIGIT_BITS);
        limb[0] += ((digits & DIGIT_MASK) ^ sign) - sign;
        limb[1] += ((digits >> DIGIT_BITS) ^ sign) - sign;
    }
}

void ls_wide_merge(ls_wide *sum, const ls_wide *other)
{
    for (int i = 0; i < LS_WIDE_LIMBS; i++) sum->limb[i] += other->limb[i];
    sum->nonfinite += other->nonfinite;
}

/* All digits but the last end up in 0 .. 2^32-1; the last one carries the sign. */
void ls_wide_normalise(ls_wide *sum)
{
    int64_t carry = 0;
    for (int i = 0; i < LS_WIDE_LIMBS - 1; i++) {
        int64_t limb = sum->limb[i] + carry;
        sum->limb[i] = limb & DIGIT_MASK;
        carry = limb >> DIGIT_BITS;
    }
    sum->limb[LS_WIDE_LIMBS - 1] += carry;
}

static double power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* The digit at index of digits without sign, 0 below the lowest. */
static uint64_t digit_at(const ls_wide *sum, int index)
{
    return index >= 0 ? (uint64_t)sum->limb[index] : 0;
}

/* The value of normalised digits that are not negative: the leading 64 bits, with all that follows folded
   into the last of them, leave one correct rounding to the conversion. */
static double round_digits(const ls_wide *sum)
{
    int top = LS_WIDE_LIMBS - 1;
    while (top >= 0 && sum->limb[top] == 0) top--;
    if (top < 0) return 0;
    int zeros = __builtin_clzll(digit_at(sum, top)) - DIGIT_BITS;
    uint64_t leading = digit_at(sum, top) << DIGIT_BITS | digit_at(sum, top - 1);
    uint64_t next = digit_at(sum, top - 2) << zeros;
    leading = leading << zeros | next >> DIGIT_BITS;
    bool more = (next & DIGIT_MASK) != 0;
    for (int i = top - 3; i >= 0 && !more; i--) more = sum->limb[i] != 0;
    return (double)(leading | more) * power_of_two(LOWEST_EXPONENT + DIGIT_BITS * (top - 1) - zeros);
}

double ls_wide_value(const ls_wide *sum)
{
    if (sum->nonfinite != 0) return __builtin_nan("");
    ls_wide digits = *sum;
    ls_wide_normalise(&digits);
    bool negative = digits.limb[LS_WIDE_LIMBS - 1] < 0;
    if (negative) {
        for (int i = 0; i < LS_WIDE_LIMBS; i++) digits.limb[i] = -digits.limb[i];
        ls_wide_normalise(&digits);
    }
    double magnitude = round_digits(&digits);
    return negative ? -magnitude : magnitude;
}
