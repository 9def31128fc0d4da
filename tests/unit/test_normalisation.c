/* Normalisation: the constants of textbooks, whatever the order of the rows. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "base/random.h"
#include "data/dataset.h"

enum { ROWS = 500, INPUTS = 6 };

static float values[ROWS * INPUTS];
static uint8_t bytes[ROWS * INPUTS];

static void fill_values(void)
{
    for (uint64_t i = 0; i < ROWS * INPUTS; i++) {
        double scale = pow(10, (double)(i % INPUTS) * 3 - 6);
        values[i] = (float)(scale * (ls_random_normal(1, LS_RANDOM_BENCH, 0, i) + 3));
        bytes[i] = (uint8_t)ls_random_below(2, LS_RANDOM_BENCH, 0, i, 256);
    }
}

TestSuite(normalisation, .init = fill_values);

static ls_normalisation fit(ls_normalise how, const ls_dataset *dataset)
{
    ls_normalisation normalisation;
    cr_assert_eq(ls_normalisation_fit(how, dataset, &normalisation), LS_OK, "%s", ls_error_message());
    cr_assert_eq(normalisation.inputs, dataset->inputs);
    return normalisation;
}

static double value_at(const ls_dataset *dataset, int64_t i)
{
    return dataset->bytes ? (double)dataset->bytes[i] : (double)dataset->floats[i];
}

/* Mean and variance of size neighbouring inputs, the long way. */
static void expect_constants(const ls_dataset *dataset, int64_t group, int64_t size,
                             const ls_normalisation *found)
{
    long double sum = 0, squares = 0;
    for (int64_t r = 0; r < dataset->rows; r++)
        for (int64_t s = 0; s < size; s++) sum += value_at(dataset, r * dataset->inputs + group * size + s);
    long double mean = sum / (dataset->rows * size);
    for (int64_t r = 0; r < dataset->rows; r++)
        for (int64_t s = 0; s < size; s++) {
            long double d = value_at(dataset, r * dataset->inputs + group * size + s) - mean;
            squares += d * d;
        }
    double deviation = sqrt((double)(squares / (dataset->rows * size)));
    for (int64_t i = group * size; i < (group + 1) * size; i++) {
        cr_expect_float_eq(found->shift[i] / (double)mean, 1, 1e-7, "input %d", (int)i);
        cr_expect_float_eq(found->scale[i] * deviation, 1, 2e-7, "input %d", (int)i);
    }
}

Test(normalisation, standardise_has_mean_and_deviation)
{
    ls_dataset dataset = {.rows = ROWS, .inputs = INPUTS, .shape = {INPUTS}, .rank = 1, .floats = values};
    ls_normalisation found = fit(LS_NORMALISE_STANDARDISE, &dataset);
    for (int i = 0; i < INPUTS; i++) expect_constants(&dataset, i, 1, &found);
    ls_normalisation_free(&found);
    dataset.floats = NULL;
    dataset.bytes = bytes;
    found = fit(LS_NORMALISE_STANDARDISE, &dataset);
    for (int i = 0; i < INPUTS; i++) expect_constants(&dataset, i, 1, &found);
    ls_normalisation_free(&found);
    cr_expect_null(found.shift);
}

Test(normalisation, images_have_one_pair_a_channel)
{
    ls_dataset dataset = {.rows = ROWS, .inputs = INPUTS, .shape = {2, 1, 3}, .rank = 3, .floats = values};
    for (int as_bytes = 0; as_bytes < 2; as_bytes++) {
        dataset.floats = as_bytes ? NULL : values;
        dataset.bytes = as_bytes ? bytes : NULL;
        ls_normalisation found = fit(LS_NORMALISE_STANDARDISE, &dataset);
        for (int channel = 0; channel < 2; channel++) expect_constants(&dataset, channel, 3, &found);
        ls_normalisation_free(&found);
    }
}

Test(normalisation, no_order_of_rows_matters)
{
    uint32_t order[ROWS];
    ls_dataset dataset = {.rows = ROWS, .inputs = INPUTS, .shape = {INPUTS}, .rank = 1, .floats = values};
    ls_normalisation first = fit(LS_NORMALISE_STANDARDISE, &dataset);
    for (uint64_t shuffle = 0; shuffle < 20; shuffle++) {
        ls_dataset shuffled;
        ls_random_permutation(3, LS_RANDOM_BENCH, shuffle, order, ROWS);
        cr_assert_eq(ls_dataset_take(&dataset, order, ROWS, &shuffled), LS_OK);
        ls_normalisation found = fit(LS_NORMALISE_STANDARDISE, &shuffled);
        cr_expect_eq(memcmp(found.shift, first.shift, sizeof(float) * INPUTS), 0);
        cr_expect_eq(memcmp(found.scale, first.scale, sizeof(float) * INPUTS), 0);
        ls_normalisation_free(&found);
        ls_dataset_free(&shuffled);
    }
    ls_normalisation_free(&first);
}

