/* Kernels of normalisation: the same bits in every table, and what the definition says in double. */
#include "support/kernels.h"

enum { LANES_MAX = 64, POSITIONS_MAX = 200, ROOM = LANES_MAX * POSITIONS_MAX };

typedef struct norm_input {
    int64_t positions, lanes, count;
    float *x, *dy, *mean, *a, *b, *c;
} norm_input;

static norm_input make(void)
{
    norm_input in = {.positions = 1 + random_below(POSITIONS_MAX), .lanes = 16 * (1 + random_below(4))};
    in.count = in.positions * in.lanes;
    float centre = random_float(-50.0f, 50.0f);
    in.x = random_floats(in.count, centre - 1.0f, centre + 1.0f);
    in.dy = random_floats(in.count, -1.0f, 1.0f);
    in.mean = random_floats(in.lanes, centre - 0.1f, centre + 0.1f);
    in.a = random_floats(in.lanes, -2.0f, 2.0f);
    in.b = random_floats(in.lanes, -2.0f, 2.0f);
    in.c = random_floats(in.lanes, -2.0f, 2.0f);
    return in;
}

static void release(norm_input *in)
{
    free(in->x), free(in->dy), free(in->mean), free(in->a), free(in->b), free(in->c);
}

Test(kernels_norm, moments_are_mean_and_squares_around_it)
{
    for (int i = 0; i < 200; i++) {
        norm_input in = make();
        double mean[LANES_MAX], m2[LANES_MAX], first_mean[LANES_MAX], first_m2[LANES_MAX];
        table(0)->moments(in.positions, in.lanes, in.x, first_mean, first_m2);
        for (int64_t n = 0; n < in.lanes; n++) {
            double sum = 0, square = 0;
            for (int64_t p = 0; p < in.positions; p++) sum += in.x[p * in.lanes + n];
            sum /= (double)in.positions;
            for (int64_t p = 0; p < in.positions; p++)
                square += (in.x[p * in.lanes + n] - sum) * (in.x[p * in.lanes + n] - sum);
            cr_assert_float_eq(first_mean[n], sum, 1e-5);
            cr_assert_float_eq(first_m2[n], square, 1e-4 * (1 + square), "%g, not %g", first_m2[n], square);
        }
        for (int t = 1; table(t); t++) {
            table(t)->moments(in.positions, in.lanes, in.x, mean, m2);
            size_t bytes = (size_t)in.lanes * sizeof *mean;
            cr_assert(memcmp(mean, first_mean, bytes) == 0 && memcmp(m2, first_m2, bytes) == 0, "%s",
                      table(t)->name);
        }
        release(&in);
    }
}

Test(kernels_norm, sums_for_the_derivative)
{
    for (int i = 0; i < 200; i++) {
        norm_input in = make();
        double dy[LANES_MAX], dyx[LANES_MAX], first_dy[LANES_MAX], first_dyx[LANES_MAX];
        table(0)->norm_sums(in.positions, in.lanes, in.x, in.mean, in.dy, first_dy, first_dyx);
        for (int64_t n = 0; n < in.lanes; n++) {
            double sum = 0, product = 0;
            for (int64_t p = 0; p < in.positions; p++) {
                double d = in.dy[p * in.lanes + n];
                sum += d;
                product += d * ((double)in.x[p * in.lanes + n] - in.mean[n]);
            }
            cr_assert_float_eq(first_dy[n], sum, 1e-4);
            cr_assert_float_eq(first_dyx[n], product, 1e-4);
        }
        for (int t = 1; table(t); t++) {
            table(t)->norm_sums(in.positions, in.lanes, in.x, in.mean, in.dy, dy, dyx);
            size_t bytes = (size_t)in.lanes * sizeof *dy;
            cr_assert(memcmp(dy, first_dy, bytes) == 0 && memcmp(dyx, first_dyx, bytes) == 0, "%s",
                      table(t)->name);
        }
        release(&in);
    }
}

/* The statistics of a lane do not depend on how many lanes stand beside it. */
Test(kernels_norm, lanes_are_independent)
{
    float *wide = random_floats(64 * 70, -1.0f, 1.0f), *narrow = random_floats(16 * 70, 0.0f, 1.0f);
    for (int p = 0; p < 70; p++)
        for (int n = 0; n < 16; n++) narrow[p * 16 + n] = wide[p * 64 + 32 + n];
    double mean[64], m2[64], narrow_mean[16], narrow_m2[16];
    ls_kernels_get()->moments(70, 64, wide, mean, m2);
    ls_kernels_get()->moments(70, 16, narrow, narrow_mean, narrow_m2);
    cr_expect(memcmp(mean + 32, narrow_mean, sizeof narrow_mean) == 0);
    cr_expect(memcmp(m2 + 32, narrow_m2, sizeof narrow_m2) == 0);
    free(wide), free(narrow);
}

Test(kernels_norm, normalising_and_its_derivative_follow_the_definition)
{
    for (int i = 0; i < 100; i++) {
        norm_input in = make();
        float shift = random_float(-1.0f, 1.0f);
        for (int t = 0; table(t); t++) {
            float *y = copy_floats(in.x, in.count), *dx = copy_floats(in.dy, in.count);
            table(t)->normalise(in.positions, in.lanes, y, in.mean, in.a, shift, y);
            table(t)->norm_backward(in.positions, in.lanes, in.x, in.mean, dx, in.a, in.b, in.c, dx);
            for (int64_t k = 0; k < in.count; k++) {
                int64_t n = k % in.lanes;
                float centred = in.x[k] - in.mean[n];
                cr_assert_eq(y[k], fmaf(centred, in.a[n], shift), "%s", table(t)->name);
                cr_assert_eq(dx[k], fmaf(in.dy[k], in.a[n], -fmaf(centred, in.c[n], in.b[n])), "%s",
                             table(t)->name);
            }
            free(y), free(dx);
        }
        release(&in);
    }
}

Test(kernels_norm, addition)
{
    for (int t = 0; table(t); t++) {
        float *x = random_floats(112, -1.0f, 1.0f), *y = random_floats(112, -1.0f, 1.0f);
        float *sum = copy_floats(y, 112), *apart = copy_floats(y, 112);
        table(t)->add(x, sum, sum, 96);
        table(t)->add(x, y, apart, 96);
        for (int k = 0; k < 112; k++) {
            cr_assert_eq(sum[k], k < 96 ? x[k] + y[k] : y[k]);
            cr_assert_eq(apart[k], sum[k]);
        }
        free(x), free(y), free(sum), free(apart);
    }
}
