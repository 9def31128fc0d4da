#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "nn/initialiser.h"
#include "support/default_component.h"

enum { ROWS = 200, COLUMNS = 301, LD = 304 };

static float values[ROWS * 320];

static ls_parameter parameter_of(int64_t ld)
{
    return (ls_parameter){.name = "p.weight",
                          .rows = ROWS,
                          .columns = COLUMNS,
                          .ld = ld,
                          .dims = 2,
                          .fan_in = COLUMNS,
                          .fan_out = ROWS};
}

static void fill(const ls_component *component, int64_t ld, uint64_t seed, int index)
{
    memset(values, 0, sizeof values);
    ls_parameter parameter = parameter_of(ld);
    const ls_initialiser_type *type = (const ls_initialiser_type *)component->type;
    cr_assert_eq(type->fill(component->options, &parameter, seed, index, values), LS_OK);
}

typedef struct moments {
    double mean, variance, kurtosis, smallest, largest;
} moments;

static moments moments_of(void)
{
    moments found = {.smallest = INFINITY, .largest = -INFINITY};
    double count = (double)ROWS * COLUMNS, fourth = 0;
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++) {
            double x = values[r * LD + c];
            found.mean += x / count;
            found.smallest = fmin(found.smallest, x);
            found.largest = fmax(found.largest, x);
        }
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++) {
            double square = (values[r * LD + c] - found.mean) * (values[r * LD + c] - found.mean);
            found.variance += square / count;
            fourth += square * square / count;
        }
    found.kurtosis = fourth / (found.variance * found.variance);
    return found;
}

static ls_component make(const char *name)
{
    return default_component(&ls_initialiser_registry, name, 1);
}

/* 60,200 numbers: the mean scatters by 0.4 % of the deviation, the variance by less than 0.6 % and the
 * kurtosis, 1.8 of a uniform and 3 of a normal distribution, by less than 0.02. Seven times that never
 * happens by chance. */
static void expect_moments(const ls_component *component, double mean, double variance, double kurtosis)
{
    fill(component, LD, 5, 2);
    moments found = moments_of();
    cr_expect_float_eq(found.mean, mean, 0.03 * sqrt(variance), "%s: mean %g", component->type->name,
                       found.mean);
    cr_expect_float_eq(found.variance / variance, 1, 0.04, "%s: variance %g instead of %g",
                       component->type->name, found.variance, variance);
    cr_expect_float_eq(found.kurtosis, kurtosis, 0.15, "%s: kurtosis %g", component->type->name,
                       found.kurtosis);
}

/* All elements, and nothing between them. */
static void expect_constant(const char *name, float value)
{
    ls_component component = make(name);
    if (component.options != NULL) *(double *)option_of(&component, "value") = (double)value;
    ls_parameter parameter = parameter_of(LD);
    for (int i = 0; i < ROWS * LD; i++) values[i] = 7;
    const ls_initialiser_type *type = (const ls_initialiser_type *)component.type;
    cr_assert_eq(type->fill(component.options, &parameter, 1, 0, values), LS_OK);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < LD; c++) cr_assert_eq(values[r * LD + c], c < COLUMNS ? value : 7);
    ls_component_clear(&component);
}

Test(initialisers, zeros_are_zeros)
{
    expect_constant("zeros", 0);
}

Test(initialisers, ones_and_constants_are_what_they_say)
{
    expect_constant("ones", 1);
    expect_constant("constant", -2.5F);
}

Test(initialisers, uniform_fills_its_range)
{
    ls_component component = make("uniform");
    expect_moments(&component, 0, 0.1 * 0.1 / 12, 1.8);
    *(double *)option_of(&component, "minimum") = 2;
    *(double *)option_of(&component, "maximum") = 3;
    expect_moments(&component, 2.5, 1.0 / 12, 1.8);
    moments found = moments_of();
    cr_expect(found.smallest >= 2 && found.smallest < 2.001 && found.largest <= 3 && found.largest > 2.999);
    cr_expect_null(component.type->check(component.options));
    *(double *)option_of(&component, "maximum") = 1;
    cr_expect_not_null(component.type->check(component.options));
    ls_component_clear(&component);
}