/* Sums that lose everything in double precision: the large values cancel, the small ones remain. */
Test(normalisation, cancelling_values_are_summed_exactly)
{
    float column[] = {1e30f, 3, -1e30f, 5};
    ls_dataset dataset = {.rows = 4, .inputs = 1, .shape = {1}, .rank = 1, .floats = column};
    ls_normalisation found = fit(LS_NORMALISE_STANDARDISE, &dataset);
    cr_expect_eq(found.shift[0], 2);
    ls_normalisation_free(&found);
}

/* The mean 16777217 is no float; the deviation is 1 all the same. */
Test(normalisation, rounding_of_the_mean_does_not_widen_the_deviation)
{
    float column[] = {16777216, 16777218, 16777216, 16777218};
    ls_dataset dataset = {.rows = 4, .inputs = 1, .shape = {1}, .rank = 1, .floats = column};
    ls_normalisation found = fit(LS_NORMALISE_STANDARDISE, &dataset);
    cr_expect_eq(found.scale[0], 1);
    ls_normalisation_free(&found);
}

Test(normalisation, constant_inputs_are_not_scaled)
{
    float column[] = {0.1f, 0.1f, 0.1f};
    uint8_t same[] = {7, 7, 7};
    ls_dataset dataset = {.rows = 3, .inputs = 1, .shape = {1}, .rank = 1, .floats = column};
    for (int how = 0; how < 3; how++) {
        ls_normalisation found = fit((ls_normalise)how, &dataset);
        cr_expect_eq(found.scale[0], 1);
        cr_expect_eq(found.shift[0], how == LS_NORMALISE_NONE ? 0 : 0.1f);
        ls_normalisation_free(&found);
    }
    dataset.floats = NULL;
    dataset.bytes = same;
    ls_normalisation found = fit(LS_NORMALISE_STANDARDISE, &dataset);
    cr_expect_eq(found.scale[0], 1);
    cr_expect_eq(found.shift[0], 7);
    ls_normalisation_free(&found);
}

Test(normalisation, scale_maps_to_zero_and_one)
{
    float table[] = {-2, 100, 0, 300, 2, 200};
    ls_dataset dataset = {.rows = 3, .inputs = 2, .shape = {2}, .rank = 1, .floats = table};
    ls_normalisation found = fit(LS_NORMALISE_SCALE, &dataset);
    cr_expect_eq(found.shift[0], -2);
    cr_expect_eq(found.scale[0], 0.25f);
    cr_expect_eq(found.shift[1], 100);
    cr_expect_eq(found.scale[1], 0.005f);
    ls_normalisation_free(&found);
    dataset.floats = NULL;
    dataset.bytes = bytes;
    found = fit(LS_NORMALISE_SCALE, &dataset);
    cr_expect_eq(found.shift[0], 0);
    cr_expect_eq(found.scale[1], 1.0f / 255.0f);
    ls_normalisation_free(&found);
}

Test(normalisation, extremes)
{
    float column[] = {3e38f, -3e38f};
    ls_dataset dataset = {.rows = 2, .inputs = 1, .shape = {1}, .rank = 1, .floats = column};
    ls_normalisation found = fit(LS_NORMALISE_SCALE, &dataset);
    cr_expect(isfinite(found.scale[0]) && found.scale[0] > 0);
    ls_normalisation_free(&found);
    found = fit(LS_NORMALISE_STANDARDISE, &dataset);
    cr_expect_float_eq(found.scale[0] * 3e38, 1, 1e-6);
    ls_normalisation_free(&found);
    float skew[] = {3.4e38f, 3.4e38f, 3.4e38f, 3.4e38f, 3.4e38f, 3.4e38f, 3.4e38f, -3.4e38f};
    dataset.floats = skew;
    dataset.rows = 8;
    cr_expect_eq(ls_normalisation_fit(LS_NORMALISE_STANDARDISE, &dataset, &found), LS_ERROR_DATA);
    cr_expect(strstr(ls_error_message(), "input 1 of the training data is too large") != NULL);
    dataset.rows = 0;
    found = fit(LS_NORMALISE_STANDARDISE, &dataset);
    cr_expect_eq(found.scale[0], 1);
    ls_normalisation_free(&found);
}
