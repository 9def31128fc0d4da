/* Losses over classes that go beyond the plain cross-entropy: weighted and smoothed, against a distribution,
   and margins between classes. For each lane the units are taken in ascending order. */
#include "math/vector/loss.h"

/* The output of the label of each lane, less largest. */
LS_INLINE void choose_output(int64_t units, int64_t lanes, const float *x, const int32_t *label,
                             const float *largest, float *chosen)
{
    memset(chosen, 0, LS_LANES * sizeof *chosen);
    for (int64_t u = 0; u < units; u++) {
        const float *xu = x + u * lanes;
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) chosen[n] =
            label[n] == (int32_t)u ? xu[n] - largest[n] : chosen[n];
    }
}

/* The weight of the class of each lane. */
LS_INLINE void choose_weight(const double *class_weight, int64_t units, const int32_t *label, float *weight)
{
    memset(weight, 0, LS_LANES * sizeof *weight);
    for (int64_t u = 0; u < units; u++) {
        const float own = class_weight != NULL ? (float)class_weight[u] : 1.0f;
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) weight[n] =
            label[n] == (int32_t)u ? own : weight[n];
    }
}

/* sum over u of weight[u] (x_u - largest), and of the weights. */
LS_INLINE float spread_of(const ls_class_loss *call, int64_t units, int64_t lanes, const float *x,
                          const float *largest, float *spread)
{
    float total = 0.0f;
    memset(spread, 0, LS_LANES * sizeof *spread);
    for (int64_t u = 0; u < units; u++) {
        const float *xu = x + u * lanes;
        const float own = call->class_weight != NULL ? (float)call->class_weight[u] : 1.0f;
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) spread[n] =
            __builtin_fmaf(own, xu[n] - largest[n], spread[n]);
        total += own;
    }
    return total;
}

/* With q_u = soft w_u, and hard w_label more at the label: delta_u = softmax_u sum(q) - q_u. */
LS_INLINE void smoothed_slopes(const ls_class_loss *call, int64_t units, int64_t lanes, const int32_t *label,
                               const float *mask, const float *sum, const float *hard, float soft,
                               float total, float *delta)
{
    for (int64_t u = 0; u < units; u++) {
        float *du = delta + u * lanes, slope[LS_LANES];
        const float own = call->class_weight != NULL ? (float)call->class_weight[u] : 1.0f;
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
        {
            float hit = label[n] == (int32_t)u ? hard[n] : 0.0f;
            float all = __builtin_fmaf(soft, total, hard[n]);
            slope[n] = all * (du[n] / sum[n]) - __builtin_fmaf(soft, own, hit);
        }
        ls_store_weighted(mask, slope, du);
    }
}

void LS_VARIANT(ls_smoothed_entropy)(const ls_class_loss *call, int64_t units, int64_t lanes, const float *x,
                                     const int32_t *label, const float *mask, float *delta, float *loss)
{
    const float soft = call->smoothing / (float)units;
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float largest[LS_LANES], sum[LS_LANES], chosen[LS_LANES], hard[LS_LANES], spread[LS_LANES] = {0};
        float total = 0.0f;
        ls_lane_maxima(units, lanes, x + l, largest);
        choose_output(units, lanes, x + l, label + l, largest, chosen);
        choose_weight(call->class_weight, units, label + l, hard);
        if (soft > 0.0f) total = spread_of(call, units, lanes, x + l, largest, spread);
        ls_lane_exponentials(units, lanes, x + l, largest, delta != NULL ? delta + l : NULL, sum);
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
        {
            float log_sum = ls_log(sum[n]);
            hard[n] *= 1.0f - call->smoothing;
            chosen[n] = hard[n] * (log_sum - chosen[n]);
            spread[n] = soft * (total * log_sum - spread[n]);
            chosen[n] += soft > 0.0f ? spread[n] : 0.0f;
        }
        ls_store_loss(mask + l, chosen, loss + l);
        if (delta != NULL)
            smoothed_slopes(call, units, lanes, label + l, mask + l, sum, hard, soft, total, delta + l);
    }
}

/* t log t, 0 at 0 and below what a float holds to full precision. */
LS_INLINE float entropy_term(float t)
{
    return t >= 0x1p-126f ? t * ls_log(t) : t * 0.0f;
}

void LS_VARIANT(ls_divergence)(int64_t units, int64_t lanes, const float *x, const float *target,
                               const float *mask, float *delta, float *loss)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float largest[LS_LANES], sum[LS_LANES], total[LS_LANES] = {0}, value[LS_LANES] = {0};
        ls_lane_maxima(units, lanes, x + l, largest);
        for (int64_t u = 0; u < units; u++) {
            const float *xu = x + u * lanes + l, *tu = target + u * lanes + l;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
            {
                value[n] += __builtin_fmaf(-tu[n], xu[n] - largest[n], entropy_term(tu[n]));
                total[n] += tu[n];
            }
        }
        ls_lane_exponentials(units, lanes, x + l, largest, delta != NULL ? delta + l : NULL, sum);
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) value[n] =
            __builtin_fmaf(total[n], ls_log(sum[n]), value[n]);
        ls_store_loss(mask + l, value, loss + l);
        for (int64_t u = 0; delta != NULL && u < units; u++) {
            const float *tu = target + u * lanes + l;
            float *du = delta + u * lanes + l, slope[LS_LANES];
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) slope[n] = total[n] * (du[n] / sum[n]) - tu[n];
            ls_store_weighted(mask + l, slope, du);
        }
    }
}

/* The derivative by the label's own unit is minus the sum of the others. */
LS_INLINE void label_slopes(int64_t units, int64_t lanes, const int32_t *label, const float *mask,
                            const float *others, float *delta)
{
    for (int64_t u = 0; u < units; u++) {
        float *du = delta + u * lanes;
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
        {
            float own = mask[n] == 0.0f ? 0.0f : -others[n];
            du[n] = label[n] == (int32_t)u ? own : du[n];
        }
    }
}

void LS_VARIANT(ls_multi_margin)(float margin, bool squared, int64_t units, int64_t lanes, const float *x,
                                 const int32_t *label, const float *mask, float *delta, float *loss)
{
    const float share = 1.0f / (float)units;
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float zero[LS_LANES] = {0}, chosen[LS_LANES], sum[LS_LANES] = {0}, others[LS_LANES] = {0};
        float slope[LS_LANES];
        choose_output(units, lanes, x + l, label + l, zero, chosen);
        for (int64_t u = 0; u < units; u++) {
            const float *xu = x + u * lanes + l;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
            {
                float missing = margin - chosen[n] + xu[n];
                missing = missing <= 0.0f ? 0.0f : missing; /* NaN stays */
                missing = label[l + n] == (int32_t)u ? 0.0f : missing;
                float one = missing > 0.0f ? 1.0f : missing;
                sum[n] += squared ? missing * missing : missing;
                slope[n] = share * (squared ? 2.0f * missing : one);
                others[n] += slope[n];
            }
            if (delta != NULL) ls_store_weighted(mask + l, slope, delta + u * lanes + l);
        }
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] *= share;
        ls_store_loss(mask + l, sum, loss + l);
        if (delta != NULL) label_slopes(units, lanes, label + l, mask + l, others, delta + l);
    }
}
