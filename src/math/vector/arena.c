/* Arithmetic on whole arenas. */
#include "math/vector/isa.h"

void LS_VARIANT(ls_blend)(float share, int64_t count, const float *x, float *average)
{
    int64_t i = 0;
    for (; i + LS_LANES <= count; i += LS_LANES) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) average[i + n] =
            __builtin_fmaf(share, x[i + n] - average[i + n], average[i + n]);
    }
    for (; i < count; i++) average[i] = __builtin_fmaf(share, x[i] - average[i], average[i]);
}

void LS_VARIANT(ls_add_scaled)(float scale, int64_t count, const float *x, float *y)
{
    int64_t i = 0;
    for (; i + LS_LANES <= count; i += LS_LANES) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) y[i + n] =
            __builtin_fmaf(scale, x[i + n], y[i + n]);
    }
    for (; i < count; i++) y[i] = __builtin_fmaf(scale, x[i], y[i]);
}

/* Sixteen chains side by side, then added in a tree whose shape does not depend on vectors. The products are
   exact, so no rounding is saved by fusing them. */
double LS_VARIANT(ls_dot)(int64_t count, const float *a, const float *b)
{
    double sum[LS_LANES] = {0};
    int64_t i = 0;
    for (; i + LS_LANES <= count; i += LS_LANES) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] =
            sum[n] + (double)a[i + n] * (double)b[i + n];
    }
    for (int n = 0; i + n < count; n++) sum[n] = sum[n] + (double)a[i + n] * (double)b[i + n];
    for (int half = LS_LANES / 2; half > 0; half /= 2) {
        for (int n = 0; n < half; n++) sum[n] += sum[n + half];
    }
    return sum[0];
}
