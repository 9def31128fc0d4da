/* factor^n, where n is the number of given points that have passed (MultiStepLR in PyTorch). */
#include "base/elementary.h"
#include "optim/registry.h"

typedef struct multi_step_options {
    ls_schedule_options common;
    ls_integers at;
    double factor;
} multi_step_options;

static const ls_option option_table[] = {
    {.key = "at",
     .kind = LS_OPTION_INTEGERS,
     .offset = offsetof(multi_step_options, at),
     .minimum = 1,
     .maximum = 0x1p53,
     .help = "After how many epochs (or steps) the learning rate changes, ascending."},
    {.key = "factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(multi_step_options, factor),
     .minimum = 0,
     .maximum = 10,
     .default_text = "0.1",
     .help = "What the learning rate is multiplied by each time."},
    LS_SCHEDULE_UNIT(multi_step_options),
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const multi_step_options *steps = options;
    for (int i = 1; i < steps->at.count; i++) {
        if (steps->at.value[i] <= steps->at.value[i - 1]) return "the numbers of 'at' must ascend";
    }
    return NULL;
}

static double factor(const void *options, const ls_schedule_point *point)
{
    const multi_step_options *steps = options;
    double position = ls_schedule_position(point);
    int passed = 0;
    while (passed < steps->at.count && position >= (double)steps->at.value[passed]) passed++;
    return ls_power(steps->factor, passed);
}

const ls_schedule_type ls_schedule_multi_step = {
    .base = {.name = "multi_step",
             .help = "The learning rate is multiplied by a factor at each of several points.",
             .options = option_table,
             .options_size = sizeof(multi_step_options),
             .check = check},
    .factor = factor,
};
