/* sqrt(s / (s + t)): the decay of Vaswani et al., Attention Is All You Need, NeurIPS 2017, eq. 3, if s is the
   length of the warm-up. */
#include <math.h>
#include "optim/registry.h"

typedef struct inverse_sqrt_options {
    ls_schedule_options common;
    double scale;
} inverse_sqrt_options;

static const ls_option option_table[] = {
    {.key = "scale",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(inverse_sqrt_options, scale),
     .minimum = 1e-9,
     .maximum = 0x1p53,
     .default_text = "1",
     .help = "s in sqrt(s / (s + t)), where t counts epochs (or steps) since the warm-up: after 3 s the rate "
             "is half. "
             "Usually the length of the warm-up."},
    LS_SCHEDULE_UNIT(inverse_sqrt_options),
    LS_OPTION_END,
};

static double factor(const void *options, const ls_schedule_point *point)
{
    const inverse_sqrt_options *inverse = options;
    return sqrt(inverse->scale / (inverse->scale + ls_schedule_position(point)));
}

const ls_schedule_type ls_schedule_inverse_sqrt = {
    .base = {.name = "inverse_sqrt",
             .help = "The learning rate falls with the inverse square root of the time, from step to step.",
             .options = option_table,
             .options_size = sizeof(inverse_sqrt_options)},
    .factor = factor,
};
