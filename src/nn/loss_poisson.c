/* Negative log-likelihood of counts t under a Poisson distribution, without the term log(t!) that no weight
 * changes (the form of PyTorch's PoissonNLLLoss): 1/units sum exp(x) - t x, or x - t log(x + epsilon). */
#include <math.h>
#include "nn/loss_common.h"

typedef struct poisson_options {
    ls_loss_options common;
    bool log_input;
    double epsilon;
} poisson_options;

static ls_status check(const void *options, int64_t units, int64_t classes, int64_t outputs)
{
    (void)options;
    if (classes > 0)
        return ls_error(LS_ERROR_RECIPE,
                        "poisson needs counts as target values, but the data have %lld classes; where these "
                        "are counts, set 'task: values' in the data section",
                        (long long)classes);
    return ls_loss_check_values("poisson", units, classes, outputs);
}

static void panel(const void *opaque, const ls_kernels *kernels, int64_t units, int64_t lanes, const float *x,
                  const ls_loss_target *target, float *delta, float *loss)
{
    const poisson_options *options = opaque;
    ls_element_loss call = {.kind = options->log_input ? LS_ELEMENT_POISSON_LOG : LS_ELEMENT_POISSON,
                            .parameter = (float)options->epsilon,
                            .share = 1.0F / (float)units};
    kernels->element_loss(&call, units, lanes, x, target->values, target->weight, delta, loss);
}

/* The expected count. */
static void predict(const void *opaque, const ls_kernels *kernels, int64_t units, int64_t lanes,
                    const float *x, float *y)
{
    const poisson_options *options = opaque;
    if (options->log_input)
        kernels->exponential(x, y, units * lanes);
    else
        ls_loss_predict_values(opaque, kernels, units, lanes, x, y);
}

static double reference(const void *opaque, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)label;
    const poisson_options *options = opaque;
    double epsilon = (float)options->epsilon, sum = 0;
    for (int64_t u = 0; u < units; u++) {
        double t = values[u], rate = options->log_input ? exp(x[u]) : x[u];
        double log_rate = options->log_input ? x[u] : log(x[u] + epsilon);
        sum += rate - t * log_rate;
        if (gradient != NULL)
            gradient[u] = (options->log_input ? rate - t : 1 - t / (x[u] + epsilon)) / (double)units;
    }
    return sum / (double)units;
}

static int64_t outside(const void *options, int64_t count, const float *values, const char **expected)
{
    (void)options;
    *expected = "a count, 0 or more";
    for (int64_t i = 0; i < count; i++)
        if (!(values[i] >= 0)) return i;
    return -1;
}

/* Nothing to differentiate at or below a rate of 0. */
static double kink(const void *opaque, int64_t units, const double *x, const double *values, int32_t label)
{
    (void)values, (void)label;
    const poisson_options *options = opaque;
    double nearest = INFINITY;
    for (int64_t u = 0; u < units && !options->log_input; u++) nearest = fmin(nearest, x[u]);
    return nearest;
}

static const ls_option options_table[] = {
    LS_LOSS_COMMON_OPTIONS,
    {.key = "log_input",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(poisson_options, log_input),
     .default_text = "true",
     .help = "true: the last layer gives the logarithm of the expected count (predictions are counts all the "
             "same). false: the expected count itself, which must be kept above 0, by softplus for example."},
    {.key = "epsilon",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(poisson_options, epsilon),
     .minimum = 1e-30,
     .maximum = 1,
     .default_text = "1e-8",
     .help = "Added to the expected count before the logarithm is taken, where log_input is false."},
    LS_OPTION_END};

const ls_loss_type ls_loss_poisson = {
    .base = {.name = "poisson",
             .help = "Mean over the units of the negative log-likelihood of counts under a Poisson "
                     "distribution, without the term that depends on the targets alone. Targets are 0 or "
                     "more.",
             .options = options_table,
             .options_size = sizeof(poisson_options)},
    .target = LS_TARGET_VALUES,
    .output = "value",
    .check = check,
    .panel = panel,
    .predict = predict,
    .reference = reference,
    .outside = outside,
    .kink = kink,
};
