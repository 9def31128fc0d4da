/* The learning rate of the recipe, always. */
#include "optim/registry.h"

static double factor(const void *options, const ls_schedule_point *point)
{
    (void)options, (void)point;
    return 1;
}

const ls_schedule_type ls_schedule_constant = {
    .base = {.name = "constant", .help = "The learning rate stays as it is."},
    .factor = factor,
};
