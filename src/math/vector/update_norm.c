/* Norms of weights and gradients, in double precision: element i belongs to partial sum i mod 16. */
#include "math/vector/update.h"

ls_squares LS_VARIANT(ls_update_squares)(const ls_step_rule *rule, int64_t count, const float *w,
                                         const float *gradient)
{
    double weight[LS_LANES] = {0}, direction[LS_LANES] = {0};
    const ls_step_rule local = local_rule(rule);
    LS_FOR_EACH(count, {
        double g = (double)direction_of(false, &local, w[i], gradient[i]);
        weight[lane] += (double)w[i] * (double)w[i];
        direction[lane] += g * g;
    });
    return (ls_squares){.weight = sum_of_lanes(weight), .direction = sum_of_lanes(direction)};
}

void LS_VARIANT(ls_limit_norm)(double limit, int64_t count, float *w)
{
    double part[LS_LANES] = {0};
    LS_FOR_EACH(count, part[lane] += (double)w[i] * (double)w[i];);
    double norm = sqrt(sum_of_lanes(part));
    if (!(norm > limit)) return;
    float factor = (float)(limit / norm);
    LS_FOR_EACH(count, w[i] *= factor;);
}
