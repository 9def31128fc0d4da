/* Losses on the last tensor of the model. One file a loss with one table, one line in nn/registry.c. */
#ifndef LS_NN_LOSS_H
#define LS_NN_LOSS_H

#include "nn/layer.h"

typedef enum ls_target_kind { LS_TARGET_VALUES, LS_TARGET_LABELS } ls_target_kind;

typedef struct ls_loss_target { /* of one panel */
    const float *values;  /* [units][lanes], for LS_TARGET_VALUES (labels come as 0/1 for one unit, one-hot
                             otherwise) */
    const int32_t *label; /* [lanes], for LS_TARGET_LABELS */
    const float *weight;  /* [lanes]: 1 for samples, 0 for lanes that only fill the panel and for samples that
                             the loss ignores */
} ls_loss_target;

typedef struct ls_loss_options { /* options of every loss begin with it */
    int reduction;               /* 0 mean, 1 sum over the batch */
    char *output;                /* the layer it looks at; NULL: the last one */
    ls_strings targets;          /* names of target values, or their numbers from 1; empty: all */
    double weight;               /* of the loss in the sum of all */
} ls_loss_options;
extern const char *const ls_reduction_choices[]; /* "mean", "sum", NULL */

typedef struct ls_loss_type {
    ls_component_type base;
    ls_target_kind target;
    const char *output; /* "value", "probability" (one column a unit): what predict writes */
    /* Whether the output fits the loss: units of the last layer, classes (0: none) and outputs of the data.
     * Message without place; the caller adds it. */
    ls_status (*check)(const void *options, int64_t units, int64_t classes, int64_t outputs);
    /* loss[lanes] of each sample, its own weight (of its class) included; delta = its derivative, or NULL.
     * Lanes of weight 0 get 0. */
    void (*panel)(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                  const float *x, const ls_loss_target *target, float *delta, float *loss);
    /* What predict writes, from the last tensor: identity, exponential, sigmoid or softmax. */
    void (*predict)(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                    const float *x, float *y);
    /* One sample in double precision: returns the loss, stores its gradient (NULL: not wanted). target as
     * values, or label. */
    double (*reference)(const void *options, int64_t units, const double *x, const double *values,
                        int32_t label, double *gradient);
    /* The class of each lane from the last tensor (argmax, or sign for one logit); NULL if the loss has no
     * classes. */
    void (*classify)(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                     const float *x, int32_t *index);
    /* Whether samples have weights: the mean over the batch is then the sum of the losses divided by the sum
     * of the weights. NULL: never. */
    bool (*weighted)(const void *options);
    /* The weight of a sample of this label, where they have some. */
    float (*weight)(const void *options, int32_t label);
    /* Whether samples of this label are left out of the loss and of metrics (their weight is 0). NULL: none
     * are. */
    bool (*ignores)(const void *options, int32_t label);
    /* The first of a row's target values that the loss is not defined for, count where it is the row as a
     * whole, -1 if all is well; *expected gets what it should be. NULL: all finite values are well. */
    int64_t (*outside)(const void *options, int64_t count, const float *values, const char **expected);
    /* Activations that the loss has built in, ended by NULL: another one of them in front of it is a mistake,
     * or of no use. NULL: there are none. */
    const ls_layer_type *const *built_in;
    /* For the tests: distance of x to the nearest point where a derivative jumps, for filtering finite
     * differences. NULL: there is none. */
    double (*kink)(const void *options, int64_t units, const double *x, const double *values, int32_t label);
} ls_loss_type;

extern const ls_registry ls_loss_registry;

#endif
