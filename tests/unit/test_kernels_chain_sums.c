/* Sums over samples: every table gives the bits of the definition, and writes nothing else. */
#include "support/kernels.h"

static const float untouched = -77.0f;

static void check(int64_t rows, int64_t samples, int64_t lanes, bool accumulate)
{
    const int64_t first = random_below(lanes - samples + 1); /* lane of the first sample */
    float *from = random_floats(rows * lanes, -1.0f, 1.0f), *start = random_floats(rows + 20, -1.0f, 1.0f);
    if (random_below(4) == 0) from[random_below(rows * lanes)] = INFINITY; /* must stay in its row */
    for (int64_t m = rows; m < rows + 20; m++) start[m] = untouched;
    for (int t = 0; table(t); t++) {
        float *sum = copy_floats(start, rows + 20);
        table(t)->chain_sums(from + first, lanes, rows, samples, accumulate, sum);
        for (int64_t m = 0; m < rows; m++) {
            float wanted = accumulate ? start[m] : 0.0f;
            for (int64_t s = 0; s < samples; s++) wanted += from[m * lanes + first + s];
            cr_assert_eq(bits_of_float(sum[m]), bits_of_float(wanted),
                         "%s: row %d of %d, %d samples from lane %d of %d", table(t)->name, (int)m, (int)rows,
                         (int)samples, (int)first, (int)lanes);
        }
        for (int64_t m = rows; m < rows + 20; m++) cr_assert_eq(sum[m], untouched, "%s", table(t)->name);
        free(sum);
    }
    free(start);
    free(from);
}

Test(kernels_chain_sums, every_table_gives_the_bits_of_the_definition)
{
    for (int i = 0; i < 600; i++) {
        const int64_t lanes = LS_LANES * (1 + random_below(8));
        check(1 + random_below(50), random_below(lanes + 1), lanes, random_below(2));
    }
}
