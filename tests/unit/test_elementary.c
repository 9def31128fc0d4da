/* Elementary functions of our own against the mathematics library. */
#include <criterion/criterion.h>
#include <math.h>
#include "base/elementary.h"

static void expect_near(double got, double truth, double units, const char *what, double x)
{
    double allowed = units * 0x1p-53 * fabs(truth);
    cr_expect(fabs(got - truth) <= allowed, "%s(%.17g) is %.17g instead of %.17g", what, x, got, truth);
}

Test(elementary, logarithm_and_exponential)
{
    for (int i = 1; i < 3000; i++) {
        double x = 0.013 * i * i;
        expect_near(ls_logarithm(x), log(x), 4 + 1 / fmax(1e-3, fabs(log(x))), "ln", x);
        double y = -700 + 0.4669 * i;
        if (y < 709) expect_near(ls_exponential(y), exp(y), 4, "exp", y);
    }
    cr_expect_eq(ls_exponential(0), 1);
    cr_expect_eq(ls_logarithm(1), 0);
    cr_expect_eq(ls_exponential(-800), 0);
    cr_expect(isinf(ls_exponential(800)));
    cr_expect(isnan(ls_exponential(NAN)));
}

Test(elementary, cosine_of_a_turn)
{
    static const double quarter[] = {1, 0, -1, 0};
    for (int i = 0; i < 4; i++) cr_expect_float_eq(ls_cosine_of_turn(i / 4.0), quarter[i], 1e-16);
    for (int i = 0; i < 1000; i++) {
        double turn = i / 1000.0;
        cr_expect_float_eq(ls_cosine_of_turn(turn), cos(2 * acos(-1) * turn), 2e-15, "%g", turn);
    }
}

Test(elementary, powers)
{
    double product = 1;
    for (int n = 0; n < 200; n++) {
        expect_near(ls_power(0.9, n), product, 2 * n + 1, "0.9^n", n);
        product *= 0.9;
    }
    cr_expect_eq(ls_power(2, 1000), 0x1p1000);
    cr_expect_eq(ls_power(0.5, INT64_C(4000000000000)), 0);
    cr_expect_eq(ls_power(1, INT64_MAX), 1);
    cr_expect_eq(ls_power(0, 0), 1);
    for (int i = 1; i <= 100; i++) {
        expect_near(ls_real_power(i / 100.0, 0.9), pow(i / 100.0, 0.9), 16, "x^0.9", i / 100.0);
        expect_near(ls_real_power(i / 100.0, 3), pow(i / 100.0, 3), 8, "x^3", i / 100.0);
    }
    cr_expect_eq(ls_real_power(0, 0.5), 0);
    cr_expect_eq(ls_real_power(1, 0.37), 1);
}
