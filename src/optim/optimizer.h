/* Optimisers and learning-rate schedules: elementwise updates over flat arenas. One file each, one line in
 * optim/registry.c. */
#ifndef LS_OPTIM_OPTIMIZER_H
#define LS_OPTIM_OPTIMIZER_H

#include "base/component.h"
#include "base/error.h"
#include "math/kernels.h"

enum { LS_STATES_MAX = 3 };

typedef struct ls_optimizer_options { /* options of every optimiser begin with it */
    double learning_rate;             /* key "lr" */
    double weight_decay;
    ls_component schedule;
} ls_optimizer_options;

/* One piece of one parameter: count elements, contiguous, a multiple of 16. */
typedef struct ls_update {
    const ls_kernels *kernels;
    int64_t count;
    float *w;
    const float *gradient;
    float *state[LS_STATES_MAX];
    double learning_rate;  /* of this step */
    double gradient_scale; /* of clipping; 1 without */
    bool decay;            /* whether weight decay applies to this parameter */
    int64_t step;          /* 1 for the first */
} ls_update;

typedef struct ls_optimizer_type {
    ls_component_type base;
    int (*states)(const void *options); /* arrays of the arena's size it keeps */
    const char *state_name[LS_STATES_MAX];
    void (*update)(const void *options, const ls_update *update);
} ls_optimizer_type;

typedef struct ls_schedule_type {
    ls_component_type base;
    /* The learning rate of a step: epoch counts from 0, step from 0; base_rate is the recipe's lr. Must not
     * use the mathematics library (products in a loop are fine). */
    double (*rate)(const void *options, double base_rate, int64_t epoch, int64_t step);
} ls_schedule_type;

extern const ls_registry ls_optimizer_registry;
extern const ls_registry ls_schedule_registry;

double ls_schedule_rate(const ls_component *schedule, double base_rate, int64_t epoch,
                        int64_t step); /* constant if the component is absent */

#endif
