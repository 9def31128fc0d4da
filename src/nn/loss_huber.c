/* Huber's loss (Annals of Mathematical Statistics 35, 1964, section 1): 1/units sum h(x - t) for each sample,
 * h(d) = d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2). */
#include <math.h>
#include "nn/loss_common.h"

typedef struct huber_options {
    ls_loss_options common;
    double delta;
} huber_options;

static ls_status check(const void *options, int64_t units, int64_t classes, int64_t outputs)
{
    (void)options;
    return ls_loss_check_values("huber", units, classes, outputs);
}

static float delta_of(const void *options)
{
    return (float)((const huber_options *)options)->delta;
}

static void panel(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                  const float *x, const ls_loss_target *target, float *delta, float *loss)
{
    ls_element_loss call = {
        .kind = LS_ELEMENT_HUBER, .parameter = delta_of(options), .share = 1.0F / (float)units};
    kernels->element_loss(&call, units, lanes, x, target->values, target->weight, delta, loss);
}

static double reference(const void *options, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)label;
    double delta = delta_of(options), sum = 0;
    for (int64_t u = 0; u < units; u++) {
        double difference = x[u] - values[u], size = fabs(difference);
        sum += size <= delta ? size * size / 2 : delta * (size - delta / 2);
        if (gradient != NULL) gradient[u] = fmax(-delta, fmin(delta, difference)) / (double)units;
    }
    return sum / (double)units;
}

/* The first derivative has a corner there, which finite differences see as well. */
static double kink(const void *options, int64_t units, const double *x, const double *values, int32_t label)
{
    (void)label;
    double nearest = INFINITY;
    for (int64_t u = 0; u < units; u++)
        nearest = fmin(nearest, fabs(fabs(x[u] - values[u]) - delta_of(options)));
    return nearest;
}

static const ls_option options_table[] = {LS_LOSS_COMMON_OPTIONS,
                                          {.key = "delta",
                                           .kind = LS_OPTION_REAL,
                                           .offset = offsetof(huber_options, delta),
                                           .minimum = 1e-6,
                                           .maximum = 1e6,
                                           .default_text = "1",
                                           .help = "Where the square ends and the straight line begins."},
                                          LS_OPTION_END};

const ls_loss_type ls_loss_huber = {
    .base = {.name = "huber",
             .help = "Mean over the units of half the squared difference of output and target where it is at "
                     "most delta, growing in a straight line beyond: less moved by outliers than mse.",
             .options = options_table,
             .options_size = sizeof(huber_options)},
    .target = LS_TARGET_VALUES,
    .output = "value",
    .check = check,
    .panel = panel,
    .predict = ls_loss_predict_values,
    .reference = reference,
    .classify = ls_loss_classify_middle,
    .kink = kink,
};
