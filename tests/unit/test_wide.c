/* The wide accumulator against a plain big integer in bytes. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include "base/wide.h"

enum { CASES = 20000, TERMS_MAX = 64 };

static uint64_t state;

static uint64_t draw(void)
{
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static int draw_between(int low, int high)
{
    return low + (int)(draw() % (uint64_t)(high - low + 1));
}

/* A number in two's complement, units of 2^-1080, one byte a digit: room for every double. */
enum { BIG_BYTES = 280, BIG_UNIT = -1080 };
typedef struct big {
    unsigned char byte[BIG_BYTES];
} big;

static void big_negate(big *b)
{
    int carry = 1;
    for (int i = 0; i < BIG_BYTES; i++) {
        int digit = (unsigned char)~b->byte[i] + carry;
        b->byte[i] = (unsigned char)digit;
        carry = digit >> 8;
    }
}

static void big_add(big *b, const big *other)
{
    int carry = 0;
    for (int i = 0; i < BIG_BYTES; i++) {
        int digit = b->byte[i] + other->byte[i] + carry;
        b->byte[i] = (unsigned char)digit;
        carry = digit >> 8;
    }
}

static big big_from(double x)
{
    big b = {{0}};
    int exponent;
    double fraction = frexp(fabs(x), &exponent);
    uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
    for (int bit = 0; bit < 53; bit++) {
        int place = exponent - 53 - BIG_UNIT + bit;
        if (mantissa >> bit & 1) b.byte[place / 8] |= (unsigned char)(1 << place % 8);
    }
    if (x < 0) big_negate(&b);
    return b;
}

static int big_bit(const big *b, int place)
{
    return place < 0 ? 0 : b->byte[place / 8] >> place % 8 & 1;
}

/* The nearest double, halves to even, digit by digit. */
static double big_value(big b)
{
    bool negative = b.byte[BIG_BYTES - 1] & 0x80;
    if (negative) big_negate(&b);
    int top = 8 * BIG_BYTES - 1;
    while (top >= 0 && !big_bit(&b, top)) top--;
    if (top < 0) return 0;
    uint64_t mantissa = 0;
    for (int i = 0; i < 53; i++) mantissa = mantissa << 1 | (uint64_t)big_bit(&b, top - i);
    int half = big_bit(&b, top - 53), rest = 0;
    for (int place = top - 54; place >= 0 && !rest; place--) rest = big_bit(&b, place);
    if (half && (rest || mantissa & 1)) mantissa++;
    double value = ldexp((double)mantissa, top - 52 + BIG_UNIT);
    return negative ? -value : value;
}

static bool same_bits(double x, double y)
{
    return memcmp(&x, &y, sizeof x) == 0;
}

static float draw_float(void)
{
    float x;
    uint32_t bits;
    do {
        bits = (uint32_t)draw();
        if (draw() % 8 == 0) bits &= 0x807FFFFF; /* subnormal */
        memcpy(&x, &bits, sizeof x);
    } while (!isfinite(x));
    return x;
}

/* Floats and products of floats over the whole range or in narrow ranges; some take others back; some lie
   just beside the middle between two doubles of the sum so far. */
static double draw_term(const double *before, int count, int kind)
{
    if (count > 0 && draw() % 4 == 0) return -before[draw() % (uint64_t)count];
    if (count > 0 && draw() % 8 == 0) {
        double half = ldexp(before[draw() % (uint64_t)count], -53 + draw_between(-1, 1));
        return fabs(half) < 0x1p-245 ? 0 : half;
    }
    switch (kind) {
    case 0:
        return draw_float();
    case 1:
        return (double)draw_float() * draw_float();
    case 2:
        return ldexp((double)(int64_t)draw(), draw_between(-70, -50));
    default:
        return ldexp((double)(int32_t)draw(), draw_between(-298, 220));
    }
}

static int draw_terms(double *term, big *exact)
{
    int count = draw() % 8 == 0 ? 1 : draw_between(2, TERMS_MAX), kind = draw_between(0, 3);
    memset(exact, 0, sizeof *exact);
    for (int i = 0; i < count; i++) {
        term[i] = draw_term(term, i, kind);
        big b = big_from(term[i]);
        big_add(exact, &b);
    }
    return count;
}

