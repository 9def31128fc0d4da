/* factor^n, where n is the number of whole periods that have passed (StepLR in PyTorch). */
#include "base/elementary.h"
#include "optim/registry.h"

typedef struct step_options {
    ls_schedule_options common;
    int64_t every;
    double factor;
} step_options;

static const ls_option option_table[] = {
    {.key = "every",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(step_options, every),
     .minimum = 1,
     .maximum = 1e9,
     .help = "Number of epochs (or steps) after which the learning rate changes, again and again."},
    {.key = "factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(step_options, factor),
     .minimum = 0,
     .maximum = 10,
     .default_text = "0.1",
     .help = "What the learning rate is multiplied by each time."},
    LS_SCHEDULE_UNIT(step_options),
    LS_OPTION_END,
};

static double factor(const void *options, const ls_schedule_point *point)
{
    const step_options *steps = options;
    return ls_power(steps->factor, (int64_t)(ls_schedule_position(point) / (double)steps->every));
}

const ls_schedule_type ls_schedule_step = {
    .base = {.name = "step",
             .help = "The learning rate is multiplied by a factor every so many epochs.",
             .options = option_table,
             .options_size = sizeof(step_options)},
    .factor = factor,
};
