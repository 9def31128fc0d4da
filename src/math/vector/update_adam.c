/* Adam and LAMB. */
#include "math/vector/update.h"

/* plain and amsgrad are constants where this is inlined. */
LS_INLINE void adam_all(bool plain, bool amsgrad, const ls_adam_step *step, int64_t count, float *w,
                        const float *gradient, float *mean, float *square, float *largest)
{
    ls_adam_step local = *step;
    local.rule = local_rule(&step->rule);
    LS_FOR_EACH(count, {
        float g = direction_of(plain, &local.rule, w[i], gradient[i]);
        float m = __builtin_fmaf(local.beta1, mean[i], local.rest1 * g);
        float v = __builtin_fmaf(local.beta2, square[i], local.rest2 * (g * g));
        mean[i] = m;
        square[i] = v;
        if (amsgrad) {
            v = largest[i] > v ? largest[i] : v;
            largest[i] = v;
        }
        float below = __builtin_fmaf(__builtin_sqrtf(v), local.root_factor, local.epsilon);
        w[i] = __builtin_fmaf(-local.rule.learning_rate, m / below, shrunk(plain, &local.rule, w[i]));
    });
}

void LS_VARIANT(ls_adam)(const ls_adam_step *step, int64_t count, float *w, const float *gradient,
                         float *mean, float *square, float *largest)
{
    bool plain = is_plain(&step->rule);
    if (plain && largest == NULL)
        adam_all(true, false, step, count, w, gradient, mean, square, NULL);
    else if (plain)
        adam_all(true, true, step, count, w, gradient, mean, square, largest);
    else if (largest == NULL)
        adam_all(false, false, step, count, w, gradient, mean, square, NULL);
    else
        adam_all(false, true, step, count, w, gradient, mean, square, largest);
}

LS_INLINE float lamb_direction(const ls_adam_step *step, float w, float mean, float square)
{
    float below = __builtin_fmaf(__builtin_sqrtf(square), step->root_factor, step->epsilon);
    return __builtin_fmaf(step->decay, w, step->mean_factor * mean / below);
}

/* Element i belongs to partial sum i mod 16. */
ls_squares LS_VARIANT(ls_lamb_moments)(const ls_adam_step *step, int64_t count, const float *w,
                                       const float *gradient, float *mean, float *square)
{
    double weight[LS_LANES] = {0}, direction[LS_LANES] = {0};
    ls_adam_step local = *step;
    local.rule = local_rule(&step->rule);
    LS_FOR_EACH(count, {
        float g = direction_of(false, &local.rule, w[i], gradient[i]);
        float m = __builtin_fmaf(local.beta1, mean[i], local.rest1 * g);
        float v = __builtin_fmaf(local.beta2, square[i], local.rest2 * (g * g));
        mean[i] = m;
        square[i] = v;
        double u = (double)lamb_direction(&local, w[i], m, v);
        weight[lane] += (double)w[i] * (double)w[i];
        direction[lane] += u * u;
    });
    return (ls_squares){.weight = sum_of_lanes(weight), .direction = sum_of_lanes(direction)};
}

void LS_VARIANT(ls_lamb_apply)(const ls_adam_step *step, int64_t count, float *w, const float *mean,
                               const float *square)
{
    const ls_adam_step local = *step;
    LS_FOR_EACH(count, {
        float u = lamb_direction(&local, w[i], mean[i], square[i]);
        w[i] = __builtin_fmaf(-local.rule.learning_rate, u, w[i]);
    });
}
