/* Losses, softmax and argmax over panels. LS_LANES samples are taken at a time; for each lane the units are
   summed one after the other in ascending order. */
#include "math/vector/loss.h"

void LS_VARIANT(ls_squared_error)(int64_t units, int64_t lanes, const float *x, const float *target,
                                  const float *weight, float *delta, float *loss)
{
    const float share = 1.0f / (float)units;
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float sum[LS_LANES] = {0}, slope[LS_LANES];
        for (int64_t u = 0; u < units; u++) {
            const float *xu = x + u * lanes + l, *tu = target + u * lanes + l;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
            {
                float difference = xu[n] - tu[n];
                sum[n] = __builtin_fmaf(difference, difference, sum[n]);
                slope[n] = 2.0f * share * difference;
            }
            if (delta) ls_store_weighted(weight + l, slope, delta + u * lanes + l);
        }
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] *= share;
        ls_store_loss(weight + l, sum, loss + l);
    }
}

void LS_VARIANT(ls_binary_entropy)(int64_t units, int64_t lanes, const float *x, const float *target,
                                   const float *weight, float *delta, float *loss)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float sum[LS_LANES] = {0}, slope[LS_LANES];
        for (int64_t u = 0; u < units; u++) {
            const float *xu = x + u * lanes + l, *tu = target + u * lanes + l;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
            {
                float positive = xu[n] > 0.0f ? xu[n] : 0.0f;
                float e = ls_exp(-ls_magnitude(xu[n]));
                sum[n] += __builtin_fmaf(-xu[n], tu[n], positive) + ls_log1p(e);
                slope[n] = (xu[n] >= 0.0f ? 1.0f : e) / (1.0f + e) - tu[n];
            }
            if (delta) ls_store_weighted(weight + l, slope, delta + u * lanes + l);
        }
        ls_store_loss(weight + l, sum, loss + l);
    }
}

void LS_VARIANT(ls_softmax)(int64_t units, int64_t lanes, const float *x, float *y)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float largest[LS_LANES], sum[LS_LANES];
        ls_lane_maxima(units, lanes, x + l, largest);
        ls_lane_exponentials(units, lanes, x + l, largest, y + l, sum);
        for (int64_t u = 0; u < units; u++) {
            float *yu = y + u * lanes + l;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) yu[n] = yu[n] / sum[n];
        }
    }
}

/* The derivative: the softmax, less 1 at the label. delta holds the exponentials. */
LS_INLINE void entropy_slopes(int64_t units, int64_t lanes, const int32_t *label, const float *weight,
                              const float *sum, float *delta)
{
    for (int64_t u = 0; u < units; u++) {
        float *du = delta + u * lanes, slope[LS_LANES];
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
        {
            float hit = label[n] == (int32_t)u ? 1.0f : 0.0f;
            slope[n] = du[n] / sum[n] - hit;
        }
        ls_store_weighted(weight, slope, du);
    }
}

void LS_VARIANT(ls_softmax_entropy)(int64_t units, int64_t lanes, const float *x, const int32_t *label,
                                    const float *weight, float *delta, float *loss)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float largest[LS_LANES], sum[LS_LANES], chosen[LS_LANES] = {0};
        ls_lane_maxima(units, lanes, x + l, largest);
        for (int64_t u = 0; u < units; u++) { /* before delta, which may take the place of x */
            const float *xu = x + u * lanes + l;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) chosen[n] =
                label[l + n] == (int32_t)u ? xu[n] - largest[n] : chosen[n];
        }
        ls_lane_exponentials(units, lanes, x + l, largest, delta ? delta + l : NULL, sum);
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) chosen[n] = ls_log(sum[n]) - chosen[n];
        ls_store_loss(weight + l, chosen, loss + l);
        if (delta) entropy_slopes(units, lanes, label + l, weight + l, sum, delta + l);
    }
}

void LS_VARIANT(ls_argmax)(int64_t units, int64_t lanes, const float *x, int32_t *index)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float best[LS_LANES];
        int32_t where[LS_LANES] = {0};
        memcpy(best, x + l, sizeof best);
        for (int64_t u = 1; u < units; u++) {
            const float *xu = x + u * lanes + l;
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
            {
                /* Larger, or NaN where there was none before. */
                bool better = (!(xu[n] <= best[n])) & (best[n] == best[n]);
                best[n] = better ? xu[n] : best[n];
                where[n] = better ? (int32_t)u : where[n];
            }
        }
        memcpy(index + l, where, sizeof where);
    }
}
