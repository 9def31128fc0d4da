/* Arithmetic on arenas: formulas, and equal bits in every table. */
#include "support/kernels.h"

enum { SIZE = 150 };

static void fill(float *x)
{
    for (int i = 0; i < SIZE; i++) x[i] = random_float(-1.0f, 1.0f);
}

Test(kernels_arena, formulas_hold)
{
    float x[SIZE], y[SIZE], blended[SIZE], added[SIZE];
    for (int t = 0; table(t); t++) {
        fill(x);
        fill(y);
        memcpy(blended, y, sizeof y);
        memcpy(added, y, sizeof y);
        table(t)->blend(0.3f, SIZE, x, blended);
        table(t)->add_scaled(-0.7f, SIZE, x, added);
        double sum = 0;
        for (int i = 0; i < SIZE; i++) {
            cr_assert_float_eq(blended[i], y[i] + (double)0.3f * ((double)x[i] - y[i]), 3e-7);
            cr_assert_float_eq(added[i], y[i] - (double)0.7f * x[i], 2e-7);
            sum += (double)x[i] * y[i];
        }
        cr_assert_float_eq(table(t)->dot(SIZE, x, y), sum, 1e-13);
    }
}

/* Chain i mod 16, then the tree, written out once more. */
static double dot_by_definition(int64_t count, const float *a, const float *b)
{
    double c[16];
    for (int n = 0; n < 16; n++) {
        c[n] = 0;
        for (int64_t i = n; i < count; i += 16) c[n] += (double)a[i] * (double)b[i];
    }
    double even = ((c[0] + c[8]) + (c[4] + c[12])) + ((c[2] + c[10]) + (c[6] + c[14]));
    double odd = ((c[1] + c[9]) + (c[5] + c[13])) + ((c[3] + c[11]) + (c[7] + c[15]));
    return even + odd;
}

Test(kernels_arena, every_table_gives_the_same_bits_and_writes_nothing_else)
{
    float x[SIZE], start[SIZE], wanted[2][SIZE], got[2][SIZE];
    for (int count = 0; count <= 100; count++) {
        const int from = count % 7;
        fill(x);
        fill(start);
        for (int t = 0; table(t); t++) {
            memcpy(got[0], start, sizeof start);
            memcpy(got[1], start, sizeof start);
            table(t)->blend(0.01f, count, x + from, got[0] + from);
            table(t)->add_scaled(1.7f, count, x + from, got[1] + from);
            double dot = table(t)->dot(count, x + from, start + from);
            double defined = dot_by_definition(count, x + from, start + from);
            cr_assert(memcmp(&dot, &defined, sizeof dot) == 0, "%s: dot of %d", table(t)->name, count);
            if (t == 0) memcpy(wanted, got, sizeof got);
            cr_assert(memcmp(got, wanted, sizeof got) == 0, "%s: %d elements", table(t)->name, count);
        }
        for (int i = 0; i < SIZE; i++) {
            bool inside = i >= from && i < from + count;
            cr_assert(inside || (wanted[0][i] == start[i] && wanted[1][i] == start[i]));
        }
    }
}
