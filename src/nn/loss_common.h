/* What the losses share. */
#ifndef LS_NN_LOSS_COMMON_H
#define LS_NN_LOSS_COMMON_H

#include "nn/registry.h"

/* The entries of every loss's table for ls_loss_options (rows of designated initialisers, first in the
 * table).
 */
#define LS_LOSS_COMMON_OPTIONS                                                                               \
    {.key = "reduction",                                                                                     \
     .kind = LS_OPTION_CHOICE,                                                                               \
     .offset = offsetof(ls_loss_options, reduction),                                                         \
     .default_text = "mean",                                                                                 \
     .choices = ls_reduction_choices,                                                                        \
     .help = "Whether the loss of a batch is the mean or the sum over its samples."},                        \
        {.key = "output",                                                                                    \
         .kind = LS_OPTION_STRING,                                                                           \
         .offset = offsetof(ls_loss_options, output),                                                        \
         .default_text = "",                                                                                 \
         .help = "Name of the layer whose output it is for. Without it: the last layer."},                   \
        {.key = "targets",                                                                                   \
         .kind = LS_OPTION_STRINGS,                                                                          \
         .offset = offsetof(ls_loss_options, targets),                                                       \
         .default_text = "",                                                                                 \
         .help = "Which of the data's target values it is for, by name or by number from 1. Without it: "    \
                 "all."},                                                                                    \
    {                                                                                                        \
        .key = "weight", .kind = LS_OPTION_REAL, .offset = offsetof(ls_loss_options, weight), .minimum = 0,  \
        .maximum = 1e6, .default_text = "1", .help = "Factor of this loss in the sum that is made small."    \
    }

extern const ls_option ls_loss_option_table[]; /* of ls_loss_options alone */

/* Whether the output fits a loss on values: one unit a target value or a class, or one unit for two classes.
 */
ls_status ls_loss_check_values(const char *name, int64_t units, int64_t classes, int64_t outputs);
/* Whether it fits a loss on labels: one unit a class; with single also one unit for two classes. advice names
 * losses for values. */
ls_status ls_loss_check_labels(const char *name, bool single, const char *advice, int64_t units,
                               int64_t classes, int64_t outputs);
/* Whether a list has one number each of count units or classes; empty lists fit. single: one for all fits as
 * well. */
ls_status ls_loss_check_list(const char *key, const ls_reals *list, bool single, int64_t count,
                             const char *of);

/* predict and classify as several losses have them. */
void ls_loss_predict_values(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                            const float *x, float *y);
void ls_loss_predict_sigmoid(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                             const float *x, float *y);
void ls_loss_predict_softmax(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                             const float *x, float *y);
/* Labels that are trained as 0 and 1: one unit is above or below the middle, of several the largest counts.
 */
void ls_loss_classify_middle(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                             const float *x, int32_t *index);
/* One unit is above or below 0 (0 is class 1), of several the largest counts. */
void ls_loss_classify_sign(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                           const float *x, int32_t *index);

#endif
