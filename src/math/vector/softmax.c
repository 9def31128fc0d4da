/* The logarithm of softmax, and the derivatives of both, over panels. LS_LANES samples are taken at a time;
   for each lane the units are summed one after the other in ascending order. */
#include "math/vector/activation.h"

void LS_VARIANT(ls_softmax_back)(int64_t units, int64_t lanes, const float *y, const float *dy, float *dx)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float sum[LS_LANES] = {0};
        for (int64_t at = l; at < units * lanes; at += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] =
                __builtin_fmaf(y[at + n], dy[at + n], sum[n]);
        }
        for (int64_t at = l; at < units * lanes; at += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) dx[at + n] = y[at + n] * (dy[at + n] - sum[n]);
        }
    }
}

void LS_VARIANT(ls_log_softmax)(int64_t units, int64_t lanes, const float *x, float *y)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float largest[LS_LANES], sum[LS_LANES] = {0};
        memcpy(largest, x + l, sizeof largest);
        for (int64_t at = l; at < units * lanes; at += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) largest[n] =
                x[at + n] > largest[n] ? x[at + n] : largest[n];
        }
        for (int64_t at = l; at < units * lanes; at += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] += ls_exp(x[at + n] - largest[n]);
        }
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] = ls_log(sum[n]);
        for (int64_t at = l; at < units * lanes; at += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) y[at + n] = x[at + n] - largest[n] - sum[n];
        }
    }
}

void LS_VARIANT(ls_log_softmax_back)(int64_t units, int64_t lanes, const float *y, const float *dy, float *dx)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        float sum[LS_LANES] = {0};
        for (int64_t at = l; at < units * lanes; at += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] += dy[at + n];
        }
        for (int64_t at = l; at < units * lanes; at += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) dx[at + n] =
                __builtin_fmaf(-ls_exp(y[at + n]), sum[n], dy[at + n]);
        }
    }
}
