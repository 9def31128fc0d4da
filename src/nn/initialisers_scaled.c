/* Initialisers whose variance follows from the numbers of inputs and outputs of an element, so that signals
 * keep their size from layer to layer. */
#include <math.h>
#include "base/random.h"
#include "nn/registry.h"

enum { UNIFORM, NORMAL };

typedef struct scaled_options {
    int distribution;
    double gain;
} scaled_options;

static double uniform_draw(const void *limit, uint64_t seed, uint64_t index, uint64_t element)
{
    double a = *(const double *)limit;
    return -a + 2 * a * ls_random_uniform(seed, LS_RANDOM_INITIALISE, index, element);
}

static double normal_draw(const void *deviation, uint64_t seed, uint64_t index, uint64_t element)
{
    return *(const double *)deviation * ls_random_normal(seed, LS_RANDOM_INITIALISE, index, element);
}

/* Numbers of mean 0 and the given variance times the square of the gain. A uniform distribution over [-a, a]
 * has the variance a^2 / 3. */
static ls_status fill(const scaled_options *options, const ls_parameter *parameter, uint64_t seed, int index,
                      float *values, double variance)
{
    bool uniform = options->distribution == UNIFORM;
    double scale = options->gain * sqrt(uniform ? 3 * variance : variance);
    ls_initialise_elements(uniform ? uniform_draw : normal_draw, &scale, parameter, seed, index, values);
    return LS_OK;
}

/* Glorot and Bengio, AISTATS 2010: variance 2 / (fan_in + fan_out) (eq. 12), as a uniform distribution
 * eq. 16. */
static ls_status glorot_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                             float *values)
{
    return fill(options, parameter, seed, index, values,
                2 / ((double)parameter->fan_in + (double)parameter->fan_out));
}

/* He, Zhang, Ren and Sun, ICCV 2015: variance 2 / fan_in (eq. 10). */
static ls_status he_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                         float *values)
{
    return fill(options, parameter, seed, index, values, 2 / (double)parameter->fan_in);
}

/* LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998, section 4.6: variance 1 / fan_in. */
static ls_status lecun_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                            float *values)
{
    return fill(options, parameter, seed, index, values, 1 / (double)parameter->fan_in);
}

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
