/* end_factor + (1 - end_factor) (1 - t / T)^power (PolynomialLR in PyTorch with end_factor 0). */
#include "base/elementary.h"
#include "optim/registry.h"

typedef struct polynomial_options {
    ls_schedule_options common;
    double power, end_factor;
} polynomial_options;

static const ls_option option_table[] = {
    {.key = "power",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(polynomial_options, power),
     .minimum = 0.01,
     .maximum = 100,
     .default_text = "2",
     .help = "Power of the share of the length that is left. 1: a straight line."},
    LS_SCHEDULE_END_FACTOR(polynomial_options, end_factor),
    LS_SCHEDULE_LENGTH(polynomial_options),
    LS_SCHEDULE_UNIT(polynomial_options),
    LS_OPTION_END,
};

static bool ends(const void *options)
{
    (void)options;
    return true;
}

static double factor(const void *options, const ls_schedule_point *point)
{
    const polynomial_options *polynomial = options;
    double left = ls_real_power(1 - ls_schedule_progress(point), polynomial->power);
    return polynomial->end_factor + (1 - polynomial->end_factor) * left;
}

const ls_schedule_type ls_schedule_polynomial = {
    .base = {.name = "polynomial",
             .help = "The learning rate falls with a power of the share of the length that is left.",
             .options = option_table,
             .options_size = sizeof(polynomial_options)},
    .factor = factor,
    .ends = ends,
};
