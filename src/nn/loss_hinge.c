/* The hinge loss on scores. One unit for two classes: max(0, margin - y x)^p, y = 1 for class 1 and -1 for
 * class 0 (Cortes and Vapnik, Machine Learning 20, 1995, eq. 21). One unit a class: the sum of all margins,
 * 1/units sum over u != label of max(0, margin - x_label + x_u)^p (Weston and Watkins, ESANN 1999, in the
 * form of PyTorch's MultiMarginLoss), not only of the largest one as Crammer and Singer have it. */
#include <math.h>
#include "nn/loss_common.h"

typedef struct hinge_options {
    ls_loss_options common;
    double margin;
    int64_t power;
} hinge_options;

static ls_status check(const void *options, int64_t units, int64_t classes, int64_t outputs)
{
    (void)options;
    return ls_loss_check_labels("hinge", true, "mae or huber", units, classes, outputs);
}

/* The one unit's targets 0 and 1 as a panel. */
static void panel_of_one(const ls_element_loss *call, const ls_kernels *kernels, int64_t lanes,
                         const float *x, const ls_loss_target *target, float *delta, float *loss)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float side[LS_LANES];
        for (int n = 0; n < LS_LANES; n++) side[n] = (float)target->label[l + n];
        kernels->element_loss(call, 1, LS_LANES, x + l, side, target->weight + l,
                              delta == NULL ? NULL : delta + l, loss + l);
    }
}

static void panel(const void *opaque, const ls_kernels *kernels, int64_t units, int64_t lanes, const float *x,
                  const ls_loss_target *target, float *delta, float *loss)
{
    const hinge_options *options = opaque;
    float margin = (float)options->margin;
    bool squared = options->power == 2;
    if (units > 1) {
        kernels->multi_margin(margin, squared, units, lanes, x, target->label, target->weight, delta, loss);
        return;
    }
    ls_element_loss call = {
        .kind = squared ? LS_ELEMENT_SQUARED_HINGE : LS_ELEMENT_HINGE, .parameter = margin, .share = 1};
    panel_of_one(&call, kernels, lanes, x, target, delta, loss);
}

/* max(0, missing)^p and its derivative. */
static double hinge(const hinge_options *options, double missing, double *slope)
{
    double short_of = fmax(0, missing);
    *slope = options->power == 2 ? 2 * short_of : missing > 0;
    return options->power == 2 ? short_of * short_of : short_of;
}

static double reference(const void *opaque, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient)
{
    (void)values;
    const hinge_options *options = opaque;
    double margin = (float)options->margin, slope, sum = 0, all = 0;
    if (units == 1) {
        double side = label == 1 ? 1 : -1;
        double loss = hinge(options, margin - side * x[0], &slope);
        if (gradient != NULL) gradient[0] = -side * slope;
        return loss;
    }
    for (int64_t u = 0; u < units; u++) {
        if (u == label) continue;
        sum += hinge(options, margin - x[label] + x[u], &slope) / (double)units;
        all += slope / (double)units;
        if (gradient != NULL) gradient[u] = slope / (double)units;
    }
    if (gradient != NULL) gradient[label] = -all;
    return sum;
}

static double kink(const void *opaque, int64_t units, const double *x, const double *values, int32_t label)
{
    (void)values;
    double margin = (float)((const hinge_options *)opaque)->margin, nearest = INFINITY;
    if (units == 1) return fabs(margin - (label == 1 ? x[0] : -x[0]));
    for (int64_t u = 0; u < units; u++)
        if (u != label) nearest = fmin(nearest, fabs(margin - x[label] + x[u]));
    return nearest;
}

static const ls_option options_table[] = {LS_LOSS_COMMON_OPTIONS,
                                          {.key = "margin",
                                           .kind = LS_OPTION_REAL,
                                           .offset = offsetof(hinge_options, margin),
                                           .minimum = 1e-6,
                                           .maximum = 1e6,
                                           .default_text = "1",
                                           .help = "By how much a score must be right to cost nothing."},
                                          {.key = "power",
                                           .kind = LS_OPTION_INTEGER,
                                           .offset = offsetof(hinge_options, power),
                                           .minimum = 1,
                                           .maximum = 2,
                                           .default_text = "1",
                                           .help = "1: what is missing to the margin. 2: its square."},
                                          LS_OPTION_END};

const ls_loss_type ls_loss_hinge = {
    .base = {.name = "hinge",
             .help = "What scores lack to a margin. One unit for two classes: above 0 for the second class. "
                     "One unit a class: the sum over all wrong classes, divided by the number of classes "
                     "(PyTorch's MultiMarginLoss). The last layer gives scores.",
             .options = options_table,
             .options_size = sizeof(hinge_options)},
    .target = LS_TARGET_LABELS,
    .output = "value",
    .check = check,
    .panel = panel,
    .predict = ls_loss_predict_values,
    .reference = reference,
    .classify = ls_loss_classify_sign,
    .kink = kink,
};
