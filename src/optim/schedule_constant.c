/* The learning rate of the recipe, always. */
#include "optim/registry.h"

static double rate(const void *options, double base_rate, int64_t epoch, int64_t step)
{
    (void)options, (void)epoch, (void)step;
    return base_rate;
}

const ls_schedule_type ls_schedule_constant = {
    .base = {.name = "constant", .help = "The learning rate stays as it is."},
    .rate = rate,
};
