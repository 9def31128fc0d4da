/* Exact sums: property tests against integer arithmetic that shares nothing with the scheme. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/exact.h"

enum { CASES = 24000, TERMS_MAX = 96 };

static uint64_t state;

/* A generator of the test's own (splitmix64), so that the tested code does not choose its tests. */
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

static double step_of(ls_exact_scale scale)
{
    return ldexp(scale.magic, -52) / 1.5;
}

/* round(x / q), halves to even, in integers only: x = mantissa 2^exponent, q = 2^step_exponent. */
static int64_t steps_of(double x, double q)
{
    if (x == 0) return 0;
    int exponent, step_exponent;
    int64_t mantissa = (int64_t)ldexp(frexp(x, &exponent), 53);
    frexp(q, &step_exponent);
    int shift = step_exponent - 1 - (exponent - 53);
    if (shift <= 0) return mantissa * (INT64_C(1) << -shift);
    if (shift > 60) return 0;
    int64_t half = INT64_C(1) << (shift - 1);
    int64_t magnitude = mantissa < 0 ? -mantissa : mantissa;
    int64_t steps = magnitude >> shift, rest = magnitude - (steps << shift);
    if (rest > half || (rest == half && steps % 2 == 1)) steps++;
    return mantissa < 0 ? -steps : steps;
}

typedef struct sample {
    int terms;
    double term[TERMS_MAX];
    double bound;
} sample;

static double draw_term(int lowest, int highest)
{
    uint64_t kind = draw() % 16;
    double mantissa = (double)(draw() >> 11) * 0x1p-53 + 1;
    if (kind == 0) return 0;
    if (kind <= 4) mantissa = (float)mantissa;
    if (kind == 5) mantissa = 1;
    double x = ldexp(mantissa, draw_between(lowest, highest));
    return draw() % 2 ? x : -x;
}

/* Terms whose exponents spread over a range that itself lies anywhere, at times among the subnormal numbers;
   some are taken back by later ones. */
static sample draw_sample(void)
{
    sample s;
    s.terms = draw() % 8 == 0 ? 1 : draw_between(2, TERMS_MAX);
    int widths[] = {0, 3, 20, 60, 300}, highest;
    switch (draw() % 4) {
    case 0:
        highest = draw_between(-1074, -1000);
        break;
    case 1:
        highest = draw_between(-320, 260);
        break;
    case 2:
        highest = draw_between(-40, 10);
        break;
    default:
        highest = draw_between(-1000, 1000);
        break;
    }
    int lowest = highest - widths[draw() % 5];
    double sum = 0;
    for (int i = 0; i < s.terms; i++) {
        bool cancels = i > 0 && draw() % 4 == 0;
        s.term[i] = cancels ? -s.term[draw() % (uint64_t)i] : draw_term(lowest, highest);
        sum += fabs(s.term[i]);
    }
    s.bound = sum * (1 + 0x1p-45); /* the rounding of this sum itself */
    if (draw() % 2) s.bound *= ldexp(1, draw_between(0, 8));
    return s;
}

static void shuffle(double *term, int count)
{
    for (int i = count - 1; i > 0; i--) {
        int j = draw_between(0, i);
        double kept = term[i];
        term[i] = term[j];
        term[j] = kept;
    }
}

/* The pattern of a partition: parts are cut again, as ranks into threads into grains, and added in any order.
   Every part must itself be in range, since partial sums are decoded nowhere but must not wrap. */
static uint64_t add_in_parts(ls_exact_scale scale, const double *term, int count, int depth)
{
    uint64_t sum = 0;
    if (depth == 0 || count < 2) {
        for (int i = 0; i < count; i++) sum += ls_exact_term(scale, term[i]);
        return sum;
    }
    int cut = draw_between(0, count);
    uint64_t left = add_in_parts(scale, term, cut, depth - 1);
    uint64_t right = add_in_parts(scale, term + cut, count - cut, depth - 1);
    return draw() % 2 ? left + right : right + left;
}

static bool same_bits(double x, double y)
{
    return memcmp(&x, &y, sizeof x) == 0;
}

Test(exact, any_order_and_partition_gives_the_integer_sum)
{
    state = 1;
    for (int number = 0; number < CASES; number++) {
        sample s = draw_sample();
        ls_exact_scale scale = ls_exact_scale_for(s.bound);
        double q = step_of(scale);
        __int128 steps = 0;
        for (int i = 0; i < s.terms; i++) steps += steps_of(s.term[i], q);
        cr_assert(steps <= INT64_C(1) << 51 && steps >= -(INT64_C(1) << 51), "case %d", number);
        double expected = (double)(int64_t)steps * q;
        for (int layout = 0; layout < 4; layout++) {
            uint64_t pattern = add_in_parts(scale, s.term, s.terms, layout);
            double value = ls_exact_value(scale, pattern, (uint64_t)s.terms);
            cr_assert(same_bits(value, expected), "case %d layout %d: %a is not %a", number, layout, value,
                      expected);
            shuffle(s.term, s.terms);
        }
    }
}

