/* What the normalising layers share: statistics that apply to each lane of a panel. */
#ifndef LS_NN_NORM_H
#define LS_NN_NORM_H

#include "nn/layer.h"

/* Channels and positions of a shape: a vector has a position a channel, an image height x width. */
static inline int64_t ls_norm_channels(const ls_shape *shape)
{
    return shape->dim[0];
}
static inline int64_t ls_norm_positions(const ls_shape *shape)
{
    return ls_shape_size(shape) / shape->dim[0];
}

/* Mean and sum of squared differences of several equally large groups, from those of each (Chan, Golub and
   LeVeque 1983, eq. 2.1): count groups of positions numbers. */
typedef struct ls_moment_pair {
    double mean, m2;
} ls_moment_pair;
ls_moment_pair ls_norm_join(const double *mean, const double *m2, int64_t count, int64_t positions);

/* 1 / sqrt(variance + epsilon), rounded once. */
float ls_norm_inverse(double variance, double epsilon);

/* Declares weight (ones) and bias (zeros) of count numbers each. */
ls_status ls_norm_declare(ls_layer_build *build, int64_t count);
/* An untrained parameter of count numbers that begins with zeros or ones. */
ls_status ls_norm_declare_kept(ls_layer_build *build, const char *name, int64_t count, bool ones);

#endif