Test(initialisers, normal_has_the_wanted_mean_and_deviation)
{
    ls_component component = make("normal");
    expect_moments(&component, 0, 0.05 * 0.05, 3);
    *(double *)option_of(&component, "mean") = -4;
    *(double *)option_of(&component, "std") = 2;
    expect_moments(&component, -4, 4, 3);
    ls_component_clear(&component);
}

/* Of a normal distribution cut at c: variance 1 - 2 c phi(c) / (2 Phi(c) - 1), fourth moment 3 times that
 * less 2 c^3 phi(c) / (2 Phi(c) - 1): for c = 2 0.773741 and 1.416189. */
Test(initialisers, truncated_normal_has_no_tails)
{
    ls_component component = make("truncated_normal");
    *(double *)option_of(&component, "mean") = 3;
    *(double *)option_of(&component, "std") = 0.5;
    expect_moments(&component, 3, 0.25 * 0.773741, 1.416189 / (0.773741 * 0.773741));
    moments found = moments_of();
    cr_expect(found.smallest >= 2 && found.smallest < 2.01 && found.largest <= 4 && found.largest > 3.99);
    *(double *)option_of(&component, "cut") = 0.5;
    fill(&component, LD, 5, 2);
    found = moments_of();
    cr_expect(found.smallest >= 2.75 && found.largest <= 3.25);
    cr_expect_float_eq(found.variance, 0.25 * 0.080589, 0.02 * 0.25 * 0.080589, "%g", found.variance);
    *(double *)option_of(&component, "cut") = 100; /* nothing is drawn again */
    fill(&component, LD, 5, 2);
    ls_component normal = make("normal");
    *(double *)option_of(&normal, "mean") = 3;
    *(double *)option_of(&normal, "std") = 0.5;
    static float cut[ROWS * 320];
    memcpy(cut, values, sizeof cut);
    fill(&normal, LD, 5, 2);
    cr_expect_eq(memcmp(cut, values, sizeof cut), 0);
    ls_component_clear(&component);
    ls_component_clear(&normal);
}

/* The largest deviation of the products of all pairs of rows, or columns, from those of orthogonal ones. */
static double worst_product(const float *matrix, int count, int length, int step, int next, double square)
{
    double worst = 0;
    for (int a = 0; a < count; a++)
        for (int b = 0; b <= a; b++) {
            double product = 0;
            for (int i = 0; i < length; i++)
                product += (double)matrix[a * step + i * next] * (double)matrix[b * step + i * next];
            worst = fmax(worst, fabs(product - (a == b ? square : 0)));
        }
    return worst;
}

static void expect_orthogonal(int rows, int columns, double gain)
{
    ls_component component = make("orthogonal");
    *(double *)option_of(&component, "gain") = gain;
    ls_parameter parameter = {.rows = rows, .columns = columns, .ld = 320, .dims = 2};
    const ls_initialiser_type *type = (const ls_initialiser_type *)component.type;
    memset(values, 0, sizeof values);
    cr_assert_eq(type->fill(component.options, &parameter, 5, 2, values), LS_OK);
    double worst = rows <= columns ? worst_product(values, rows, columns, 320, 1, gain * gain)
                                   : worst_product(values, columns, rows, 1, 320, gain * gain);
    /* Each element is at most gain and rounded by 2^-25 of itself. */
    cr_expect_lt(worst, 2e-7 * gain * gain, "%d x %d: %g", rows, columns, worst);
    ls_component_clear(&component);
}

Test(initialisers, orthogonal_rows_or_columns_are_orthonormal)
{
    expect_orthogonal(200, 200, 1);
    expect_orthogonal(16, 301, 1.5);
    expect_orthogonal(200, 27, 0.5);
    expect_orthogonal(1, 9, 1);
    expect_orthogonal(9, 1, 1);
    expect_orthogonal(1, 1, 2);
}

/* A random rotation turns no direction over another: elements of a 200 x 301 one have the variance 1 / 301.
 */
