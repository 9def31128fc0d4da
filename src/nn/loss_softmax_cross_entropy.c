/* Cross-entropy of the softmax over the units: loss = log(sum exp(x_u)) - x_label. The layer before gives
 * logits. */
#include <math.h>
#include "nn/loss_common.h"

static ls_status check(const void *options, int64_t units, int64_t classes, int64_t outputs)
{
    (void)options;
    if (classes == 0)
        return ls_error(
            LS_ERROR_RECIPE,
            "softmax_cross_entropy needs classes, but the data have none (%lld target value%s a row): "
            "use mse or binary_cross_entropy",
            (long long)outputs, outputs == 1 ? "" : "s");
    if (classes == 1)
        return ls_error(LS_ERROR_RECIPE, "the data have 1 class: softmax_cross_entropy needs at least 2");
    if (units != classes)
        return ls_error(
            LS_ERROR_RECIPE,
            "the last layer has %lld unit%s, but the data have %lld classes: softmax_cross_entropy "
            "needs %lld units",
            (long long)units, units == 1 ? "" : "s", (long long)classes, (long long)classes);
    return LS_OK;
}

static void panel(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                  const float *x, const ls_loss_target *target, float *delta, float *loss)
{
    (void)options;
    kernels->softmax_entropy(units, lanes, x, target->label, target->weight, delta, loss);
}

static void predict(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                    const float *x, float *y)
{
    (void)options;
    kernels->softmax(units, lanes, x, y);
}

static double reference(const void *options, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)options, (void)values;
    double largest = -INFINITY;
    for (int64_t u = 0; u < units; u++) largest = fmax(largest, x[u]);
    double sum = 0;
    for (int64_t u = 0; u < units; u++) sum += exp(x[u] - largest);
    for (int64_t u = 0; gradient != NULL && u < units; u++)
        gradient[u] = exp(x[u] - largest) / sum - (u == label ? 1 : 0);
    return log(sum) - (x[label] - largest);
}

static void classify(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                     const float *x, int32_t *index)
{
    (void)options;
    kernels->argmax(units, lanes, x, index);
}

const ls_loss_type ls_loss_softmax_cross_entropy = {
    .base =
        {.name = "softmax_cross_entropy",
         .help =
             "Cross-entropy of the softmax over the units against the class. The last layer gives logits, "
             "one a class: it has no softmax of its own.",
         .options = ls_loss_option_table,
         .options_size = sizeof(ls_loss_options)},
    .target = LS_TARGET_LABELS,
    .output = "probability",
    .check = check,
    .panel = panel,
    .predict = predict,
    .reference = reference,
    .classify = classify,
};
