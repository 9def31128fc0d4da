/* The health of a training, layer by layer, measured in a step now and then: norms of gradients, weights and
 * updates, sizes of activations, units that never answer. All numbers are the same on every layout: sums over
 * parameters run over fixed pieces in their order, sums over samples are exact. */
#ifndef LS_TRAIN_HEALTH_H
#define LS_TRAIN_HEALTH_H

#include "base/wide.h"
#include "io/text.h"
#include "nn/plan.h"

typedef struct ls_health {
    const ls_model *model; /* not owned */
    int64_t count;
    double *value; /* [count]: all that was measured, as it stands in checkpoints; the rest are places in it
                    */
    double *step, *samples;  /* that were measured: the step (1 for the first; 0: none yet), its samples */
    double *first;           /* norm of the whole gradient when it was first measured */
    double *gradient;        /* [parameters] norm of the gradient before clipping */
    double *weight, *update; /* [parameters] norms before the step, and of what the step changed */
    double *activation;      /* [tensors] root mean square; NaN where the next layer works in its place */
    double *dead; /* [tensors] share of units (or channels) that are 0 for all samples; NaN where the
                     layer is no activation */
    /* work */
    int threads;
    int64_t piece_elements;
    double (*square)[3]; /* [pieces] gradient, weight, update */
    float *before;       /* [threads][piece_elements] */
    ls_wide *sum;        /* [tensors] */
    int *first_flag;     /* [tensors + 1] */
    uint32_t *alive;     /* [first_flag[tensors]] 1: not 0 for some sample */
} ls_health;

/* Local. Errors: LS_ERROR_MEMORY. */
ls_status ls_health_create(const ls_plan *plan, int threads, ls_health **health);
void ls_health_free(ls_health *health);

/* Around the update of a piece by one thread; factor: that the gradient still lacks. */
void ls_health_before(ls_health *health, const ls_kernels *kernels, int piece, int64_t count, const float *w,
                      const float *gradient, double factor, int thread);
void ls_health_after(ls_health *health, int piece, int64_t count, const float *w, int thread);

/* The norms of the parameters from those of the pieces. */
void ls_health_add_pieces(ls_health *health, const ls_plan *plan);

/* The norm of the whole gradient. */
double ls_health_gradient(const ls_health *health);

/* {"step":..., "layers":{"dense_0":{...}, ...}} */
void ls_health_json(const ls_health *health, ls_text *text);

/* What is wrong, in words, one line each (freed by the caller); at most LS_HEALTH_WORDS. Returns how many. */
enum { LS_HEALTH_WORDS = 6 };
int ls_health_words(const ls_health *health, char *words[LS_HEALTH_WORDS]);

#endif