/* Adds the terms in random order to accumulators of random parts, some normalised on the way, then merged. */
static ls_wide add_in_parts(double *term, int count)
{
    enum { PARTS = 5 };
    ls_wide part[PARTS];
    for (int i = 0; i < PARTS; i++) ls_wide_clear(&part[i]);
    for (int i = count - 1; i >= 0; i--) {
        int j = draw_between(0, i);
        double kept = term[i];
        term[i] = term[j];
        term[j] = kept;
        ls_wide *sum = &part[draw() % PARTS];
        ls_wide_add(sum, term[i]);
        if (draw() % 16 == 0) ls_wide_normalise(sum);
    }
    for (int i = 1; i < PARTS; i++) ls_wide_merge(&part[0], &part[i]);
    return part[0];
}

Test(wide, any_order_and_partition_gives_the_rounded_exact_sum)
{
    state = 1;
    for (int number = 0; number < CASES; number++) {
        double term[TERMS_MAX];
        big exact;
        int count = draw_terms(term, &exact);
        double expected = big_value(exact);
        ls_wide first = add_in_parts(term, count), second = add_in_parts(term, count);
        double value = ls_wide_value(&first);
        cr_assert(same_bits(value, expected), "case %d: %a is not %a", number, value, expected);
        ls_wide_normalise(&first);
        ls_wide_normalise(&second);
        cr_assert_eq(memcmp(&first, &second, sizeof first), 0, "case %d", number);
        cr_assert(same_bits(ls_wide_value(&first), expected), "case %d", number);
        for (int i = 0; i < LS_WIDE_LIMBS - 1; i++)
            cr_assert(first.limb[i] >= 0 && first.limb[i] >> 32 == 0, "case %d", number);
    }
}

/* The big integer of the tests itself, on sums that are known. */
Test(wide, reference_is_right)
{
    big sum = big_from(0x1p60), other = big_from(1);
    big_add(&sum, &other);
    other = big_from(-0x1p60);
    big_add(&sum, &other);
    cr_assert(same_bits(big_value(sum), 1));
    sum = big_from(1);
    other = big_from(0x1p-53);
    big_add(&sum, &other);
    cr_assert(same_bits(big_value(sum), 1));
    other = big_from(0x1p-298);
    big_add(&sum, &other);
    cr_assert(same_bits(big_value(sum), 1 + 0x1p-52));
    cr_assert(same_bits(big_value(big_from(-0.1)), -0.1));
}

Test(wide, rounds_to_nearest_even)
{
    double tiny[] = {0, 0x1p-298, -0x1p-298};
    double expected[2][3] = {{1, 1 + 0x1p-52, 1}, {1 + 0x1p-51, 1 + 0x1p-51, 1 + 0x1p-52}};
    for (int odd = 0; odd < 2; odd++) {
        for (int i = 0; i < 3; i++) {
            ls_wide sum;
            ls_wide_clear(&sum);
            ls_wide_add(&sum, 1 + odd * 0x1p-52);
            ls_wide_add(&sum, 0x1p-53);
            ls_wide_add(&sum, tiny[i]);
            cr_assert(same_bits(ls_wide_value(&sum), expected[odd][i]), "%d %d", odd, i);
        }
    }
}

/* Doubling by merges stands for 2^31 - 1 additions of the same term, the most that is allowed. Every limb
   that a term reaches gets the largest digit for some shift. */
Test(wide, holds_two_to_the_31_terms_of_any_place)
{
    for (int exponent = -298; exponent <= 255 - 52; exponent++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            double term = sign * ldexp(0x1.fffffffffffffp52, exponent);
            ls_wide power, sum;
            ls_wide_clear(&power);
            ls_wide_add(&power, term);
            sum = power;
            for (int i = 1; i < 31; i++) {
                ls_wide_merge(&power, &power);
                ls_wide_merge(&sum, &power);
            }
            for (int i = 0; i < LS_WIDE_LIMBS; i++)
                cr_assert(sign * sum.limb[i] >= 0 && (sign * sum.limb[i]) >> 32 <= 0x7FFFFFFE);
            big exact = {{0}}, one = big_from(term);
            for (int i = 0; i < 31; i++) { /* twice and one more */
                big twice = exact;
                big_add(&exact, &twice);
                big_add(&exact, &one);
            }
            double expected = big_value(exact);
            cr_assert(same_bits(ls_wide_value(&sum), expected), "%a: %a", term, expected);
        }
    }
}

