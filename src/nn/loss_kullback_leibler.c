/* Divergence of the softmax over the units from a target distribution (Kullback and Leibler, Annals of
 * Mathematical Statistics 22, 1951): loss = sum t_u (log t_u - log softmax(x)_u), 0 log 0 = 0, and the mean
 * is over samples (PyTorch's KLDivLoss with reduction batchmean). The layer before gives logits or logarithms
 * of probabilities, which are logits of themselves. */
#include <math.h>
#include "nn/loss_common.h"

static const double SUM_TOLERANCE = 1e-3; /* of targets written with few digits */

static ls_status check(const void *options, int64_t units, int64_t classes, int64_t outputs)
{
    (void)options;
    if (units == 1)
        return ls_error(LS_ERROR_RECIPE, "its output has 1 unit: a distribution needs at least 2");
    return ls_loss_check_values("kullback_leibler", units, classes, outputs);
}

static void panel(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                  const float *x, const ls_loss_target *target, float *delta, float *loss)
{
    (void)options;
    kernels->divergence(units, lanes, x, target->values, target->weight, delta, loss);
}

static double reference(const void *options, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)options, (void)label;
    double largest = -INFINITY, sum = 0, all = 0, loss = 0;
    for (int64_t u = 0; u < units; u++) largest = fmax(largest, x[u]);
    for (int64_t u = 0; u < units; u++) sum += exp(x[u] - largest);
    for (int64_t u = 0; u < units; u++) {
        if (values[u] > 0) loss += values[u] * (log(values[u]) - (x[u] - largest - log(sum)));
        all += values[u];
    }
    for (int64_t u = 0; gradient != NULL && u < units; u++)
        gradient[u] = all * exp(x[u] - largest) / sum - values[u];
    return loss;
}

static int64_t outside(const void *options, int64_t count, const float *values, const char **expected)
{
    (void)options;
    double sum = 0;
    *expected = "a probability, 0 to 1";
    for (int64_t i = 0; i < count; i++) {
        if (!(values[i] >= 0 && values[i] <= 1)) return i;
        sum += (double)values[i];
    }
    *expected = "a distribution: values that add up to 1";
    return fabs(sum - 1) <= SUM_TOLERANCE ? -1 : count;
}

static const ls_layer_type *const built_in[] = {&ls_layer_softmax, NULL};

const ls_loss_type ls_loss_kullback_leibler = {
    .base = {.name = "kullback_leibler",
             .help =
                 "Kullback-Leibler divergence of the softmax over the units from target values that are a "
                 "distribution: 0 or more, 1 in all. The last layer gives logits: it has no softmax of "
                 "its own (a log_softmax does no harm).",
             .options = ls_loss_option_table,
             .options_size = sizeof(ls_loss_options)},
    .target = LS_TARGET_VALUES,
    .output = "probability",
    .check = check,
    .panel = panel,
    .predict = ls_loss_predict_softmax,
    .reference = reference,
    .built_in = built_in,
    .classify = ls_loss_classify_sign,
    .outside = outside,
};
