/* What optimisers minimise that ask for the loss and its gradient several times a step. */
#ifndef LS_OPTIM_FUNCTION_H
#define LS_OPTIM_FUNCTION_H

#include "base/error.h"
#include "math/kernels.h"

typedef struct ls_function {
    /* The value at w, and its gradient into gradient; INFINITY where one of them is not finite. */
    ls_status (*evaluate)(void *user, double *value);
    void *user;
    const ls_kernels *kernels;
    int64_t size; /* elements of w and gradient */
    float *w, *gradient;
} ls_function;

/* Why there is nothing more to do. */
typedef enum ls_convergence {
    LS_CONVERGENCE_NONE,
    LS_CONVERGENCE_GRADIENT, /* the gradient is as small as asked for */
    LS_CONVERGENCE_CHANGE,   /* the last step changed as little as asked for */
    LS_CONVERGENCE_PRECISION /* no step along the gradient lowers the value as float32 can tell */
} ls_convergence;

/* One step. vector holds arrays of size elements, those of the state first, zeros before the first step. */
typedef struct ls_iteration {
    const ls_function *function;
    float *const *vector;
    int64_t *number;      /* [LS_ITERATION_NUMBERS] of the state, zeros before the first step */
    double learning_rate; /* the first trial of the line search */
    double value;         /* in: at w, if known; out: at the new w */
    bool known;           /* value and gradient are those at w; out: true */
    /* results */
    ls_convergence convergence;
    int64_t evaluations;
    double gradient_largest; /* before the step */
} ls_iteration;

enum { LS_ITERATION_NUMBERS = 2 };

#endif
