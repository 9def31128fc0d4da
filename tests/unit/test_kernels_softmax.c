/* Softmax and its logarithm with their derivatives: the same bits in every table, sums as defined, in place.
 */
#include "support/kernels.h"

enum { UNITS = 7, LANES = 48, COUNT = UNITS * LANES };

typedef struct arrays {
    _Alignas(64) float x[COUNT], dy[COUNT], y[COUNT], dx[COUNT], log_y[COUNT], log_dx[COUNT];
} arrays;

static void fill(arrays *a)
{
    for (int i = 0; i < COUNT; i++) {
        float size = i % 3 == 0 ? 100.0f : 4.0f;
        a->x[i] = random_float(-size, size);
        a->dy[i] = random_float(-2.0f, 2.0f);
    }
}

static void run(const ls_kernels *kernels, arrays *a)
{
    kernels->softmax(UNITS, LANES, a->x, a->y);
    kernels->softmax_backward(UNITS, LANES, a->y, a->dy, a->dx);
    kernels->log_softmax(UNITS, LANES, a->x, a->log_y);
    kernels->log_softmax_backward(UNITS, LANES, a->log_y, a->dy, a->log_dx);
}

Test(kernels_softmax, every_table_gives_the_same_bits)
{
    arrays first, other;
    fill(&first);
    other = first;
    run(table(0), &first);
    for (int t = 1; table(t); t++) {
        run(table(t), &other);
        cr_expect_eq(memcmp(&first, &other, sizeof first), 0, "%s", table(t)->name);
    }
}

static void expect_lane(const arrays *a, int n)
{
    double largest = -INFINITY, sum = 0, weighted = 0, total = 0;
    for (int u = 0; u < UNITS; u++) largest = fmax(largest, a->x[u * LANES + n]);
    for (int u = 0; u < UNITS; u++) sum += exp(a->x[u * LANES + n] - largest);
    for (int u = 0; u < UNITS; u++) {
        weighted += (double)a->dy[u * LANES + n] * exp(a->x[u * LANES + n] - largest) / sum;
        total += (double)a->dy[u * LANES + n];
    }
    for (int i = n; i < COUNT; i += LANES) {
        double log_y = a->x[i] - largest - log(sum), y = exp(log_y);
        cr_expect_float_eq(a->y[i], y, 1e-6, "softmax");
        cr_expect_float_eq(a->dx[i], y * ((double)a->dy[i] - weighted), 2e-6, "its derivative");
        cr_expect_float_eq(a->log_y[i], log_y, 1e-6 * (1 + fabs(log_y)), "logarithm");
        cr_expect_float_eq(a->log_dx[i], (double)a->dy[i] - y * total, 5e-6, "its derivative");
    }
}

Test(kernels_softmax, follows_its_definition)
{
    arrays a;
    fill(&a);
    run(ls_kernels_get(), &a);
    for (int n = 0; n < LANES; n++) expect_lane(&a, n);
}

/* exp(100) is infinite in float; the largest number is taken off first. */
Test(kernels_softmax, large_numbers_do_not_overflow)
{
    _Alignas(64) float x[2 * LS_LANES], y[2 * LS_LANES];
    for (int n = 0; n < LS_LANES; n++) x[n] = 1000.0f, x[LS_LANES + n] = 999.0f;
    ls_kernels_get()->log_softmax(2, LS_LANES, x, y);
    cr_expect_float_eq(y[0], -0.313262, 1e-6);
    cr_expect_float_eq(y[LS_LANES], -1.313262, 1e-6);
    x[3] = NAN;
    ls_kernels_get()->log_softmax(2, LS_LANES, x, y);
    cr_expect(isnan(y[3]) && isnan(y[LS_LANES + 3]) && !isnan(y[4]));
}

Test(kernels_softmax, works_in_place)
{
    arrays apart, both;
    fill(&apart);
    both = apart;
    run(ls_kernels_get(), &apart);
    for (int t = 0; table(t); t++) {
        memcpy(both.y, both.x, sizeof both.x);
        table(t)->softmax(UNITS, LANES, both.y, both.y);
        memcpy(both.dx, both.dy, sizeof both.dy);
        table(t)->softmax_backward(UNITS, LANES, both.y, both.dx, both.dx);
        memcpy(both.log_y, both.x, sizeof both.x);
        table(t)->log_softmax(UNITS, LANES, both.log_y, both.log_y);
        memcpy(both.log_dx, both.dy, sizeof both.dy);
        table(t)->log_softmax_backward(UNITS, LANES, both.log_y, both.log_dx, both.log_dx);
        cr_expect_eq(memcmp(&apart, &both, sizeof both), 0, "%s", table(t)->name);
    }
}
