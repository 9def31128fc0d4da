/* A straight line from 1 at the beginning to end_factor at the end (LinearLR in PyTorch with start_factor 1).
 */
#include "optim/registry.h"

typedef struct linear_options {
    ls_schedule_options common;
    double end_factor;
} linear_options;

static const ls_option option_table[] = {
    LS_SCHEDULE_END_FACTOR(linear_options, end_factor),
    LS_SCHEDULE_LENGTH(linear_options),
    LS_SCHEDULE_UNIT(linear_options),
    LS_OPTION_END,
};

static bool ends(const void *options)
{
    (void)options;
    return true;
}

static double factor(const void *options, const ls_schedule_point *point)
{
    const linear_options *linear = options;
    return linear->end_factor + (1 - linear->end_factor) * (1 - ls_schedule_progress(point));
}

const ls_schedule_type ls_schedule_linear = {
    .base = {.name = "linear",
             .help = "The learning rate falls in a straight line, from step to step.",
             .options = option_table,
             .options_size = sizeof(linear_options)},
    .factor = factor,
    .ends = ends,
};
