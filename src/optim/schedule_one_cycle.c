/* One cycle (Smith and Topin, Super-Convergence, 2018, arXiv:1708.07120) in the form of OneCycleLR in PyTorch
   with cosine annealing: up from start_factor to 1 until step rise T - 1, down to end_factor until step T
   - 1. The momentum is not cycled. */
#include "base/elementary.h"
#include "optim/registry.h"

typedef struct one_cycle_options {
    ls_schedule_options common;
    double rise, start_factor, end_factor;
} one_cycle_options;

static const ls_option option_table[] = {
    {.key = "rise",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(one_cycle_options, rise),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.3",
     .help = "Share of the length in which the learning rate rises to `lr`."},
    {.key = "start_factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(one_cycle_options, start_factor),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.04",
     .help = "What `lr` is multiplied by in the first step."},
    {.key = "end_factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(one_cycle_options, end_factor),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.000004",
     .help = "What `lr` is multiplied by in the last step."},
    LS_SCHEDULE_LENGTH(one_cycle_options),
    LS_SCHEDULE_UNIT(one_cycle_options),
    LS_OPTION_END,
};

static bool ends(const void *options)
{
    (void)options;
    return true;
}

/* From one value to another along half a wave of the cosine. */
static double between(double from, double to, double share)
{
    double height = share < 1 ? 0.5 + 0.5 * ls_cosine_of_turn(share / 2) : 0;
    return to + (from - to) * height;
}

static double factor(const void *options, const ls_schedule_point *point)
{
    const one_cycle_options *cycle = options;
    double step = (double)point->step, last = point->length - 1, highest = cycle->rise * point->length - 1;
    if (step <= highest && highest > 0) return between(cycle->start_factor, 1, step / highest);
    if (highest < 0) highest = 0;
    return between(1, cycle->end_factor, step < last ? (step - highest) / (last - highest) : 1);
}

const ls_schedule_type ls_schedule_one_cycle = {
    .base = {.name = "one_cycle",
             .help = "The learning rate rises to `lr` and falls to almost nothing, both like half a wave of "
                     "the cosine.",
             .options = option_table,
             .options_size = sizeof(one_cycle_options)},
    .factor = factor,
    .ends = ends,
};