/* The sum in units of 2^-1074 would need 2,100 bits; terms of one binade range of 60 fit into 128. */
Test(exact, error_is_at_most_half_a_step_a_term)
{
    state = 2;
    for (int number = 0; number < CASES; number++) {
        int terms = draw_between(1, TERMS_MAX), exponent = draw_between(-1000, 900);
        double term[TERMS_MAX], bound = 0;
        __int128 exact = 0;
        for (int i = 0; i < terms; i++) {
            int64_t whole = (int64_t)(draw() >> draw_between(11, 40));
            int shift = draw_between(0, 50);
            if (draw() % 2) whole = -whole;
            exact += whole * ((__int128)1 << shift);
            term[i] = ldexp((double)whole, shift + exponent);
            bound += fabs(term[i]);
        }
        ls_exact_scale scale = ls_exact_scale_for(bound * (1 + 0x1p-45));
        double value = ls_exact_value(scale, add_in_parts(scale, term, terms, 3), (uint64_t)terms);
        __int128 got = (__int128)ldexp(value, -exponent); /* a double below 2^113: exact unless below a unit
                                                           */
        __int128 error = got > exact ? got - exact : exact - got;
        double allowed = 0.5 * terms * ldexp(step_of(scale), -exponent) + 1;
        cr_assert_leq((double)error, allowed, "case %d", number);
    }
}

/* Anything, a power of two, or just below one, where the step is finest for what it must hold. */
static double draw_bound(void)
{
    int exponent = draw_between(-300, 300);
    switch (draw() % 3) {
    case 0:
        return ldexp((double)(draw() >> 11) + 1, exponent);
    case 1:
        return ldexp(1, exponent);
    default:
        return ldexp(1 - ldexp(1, -draw_between(18, 53)), exponent);
    }
}

/* All terms equal and together at the bound: the partial sums come as near to 2^51 steps as they can. */
Test(exact, never_leaves_the_mantissa_at_the_bound)
{
    state = 3;
    for (int number = 0; number < CASES; number++) {
        uint64_t terms = number % 3 == 0   ? UINT64_C(1) << draw_between(0, 31)
                         : number % 3 == 1 ? (uint64_t)draw_between(1, 5000)
                                           : 1 + draw() % (UINT64_C(1) << 31);
        double bound = draw_bound();
        double x = bound / (double)terms;
        if (fma(x, (double)terms, -bound) > 0) x = nextafter(x, 0);
        if (draw() % 2) x = -x;
        ls_exact_scale scale = ls_exact_scale_for(bound);
        double q = step_of(scale);
        __int128 steps = (__int128)steps_of(x, q) * (__int128)terms;
        cr_assert(steps <= INT64_C(1) << 51 && steps >= -(INT64_C(1) << 51), "case %d", number);
        uint64_t pattern = ls_exact_term(scale, x) * terms; /* as many additions modulo 2^64 */
        double value = ls_exact_value(scale, pattern, terms);
        cr_assert(same_bits(value, (double)(int64_t)steps * q), "case %d", number);
        cr_assert_leq(fabs(value), bound + 0.5 * (double)terms * q);
    }
}

/* Three terms that fill a binade: each is rounded up by a third of a step, so that without the slack in the
   choice of the step their sum would pass 2^51 steps and be decoded wrongly. */
Test(exact, rounding_up_at_the_end_of_a_binade_is_covered)
{
    double bound = nextafter(1, 0), x = bound / 3;
    cr_assert_gt((double)steps_of(x, 0x1p-51) * 3, 0x1p51);
    ls_exact_scale scale = ls_exact_scale_for(bound);
    double q = step_of(scale);
    double value = ls_exact_value(scale, 3 * ls_exact_term(scale, x), 3);
    cr_assert(same_bits(value, 3 * (double)steps_of(x, q) * q));
}

Test(exact, step_is_as_fine_as_promised)
{
    state = 4;
    for (int number = 0; number < CASES; number++) {
        double bound = ldexp((double)(draw() >> 11) * 0x1p-53 + 1, draw_between(-1022, 1019));
        if (number % 4 == 0) bound = ldexp(1, draw_between(-1022, 1019));
        double q = step_of(ls_exact_scale_for(bound));
        cr_assert_geq(0x1p51 * q * (1 - 0x1p-21), bound, "case %d", number);
        cr_assert_lt(0x1p50 * q * (1 - 0x1p-21), bound, "case %d", number);
    }
}

/* The bound of a training step is 2 rows max|a| max|d|: for 2,000 rows at least 38 bits are left below the
   largest term. */
Test(exact, keeps_38_bits_below_the_largest_term)
{
    state = 5;
    for (int number = 0; number < CASES; number++) {
        int rows = draw_between(1, 2000);
        double a = ldexp((float)(draw() >> 40) + 1, draw_between(-149, 100));
        double d = ldexp((float)(draw() >> 40) + 1, draw_between(-149, 100));
        double q = step_of(ls_exact_scale_for(2.0 * rows * a * d));
        cr_assert_geq(a * d / q, 0x1p38, "case %d", number);
    }
}

Test(exact, zero_has_a_scale)
{
    ls_exact_scale scale = ls_exact_scale_for(0);
    cr_assert(isnormal(scale.magic));
    cr_assert_eq(ls_exact_scale_for(-0.0).magic_bits, scale.magic_bits);
    double value = ls_exact_value(scale, 1000 * ls_exact_term(scale, 0), 1000);
    cr_assert(same_bits(value, 0));
    value = ls_exact_value(scale, ls_exact_term(scale, 0x1p-1073) + ls_exact_term(scale, 0x1p-1060), 2);
    cr_assert(same_bits(value, 0x1p-1060 + 0x1p-1073));
}
