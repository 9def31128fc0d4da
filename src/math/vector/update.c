/* Optimiser steps. The order of operations is fixed here, with its fused multiply-adds written out. */
#include <assert.h>
#include "math/vector/isa.h"

/* One element; rule is a constant where it is inlined. */
enum rule { PLAIN, MOMENTUM, NESTEROV };

LS_INLINE void step_one(enum rule rule, const ls_sgd_step *step, float *w, float gradient, float *velocity)
{
    float direction = __builtin_fmaf(step->weight_decay, *w, step->gradient_scale * gradient);
    if (rule != PLAIN) {
        float v = __builtin_fmaf(step->momentum, *velocity, direction);
        *velocity = v;
        direction = rule == NESTEROV ? __builtin_fmaf(step->momentum, v, direction) : v;
    }
    *w = __builtin_fmaf(-step->learning_rate, direction, *w);
}

LS_INLINE void step_all(enum rule rule, const ls_sgd_step *step, int64_t count, float *w,
                        const float *gradient, float *velocity)
{
    const ls_sgd_step local = *step;
    int64_t i = 0;
    for (; i + LS_LANES <= count; i += LS_LANES) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
            step_one(rule, &local, &w[i + n], gradient[i + n], rule == PLAIN ? NULL : &velocity[i + n]);
    }
    for (; i < count; i++) step_one(rule, &local, &w[i], gradient[i], rule == PLAIN ? NULL : &velocity[i]);
}

void LS_VARIANT(ls_sgd)(const ls_sgd_step *step, int64_t count, float *w, const float *gradient,
                        float *velocity)
{
    if (step->momentum == 0.0f) {
        step_all(PLAIN, step, count, w, gradient, NULL);
        return;
    }
    assert(velocity);
    if (step->nesterov)
        step_all(NESTEROV, step, count, w, gradient, velocity);
    else
        step_all(MOMENTUM, step, count, w, gradient, velocity);
}
