/* Cross-entropy of the sigmoid of each unit. The layer before gives logits; the sigmoid is part of the loss,
 * which keeps it exact where it is close to 0 or 1: loss = sum max(x, 0) - x t + log(1 + exp(-|x|)). */
#include <math.h>
#include "nn/loss_common.h"

static ls_status check(const void *options, int64_t units, int64_t classes, int64_t outputs)
{
    (void)options;
    return ls_loss_check_values("binary_cross_entropy", units, classes, outputs);
}

static void panel(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                  const float *x, const ls_loss_target *target, float *delta, float *loss)
{
    (void)options;
    kernels->binary_entropy(units, lanes, x, target->values, target->weight, delta, loss);
}

static void predict(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                    const float *x, float *y)
{
    (void)options;
    kernels->activation_forward(LS_ACTIVATION_SIGMOID, 0, x, y, units * lanes);
}

static double reference(const void *options, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)options, (void)label;
    double sum = 0;
    for (int64_t u = 0; u < units; u++) {
        sum += fmax(x[u], 0) - x[u] * values[u] + log1p(exp(-fabs(x[u])));
        if (gradient != NULL) gradient[u] = 1 / (1 + exp(-x[u])) - values[u];
    }
    return sum;
}

/* A logit of 0 is a probability of 0.5. */
static void classify(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                     const float *x, int32_t *index)
{
    (void)options;
    if (units > 1) {
        kernels->argmax(units, lanes, x, index);
        return;
    }
    for (int64_t n = 0; n < lanes; n++) index[n] = x[n] >= 0;
}

const ls_loss_type ls_loss_binary_cross_entropy = {
    .base =
        {.name = "binary_cross_entropy",
         .help =
             "Cross-entropy of the sigmoid of each unit, summed over the units. The last layer gives logits: "
             "it has no sigmoid of its own.",
         .options = ls_loss_option_table,
         .options_size = sizeof(ls_loss_options)},
    .target = LS_TARGET_VALUES,
    .output = "probability",
    .check = check,
    .panel = panel,
    .predict = predict,
    .reference = reference,
    .classify = classify,
};
