/* The initialisers. Each element is computed in double precision from its own random number and rounded once
 * to float, so the arena's layout has no influence. The square root, which IEEE 754 rounds correctly, is the
 * only function of the mathematics library. */
#include <math.h>
#include "base/random.h"
#include "nn/registry.h"

typedef struct uniform_options {
    double minimum, maximum;
} uniform_options;

typedef struct normal_options {
    double mean, deviation;
} normal_options;

typedef enum distribution { UNIFORM, NORMAL } distribution;

typedef struct scaled_options {
    int distribution;
    double gain;
} scaled_options;

static void fill_uniform(const ls_parameter *parameter, uint64_t seed, int index, double minimum,
                         double maximum, float *values)
{
    double width = maximum - minimum;
    for (int64_t r = 0; r < parameter->rows; r++)
        for (int64_t c = 0; c < parameter->columns; c++) {
            uint64_t element = (uint64_t)(r * parameter->columns + c);
            double u = ls_random_uniform(seed, LS_RANDOM_INITIALISE, (uint64_t)index, element);
            values[r * parameter->ld + c] = (float)(minimum + width * u);
        }
}

static void fill_normal(const ls_parameter *parameter, uint64_t seed, int index, double mean,
                        double deviation, float *values)
{
    for (int64_t r = 0; r < parameter->rows; r++)
        for (int64_t c = 0; c < parameter->columns; c++) {
            uint64_t element = (uint64_t)(r * parameter->columns + c);
            double z = ls_random_normal(seed, LS_RANDOM_INITIALISE, (uint64_t)index, element);
            values[r * parameter->ld + c] = (float)(mean + deviation * z);
        }
}

/* Numbers of mean 0 and the given variance times the square of the gain. A uniform distribution over [-a, a]
 * has the variance a^2 / 3. */
static void fill_scaled(const scaled_options *options, const ls_parameter *parameter, uint64_t seed,
                        int index, double variance, float *values)
{
    if (options->distribution == UNIFORM) {
        double limit = options->gain * sqrt(3 * variance);
        fill_uniform(parameter, seed, index, -limit, limit, values);
    } else {
        fill_normal(parameter, seed, index, 0, options->gain * sqrt(variance), values);
    }
}

static void zeros_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                       float *values)
{
    (void)options, (void)seed, (void)index;
    for (int64_t r = 0; r < parameter->rows; r++)
        for (int64_t c = 0; c < parameter->columns; c++) values[r * parameter->ld + c] = 0;
}

static void uniform_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                         float *values)
{
    const uniform_options *range = options;
    fill_uniform(parameter, seed, index, range->minimum, range->maximum, values);
}

static const char *uniform_check(const void *options)
{
    const uniform_options *range = options;
    return range->minimum <= range->maximum ? NULL : "minimum must not be above maximum";
}

static void normal_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                        float *values)
{
    const normal_options *normal = options;
    fill_normal(parameter, seed, index, normal->mean, normal->deviation, values);
}

/* Glorot and Bengio, AISTATS 2010: variance 2 / (fan_in + fan_out) (eq. 12), as a uniform distribution
 * eq. 16. */
static void glorot_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                        float *values)
{
    double variance = 2 / ((double)parameter->fan_in + (double)parameter->fan_out);
    fill_scaled(options, parameter, seed, index, variance, values);
}

/* He, Zhang, Ren and Sun, ICCV 2015: variance 2 / fan_in (eq. 10). */
static void he_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                    float *values)
{
    fill_scaled(options, parameter, seed, index, 2 / (double)parameter->fan_in, values);
}

/* LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998, section 4.6: variance 1 / fan_in. */
static void lecun_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                       float *values)
{
    fill_scaled(options, parameter, seed, index, 1 / (double)parameter->fan_in, values);
}

static const ls_option uniform_table[] = {
    {.key = "minimum",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(uniform_options, minimum),
     .minimum = -1e30,
     .maximum = 1e30,
     .default_text = "-0.05",
     .help = "Lower end of the range."},
    {.key = "maximum",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(uniform_options, maximum),
     .minimum = -1e30,
     .maximum = 1e30,
     .default_text = "0.05",
     .help = "Upper end of the range."},
    LS_OPTION_END,
};

static const ls_option normal_table[] = {
    {.key = "mean",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(normal_options, mean),
     .minimum = -1e30,
     .maximum = 1e30,
     .default_text = "0",
     .help = "Mean of the distribution."},
    {.key = "std",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(normal_options, deviation),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "0.05",
     .help = "Standard deviation of the distribution."},
    LS_OPTION_END,
};

static const char *const distribution_choices[] = {"uniform", "normal", NULL};

#define SCALED_TABLE(DEFAULT)                                                                                \
    {                                                                                                        \
        {.key = "distribution",                                                                              \
         .kind = LS_OPTION_CHOICE,                                                                           \
         .offset = offsetof(scaled_options, distribution),                                                   \
         .default_text = DEFAULT,                                                                            \
         .choices = distribution_choices,                                                                    \
         .help = "Shape of the distribution; its variance is the same for both."},                           \
            {.key = "gain",                                                                                  \
             .kind = LS_OPTION_REAL,                                                                         \
             .offset = offsetof(scaled_options, gain),                                                       \
             .minimum = 0,                                                                                   \
             .maximum = 1e6,                                                                                 \
             .default_text = "1",                                                                            \
             .help = "Factor on the standard deviation."},                                                   \
            LS_OPTION_END                                                                                    \
    }

static const ls_option uniform_by_default[] = SCALED_TABLE("uniform");
static const ls_option normal_by_default[] = SCALED_TABLE("normal");

const ls_initialiser_type ls_initialiser_zeros = {
    .base = {.name = "zeros", .help = "All zero."},
    .fill = zeros_fill,
};

const ls_initialiser_type ls_initialiser_uniform = {
    .base = {.name = "uniform",
             .help = "Evenly distributed between two bounds.",
             .options = uniform_table,
             .options_size = sizeof(uniform_options),
             .check = uniform_check},
    .fill = uniform_fill,
};

const ls_initialiser_type ls_initialiser_normal = {
    .base = {.name = "normal",
             .help = "Normally distributed.",
             .options = normal_table,
             .options_size = sizeof(normal_options)},
    .fill = normal_fill,
};

const ls_initialiser_type ls_initialiser_glorot = {
    .base =
        {.name = "glorot",
         .help =
             "Variance 2 / (inputs + outputs), for tanh, sigmoid and no activation (Glorot and Bengio 2010).",
         .options = uniform_by_default,
         .options_size = sizeof(scaled_options)},
    .fill = glorot_fill,
};

const ls_initialiser_type ls_initialiser_he = {
    .base = {.name = "he",
             .help = "Variance 2 / inputs, for relu and its kin (He et al. 2015).",
             .options = normal_by_default,
             .options_size = sizeof(scaled_options)},
    .fill = he_fill,
};

const ls_initialiser_type ls_initialiser_lecun = {
    .base = {.name = "lecun",
             .help = "Variance 1 / inputs (LeCun et al. 1998).",
             .options = uniform_by_default,
             .options_size = sizeof(scaled_options)},
    .fill = lecun_fill,
};
