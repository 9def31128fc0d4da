/* Stochastic weight averaging: the mean of the weights at the end of some epochs, each with the same share
   (Izmailov et al., UAI 2018, algorithm 1). */
#include "optim/average.h"

typedef struct swa_options {
    int64_t start, every;
} swa_options;

static const ls_option option_table[] = {
    {.key = "start",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(swa_options, start),
     .minimum = 1,
     .maximum = 1e9,
     .help = "The first weights that count are those at the end of this epoch (1 for the first epoch). Until "
             "then the weights themselves are used."},
    {.key = "every",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(swa_options, every),
     .minimum = 1,
     .maximum = 1e9,
     .default_text = "1",
     .help = "From then on the weights of every so many epochs count."},
    LS_OPTION_END,
};

static double share(const void *options, const ls_average_moment *moment)
{
    const swa_options *swa = options;
    if (!moment->epoch_end || moment->epochs < swa->start) return 0;
    if ((moment->epochs - swa->start) % swa->every != 0) return 0;
    return 1.0 / (double)(moment->taken + 1);
}

const ls_average_type ls_average_swa = {
    .base = {.name = "swa",
             .help = "Stochastic weight averaging: the mean over the ends of epochs.",
             .options = option_table,
             .options_size = sizeof(swa_options)},
    .by_epoch = true,
    .share = share,
};
