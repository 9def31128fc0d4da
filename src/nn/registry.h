/* The lists of all components of nn: one line each. A line NAME stands for a table defined in a file of its
 * own or with its kin: ls_layer_NAME, ls_loss_NAME, ls_metric_NAME, ls_initialiser_NAME. Their order is that
 * of docs/recipe.md. */
#ifndef LS_NN_REGISTRY_H
#define LS_NN_REGISTRY_H

#include "nn/initialiser.h"
#include "nn/layer.h"
#include "nn/loss.h"
#include "nn/metric.h"

/* Layers that may also be named as "activation:" of another layer: any shape in, the same shape out. */
#define LS_ACTIVATION_LIST(ENTRY)                                                                            \
    ENTRY(identity)                                                                                          \
    ENTRY(sigmoid)                                                                                           \
    ENTRY(tanh)                                                                                              \
    ENTRY(relu)                                                                                              \
    ENTRY(leaky_relu)                                                                                        \
    ENTRY(elu)                                                                                               \
    ENTRY(selu)                                                                                              \
    ENTRY(gelu)                                                                                              \
    ENTRY(silu)                                                                                              \
    ENTRY(softplus)                                                                                          \
    ENTRY(hard_sigmoid)                                                                                      \
    ENTRY(hard_swish)                                                                                        \
    ENTRY(prelu)                                                                                             \
    ENTRY(softmax)                                                                                           \
    ENTRY(log_softmax)

/* All other layers. */
#define LS_LAYER_LIST(ENTRY)                                                                                 \
    ENTRY(dense)                                                                                             \
    ENTRY(conv1d)                                                                                            \
    ENTRY(conv2d)                                                                                            \
    ENTRY(max_pool)                                                                                          \
    ENTRY(average_pool)                                                                                      \
    ENTRY(global_average_pool)                                                                               \
    ENTRY(dropout)                                                                                           \
    ENTRY(spatial_dropout)                                                                                   \
    ENTRY(flatten)                                                                                           \
    ENTRY(reshape)                                                                                           \
    ENTRY(add)                                                                                               \
    ENTRY(concatenate)                                                                                       \
    ENTRY(batch_norm)                                                                                        \
    ENTRY(layer_norm)                                                                                        \
    ENTRY(group_norm)

#define LS_LOSS_LIST(ENTRY)                                                                                  \
    ENTRY(mse)                                                                                               \
    ENTRY(mae)                                                                                               \
    ENTRY(huber)                                                                                             \
    ENTRY(binary_cross_entropy)                                                                              \
    ENTRY(softmax_cross_entropy)                                                                             \
    ENTRY(hinge)                                                                                             \
    ENTRY(poisson)                                                                                           \
    ENTRY(kullback_leibler)

#define LS_METRIC_LIST(ENTRY)                                                                                \
    ENTRY(accuracy)                                                                                          \
    ENTRY(top_k)                                                                                             \
    ENTRY(precision)                                                                                         \
    ENTRY(recall)                                                                                            \
    ENTRY(f1)                                                                                                \
    ENTRY(roc_area)                                                                                          \
    ENTRY(confusion_matrix)                                                                                  \
    ENTRY(rmse)                                                                                              \
    ENTRY(mae)                                                                                               \
    ENTRY(r2)

#define LS_INITIALISER_LIST(ENTRY)                                                                           \
    ENTRY(zeros)                                                                                             \
    ENTRY(ones)                                                                                              \
    ENTRY(constant)                                                                                          \
    ENTRY(uniform)                                                                                           \
    ENTRY(normal)                                                                                            \
    ENTRY(truncated_normal)                                                                                  \
    ENTRY(glorot)                                                                                            \
    ENTRY(he)                                                                                                \
    ENTRY(lecun)                                                                                             \
    ENTRY(orthogonal)

#define LS_DECLARE_LAYER(NAME)       extern const ls_layer_type ls_layer_##NAME;
#define LS_DECLARE_LOSS(NAME)        extern const ls_loss_type ls_loss_##NAME;
#define LS_DECLARE_METRIC(NAME)      extern const ls_metric_type ls_metric_##NAME;
#define LS_DECLARE_INITIALISER(NAME) extern const ls_initialiser_type ls_initialiser_##NAME;

LS_LAYER_LIST(LS_DECLARE_LAYER)
LS_ACTIVATION_LIST(LS_DECLARE_LAYER)
LS_LOSS_LIST(LS_DECLARE_LOSS)
LS_METRIC_LIST(LS_DECLARE_METRIC)
LS_INITIALISER_LIST(LS_DECLARE_INITIALISER)

#endif
