/* Cross-entropy of the softmax over the units: loss = log(sum exp(x_u)) - x_label. The layer before gives
 * logits. With class weights w and smoothing a (Szegedy et al., CVPR 2016, section 7), in the form of
 * PyTorch's CrossEntropyLoss: loss = (1 - a) w_label n_label + a / units sum_u w_u n_u, n_u = log(sum
 * exp(x_v)) - x_u, and the mean over a batch divides by the sum of the w_label. */
#include <math.h>
#include "nn/loss_common.h"

enum { IGNORE_NONE = -1 };

typedef struct softmax_options {
    ls_loss_options common;
    double label_smoothing;
    ls_reals class_weights;
    int64_t ignore_label;
} softmax_options;

static ls_status check(const void *opaque, int64_t units, int64_t classes, int64_t outputs)
{
    const softmax_options *options = opaque;
    LS_TRY(ls_loss_check_labels("softmax_cross_entropy", false, "mse or binary_cross_entropy", units, classes,
                                outputs));
    return ls_loss_check_list("class_weights", &options->class_weights, false, classes, "class");
}

static void panel(const void *opaque, const ls_kernels *kernels, int64_t units, int64_t lanes, const float *x,
                  const ls_loss_target *target, float *delta, float *loss)
{
    const softmax_options *options = opaque;
    if (options->class_weights.count == 0 && options->label_smoothing == 0) {
        kernels->softmax_entropy(units, lanes, x, target->label, target->weight, delta, loss);
        return;
    }
    ls_class_loss call = {.class_weight = options->class_weights.value,
                          .smoothing = (float)options->label_smoothing};
    kernels->smoothed_entropy(&call, units, lanes, x, target->label, target->weight, delta, loss);
}

static double class_weight(const softmax_options *options, int64_t label)
{
    return options->class_weights.count == 0 ? 1 : (float)options->class_weights.value[label];
}

static double reference(const void *opaque, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)values;
    const softmax_options *options = opaque;
    double smoothing = (float)options->label_smoothing, largest = -INFINITY, sum = 0, loss = 0, all = 0;
    for (int64_t u = 0; u < units; u++) largest = fmax(largest, x[u]);
    for (int64_t u = 0; u < units; u++) sum += exp(x[u] - largest);
    for (int64_t u = 0; u < units; u++) {
        double share =
            class_weight(options, u) * (smoothing / (double)units + (u == label) * (1 - smoothing));
        loss += share * (log(sum) - (x[u] - largest));
        all += share;
        if (gradient != NULL) gradient[u] = -share;
    }
    for (int64_t u = 0; gradient != NULL && u < units; u++) gradient[u] += all * exp(x[u] - largest) / sum;
    return loss;
}

static bool weighted(const void *opaque)
{
    const softmax_options *options = opaque;
    return options->class_weights.count > 0 || options->ignore_label != IGNORE_NONE;
}

static bool ignores(const void *opaque, int32_t label)
{
    const softmax_options *options = opaque;
    return options->ignore_label != IGNORE_NONE && label == options->ignore_label;
}

static float weight(const void *options, int32_t label)
{
    return ignores(options, label) ? 0 : (float)class_weight(options, label);
}

static const ls_option options_table[] = {
    LS_LOSS_COMMON_OPTIONS,
    {.key = "label_smoothing",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(softmax_options, label_smoothing),
     .minimum = 0,
     .maximum = 0.999,
     .default_text = "0",
     .help = "Share of each target that is spread evenly over all classes."},
    {.key = "class_weights",
     .kind = LS_OPTION_REALS,
     .offset = offsetof(softmax_options, class_weights),
     .minimum = 0,
     .maximum = 1e6,
     .default_text = "",
     .help = "What a sample of each class counts, one number a class: more for classes that are rare. The "
             "mean is then weighted: the sum over the samples divided by the sum of their weights."},
    {.key = "ignore_label",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(softmax_options, ignore_label),
     .minimum = -1000,
     .maximum = 1e6,
     .default_text = "-1",
     .help = "Number of a class, from 0, whose samples are left out of the loss, of its mean and of all "
             "metrics. -1: none. Rows that a program pushes may have this label, such as -100, even where it "
             "is no class."},
    LS_OPTION_END};

static const ls_layer_type *const built_in[] = {&ls_layer_softmax, &ls_layer_log_softmax, NULL};

const ls_loss_type ls_loss_softmax_cross_entropy = {
    .base =
        {.name = "softmax_cross_entropy",
         .help =
             "Cross-entropy of the softmax over the units against the class. The last layer gives logits, "
             "one a class: it has no softmax of its own.",
         .options = options_table,
         .options_size = sizeof(softmax_options)},
    .target = LS_TARGET_LABELS,
    .output = "probability",
    .check = check,
    .panel = panel,
    .predict = ls_loss_predict_softmax,
    .reference = reference,
    .classify = ls_loss_classify_sign,
    .weighted = weighted,
    .weight = weight,
    .ignores = ignores,
    .built_in = built_in,
};
