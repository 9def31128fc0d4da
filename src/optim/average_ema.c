/* The exponential moving average of the weights after every step, which begins with the first (Polyak and
   Juditsky, SIAM J. Control Optim. 30, 1992, in the form with forgetting): average = decay average + (1 -
   decay) weights. With the warm-up the decay of update n (from 0) is at most (1 + n) / (10 + n), so that the
   weights of the first steps are soon forgotten. */
#include "optim/average.h"

typedef struct ema_options {
    double decay;
    bool warmup;
} ema_options;

static const ls_option option_table[] = {
    {.key = "decay",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ema_options, decay),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.999",
     .help = "Share of the average that stays in each step, below 1. About 1 / (1 - decay) steps count."},
    {.key = "warmup",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(ema_options, warmup),
     .default_text = "true",
     .help = "In update n, from 0, the decay is at most (1 + n) / (10 + n), so that the first weights are "
             "soon forgotten."},
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const ema_options *ema = options;
    return (float)(1 - ema->decay) > 0 ? NULL : "decay must be below 1";
}

static double share(const void *options, const ls_average_moment *moment)
{
    const ema_options *ema = options;
    if (moment->epoch_end) return 0;
    if (moment->taken == 0) return 1;
    double n = (double)moment->taken, early = (1 + n) / (10 + n);
    return 1 - (ema->warmup && early < ema->decay ? early : ema->decay);
}

const ls_average_type ls_average_ema = {
    .base = {.name = "ema",
             .help = "Exponential moving average over the steps.",
             .options = option_table,
             .options_size = sizeof(ema_options),
             .check = check},
    .share = share,
};