Test(initialisers, orthogonal_elements_are_evenly_distributed)
{
    ls_component component = make("orthogonal");
    expect_moments(&component, 0, 1.0 / COLUMNS, 3);
    ls_component_clear(&component);
}

typedef struct scaled_expectation {
    const char *name;
    double variance;
    int default_distribution; /* 0 uniform, 1 normal */
} scaled_expectation;

static const scaled_expectation scaled[] = {
    {"glorot", 2.0 / (COLUMNS + ROWS), 0}, {"he", 2.0 / COLUMNS, 1}, {"lecun", 1.0 / COLUMNS, 0}};

Test(initialisers, scaled_ones_have_the_variance_of_their_papers)
{
    for (int i = 0; i < 3; i++) {
        ls_component component = make(scaled[i].name);
        int *distribution = option_of(&component, "distribution");
        cr_expect_eq(*distribution, scaled[i].default_distribution, "%s", scaled[i].name);
        *distribution = 0;
        expect_moments(&component, 0, scaled[i].variance, 1.8);
        double limit = sqrt(3 * scaled[i].variance);
        moments found = moments_of();
        cr_expect(found.largest <= limit * (1 + 1e-7) && found.largest > 0.999 * limit, "%s", scaled[i].name);
        cr_expect(found.smallest >= -limit * (1 + 1e-7) && found.smallest < -0.999 * limit, "%s",
                  scaled[i].name);
        *distribution = 1;
        expect_moments(&component, 0, scaled[i].variance, 3);
        *(double *)option_of(&component, "gain") = 3;
        expect_moments(&component, 0, 9 * scaled[i].variance, 3);
        ls_component_clear(&component);
    }
}

static const char *const drawing[] = {"uniform", "normal", "truncated_normal", "glorot",
                                      "he",      "lecun",  "orthogonal"};
enum { DRAWING = sizeof drawing / sizeof drawing[0] };

Test(initialisers, numbers_depend_on_seed_and_index_alone)
{
    static float first[ROWS * LD];
    for (int i = 0; i < DRAWING; i++) {
        ls_component component = make(drawing[i]);
        fill(&component, LD, 9, 4);
        memcpy(first, values, sizeof first);
        fill(&component, LD, 9, 4);
        cr_expect_eq(memcmp(first, values, sizeof first), 0, "%s: not repeatable", drawing[i]);
        fill(&component, LD, 10, 4);
        cr_expect_neq(memcmp(first, values, sizeof first), 0, "%s: the seed does not matter", drawing[i]);
        fill(&component, LD, 9, 5);
        cr_expect_neq(memcmp(first, values, sizeof first), 0, "%s: the index does not matter", drawing[i]);
        ls_component_clear(&component);
    }
}

Test(initialisers, the_layout_of_the_arena_does_not_matter_and_pads_stay_zero)
{
    static float first[ROWS * LD];
    for (int i = 0; i < DRAWING; i++) {
        ls_component component = make(drawing[i]);
        fill(&component, LD, 9, 4);
        memcpy(first, values, sizeof first);
        fill(&component, 320, 9, 4);
        int different = 0, dirty = 0;
        for (int r = 0; r < ROWS; r++) {
            different += memcmp(first + r * LD, values + r * 320, COLUMNS * sizeof(float)) != 0;
            for (int c = COLUMNS; c < 320; c++)
                dirty += values[r * 320 + c] != 0 || (c < LD && first[r * LD + c] != 0);
        }
        cr_expect(different == 0 && dirty == 0, "%s: %d rows differ, %d pads are not zero", drawing[i],
                  different, dirty);
        ls_component_clear(&component);
    }
}

/* Rows and columns are drawn apart: no two elements are the same number. */
Test(initialisers, every_element_has_a_number_of_its_own)
{
    ls_component component = make("normal");
    fill(&component, LD, 1, 0);
    int equal = 0;
    for (int r = 1; r < ROWS; r++)
        for (int c = 1; c < COLUMNS; c++)
            equal += values[r * LD + c] == values[(r - 1) * LD + c] ||
                     values[r * LD + c] == values[r * LD + c - 1];
    cr_expect_lt(equal, 20);
    ls_component_clear(&component);
}
