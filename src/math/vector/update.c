/* Gradient descent. */
#include <assert.h>
#include "math/vector/update.h"

/* One element; rule is a constant where it is inlined. */
enum rule { PLAIN, MOMENTUM, NESTEROV };

LS_INLINE void step_one(enum rule how, bool plain, const ls_sgd_step *step, float *w, float gradient,
                        float *velocity)
{
    float direction = direction_of(plain, &step->rule, *w, gradient);
    if (how != PLAIN) {
        float v = __builtin_fmaf(step->momentum, *velocity, direction);
        *velocity = v;
        direction = how == NESTEROV ? __builtin_fmaf(step->momentum, v, direction) : v;
    }
    *w = __builtin_fmaf(-step->rule.learning_rate, direction, shrunk(plain, &step->rule, *w));
}

LS_INLINE void step_all(enum rule how, bool plain, const ls_sgd_step *step, int64_t count, float *w,
                        const float *gradient, float *velocity)
{
    ls_sgd_step local = *step;
    local.rule = local_rule(&step->rule);
    LS_FOR_EACH(count, step_one(how, plain, &local, &w[i], gradient[i], how == PLAIN ? NULL : &velocity[i]););
}

LS_INLINE void choose_plain(enum rule how, const ls_sgd_step *step, int64_t count, float *w,
                            const float *gradient, float *velocity)
{
    if (is_plain(&step->rule))
        step_all(how, true, step, count, w, gradient, velocity);
    else
        step_all(how, false, step, count, w, gradient, velocity);
}

void LS_VARIANT(ls_sgd)(const ls_sgd_step *step, int64_t count, float *w, const float *gradient,
                        float *velocity)
{
    if (step->momentum == 0.0f) {
        choose_plain(PLAIN, step, count, w, gradient, NULL);
        return;
    }
    assert(velocity);
    if (step->nesterov)
        choose_plain(NESTEROV, step, count, w, gradient, velocity);
    else
        choose_plain(MOMENTUM, step, count, w, gradient, velocity);
}
