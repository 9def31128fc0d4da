/* Random numbers: known answers of Philox, distributions, permutations. Seeds are fixed, so nothing here
   depends on chance. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"

static void expect_words(ls_random_words random, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t expected[] = {a, b, c, d};
    for (int i = 0; i < 4; i++) cr_assert_eq(random.word[i], expected[i], "word %d", i);
}

/* Philox4x32-10 as its authors published it: zeros, ones, digits of pi (the purpose lies in the top byte). */
Test(random, gives_the_known_answers_of_philox)
{
    uint64_t ones = UINT64_MAX;
    expect_words(ls_random(0, (ls_random_purpose)0, 0, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    expect_words(ls_random(ones, (ls_random_purpose)0, ones, ones), 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
                 0x6d5451fd);
    expect_words(ls_random(UINT64_C(0x299f31d0a4093822), LS_RANDOM_SHUFFLE, UINT64_C(0x0070734413198a2e),
                           UINT64_C(0x85a308d3243f6a88)),
                 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
}

Test(random, every_argument_matters)
{
    ls_random_words base = ls_random(5, LS_RANDOM_INITIALISE, 6, 7);
    ls_random_words others[] = {
        ls_random(4, LS_RANDOM_INITIALISE, 6, 7),
        ls_random(5 + (UINT64_C(1) << 40), LS_RANDOM_INITIALISE, 6, 7),
        ls_random(5, LS_RANDOM_SPLIT, 6, 7),
        ls_random(5, LS_RANDOM_INITIALISE, 7, 7),
        ls_random(5, LS_RANDOM_INITIALISE, 6 + (UINT64_C(1) << 40), 7),
        ls_random(5, LS_RANDOM_INITIALISE, 6, 8),
        ls_random(5, LS_RANDOM_INITIALISE, 6, 7 + (UINT64_C(1) << 40)),
        ls_random(5, LS_RANDOM_INITIALISE, 7, 6),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_assert_neq(memcmp(&base, &others[i], sizeof base), 0, "%zu", i);
    ls_random_words again = ls_random(5, LS_RANDOM_INITIALISE, 6, 7);
    cr_assert_eq(memcmp(&base, &again, sizeof base), 0);
}

/* Chi-square over 256 cells of 400 numbers: mean 255, standard deviation 22.6. */
Test(random, uniform_numbers_are_uniform)
{
    enum { CELLS = 256, NUMBERS = 400 * CELLS };
    int count[CELLS] = {0};
    double sum = 0, next = 0, product = 0;
    for (int i = 0; i < NUMBERS; i++) {
        double x = ls_random_uniform(1, LS_RANDOM_BENCH, 2, (uint64_t)i);
        cr_assert(x >= 0 && x < 1);
        cr_assert_eq(x * 0x1p53, floor(x * 0x1p53));
        count[(int)(x * CELLS)]++;
        sum += x;
        product += (x - 0.5) * next;
        next = x - 0.5;
    }
    double chi_square = 0;
    for (int i = 0; i < CELLS; i++) chi_square += (count[i] - 400.0) * (count[i] - 400.0) / 400;
    cr_assert(chi_square > 255 - 4 * 22.6 && chi_square < 255 + 4 * 22.6, "%g", chi_square);
    cr_assert_float_eq(sum / NUMBERS, 0.5, 4 * 0.2887 / sqrt(NUMBERS));
    cr_assert_float_eq(product / NUMBERS, 0, 4 * (1.0 / 12) / sqrt(NUMBERS));
}

/* Standard errors of the moments of a normal distribution: 1, sqrt 2, sqrt 15, sqrt 96, over sqrt n. */
Test(random, normal_numbers_have_the_moments_of_a_normal_distribution)
{
    enum { NUMBERS = 100000 };
    double moment[5] = {0}, product = 0, last = 0;
    int beyond_two = 0;
    for (int i = 0; i < NUMBERS; i++) {
        double x = ls_random_normal(1, LS_RANDOM_INITIALISE, 3, (uint64_t)i);
        for (int k = 1; k <= 4; k++) moment[k] += pow(x, k) / NUMBERS;
        product += x * last / NUMBERS;
        last = x;
        beyond_two += fabs(x) > 2;
    }
    double unit = 4 / sqrt(NUMBERS);
    cr_assert_float_eq(moment[1], 0, unit);
    cr_assert_float_eq(moment[2], 1, sqrt(2) * unit);
    cr_assert_float_eq(moment[3], 0, sqrt(15) * unit);
    cr_assert_float_eq(moment[4], 3, sqrt(96) * unit);
    cr_assert_float_eq(product, 0, unit);
    cr_assert_float_eq((double)beyond_two / NUMBERS, 0.0455, 0.21 * unit);
}

static double join(uint32_t low, uint32_t high, int add)
{
    return (double)((((uint64_t)high << 32 | low) >> 11) + (uint64_t)add) * 0x1p-53;
}

/* The formula with the mathematics library, whose last bits may differ. */
Test(random, normal_numbers_follow_box_and_muller)
{
    for (uint64_t i = 0; i < 20000; i++) {
        ls_random_words w = ls_random(9, LS_RANDOM_INITIALISE, 1, i);
        double u = join(w.word[0], w.word[1], 1), v = join(w.word[2], w.word[3], 0);
        double radius = sqrt(-2 * log(u)), expected = radius * cos(6.283185307179586 * v);
        double x = ls_random_normal(9, LS_RANDOM_INITIALISE, 1, i);
        cr_assert_float_eq(x, expected, 4e-15 * (radius + fabs(expected)), "%llu", (unsigned long long)i);
    }
}

/* The same on every machine: a change of these values changes every training that starts from random weights.
 */
Test(random, values_stay_as_they_are)
{
    double values[2000];
    for (uint64_t i = 0; i < 1000; i++) {
        values[i] = ls_random_normal(42, LS_RANDOM_INITIALISE, 1, i);
        values[1000 + i] = ls_random_uniform(42, LS_RANDOM_INITIALISE, 1, i);
    }
    uint32_t order[1000];
    ls_random_permutation(42, LS_RANDOM_SHUFFLE, 1, order, 1000);
    cr_assert_eq(ls_hash(values, 8000, 0), UINT64_C(0x60cbd1369d2d7bd8), "%016llx",
                 (unsigned long long)ls_hash(values, 8000, 0));
    cr_assert_eq(ls_hash(values + 1000, 8000, 0), UINT64_C(0xa422e3cfd21b4da1), "%016llx",
                 (unsigned long long)ls_hash(values + 1000, 8000, 0));
    cr_assert_eq(ls_hash(order, sizeof order, 0), UINT64_C(0xf53cdf4c255a20ac), "%016llx",
                 (unsigned long long)ls_hash(order, sizeof order, 0));
}

/* 3 * 2^62 rejects a quarter of the draws; without rejection a third of the values would come twice as often.
 */
Test(random, bounded_numbers_are_without_bias)
{
    enum { NUMBERS = 30000 };
    uint64_t bounds[] = {3, 10, UINT64_C(3) << 62, (UINT64_C(1) << 63) + 1};
    for (int k = 0; k < 4; k++) {
        uint64_t n = bounds[k];
        int third[3] = {0}, multiple_of_3 = 0;
        for (uint64_t i = 0; i < NUMBERS; i++) {
            uint64_t x = ls_random_below(1, LS_RANDOM_BENCH, (uint64_t)k, i, n);
            cr_assert_lt(x, n);
            multiple_of_3 += x % 3 == 0;
            third[x / (n / 3 + (n % 3 != 0))]++;
        }
        if (n == 10) continue; /* not divisible into thirds */
        for (int i = 0; i < 3; i++)
            cr_assert_float_eq(third[i], NUMBERS / 3.0, 4 * 81.6, "%d %d", k, third[i]);
        cr_assert_float_eq(multiple_of_3, NUMBERS / 3.0, 4 * 81.6, "%d %d", k, multiple_of_3);
    }
    for (uint64_t i = 0; i < 100; i++) cr_assert_eq(ls_random_below(1, LS_RANDOM_BENCH, 0, i, 1), 0);
}

Test(random, bounded_numbers_reach_all_values)
{
    int count[10] = {0};
    for (uint64_t i = 0; i < 10000; i++) count[ls_random_below(2, LS_RANDOM_BENCH, 0, i, 10)]++;
    for (int i = 0; i < 10; i++) cr_assert_float_eq(count[i], 1000, 4 * 30, "%d", count[i]);
}

Test(random, permutation_is_a_permutation)
{
    enum { LARGEST = 60000 };
    size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 64, 1437, LARGEST};
    uint32_t *order = ls_alloc(LARGEST + 1, sizeof *order);
    unsigned char *seen = ls_alloc(LARGEST, 1);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        size_t n = sizes[k];
        order[n] = 77777;
        ls_random_permutation(3, LS_RANDOM_SHUFFLE, k, order, n);
        memset(seen, 0, LARGEST);
        for (size_t i = 0; i < n; i++) {
            cr_assert_lt(order[i], n);
            cr_assert_eq(seen[order[i]]++, 0);
        }
        cr_assert_eq(order[n], 77777);
    }
    ls_free(order);
    ls_free(seen);
}

/* One element after the other as the header says, with a modulo for each: rejected words are those whose
   product has a low half below 2^32 mod (i + 1). They are rare, so many epochs are needed to see some. */
static int permute_slowly(uint64_t epoch, uint32_t *order, uint32_t n)
{
    int rejected = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t product, attempt = 0;
        for (;; attempt++) {
            ls_random_words random = ls_random(4, LS_RANDOM_SHUFFLE, epoch, attempt << 32 | i / 4);
            product = random.word[i % 4] * (i + 1);
            if (product % (UINT64_C(1) << 32) >= (UINT64_C(1) << 32) % (i + 1)) break;
            rejected++;
        }
        order[i] = order[product >> 32];
        order[product >> 32] = (uint32_t)i;
    }
    return rejected;
}

Test(random, permutation_draws_again_where_needed)
{
    enum { N = 60000, EPOCHS = 20 };
    uint32_t *order = ls_alloc(N, sizeof *order), *expected = ls_alloc(N, sizeof *expected);
    int rejected = 0;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        rejected += permute_slowly(epoch, expected, N);
        ls_random_permutation(4, LS_RANDOM_SHUFFLE, epoch, order, N);
        cr_assert_eq(memcmp(order, expected, N * sizeof *order), 0);
    }
    cr_assert_gt(rejected, 0);
    ls_free(order);
    ls_free(expected);
}

