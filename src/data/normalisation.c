/* Dimensions: R rows, G groups (constants to find), S numbers of a row in each group; inputs = G * S. A group
   is an input, or for images standardised by channel a channel. */
#include "data/dataset.h"

#include <math.h>
#include "base/memory.h"
#include "base/wide.h"

const char *const ls_normalise_choices[] = {"none", "standardise", "scale", NULL};

/* Terms after which a wide sum must settle its carries, well below its limit. */
static const int64_t settle_after = INT64_C(1) << 30;

static void fill(float *values, int64_t count, float value)
{
    for (int64_t i = 0; i < count; i++) values[i] = value;
}

/* One over the standard deviation; 1 for what never changes or is beyond float32. */
static float inverse_deviation(double variance)
{
    float scale = variance > 0 ? (float)(1.0 / sqrt(variance)) : 1.0f;
    return isfinite(scale) && scale > 0 ? scale : 1.0f;
}

typedef struct byte_sums {
    uint64_t first, second; /* of x and of its square; exact */
} byte_sums;

static ls_status standardise_bytes(const ls_dataset *train, int64_t G, int64_t S, float *shift, float *scale)
{
    byte_sums *sums = ls_alloc((size_t)G, sizeof *sums);
    if (!sums) return LS_ERROR_MEMORY;
    const uint8_t *x = train->bytes;
    for (int64_t row = 0; row < train->rows; row++) {
        for (int64_t g = 0; g < G; g++) {
            uint64_t first = 0, second = 0;
            for (int64_t s = 0; s < S; s++) {
                uint64_t value = *x++;
                first += value;
                second += value * value;
            }
            sums[g].first += first;
            sums[g].second += second;
        }
    }
    double count = (double)train->rows * (double)S;
    for (int64_t g = 0; g < G; g++) {
        unsigned __int128 a = (unsigned __int128)sums[g].second * (uint64_t)(train->rows * S);
        unsigned __int128 b = (unsigned __int128)sums[g].first * sums[g].first;
        fill(shift + g * S, S, (float)((double)sums[g].first / count));
        fill(scale + g * S, S, inverse_deviation((double)(a - b) / (count * count)));
    }
    ls_free(sums);
    return LS_OK;
}

static void settle(ls_wide *sums, int64_t count)
{
    for (int64_t i = 0; i < count; i++) ls_wide_normalise(&sums[i]);
}

/* Exact sums of x - shift (rounded to float32) into first, and of its square into second unless that is NULL.
 */
static void sum_floats(const ls_dataset *train, int64_t G, int64_t S, const float *shift, ls_wide *first,
                       ls_wide *second)
{
    int64_t rows_to_settle = settle_after / S > 0 ? settle_after / S : 1;
    const float *x = train->floats;
    for (int64_t row = 0; row < train->rows; row++) {
        for (int64_t g = 0; g < G; g++) {
            for (int64_t s = 0; s < S; s++) {
                float difference = (float)((double)*x++ - (double)shift[g * S + s]);
                ls_wide_add(&first[g], difference);
                if (second) ls_wide_add(&second[g], (double)difference * (double)difference);
            }
        }
        if ((row + 1) % rows_to_settle != 0) continue;
        settle(first, G);
        if (second) settle(second, G);
    }
}

/* Two passes: the mean, rounded to float32, then the deviations from it. What the rounding of the mean costs
   is taken off again by the mean of the deviations. */
static ls_status standardise_floats(const ls_dataset *train, int64_t G, int64_t S, float *shift, float *scale)
{
    ls_wide *sums = ls_alloc((size_t)(2 * G), sizeof *sums);
    if (!sums) return LS_ERROR_MEMORY;
    ls_wide *first = sums, *second = sums + G;
    double count = (double)train->rows * (double)S;
    ls_status status = LS_OK;
    sum_floats(train, G, S, shift, first, NULL);
    for (int64_t g = 0; g < G; g++) {
        fill(shift + g * S, S, (float)(ls_wide_value(&first[g]) / count));
        ls_wide_clear(&first[g]);
    }
    sum_floats(train, G, S, shift, first, second);
    for (int64_t g = 0; g < G && status == LS_OK; g++) {
        double mean = ls_wide_value(&first[g]) / count;
        double variance = ls_wide_value(&second[g]) / count - mean * mean;
        if (isfinite(variance))
            fill(scale + g * S, S, inverse_deviation(variance));
        else
            status = ls_error(LS_ERROR_DATA,
                              "input %lld of the training data is too large to standardise, expected values "
                              "well within the range of float32; rescale it or use 'normalise: none'",
                              (long long)(g * S) + 1);
    }
    ls_free(sums);
    return status;
}

static ls_status standardise(const ls_dataset *train, float *shift, float *scale)
{
    int64_t groups = train->rank > 1 ? train->shape[0] : train->inputs;
    int64_t size = train->inputs / groups;
    return train->bytes ? standardise_bytes(train, groups, size, shift, scale)
                        : standardise_floats(train, groups, size, shift, scale);
}

/* shift is the smallest value; scale holds the largest until all rows are seen. */
static void scale_to_one(const ls_dataset *train, float *shift, float *scale)
{
    int64_t inputs = train->inputs;
    if (train->bytes) {
        fill(scale, inputs, 1.0f / 255.0f);
        return;
    }
    for (int64_t i = 0; i < inputs; i++) shift[i] = scale[i] = train->floats[i] + 0.0f; /* no -0 */
    for (int64_t row = 1; row < train->rows; row++) {
        const float *x = train->floats + row * inputs;
        for (int64_t i = 0; i < inputs; i++) {
            if (x[i] < shift[i]) shift[i] = x[i];
            if (x[i] > scale[i]) scale[i] = x[i];
        }
    }
    for (int64_t i = 0; i < inputs; i++) {
        float factor = (float)(1.0 / ((double)scale[i] - (double)shift[i]));
        scale[i] = isfinite(factor) ? factor : 1.0f;
    }
}

ls_status ls_normalisation_fit(ls_normalise how, const ls_dataset *train, ls_normalisation *normalisation)
{
    int64_t inputs = train->inputs;
    float *shift = ls_alloc((size_t)inputs, sizeof *shift), *scale = ls_alloc((size_t)inputs, sizeof *scale);
    *normalisation = (ls_normalisation){inputs, shift, scale};
    ls_status status = shift && scale ? LS_OK : LS_ERROR_MEMORY;
    if (status == LS_OK) {
        fill(scale, inputs, 1.0f);
        bool rows = train->rows > 0 && inputs > 0;
        if (how == LS_NORMALISE_STANDARDISE && rows) status = standardise(train, shift, scale);
        if (how == LS_NORMALISE_SCALE && rows) scale_to_one(train, shift, scale);
    }
    if (status != LS_OK) ls_normalisation_free(normalisation);
    return status;
}

void ls_normalisation_free(ls_normalisation *normalisation)
{
    ls_free(normalisation->shift);
    ls_free(normalisation->scale);
    *normalisation = (ls_normalisation){0};
}
