/* factor^n after n whole epochs or steps (ExponentialLR in PyTorch). */
#include "base/elementary.h"
#include "optim/registry.h"

typedef struct exponential_options {
    ls_schedule_options common;
    double factor;
} exponential_options;

static const ls_option option_table[] = {
    {.key = "factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(exponential_options, factor),
     .minimum = 0,
     .maximum = 10,
     .help = "What the learning rate is multiplied by after each epoch (or step)."},
    LS_SCHEDULE_UNIT(exponential_options),
    LS_OPTION_END,
};

static double factor(const void *options, const ls_schedule_point *point)
{
    const exponential_options *exponential = options;
    return ls_power(exponential->factor, (int64_t)ls_schedule_position(point));
}

const ls_schedule_type ls_schedule_exponential = {
    .base = {.name = "exponential",
             .help = "The learning rate is multiplied by a factor after every epoch.",
             .options = option_table,
             .options_size = sizeof(exponential_options)},
    .factor = factor,
};
