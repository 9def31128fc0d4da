/* Shares of rows whose class is found: as the one predicted, or among the k of the largest outputs. */
#include <math.h>
#include <stdio.h>
#include "nn/metric.h"
#include "nn/registry.h"

enum { RIGHT, ALL, COUNTS };

static int64_t counts(const ls_metric_fit *fit)
{
    (void)fit;
    return COUNTS;
}

static double value(const void *options, const ls_metric_fit *fit, const ls_metric_sums *from)
{
    (void)options, (void)fit;
    return from->count[ALL] > 0 ? (double)from->count[RIGHT] / (double)from->count[ALL] : NAN;
}

static void add_accuracy(const void *options, const ls_metric_panel *panel, ls_metric_sums *to)
{
    (void)options;
    for (int64_t n = 0; n < panel->count; n++) {
        to->count[ALL] += panel->label[n] >= 0;
        to->count[RIGHT] += panel->label[n] >= 0 && panel->index[n] == panel->label[n];
    }
}

const ls_metric_type ls_metric_accuracy = {
    .base = {.name = "accuracy", .help = "Share of the rows whose class is the one predicted."},
    .of_classes = true,
    .counts = counts,
    .add = add_accuracy,
    .value = value,
};

typedef struct top_k_options {
    int64_t k;
} top_k_options;

static ls_status check_top_k(const void *opaque, const ls_metric_fit *fit)
{
    const top_k_options *options = opaque;
    if (fit->units == 1) return ls_error(LS_ERROR_RECIPE, "it needs one unit a class, but the output has 1");
    if (options->k <= fit->classes) return LS_OK;
    return ls_error(LS_ERROR_RECIPE, "k is %lld, but the data have %d classes", (long long)options->k,
                    fit->classes);
}

/* How many outputs stand before that of the label: larger ones (NaN is largest), and equal ones with a lower
 * index, as argmax takes the first of equal ones. */
static int64_t place_of(const ls_metric_panel *panel, int64_t lane)
{
    int32_t label = panel->label[lane];
    float own = panel->predicted[label * panel->lanes + lane];
    int64_t before = 0;
    for (int64_t u = 0; u < panel->fit->units; u++) {
        float other = panel->predicted[u * panel->lanes + lane];
        if (isnan(own) || isnan(other))
            before += isnan(other) && (!isnan(own) || u < label);
        else
            before += other > own || (other == own && u < label);
    }
    return before;
}

static void add_top_k(const void *opaque, const ls_metric_panel *panel, ls_metric_sums *to)
{
    const top_k_options *options = opaque;
    for (int64_t n = 0; n < panel->count; n++) {
        if (panel->label[n] < 0) continue;
        to->count[ALL]++;
        to->count[RIGHT] += place_of(panel, n) < options->k;
    }
}

static void name_top_k(const void *opaque, char *name, size_t size)
{
    const top_k_options *options = opaque;
    snprintf(name, size, "top_%lld", (long long)options->k);
}

static const ls_option top_k_table[] = {{.key = "k",
                                         .kind = LS_OPTION_INTEGER,
                                         .offset = offsetof(top_k_options, k),
                                         .minimum = 1,
                                         .maximum = 1e6,
                                         .default_text = "5",
                                         .help = "How many of the largest outputs count."},
                                        LS_OPTION_END};

const ls_metric_type ls_metric_top_k = {
    .base = {.name = "top_k",
             .help =
                 "Share of the rows whose class is among those of the k largest outputs. In records it is "
                 "called top_5, by its k.",
             .options = top_k_table,
             .options_size = sizeof(top_k_options)},
    .of_classes = true,
    .check = check_top_k,
    .counts = counts,
    .add = add_top_k,
    .value = value,
    .name = name_top_k,
};
