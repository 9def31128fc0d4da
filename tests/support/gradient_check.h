/* The double-precision derivatives of layers and losses against finite differences. */
#ifndef TESTS_GRADIENT_CHECK_H
#define TESTS_GRADIENT_CHECK_H

#include "nn/loss.h"
#include "nn/model.h"

typedef struct gradient_report {
    double worst;    /* largest deviation divided by what is allowed: right if at most 1 */
    char where[160]; /* where that is */
} gradient_report;

/* All inputs and parameters of the node, with values drawn by seed and away from kinks. node->type may be a
 * variant of the type the model was built with. */
gradient_report check_layer_gradient(const ls_model *model, const ls_node *node, uint64_t seed);

/* values or label as the loss wants them. */
gradient_report check_loss_gradient(const ls_loss_type *type, const void *options, int64_t units,
                                    const double *x, const double *values, int32_t label);

/* A number in [-1, 1) made a whole one for a layer that takes those; otherwise the other number. */
double whole_test_number(const ls_node *node, double number, double otherwise);

/* A number in [-1, 1), a function of its arguments. */
double test_number(uint64_t seed, uint64_t series, uint64_t index);

#endif
