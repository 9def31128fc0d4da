/* Losses that are a sum over the units of a function of output and target. LS_LANES samples are taken at a
   time; for each lane the units are added one after the other in ascending order. */
#include "math/vector/loss.h"

LS_INLINE float limit_to(float x, float limit)
{
    float below = x < -limit ? -limit : x;
    return x > limit ? limit : below; /* NaN stays */
}

LS_INLINE float huber(float difference, float delta)
{
    float size = ls_magnitude(difference);
    float square = 0.5f * difference * difference;
    return size <= delta ? square : delta * (size - 0.5f * delta);
}

/* 1, -1, or what is neither: 0 and NaN */
LS_INLINE float sign_of(float x)
{
    float low = x < 0.0f ? -1.0f : x;
    return x > 0.0f ? 1.0f : low;
}

/* What of the margin is missing; NaN stays. */
LS_INLINE float missing(float x)
{
    return x <= 0.0f ? 0.0f : x;
}

/* log(x) also for 0 and, NaN, below it. */
LS_INLINE float log_or_nan(float x)
{
    float below = x < 0.0f ? __builtin_nanf("") : -__builtin_inff();
    return x > 0.0f ? ls_log(x) : x == x ? below : x;
}

/* log(1 + exp(-x)) */
LS_INLINE float softplus_of_minus(float x)
{
    float positive = x < 0.0f ? -x : 0.0f;
    return positive + ls_log1p(ls_exp(-ls_magnitude(x)));
}

/* 1 / (1 + exp(x)) */
LS_INLINE float sigmoid_of_minus(float x)
{
    float e = ls_exp(-ls_magnitude(x));
    return (x >= 0.0f ? e : 1.0f) / (1.0f + e);
}

/* value and derivative are expressions of the output in and the target to. */
#define SUM(value, derivative)                                                                               \
    for (int64_t l = 0; l < lanes; l += LS_LANES) {                                                          \
        float sum[LS_LANES] = {0}, slope[LS_LANES];                                                          \
        for (int64_t u = 0; u < units; u++) {                                                                \
            const float *xu = x + u * lanes + l, *tu = target + u * lanes + l;                               \
            const float factor = call->factor != NULL ? (float)call->factor[u * call->factor_step] : 1.0f;   \
            (void)factor;                                                                                    \
            LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)                                                \
            {                                                                                                \
                const float in = xu[n], to = tu[n];                                                          \
                sum[n] += (value);                                                                           \
                slope[n] = share * (derivative);                                                             \
            }                                                                                                \
            if (delta != NULL) ls_store_weighted(weight + l, slope, delta + u * lanes + l);                  \
        }                                                                                                    \
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] *= share;                                   \
        ls_store_loss(weight + l, sum, loss + l);                                                            \
    }

/* Targets 0 and 1 are the sides -1 and 1. */
#define SIDE           (2.0f * to - 1.0f)
#define MISSING        missing(parameter - SIDE * in)
#define MISSING_SIGN   sign_of(MISSING)
#define SMOOTHED       (to * (1.0f - parameter) + 0.5f * parameter)
#define POSITIVE_SHARE __builtin_fmaf(factor - 1.0f, SMOOTHED, 1.0f)

void LS_VARIANT(ls_element_loss)(const ls_element_loss *call, int64_t units, int64_t lanes, const float *x,
                                 const float *target, const float *weight, float *delta, float *loss)
{
    const float share = call->share, parameter = call->parameter;
    switch (call->kind) {
    case LS_ELEMENT_ABSOLUTE:
        SUM(ls_magnitude(in - to), sign_of(in - to));
        break;
    case LS_ELEMENT_HUBER:
        SUM(huber(in - to, parameter), limit_to(in - to, parameter));
        break;
    case LS_ELEMENT_HINGE:
        SUM(MISSING, -SIDE * MISSING_SIGN);
        break;
    case LS_ELEMENT_SQUARED_HINGE:
        SUM(MISSING * MISSING, -2.0f * SIDE * MISSING);
        break;
    case LS_ELEMENT_POISSON:
        SUM(in - to * log_or_nan(in + parameter), 1.0f - to / (in + parameter));
        break;
    case LS_ELEMENT_POISSON_LOG:
        SUM(__builtin_fmaf(-to, in, ls_exp(in)), ls_exp(in) - to);
        break;
    case LS_ELEMENT_BINARY:
        SUM(__builtin_fmaf(1.0f - SMOOTHED, in, POSITIVE_SHARE * softplus_of_minus(in)),
            __builtin_fmaf(-POSITIVE_SHARE, sigmoid_of_minus(in), 1.0f - SMOOTHED));
        break;
    }
}

void LS_VARIANT(ls_exponential)(const float *x, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i += LS_LANES) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) y[i + n] = ls_exp(x[i + n]);
    }
}
