/* Cross-entropy of the sigmoid of each unit. The layer before gives logits; the sigmoid is part of the loss,
 * which keeps it exact where it is close to 0 or 1: loss = sum max(x, 0) - x t + log(1 + exp(-|x|)).
 * With a weight p of positive targets and smoothing a: sum (1 - s) x + (1 + (p - 1) s) log(1 + exp(-x)),
 * s = t (1 - a) + a / 2 (the form of PyTorch's BCEWithLogitsLoss, smoothing as in Szegedy et al., CVPR 2016,
 * section 7, over two classes). The mean is over samples, whatever their weights. */
#include <math.h>
#include "nn/loss_common.h"

typedef struct binary_options {
    ls_loss_options common;
    ls_reals pos_weight;
    double label_smoothing;
} binary_options;

static ls_status check(const void *opaque, int64_t units, int64_t classes, int64_t outputs)
{
    const binary_options *options = opaque;
    LS_TRY(ls_loss_check_values("binary_cross_entropy", units, classes, outputs));
    return ls_loss_check_list("pos_weight", &options->pos_weight, true, units, "unit");
}

static void panel(const void *opaque, const ls_kernels *kernels, int64_t units, int64_t lanes, const float *x,
                  const ls_loss_target *target, float *delta, float *loss)
{
    const binary_options *options = opaque;
    if (options->pos_weight.count == 0 && options->label_smoothing == 0) {
        kernels->binary_entropy(units, lanes, x, target->values, target->weight, delta, loss);
        return;
    }
    ls_element_loss call = {.kind = LS_ELEMENT_BINARY,
                            .parameter = (float)options->label_smoothing,
                            .share = 1,
                            .factor = options->pos_weight.value,
                            .factor_step = options->pos_weight.count > 1};
    kernels->element_loss(&call, units, lanes, x, target->values, target->weight, delta, loss);
}

static double reference(const void *opaque, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)label;
    const binary_options *options = opaque;
    const ls_reals *weights = &options->pos_weight;
    double smoothing = (float)options->label_smoothing, sum = 0;
    for (int64_t u = 0; u < units; u++) {
        double p = weights->count == 0 ? 1 : (float)weights->value[weights->count > 1 ? u : 0];
        double t = values[u] * (1 - smoothing) + smoothing / 2;
        double yes = -log1p(exp(-fabs(x[u]))) + fmin(x[u], 0); /* log of the sigmoid */
        double no = yes - x[u];                                /* log of what is left to 1 */
        sum -= p * t * yes + (1 - t) * no;
        if (gradient != NULL) gradient[u] = (1 - t) * exp(yes) - p * t * exp(no);
    }
    return sum;
}

static int64_t outside(const void *options, int64_t count, const float *values, const char **expected)
{
    (void)options;
    *expected = "a probability, 0 to 1";
    for (int64_t i = 0; i < count; i++)
        if (!(values[i] >= 0 && values[i] <= 1)) return i;
    return -1;
}

static const ls_option options_table[] = {
    LS_LOSS_COMMON_OPTIONS,
    {.key = "pos_weight",
     .kind = LS_OPTION_REALS,
     .offset = offsetof(binary_options, pos_weight),
     .minimum = 0,
     .maximum = 1e6,
     .default_text = "",
     .help = "Weight of positive targets, one number for all units or one for each: above 1 it makes up for "
             "positives that are rare. The mean is still over the number of samples."},
    {.key = "label_smoothing",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(binary_options, label_smoothing),
     .minimum = 0,
     .maximum = 0.999,
     .default_text = "0",
     .help = "Moves targets from 0 and 1 towards 1/2: t (1 - a) + a / 2."},
    LS_OPTION_END};

static const ls_layer_type *const built_in[] = {&ls_layer_sigmoid, NULL};

const ls_loss_type ls_loss_binary_cross_entropy = {
    .base =
        {.name = "binary_cross_entropy",
         .help =
             "Cross-entropy of the sigmoid of each unit, summed over the units. The last layer gives logits: "
             "it has no sigmoid of its own. Targets are 0 to 1. Where the data have classes: one unit for "
             "two "
             "of them, or one a class, each against all others (1 for the class of a row, 0 for the rest); "
             "softmax_cross_entropy, for classes that exclude each other, is then mostly the better choice.",
         .options = options_table,
         .options_size = sizeof(binary_options)},
    .target = LS_TARGET_VALUES,
    .output = "probability",
    .check = check,
    .panel = panel,
    .predict = ls_loss_predict_sigmoid,
    .reference = reference,
    .classify = ls_loss_classify_sign, /* a logit of 0 is a probability of 0.5 */
    .outside = outside,
    .built_in = built_in,
};
