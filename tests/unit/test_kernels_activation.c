/* Activations: the same bits in every table, precise to units of the last place, derivatives that are those
   of the functions. */
#include "support/kernels.h"
#define LS_ISA tested /* any name: only the inline formulas are used */
#include "math/vector/activation.h"
#include "support/run.h"

enum { COUNT = 4096 };
static const float slope = 0.125f;

static double true_normal(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static double gelu_argument(double x)
{
    return sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
}

/* f(x) in double. */
static double truth(ls_activation which, double x)
{
    switch (which) {
    case LS_ACTIVATION_SIGMOID:
        return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
    case LS_ACTIVATION_TANH:
        return tanh(x);
    case LS_ACTIVATION_RELU:
        return x < 0 ? 0 : x;
    case LS_ACTIVATION_LEAKY_RELU:
        return x < 0 ? (double)slope * x : x;
    case LS_ACTIVATION_GELU:
        return isinf(x) && x < 0 ? 0 : x * true_normal(x);
    case LS_ACTIVATION_GELU_TANH:
        return 0.5 * x * (1 + tanh(gelu_argument(x)));
    case LS_ACTIVATION_ELU:
        return x < 0 ? (double)slope * expm1(x) : x;
    case LS_ACTIVATION_SELU:
        return 1.0507009873554804934 * (x < 0 ? 1.6732632423543772848 * expm1(x) : x);
    case LS_ACTIVATION_SILU:
        return x < 0 ? x * exp(x) / (1 + exp(x)) : x / (1 + exp(-x));
    case LS_ACTIVATION_SOFTPLUS:
        return fmax(x, 0) + log1p(exp(-fabs(x)));
    case LS_ACTIVATION_HARD_SIGMOID:
        return fmin(1, fmax(0, (x + 3) / 6));
    case LS_ACTIVATION_HARD_SWISH:
        return x * fmin(1, fmax(0, (x + 3) / 6));
    default:
        return x;
    }
}

/* Numbers of all sizes, most of them where the functions bend, and the borders of their pieces. */
static void fill(float *x, int count)
{
    const float special[] = {0.0f,       -0.0f, 1.0f,    -1.0f,   0.625f,   -0.625f,
                             0.6249999f, 15.0f, -15.0f,  15.1f,   -15.1f,   88.72283f,
                             88.7229f,   89.5f, -103.9f, -104.5f, 0x1p-149, -0x1p-149,
                             0x1p-126f,  3e38f, -3e38f,  200.0f,  -200.0f,  -87.3f};
    for (int i = 0; i < count; i++) {
        float limit = i % 4 == 0 ? 120.0f : i % 4 == 1 ? 16.0f : 2.0f;
        x[i] = random_float(-limit, limit);
        if (i % 4 == 3) x[i] = float_of_bits(random_word() & 0xbfffffffu); /* below 2 in magnitude */
        if (i < (int)(sizeof special / sizeof *special)) x[i] = special[i];
    }
}

static void check_forward(ls_activation which, double bound)
{
    _Alignas(64) float x[COUNT], y[COUNT];
    double worst = 0.0;
    fill(x, COUNT);
    ls_kernels_named("generic")->activation_forward(which, slope, x, y, COUNT);
    for (int i = 0; i < COUNT; i++) {
        double error = ulps(y[i], truth(which, x[i]));
        worst = error > worst ? error : worst;
        cr_assert_leq(error, bound, "activation %d of %a is %a, off by %g ulp", which, x[i], y[i], error);
    }
    cr_log_info("activation %d: %.2f ulp", which, worst);
}

Test(kernels_activation, sigmoid_is_precise)
{
    check_forward(LS_ACTIVATION_SIGMOID, 2.5);
}

Test(kernels_activation, tanh_is_precise)
{
    check_forward(LS_ACTIVATION_TANH, 2.0);
}

Test(kernels_activation, piecewise_linear_ones_are_exact)
{
    check_forward(LS_ACTIVATION_IDENTITY, 0.0);
    check_forward(LS_ACTIVATION_RELU, 0.0);
    check_forward(LS_ACTIVATION_LEAKY_RELU, 0.5);
}

Test(kernels_activation, gelu_is_precise_far_into_its_tail)
{
    check_forward(LS_ACTIVATION_GELU, 5.0);
}

/* The rounding of w, up to 142, shows as a relative error of its size. Where the result is below 1e-30 it
   counts as nothing. */
Test(kernels_activation, gelu_with_tanh_is_precise_up_to_its_argument)
{
    _Alignas(64) float x[COUNT], y[COUNT];
    fill(x, COUNT);
    ls_kernels_named("generic")->activation_forward(LS_ACTIVATION_GELU_TANH, 0, x, y, COUNT);
    for (int i = 0; i < COUNT; i++) {
        double w = 2 * fabs(gelu_argument(x[i])), wanted = (double)x[i] / (1 + exp(x[i] > 0 ? -w : w));
        double allowed = x[i] > 0 ? 3 : 3 + 3 * w;
        cr_assert_leq(fabs((double)y[i] - wanted), allowed * 0x1p-24 * fabs(wanted) + 1e-30,
                      "gelu of %a is %a, not %a", x[i], y[i], wanted);
    }
}

Test(kernels_activation, exponential_units_are_precise_around_zero)
{
    check_forward(LS_ACTIVATION_ELU, 2.0);
    check_forward(LS_ACTIVATION_SELU, 2.5);
    for (int i = 0; i < 200000; i++) {
        float x = i % 2 ? random_float(-21.0f, 0.0f) : -float_of_bits(random_word() % 0x3f800001u);
        cr_assert_leq(ulps(ls_expm1(x), expm1(x)), 1.5, "expm1 %a", x);
    }
}

Test(kernels_activation, softplus_is_precise)
{
    check_forward(LS_ACTIVATION_SOFTPLUS, 2.0);
}

/* Relative, but for results below 1e-35, where the exponential has few digits left. */
Test(kernels_activation, silu_is_precise)
{
    _Alignas(64) float x[COUNT], y[COUNT];
    fill(x, COUNT);
    ls_kernels_named("generic")->activation_forward(LS_ACTIVATION_SILU, 0, x, y, COUNT);
    for (int i = 0; i < COUNT; i++) {
        double wanted = truth(LS_ACTIVATION_SILU, x[i]), error = ulps(y[i], wanted);
        if (fabs(wanted) < 1e-35) error = fabs((double)y[i] - wanted) / 1e-42;
        cr_assert_leq(error, 3.0, "silu of %a is %a, off by %g ulp", x[i], y[i], error);
    }
}

Test(kernels_activation, hard_ones_are_precise)
{
    check_forward(LS_ACTIVATION_HARD_SIGMOID, 2.0);
    check_forward(LS_ACTIVATION_HARD_SWISH, 2.5);
}

Test(kernels_activation, exponential_and_logarithms_are_precise)
{
    for (int i = 0; i < 200000; i++) {
        float x = random_float(-104.0f, 89.0f),
              positive = float_of_bits(0x00800000u + random_word() % 0x7f000000u);
        float unit = i % 2 ? random_float(0.0f, 1.0f) : float_of_bits(random_word() % 0x3f800001u);
        if (i % 2) positive = random_float(0.5f, 20.0f);
        cr_assert_leq(ulps(ls_exp(x), exp(x)), 1.5, "exp %a", x);
        cr_assert_leq(ulps(ls_log(positive), log(positive)), 1.5, "log %a", positive);
        cr_assert_leq(ulps(ls_log1p(unit), log1p(unit)), 1.5, "log1p %a", unit);
    }
}

Test(kernels_activation, limits_of_exponential_and_logarithm)
{
    cr_assert_eq(ls_exp(0.0f), 1.0f);
    cr_assert_eq(ls_exp(-INFINITY), 0.0f);
    cr_assert_eq(ls_exp(INFINITY), INFINITY);
    cr_assert_eq(ls_exp(1e30f), INFINITY);
    cr_assert_eq(ls_exp(-1e30f), 0.0f);
    cr_assert_eq(ls_log(1.0f), 0.0f);
    cr_assert_eq(ls_log(INFINITY), INFINITY);
    cr_assert_eq(ls_log1p(0.0f), 0.0f);
    cr_assert(isnan(ls_exp(NAN)) && isnan(ls_log(NAN)) && isnan(ls_log1p(NAN)));
}

Test(kernels_activation, infinity_and_nan)
{
    const float limits[LS_ACTIVATION_COUNT][2] = {/* at minus and plus infinity */
                                                  [LS_ACTIVATION_IDENTITY] = {-INFINITY, INFINITY},
                                                  [LS_ACTIVATION_SIGMOID] = {0.0f, 1.0f},
                                                  [LS_ACTIVATION_TANH] = {-1.0f, 1.0f},
                                                  [LS_ACTIVATION_RELU] = {0.0f, INFINITY},
                                                  [LS_ACTIVATION_LEAKY_RELU] = {-INFINITY, INFINITY},
                                                  [LS_ACTIVATION_GELU] = {0.0f, INFINITY},
                                                  [LS_ACTIVATION_GELU_TANH] = {0.0f, INFINITY},
                                                  [LS_ACTIVATION_ELU] = {-slope, INFINITY},
                                                  [LS_ACTIVATION_SELU] = {-LS_SELU_LAMBDA_ALPHA, INFINITY},
                                                  [LS_ACTIVATION_SILU] = {0.0f, INFINITY},
                                                  [LS_ACTIVATION_SOFTPLUS] = {0.0f, INFINITY},
                                                  [LS_ACTIVATION_HARD_SIGMOID] = {0.0f, 1.0f},
                                                  [LS_ACTIVATION_HARD_SWISH] = {0.0f, INFINITY}};
    const float slopes[LS_ACTIVATION_COUNT][2] = {[LS_ACTIVATION_IDENTITY] = {1.0f, 1.0f},
                                                  [LS_ACTIVATION_RELU] = {0.0f, 1.0f},
                                                  [LS_ACTIVATION_LEAKY_RELU] = {slope, 1.0f},
                                                  [LS_ACTIVATION_GELU] = {0.0f, 1.0f},
                                                  [LS_ACTIVATION_GELU_TANH] = {0.0f, 1.0f},
                                                  [LS_ACTIVATION_ELU] = {0.0f, 1.0f},
                                                  [LS_ACTIVATION_SELU] = {0.0f, LS_SELU_LAMBDA},
                                                  [LS_ACTIVATION_SILU] = {0.0f, 1.0f},
                                                  [LS_ACTIVATION_SOFTPLUS] = {0.0f, 1.0f},
                                                  [LS_ACTIVATION_HARD_SWISH] = {0.0f, 1.0f}}; /* others: 0 */
    for (int t = 0; table(t); t++)
        for (int a = 0; a < LS_ACTIVATION_COUNT; a++) {
            _Alignas(64) float x[LS_LANES] = {-INFINITY, INFINITY, NAN, -NAN}, y[LS_LANES], one[LS_LANES];
            for (int i = 0; i < LS_LANES; i++) one[i] = 1.0f;
            table(t)->activation_forward((ls_activation)a, slope, x, y, LS_LANES);
            cr_assert(y[0] == limits[a][0] && y[1] == limits[a][1], "%d: %g %g", a, y[0], y[1]);
            cr_assert(isnan(y[2]) && isnan(y[3]), "%d", a);
            table(t)->activation_backward((ls_activation)a, slope, ls_activation_from_output(a) ? y : x, one,
                                          y, LS_LANES);
            cr_assert(y[0] == slopes[a][0] && y[1] == slopes[a][1], "%d: %g %g", a, y[0], y[1]);
            cr_assert(a == LS_ACTIVATION_IDENTITY || (isnan(y[2]) && isnan(y[3])), "%d", a);
        }
}

Test(kernels_activation, every_table_gives_the_same_bits)
{
    if (ls_test_in_valgrind()) cr_skip_test("valgrind does not round fused multiply-adds as processors do");
    _Alignas(64) float x[COUNT], dy[COUNT], y[2][COUNT + LS_LANES], dx[2][COUNT + LS_LANES];
    for (int round = 0; round < 8; round++) {
        fill(x, COUNT);
        fill(dy, COUNT);
        if (round > 4)
            for (int i = 0; i < COUNT; i++) x[i] = float_of_bits(random_word());
        for (int a = 0; a < LS_ACTIVATION_COUNT; a++)
            for (int t = 0; table(t); t++) {
                const int count = COUNT - LS_LANES * (round % 3), which = t > 0;
                memset(y[which], 1, sizeof y[which]);
                memset(dx[which], 1, sizeof dx[which]);
                table(t)->activation_forward((ls_activation)a, slope, x, y[which], count);
                table(t)->activation_backward((ls_activation)a, slope,
                                              ls_activation_from_output(a) ? y[which] : x, dy, dx[which],
                                              count);
                int64_t where = first_difference(y[0], y[which], COUNT + LS_LANES);
                cr_assert(where < 0, "%s: activation %d of %a", table(t)->name, a, x[where]);
                where = first_difference(dx[0], dx[which], COUNT + LS_LANES);
                cr_assert(where < 0, "%s: derivative %d at %a", table(t)->name, a, x[where]);
            }
    }
}

Test(kernels_activation, works_in_place)
{
    _Alignas(64) float x[COUNT], y[COUNT], dy[COUNT], dx[COUNT], both[COUNT];
    fill(x, COUNT);
    fill(dy, COUNT);
    for (int t = 0; table(t); t++)
        for (int a = 0; a < LS_ACTIVATION_COUNT; a++) {
            table(t)->activation_forward((ls_activation)a, slope, x, y, COUNT);
            memcpy(both, x, sizeof both);
            table(t)->activation_forward((ls_activation)a, slope, both, both, COUNT);
            cr_assert(first_difference(y, both, COUNT) < 0, "%s: %d", table(t)->name, a);
            table(t)->activation_backward((ls_activation)a, slope, y, dy, dx, COUNT);
            memcpy(both, dy, sizeof both);
            table(t)->activation_backward((ls_activation)a, slope, y, both, both, COUNT);
            cr_assert(first_difference(dx, both, COUNT) < 0, "%s: %d", table(t)->name, a);
        }
}

/* Central differences of the functions in double against the derivative of the kernels. */
Test(kernels_activation, derivatives_are_those_of_the_functions)
{
    _Alignas(64) float x[COUNT], y[COUNT], dy[COUNT], dx[COUNT];
    const double h = 1e-5;
    for (int a = 0; a < LS_ACTIVATION_COUNT; a++)
        for (int t = 0; table(t); t++) {
            for (int i = 0; i < COUNT; i++) {
                x[i] = random_float(-6.0f, 6.0f);
                if (fabs((double)x[i]) < 2 * h) x[i] = 0.5f;           /* relu bends at 0 */
                if (fabs(fabs((double)x[i]) - 3) < 2 * h) x[i] = 0.5f; /* hard_sigmoid at -3 and 3 */
                dy[i] = random_float(-2.0f, 2.0f);
            }
            table(t)->activation_forward((ls_activation)a, slope, x, y, COUNT);
            table(t)->activation_backward((ls_activation)a, slope, ls_activation_from_output(a) ? y : x, dy,
                                          dx, COUNT);
            for (int i = 0; i < COUNT; i++) {
                double wanted = (double)dy[i] *
                                (truth((ls_activation)a, x[i] + h) - truth((ls_activation)a, x[i] - h)) /
                                (2 * h);
                cr_assert_float_eq(dx[i], wanted, 1e-6, "%d at %g: %g, not %g", a, x[i], dx[i], wanted);
            }
        }
}
