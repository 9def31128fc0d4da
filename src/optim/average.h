/* Averages of the weights over the course of a training: average += share (weights - average). One file each,
   one line in optim/average.c. */
#ifndef LS_OPTIM_AVERAGE_H
#define LS_OPTIM_AVERAGE_H

#include "base/component.h"

typedef struct ls_average_moment { /* after a step that changed weights, or after an epoch */
    bool epoch_end;
    int64_t epochs; /* finished */
    int64_t taken;  /* how often weights went into the average before */
} ls_average_moment;

typedef struct ls_average_type {
    ls_component_type base;
    bool by_epoch; /* needs epochs: cannot be used where rows are pushed */
    /* The share of the weights of this moment in the average, 1 for the first; 0: they do not go in. Must not
     * use the mathematics library. */
    double (*share)(const void *options, const ls_average_moment *moment);
} ls_average_type;

extern const ls_registry ls_average_registry;

double ls_average_share(const ls_component *average, const ls_average_moment *moment); /* 0 if absent */

#endif
