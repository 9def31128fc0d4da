/* Mean absolute error: loss = 1/units sum |x - t| for each sample. The derivative at x = t is 0. */
#include <math.h>
#include "nn/loss_common.h"

static ls_status check(const void *options, int64_t units, int64_t classes, int64_t outputs)
{
    (void)options;
    return ls_loss_check_values("mae", units, classes, outputs);
}

static void panel(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                  const float *x, const ls_loss_target *target, float *delta, float *loss)
{
    (void)options;
    ls_element_loss call = {.kind = LS_ELEMENT_ABSOLUTE, .share = 1.0F / (float)units};
    kernels->element_loss(&call, units, lanes, x, target->values, target->weight, delta, loss);
}

static double reference(const void *options, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)options, (void)label;
    double sum = 0;
    for (int64_t u = 0; u < units; u++) {
        double difference = x[u] - values[u];
        sum += fabs(difference);
        if (gradient != NULL) gradient[u] = ((difference > 0) - (difference < 0)) / (double)units;
    }
    return sum / (double)units;
}

static double kink(const void *options, int64_t units, const double *x, const double *values, int32_t label)
{
    (void)options, (void)label;
    double nearest = INFINITY;
    for (int64_t u = 0; u < units; u++) nearest = fmin(nearest, fabs(x[u] - values[u]));
    return nearest;
}

const ls_loss_type ls_loss_mae = {
    .base = {.name = "mae",
             .help = "Mean over the units of the absolute difference of output and target.",
             .options = ls_loss_option_table,
             .options_size = sizeof(ls_loss_options)},
    .target = LS_TARGET_VALUES,
    .output = "value",
    .check = check,
    .panel = panel,
    .predict = ls_loss_predict_values,
    .reference = reference,
    .classify = ls_loss_classify_middle,
    .kink = kink,
};
