/* rate = base_rate factor^n, where n is the number of whole periods that have passed. */
#include "optim/registry.h"

typedef struct step_options {
    int64_t every;
    double factor;
} step_options;

static const ls_option option_table[] = {
    {.key = "every",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(step_options, every),
     .minimum = 1,
     .maximum = 1e9,
     .help = "Number of epochs after which the learning rate changes, again and again."},
    {.key = "factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(step_options, factor),
     .minimum = 0,
     .maximum = 10,
     .default_text = "0.1",
     .help = "What the learning rate is multiplied by each time."},
    LS_OPTION_END,
};

/* By squaring: few products even after many epochs, always in the same order, hence the same bits. */
static double power(double base, int64_t exponent)
{
    double result = 1;
    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2 == 1) result *= base;
        base *= base;
    }
    return result;
}

static double rate(const void *options, double base_rate, int64_t epoch, int64_t step)
{
    (void)step;
    const step_options *steps = options;
    return base_rate * power(steps->factor, epoch / steps->every);
}

const ls_schedule_type ls_schedule_step = {
    .base = {.name = "step",
             .help = "The learning rate is multiplied by a factor every so many epochs.",
             .options = option_table,
             .options_size = sizeof(step_options)},
    .rate = rate,
};
