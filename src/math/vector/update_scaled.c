/* RMSprop, Adagrad and Rprop. */
#include "math/vector/update.h"

/* plain, centered and moving are constants where this is inlined. */
LS_INLINE void rmsprop_all(bool plain, bool centered, bool moving, const ls_rmsprop_step *step, int64_t count,
                           float *w, const float *gradient, float *square, float *average, float *velocity)
{
    ls_rmsprop_step local = *step;
    local.rule = local_rule(&step->rule);
    LS_FOR_EACH(count, {
        float g = direction_of(plain, &local.rule, w[i], gradient[i]);
        float v = __builtin_fmaf(local.alpha, square[i], local.rest * (g * g));
        square[i] = v;
        if (centered) {
            float a = __builtin_fmaf(local.alpha, average[i], local.rest * g);
            average[i] = a;
            v = __builtin_fmaf(-a, a, v);
            v = v > 0.0f ? v : 0.0f;
        }
        float direction = g / (__builtin_sqrtf(v) + local.epsilon);
        if (moving) {
            direction = __builtin_fmaf(local.momentum, velocity[i], direction);
            velocity[i] = direction;
        }
        w[i] = __builtin_fmaf(-local.rule.learning_rate, direction, shrunk(plain, &local.rule, w[i]));
    });
}

LS_INLINE void rmsprop_choose(bool plain, const ls_rmsprop_step *step, int64_t count, float *w,
                              const float *gradient, float *square, float *average, float *velocity)
{
    if (average == NULL && velocity == NULL)
        rmsprop_all(plain, false, false, step, count, w, gradient, square, NULL, NULL);
    else if (average == NULL)
        rmsprop_all(plain, false, true, step, count, w, gradient, square, NULL, velocity);
    else if (velocity == NULL)
        rmsprop_all(plain, true, false, step, count, w, gradient, square, average, NULL);
    else
        rmsprop_all(plain, true, true, step, count, w, gradient, square, average, velocity);
}

void LS_VARIANT(ls_rmsprop)(const ls_rmsprop_step *step, int64_t count, float *w, const float *gradient,
                            float *square, float *average, float *velocity)
{
    if (is_plain(&step->rule))
        rmsprop_choose(true, step, count, w, gradient, square, average, velocity);
    else
        rmsprop_choose(false, step, count, w, gradient, square, average, velocity);
}

LS_INLINE void adagrad_all(bool plain, const ls_adagrad_step *step, int64_t count, float *w,
                           const float *gradient, float *sum)
{
    ls_adagrad_step local = *step;
    local.rule = local_rule(&step->rule);
    LS_FOR_EACH(count, {
        float g = direction_of(plain, &local.rule, w[i], gradient[i]);
        float s = __builtin_fmaf(g, g, sum[i]);
        sum[i] = s;
        float direction = g / (__builtin_sqrtf(s + local.initial) + local.epsilon);
        w[i] = __builtin_fmaf(-local.rule.learning_rate, direction, shrunk(plain, &local.rule, w[i]));
    });
}

void LS_VARIANT(ls_adagrad)(const ls_adagrad_step *step, int64_t count, float *w, const float *gradient,
                            float *sum)
{
    if (is_plain(&step->rule))
        adagrad_all(true, step, count, w, gradient, sum);
    else
        adagrad_all(false, step, count, w, gradient, sum);
}

/* The sign of a product that may underflow comes from the signs of its factors. first is a constant where
   this is inlined. */
LS_INLINE void rprop_all(bool first, const ls_rprop_step *step, int64_t count, float *w,
                         const float *gradient, float *previous, float *size)
{
    ls_rprop_step local = *step;
    local.rule = local_rule(&step->rule);
    LS_FOR_EACH(count, {
        float g = direction_of(false, &local.rule, w[i], gradient[i]);
        float before = previous[i], s = first ? local.rule.learning_rate : size[i];
        float sign = (g > 0.0f ? 1.0f : 0.0f) - (g < 0.0f ? 1.0f : 0.0f);
        float agreement = sign * ((before > 0.0f ? 1.0f : 0.0f) - (before < 0.0f ? 1.0f : 0.0f));
        float factor = agreement > 0.0f ? local.grow : 1.0f;
        factor = agreement < 0.0f ? local.shrink : factor;
        s *= factor;
        s = s < local.smallest ? local.smallest : s;
        s = s > local.largest ? local.largest : s;
        float kept = agreement < 0.0f ? 0.0f : 1.0f;
        size[i] = s;
        previous[i] = kept * g;
        w[i] = __builtin_fmaf(-kept * sign, s, w[i]);
    });
}

void LS_VARIANT(ls_rprop)(const ls_rprop_step *step, int64_t count, float *w, const float *gradient,
                          float *previous, float *size)
{
    if (step->first)
        rprop_all(true, step, count, w, gradient, previous, size);
    else
        rprop_all(false, step, count, w, gradient, previous, size);
}