/* Ranks normalise and add their limbs as integers. */
Test(wide, normalised_sums_of_many_ranks_keep_their_headroom)
{
    ls_wide sum, power;
    ls_wide_clear(&power);
    for (int exponent = -298; exponent < 250; exponent++) ls_wide_add(&power, ldexp(1, exponent));
    ls_wide_normalise(&power);
    sum = power;
    big exact = {{0}}, one = {{0}};
    for (int exponent = -298; exponent < 250; exponent++) {
        big b = big_from(ldexp(1, exponent));
        big_add(&one, &b);
    }
    exact = one;
    for (int i = 1; i < 31; i++) {
        big twice = exact;
        ls_wide_merge(&power, &power);
        ls_wide_merge(&sum, &power);
        big_add(&exact, &twice);
        big_add(&exact, &one);
    }
    cr_assert(same_bits(ls_wide_value(&sum), big_value(exact)));
    ls_wide_normalise(&sum);
    cr_assert(same_bits(ls_wide_value(&sum), big_value(exact)));
}

Test(wide, huge_and_tiny_terms_live_together)
{
    ls_wide sum;
    double tiny = 0x1p-298, huge = (double)FLT_MAX * FLT_MAX;
    ls_wide_clear(&sum);
    ls_wide_add(&sum, huge);
    ls_wide_add(&sum, tiny);
    cr_assert(same_bits(ls_wide_value(&sum), huge));
    ls_wide_add(&sum, -huge);
    cr_assert(same_bits(ls_wide_value(&sum), tiny));
    ls_wide_add(&sum, -tiny);
    cr_assert(same_bits(ls_wide_value(&sum), 0));
    ls_wide_add(&sum, -0.0);
    cr_assert(same_bits(ls_wide_value(&sum), 0));
}

Test(wide, digits_below_the_lowest_are_cut_off_in_any_order)
{
    ls_wide sum, other;
    ls_wide_clear(&sum);
    ls_wide_add(&sum, 0x1.fffffffffffffp-310);
    ls_wide_add(&sum, 0x1p-321);
    ls_wide_add(&sum, -0x1p-400);
    ls_wide_add(&sum, DBL_TRUE_MIN);
    cr_assert(same_bits(ls_wide_value(&sum), 0x1.ffcp-310));
    ls_wide_clear(&other);
    ls_wide_add(&other, -0x1.fffffffffffffp-310);
    ls_wide_merge(&sum, &other);
    cr_assert(same_bits(ls_wide_value(&sum), 0));
}

/* Terms of all exponents, denormals among them. */
Test(wide, floats_are_added_as_their_doubles)
{
    for (int i = 0; i < CASES / 10; i++) {
        float term[TERMS_MAX];
        int count = draw_between(1, TERMS_MAX);
        ls_wide together, apart;
        ls_wide_clear(&together);
        ls_wide_clear(&apart);
        for (int n = 0; n < count; n++) {
            uint32_t bits = (uint32_t)draw();
            if (i % 3 == 0) bits &= 0x80ffffffu; /* denormal, or small */
            if (i % 7 > 0 && (bits >> 23 & 0xFF) == 0xFF) bits &= 0xfeffffffu;
            memcpy(&term[n], &bits, sizeof bits);
            ls_wide_add(&apart, (double)term[n]);
        }
        int first = draw_between(0, count);
        ls_wide_add_floats(&together, term, first);
        ls_wide_add_floats(&together, term + first, count - first);
        ls_wide_normalise(&together);
        ls_wide_normalise(&apart);
        cr_assert(memcmp(&together, &apart, sizeof apart) == 0, "case %d", i);
    }
}

Test(wide, terms_that_are_no_numbers_make_the_value_nan)
{
    double bad[] = {INFINITY, -INFINITY, NAN, 0x1p288, -DBL_MAX};
    for (int i = 0; i < 5; i++) {
        ls_wide sum, other;
        ls_wide_clear(&sum);
        ls_wide_clear(&other);
        ls_wide_add(&sum, 1);
        ls_wide_add(&other, bad[i]);
        cr_assert_eq(other.nonfinite, 1);
        ls_wide_merge(&sum, &other);
        ls_wide_normalise(&sum);
        cr_assert_eq(sum.nonfinite, 1);
        cr_assert(isnan(ls_wide_value(&sum)));
    }
    ls_wide sum;
    ls_wide_clear(&sum);
    ls_wide_add(&sum, 0x1.fffffffffffffp287);
    cr_assert(same_bits(ls_wide_value(&sum), 0x1.fffffffffffffp287));
}
