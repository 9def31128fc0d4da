/* Metrics from the confusion matrix [true class][predicted class]: the matrix itself, precision, recall and
 * F1. */
#include <math.h>
#include <stdio.h>
#include "nn/metric.h"
#include "nn/registry.h"

enum { CLASSES_MAX = 1000, MATRIX_CLASSES_MAX = 200 };

static int64_t counts(const ls_metric_fit *fit)
{
    return (int64_t)fit->classes * fit->classes;
}

static void add(const void *options, const ls_metric_panel *panel, ls_metric_sums *to)
{
    (void)options;
    for (int64_t n = 0; n < panel->count; n++)
        if (panel->label[n] >= 0)
            to->count[(int64_t)panel->label[n] * panel->fit->classes + panel->index[n]]++;
}

static ls_status check_matrix(const void *options, const ls_metric_fit *fit)
{
    (void)options;
    if (fit->classes <= MATRIX_CLASSES_MAX) return LS_OK;
    return ls_error(LS_ERROR_RECIPE, "the data have %d classes, and a matrix is written for at most %d",
                    fit->classes, MATRIX_CLASSES_MAX);
}

const ls_metric_type ls_metric_confusion_matrix = {
    .base = {.name = "confusion_matrix",
             .help = "How many rows of each class (a row of the matrix) are predicted as each class (a "
                     "column)."},
    .of_classes = true,
    .check = check_matrix,
    .counts = counts,
    .add = add,
    .is_matrix = true,
};

/* Of one class: how many rows are predicted as it and are of it, are predicted as it, are of it. */
typedef struct class_counts {
    int64_t both, predicted, actual;
} class_counts;

static class_counts counts_of(const ls_metric_fit *fit, const int64_t *matrix, int64_t of)
{
    int64_t classes = fit->classes;
    class_counts found = {.both = matrix[of * classes + of]};
    for (int64_t other = 0; other < classes; other++) {
        found.predicted += matrix[other * classes + of];
        found.actual += matrix[of * classes + other];
    }
    return found;
}

typedef enum average { AVERAGE_AUTO, AVERAGE_BINARY, AVERAGE_MACRO } average;
static const char *const average_choices[] = {"auto", "binary", "macro", NULL};

typedef struct confusion_options {
    int average;
    int64_t positive;
} confusion_options;

static bool is_binary(const confusion_options *options, const ls_metric_fit *fit)
{
    if (options->average == AVERAGE_AUTO) return fit->classes == 2;
    return options->average == AVERAGE_BINARY;
}

static ls_status check(const void *opaque, const ls_metric_fit *fit)
{
    const confusion_options *options = opaque;
    if (fit->classes > CLASSES_MAX)
        return ls_error(LS_ERROR_RECIPE, "the data have %d classes, and it is for at most %d", fit->classes,
                        CLASSES_MAX);
    if (!is_binary(options, fit) || options->positive < fit->classes) return LS_OK;
    return ls_error(LS_ERROR_RECIPE, "positive is class %lld, but the data have the classes 0 to %d",
                    (long long)options->positive, fit->classes - 1);
}

typedef double (*class_measure)(const class_counts *of);

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static double precision(const class_counts *of)
{
    return share(of->both, of->predicted);
}

static double recall(const class_counts *of)
{
    return share(of->both, of->actual);
}

/* The harmonic mean of both: 2 both / (predicted + actual). */
static double f1(const class_counts *of)
{
    return share(2 * of->both, of->predicted + of->actual);
}

/* Classes that neither occur nor are predicted are left out of the mean. */
static double measure(const void *opaque, const ls_metric_fit *fit, const int64_t *matrix, class_measure of)
{
    const confusion_options *options = opaque;
    if (is_binary(options, fit)) {
        class_counts found = counts_of(fit, matrix, options->positive);
        return of(&found);
    }
    double sum = 0;
    int64_t classes = 0;
    for (int64_t c = 0; c < fit->classes; c++) {
        class_counts found = counts_of(fit, matrix, c);
        if (found.predicted + found.actual == 0) continue;
        sum += of(&found);
        classes++;
    }
    return classes > 0 ? sum / (double)classes : NAN;
}

static double value_of_precision(const void *options, const ls_metric_fit *fit, const ls_metric_sums *from)
{
    return measure(options, fit, from->count, precision);
}

static double value_of_recall(const void *options, const ls_metric_fit *fit, const ls_metric_sums *from)
{
    return measure(options, fit, from->count, recall);
}

static double value_of_f1(const void *options, const ls_metric_fit *fit, const ls_metric_sums *from)
{
    return measure(options, fit, from->count, f1);
}

/* "f1", "f1_macro", "f1_binary": as the recipe has it, so that both may stand in one list. */
static void write_name(const char *what, const confusion_options *options, char *name, size_t size)
{
    bool plain = options->average == AVERAGE_AUTO;
    snprintf(name, size, "%s%s%s", what, plain ? "" : "_", plain ? "" : average_choices[options->average]);
}

static void name_of_precision(const void *options, char *name, size_t size)
{
    write_name("precision", options, name, size);
}

static void name_of_recall(const void *options, char *name, size_t size)
{
    write_name("recall", options, name, size);
}

static void name_of_f1(const void *options, char *name, size_t size)
{
    write_name("f1", options, name, size);
}

static const ls_option table[] = {
    {.key = "average",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(confusion_options, average),
     .choices = average_choices,
     .default_text = "auto",
     .help = "binary: of the class positive. macro: the mean over all classes, each counting the same. auto: "
             "binary where there are two classes, else macro."},
    {.key = "positive",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(confusion_options, positive),
     .minimum = 0,
     .maximum = 1e6,
     .default_text = "1",
     .help = "Number of the class that binary is about, from 0."},
    LS_OPTION_END};

const ls_metric_type ls_metric_precision = {
    .base = {.name = "precision",
             .help = "Of the rows predicted as a class, the share that is of it; 0 where there are none.",
             .options = table,
             .options_size = sizeof(confusion_options)},
    .of_classes = true,
    .check = check,
    .counts = counts,
    .add = add,
    .value = value_of_precision,
    .name = name_of_precision,
};

const ls_metric_type ls_metric_recall = {
    .base = {.name = "recall",
             .help = "Of the rows of a class, the share that is predicted as it; 0 where there are none.",
             .options = table,
             .options_size = sizeof(confusion_options)},
    .of_classes = true,
    .check = check,
    .counts = counts,
    .add = add,
    .value = value_of_recall,
    .name = name_of_recall,
};

const ls_metric_type ls_metric_f1 = {
    .base = {.name = "f1",
             .help = "Harmonic mean of precision and recall of a class; 0 where both are.",
             .options = table,
             .options_size = sizeof(confusion_options)},
    .of_classes = true,
    .check = check,
    .counts = counts,
    .add = add,
    .value = value_of_f1,
    .name = name_of_f1,
};
