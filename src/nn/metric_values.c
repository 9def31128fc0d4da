/* Metrics of target values: errors of the predictions, and how much of the targets they explain. */
#include <math.h>
#include "nn/metric.h"
#include "nn/registry.h"

static int64_t one_count(const ls_metric_fit *fit)
{
    (void)fit;
    return 1;
}

static int64_t one_sum(const ls_metric_fit *fit)
{
    (void)fit;
    return 1;
}

static float error_at(const ls_metric_panel *panel, int64_t unit, int64_t lane)
{
    int64_t i = unit * panel->lanes + lane;
    return panel->predicted[i] - panel->values[i];
}

static void add_rmse(const void *options, const ls_metric_panel *panel, ls_metric_sums *to)
{
    (void)options;
    for (int64_t u = 0; u < panel->fit->outputs; u++) {
        for (int64_t n = 0; n < panel->count; n++) {
            double error = (double)error_at(panel, u, n);
            ls_wide_add(&to->sum[0], error * error);
        }
    }
    to->count[0] += panel->count * panel->fit->outputs;
}

static double value_of_rmse(const void *options, const ls_metric_fit *fit, const ls_metric_sums *from)
{
    (void)options, (void)fit;
    return from->count[0] > 0 ? sqrt(ls_wide_value(&from->sum[0]) / (double)from->count[0]) : NAN;
}

const ls_metric_type ls_metric_rmse = {
    .base = {.name = "rmse", .help = "Root of the mean squared error, over all rows and target values."},
    .counts = one_count,
    .sums = one_sum,
    .add = add_rmse,
    .value = value_of_rmse,
};

static void add_mae(const void *options, const ls_metric_panel *panel, ls_metric_sums *to)
{
    (void)options;
    for (int64_t u = 0; u < panel->fit->outputs; u++)
        for (int64_t n = 0; n < panel->count; n++)
            ls_wide_add(&to->sum[0], fabs((double)error_at(panel, u, n)));
    to->count[0] += panel->count * panel->fit->outputs;
}

static double value_of_mae(const void *options, const ls_metric_fit *fit, const ls_metric_sums *from)
{
    (void)options, (void)fit;
    return from->count[0] > 0 ? ls_wide_value(&from->sum[0]) / (double)from->count[0] : NAN;
}

const ls_metric_type ls_metric_mae = {
    .base = {.name = "mae", .help = "Mean absolute error, over all rows and target values."},
    .counts = one_count,
    .sums = one_sum,
    .add = add_mae,
    .value = value_of_mae,
};

/* Of each output: the squared errors, and the targets and their squares less those of the first row, which
 * keeps the difference of large sums apart from their rounding. */
enum { ERRORS, TARGETS, SQUARES, SUMS_OF_R2 };

static int64_t sums_of_r2(const ls_metric_fit *fit)
{
    return SUMS_OF_R2 * fit->outputs;
}

static void add_r2(const void *options, const ls_metric_panel *panel, ls_metric_sums *to)
{
    (void)options;
    for (int64_t u = 0; u < panel->fit->outputs; u++) {
        ls_wide *sum = to->sum + SUMS_OF_R2 * u;
        for (int64_t n = 0; n < panel->count; n++) {
            double error = (double)error_at(panel, u, n);
            double target = (double)panel->values[u * panel->lanes + n] - (double)panel->fit->origin[u];
            ls_wide_add(&sum[ERRORS], error * error);
            ls_wide_add(&sum[TARGETS], target);
            ls_wide_add(&sum[SQUARES], target * target);
        }
    }
    to->count[0] += panel->count;
}

/* The mean over the outputs of 1 - errors / (squares - targets^2 / rows). */
static double value_of_r2(const void *options, const ls_metric_fit *fit, const ls_metric_sums *from)
{
    (void)options;
    double sum = 0, rows = (double)from->count[0];
    for (int64_t u = 0; u < fit->outputs; u++) {
        const ls_wide *of = from->sum + SUMS_OF_R2 * u;
        double targets = ls_wide_value(&of[TARGETS]);
        double variation = ls_wide_value(&of[SQUARES]) - targets * targets / rows;
        sum += variation > 0 ? 1 - ls_wide_value(&of[ERRORS]) / variation : NAN;
    }
    return sum / (double)fit->outputs;
}

const ls_metric_type ls_metric_r2 = {
    .base = {.name = "r2",
             .help = "Coefficient of determination: 1 less the ratio of the squared errors to those of the "
                     "mean of the targets; 1 is perfect, 0 no better than the mean. The mean over several "
                     "target values."},
    .counts = one_count,
    .sums = sums_of_r2,
    .add = add_r2,
    .value = value_of_r2,
};