/* How often each element stands at each place over many epochs: 200 expected, standard deviation 13.8. */
Test(random, every_element_reaches_every_place)
{
    enum { N = 20, EPOCHS = 4000 };
    int count[N][N] = {{0}};
    double chi_square = 0;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        uint32_t order[N];
        ls_random_permutation(1, LS_RANDOM_SHUFFLE, epoch, order, N);
        for (int i = 0; i < N; i++) count[i][order[i]]++;
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double difference = count[i][j] - (double)EPOCHS / N;
            cr_assert_float_eq(difference, 0, 5 * 13.8, "%d at %d: %d times", j, i, count[i][j]);
            chi_square += difference * difference / ((double)EPOCHS / N);
        }
    double freedom = (N - 1) * (N - 1);
    cr_assert_float_eq(chi_square, freedom, 4 * sqrt(2 * freedom));
}

/* All 24 orders of four elements, 1,000 each expected: chi-square with 23 degrees of freedom. */
Test(random, all_orders_are_as_likely)
{
    enum { EPOCHS = 24000 };
    int count[256] = {0}, orders = 0;
    double chi_square = 0;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        uint32_t order[4];
        ls_random_permutation(8, LS_RANDOM_SHUFFLE, epoch, order, 4);
        count[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    for (int i = 0; i < 256; i++) {
        if (count[i] == 0) continue;
        orders++;
        chi_square += (count[i] - 1000.0) * (count[i] - 1000.0) / 1000;
    }
    cr_assert_eq(orders, 24);
    cr_assert_float_eq(chi_square, 23, 4 * sqrt(2 * 23));
}

Test(random, permutations_differ_by_seed_purpose_and_epoch)
{
    uint32_t order[4][100];
    ls_random_permutation(1, LS_RANDOM_SHUFFLE, 0, order[0], 100);
    ls_random_permutation(2, LS_RANDOM_SHUFFLE, 0, order[1], 100);
    ls_random_permutation(1, LS_RANDOM_SPLIT, 0, order[2], 100);
    ls_random_permutation(1, LS_RANDOM_SHUFFLE, 1, order[3], 100);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++) {
            int same = 0;
            for (int k = 0; k < 100; k++) same += order[i][k] == order[j][k];
            cr_assert_lt(same, 10, "%d %d", i, j);
        }
}
