/* Normalisation over positions, each lane by itself.

   A sum is made of CHAINS float chains, position p on chain p % CHAINS, so that the latency of one addition
   does not count; after FOLD positions they are added, in order, to a sum in double. */
#include "math/vector/isa.h"

enum { CHAINS = 4, FOLD = 64 };

typedef struct chains {
    float sum[CHAINS][LS_LANES];
} chains;

LS_INLINE void clear(chains *of)
{
    LS_UNROLL for (int c = 0; c < CHAINS; c++)
    {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) of->sum[c][n] = 0.0f;
    }
}

LS_INLINE void fold(const chains *from, double *sum)
{
    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
    {
        double first = (double)from->sum[0][n] + (double)from->sum[1][n];
        double second = (double)from->sum[2][n] + (double)from->sum[3][n];
        sum[n] += first + second;
    }
}

/* One position on chain c, around the lanes' centres. */
LS_INLINE void add_square(const float *x, const float *centre, int c, chains *sum, chains *square)
{
    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
    {
        float d = x[n] - centre[n];
        sum->sum[c][n] += d;
        square->sum[c][n] = __builtin_fmaf(d, d, square->sum[c][n]);
    }
}

LS_INLINE void add_product(const float *x, const float *centre, const float *dy, int c, chains *sum,
                           chains *product)
{
    LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
    {
        float d = x[n] - centre[n];
        sum->sum[c][n] += dy[n];
        product->sum[c][n] = __builtin_fmaf(d, dy[n], product->sum[c][n]);
    }
}

/* Both sums of LS_LANES lanes; dy NULL: of differences and their squares. */
LS_INLINE void sums(bool squares, int64_t positions, int64_t lanes, const float *x, const float *centre,
                    const float *dy, double *sum, double *product)
{
    for (int64_t p = 0; p < positions; p += FOLD) {
        int64_t end = positions - p < FOLD ? positions : p + FOLD;
        chains first, second;
        clear(&first);
        clear(&second);
        int64_t q = p;
        for (; q + CHAINS <= end; q += CHAINS) {
            LS_UNROLL for (int c = 0; c < CHAINS; c++)
            {
                if (squares)
                    add_square(x + (q + c) * lanes, centre, c, &first, &second);
                else
                    add_product(x + (q + c) * lanes, centre, dy + (q + c) * lanes, c, &first, &second);
            }
        }
        LS_UNROLL for (int c = 0; c < CHAINS - 1; c++)
        {
            if (q + c >= end) break;
            if (squares)
                add_square(x + (q + c) * lanes, centre, c, &first, &second);
            else
                add_product(x + (q + c) * lanes, centre, dy + (q + c) * lanes, c, &first, &second);
        }
        fold(&first, sum);
        fold(&second, product);
    }
}

void LS_VARIANT(ls_moments)(int64_t positions, int64_t lanes, const float *x, double *mean, double *m2)
{
    const double share = 1.0 / (double)positions;
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        double sum[LS_LANES] = {0}, square[LS_LANES] = {0};
        sums(true, positions, lanes, x + l, x + l, NULL, sum, square);
        for (int n = 0; n < LS_LANES; n++) {
            double rest = square[n] - sum[n] * (sum[n] * share);
            mean[l + n] = (double)x[l + n] + sum[n] * share;
            m2[l + n] = rest < 0 ? 0 : rest; /* NaN stays */
        }
    }
}

void LS_VARIANT(ls_norm_sums)(int64_t positions, int64_t lanes, const float *x, const float *mean,
                              const float *dy, double *sum_dy, double *sum_dyx)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        double sum[LS_LANES] = {0}, product[LS_LANES] = {0};
        sums(false, positions, lanes, x + l, mean + l, dy + l, sum, product);
        for (int n = 0; n < LS_LANES; n++) {
            sum_dy[l + n] = sum[n];
            sum_dyx[l + n] = product[n];
        }
    }
}

void LS_VARIANT(ls_normalise)(int64_t positions, int64_t lanes, const float *x, const float *mean,
                              const float *scale, float shift, float *y)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        for (int64_t p = l; p < positions * lanes; p += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) y[p + n] =
                __builtin_fmaf(x[p + n] - mean[l + n], scale[l + n], shift);
        }
    }
}

void LS_VARIANT(ls_norm_backward)(int64_t positions, int64_t lanes, const float *x, const float *mean,
                                  const float *dy, const float *a, const float *b, const float *c, float *dx)
{
    for (int64_t l = 0; l < lanes; l += LS_LANES) {
        for (int64_t p = l; p < positions * lanes; p += lanes) {
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)
            {
                float rest = __builtin_fmaf(x[p + n] - mean[l + n], c[l + n], b[l + n]);
                dx[p + n] = __builtin_fmaf(dy[p + n], a[l + n], -rest);
            }
        }
    }
}
