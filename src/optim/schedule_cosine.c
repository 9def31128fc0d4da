/* Half a wave of the cosine from 1 to end_factor, with restarts if wanted (Loshchilov and Hutter, SGDR, ICLR
   2017, eq. 5: eta_min + (eta_max - eta_min) (1 + cos(pi T_cur / T_i)) / 2, where T_i grows by a factor at
   each restart). CosineAnnealingLR and CosineAnnealingWarmRestarts in PyTorch; the first of them rises again
   after its end, here the rate stays. */
#include "base/elementary.h"
#include "optim/registry.h"

typedef struct cosine_options {
    ls_schedule_options common;
    double end_factor, period, multiplier;
} cosine_options;

static const ls_option option_table[] = {
    {.key = "period",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(cosine_options, period),
     .minimum = 0,
     .maximum = 0x1p53,
     .default_text = "0",
     .help = "Epochs (or steps) from the start to the first restart. 0: one period as long as `length`, no "
             "restart."},
    {.key = "multiplier",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(cosine_options, multiplier),
     .minimum = 1,
     .maximum = 1e6,
     .default_text = "1",
     .help = "How many times as long as the one before each further period is."},
    {.key = "end_factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(cosine_options, end_factor),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0",
     .help = "What `lr` is multiplied by at the end of a period."},
    LS_SCHEDULE_LENGTH(cosine_options),
    LS_SCHEDULE_UNIT(cosine_options),
    LS_OPTION_END,
};

static bool ends(const void *options)
{
    return ((const cosine_options *)options)->period == 0;
}

/* The share of the current period that has passed. */
static double share_of_period(const cosine_options *cosine, const ls_schedule_point *point)
{
    double length = cosine->period * point->steps_per_unit, step = (double)point->step;
    if (cosine->multiplier == 1) {
        step -= length * (double)(int64_t)(step / length);
    } else {
        for (; step >= length; length *= cosine->multiplier) step -= length;
    }
    double share = step / length;
    return share < 0 ? 0 : share; /* of a length that is no whole number of steps */
}

static double factor(const void *options, const ls_schedule_point *point)
{
    const cosine_options *cosine = options;
    double share = cosine->period > 0 ? share_of_period(cosine, point) : ls_schedule_progress(point);
    double height = share < 1 ? 0.5 + 0.5 * ls_cosine_of_turn(share / 2) : 0;
    return cosine->end_factor + (1 - cosine->end_factor) * height;
}

const ls_schedule_type ls_schedule_cosine = {
    .base = {.name = "cosine",
             .help = "The learning rate falls like half a wave of the cosine, with warm restarts if wanted.",
             .options = option_table,
             .options_size = sizeof(cosine_options)},
    .factor = factor,
    .ends = ends,
};
