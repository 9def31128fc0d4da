/* What the kernels of optimisers share. The order of operations is fixed here, with its fused multiply-adds
   written out. */
#ifndef LS_MATH_VECTOR_UPDATE_H
#define LS_MATH_VECTOR_UPDATE_H

#include <math.h>
#include "math/vector/isa.h"

/* Statements for every element, which they call i; nothing may depend on the order. lane is i mod 16. */
#define LS_FOR_EACH(COUNT, ...)                                                                              \
    do {                                                                                                     \
        int64_t begin_ = 0;                                                                                  \
        for (; begin_ + LS_LANES <= (COUNT); begin_ += LS_LANES) {                                           \
            LS_INDEPENDENT for (int lane = 0; lane < LS_LANES; lane++)                                       \
            {                                                                                                \
                const int64_t i = begin_ + lane;                                                             \
                __VA_ARGS__                                                                                  \
            }                                                                                                \
        }                                                                                                    \
        for (int lane = 0; begin_ + lane < (COUNT); lane++) {                                                \
            const int64_t i = begin_ + lane;                                                                 \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    } while (0)

/* A rule with nothing in it but rates and the coupled decay needs fewer operations. */
LS_INLINE bool is_plain(const ls_step_rule *rule)
{
    return rule->clip_value == 0.0f && rule->l1 == 0.0f && rule->shrink == 0.0f;
}

/* The rule with the limit that means what clip_value 0 says. */
LS_INLINE ls_step_rule local_rule(const ls_step_rule *rule)
{
    ls_step_rule local = *rule;
    if (local.clip_value == 0.0f) local.clip_value = INFINITY;
    return local;
}

/* The gradient after scaling, clipping and penalties. plain is a constant where this is inlined. */
LS_INLINE float direction_of(bool plain, const ls_step_rule *rule, float w, float gradient)
{
    float scaled = rule->gradient_scale * gradient, limit = rule->clip_value;
    if (plain) return __builtin_fmaf(rule->weight_decay, w, scaled);
    scaled = scaled > limit ? limit : scaled;
    scaled = scaled < -limit ? -limit : scaled;
    float penalty = w > 0.0f ? rule->l1 : 0.0f;
    penalty = w < 0.0f ? -rule->l1 : penalty;
    return __builtin_fmaf(rule->weight_decay, w, scaled) + penalty;
}

/* The weight after decoupled decay. */
LS_INLINE float shrunk(bool plain, const ls_step_rule *rule, float w)
{
    return plain ? w : __builtin_fmaf(-rule->shrink, w, w);
}

/* The sum of sixteen partial sums, always in the same order. */
LS_INLINE double sum_of_lanes(double *part)
{
    for (int half = LS_LANES / 2; half > 0; half /= 2) {
        for (int n = 0; n < half; n++) part[n] += part[n + half];
    }
    return part[0];
}

#endif
