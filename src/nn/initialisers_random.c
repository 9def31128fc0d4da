/* Initialisers with a distribution that does not depend on the shape. */
#include "base/random.h"
#include "nn/registry.h"

typedef struct uniform_options {
    double minimum, maximum;
} uniform_options;

typedef struct normal_options {
    double mean, deviation;
} normal_options;

typedef struct truncated_options {
    double mean, deviation, cut;
} truncated_options;

static double uniform_draw(const void *options, uint64_t seed, uint64_t index, uint64_t element)
{
    const uniform_options *range = options;
    double width = range->maximum - range->minimum;
    return range->minimum + width * ls_random_uniform(seed, LS_RANDOM_INITIALISE, index, element);
}

static ls_status uniform_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                              float *values)
{
    ls_initialise_elements(uniform_draw, options, parameter, seed, index, values);
    return LS_OK;
}

static const char *uniform_check(const void *options)
{
    const uniform_options *range = options;
    return range->minimum <= range->maximum ? NULL : "minimum must not be above maximum";
}

static double normal_draw(const void *options, uint64_t seed, uint64_t index, uint64_t element)
{
    const normal_options *normal = options;
    return normal->mean + normal->deviation * ls_random_normal(seed, LS_RANDOM_INITIALISE, index, element);
}

static ls_status normal_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                             float *values)
{
    ls_initialise_elements(normal_draw, options, parameter, seed, index, values);
    return LS_OK;
}

/* Draws until one lies within the cut; attempts count in the top byte of the element, as in ls_random_below.
 * With the smallest cut 38 % are accepted, so that 256 attempts never fail. */
static double truncated_draw(const void *options, uint64_t seed, uint64_t index, uint64_t element)
{
    const truncated_options *normal = options;
    for (uint64_t attempt = 0; attempt < 256; attempt++) {
        double z = ls_random_normal(seed, LS_RANDOM_INITIALISE, index, element ^ attempt << 56);
        if (z >= -normal->cut && z <= normal->cut) return normal->mean + normal->deviation * z;
    }
    return normal->mean;
}

static ls_status truncated_fill(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                                float *values)
{
    ls_initialise_elements(truncated_draw, options, parameter, seed, index, values);
    return LS_OK;
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

/* The rows for mean and deviation. MORE goes on with the help of the deviation. */
#define NORMAL_OPTIONS(STRUCT, MORE)                                                                         \
    {.key = "mean",                                                                                          \
     .kind = LS_OPTION_REAL,                                                                                 \
     .offset = offsetof(STRUCT, mean),                                                                       \
     .minimum = -1e30,                                                                                       \
     .maximum = 1e30,                                                                                        \
     .default_text = "0",                                                                                    \
     .help = "Mean of the distribution."},                                                                   \
    {                                                                                                        \
        .key = "std", .kind = LS_OPTION_REAL, .offset = offsetof(STRUCT, deviation), .minimum = 0,           \
        .maximum = 1e30, .default_text = "0.05", .help = "Standard deviation of the distribution" MORE       \
    }

static const ls_option normal_table[] = {
    NORMAL_OPTIONS(normal_options, "."),
    LS_OPTION_END,
};

static const ls_option truncated_table[] = {
    NORMAL_OPTIONS(truncated_options, " before it is cut; with a cut of 2 it is 0.88 times this afterwards."),
    {.key = "cut",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(truncated_options, cut),
     .minimum = 0.5,
     .maximum = 100,
     .default_text = "2",
     .help = "Numbers further than so many standard deviations from the mean are drawn again."},
    LS_OPTION_END,
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

const ls_initialiser_type ls_initialiser_truncated_normal = {
    .base = {.name = "truncated_normal",
             .help = "Normally distributed, without what lies far from the mean.",
             .options = truncated_table,
             .options_size = sizeof(truncated_options)},
    .fill = truncated_fill,
};
