/* Exponential, logarithm and the activations in float, each one expression without branches, so that the
   compiler can turn loops of them into vector code, and of IEEE operations alone (fused multiply-adds are
   written out), so that every variant gives the same bits. The polynomials are minimax fits for the error
   that is stated. NaN in, NaN out. */
#ifndef LS_MATH_VECTOR_ACTIVATION_H
#define LS_MATH_VECTOR_ACTIVATION_H

#include <string.h>
#include "math/vector/isa.h"

LS_INLINE uint32_t ls_bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

LS_INLINE float ls_float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

LS_INLINE float ls_magnitude(float x)
{
    return ls_float_of(ls_bits_of(x) & 0x7fffffffu);
}

LS_INLINE float ls_with_sign_of(float magnitude, float x)
{
    return ls_float_of(ls_bits_of(magnitude) | (ls_bits_of(x) & 0x80000000u));
}

/* exp(x - less) = (1 + fraction) 2^exponent, for -104 <= x <= 89 or NaN and a small correction: x = n ln 2 +
   r with |r| <= ln 2 / 2; exp(r) = 1 + r + r^2 q(r), relative error 3e-9. */
typedef struct ls_power {
    float fraction;
    int32_t exponent;
} ls_power;

LS_INLINE ls_power ls_exp_power(float x, float less)
{
    const float shift = 0x1.8p23f; /* adding it leaves the nearest integer in the last bits */
    float shifted = __builtin_fmaf(x, 0x1.715476p0f, shift);
    float n = shifted - shift;
    float r = __builtin_fmaf(n, -0x1.62e4p-1f, x);
    r = __builtin_fmaf(n, -0x1.7f7d1cp-20f, r) - less;
    float q = __builtin_fmaf(0x1.6a234ap-10f, r, 0x1.123a6cp-7f);
    q = __builtin_fmaf(q, r, 0x1.5558f4p-5f);
    q = __builtin_fmaf(q, r, 0x1.55549p-3f);
    q = __builtin_fmaf(q, r, 0x1.fffffcp-2f);
    int32_t exponent = (int32_t)(ls_bits_of(shifted) - ls_bits_of(shift));
    return (ls_power){__builtin_fmaf(r * r, q, r), exponent};
}

/* exp(x - less) for x of any size. The factor 2^n is applied in two halves, because 2^n itself can lie
   outside of the range where the result does not. */
LS_INLINE float ls_exp_difference(float x, float less)
{
    float limited = x < -104.0f ? -104.0f : x;
    limited = limited > 89.0f ? 89.0f : limited;
    ls_power power = ls_exp_power(limited, less);
    int32_t half = power.exponent >> 1;
    float first = ls_float_of((uint32_t)(half + 127) << 23);
    float second = ls_float_of((uint32_t)(power.exponent - half + 127) << 23);
    return (power.fraction + 1.0f) * first * second;
}

/* exp(x) - 1 for x <= 0 or NaN, precise where it is small; -1 below -20. */
LS_INLINE float ls_expm1(float x)
{
    ls_power power = ls_exp_power(x < -20.0f ? -20.0f : x, 0.0f);
    float scale = ls_float_of((uint32_t)(power.exponent + 127) << 23);
    return __builtin_fmaf(scale, power.fraction, scale - 1.0f);
}

LS_INLINE float ls_exp(float x)
{
    return ls_exp_difference(x, 0.0f);
}

/* log(1 + f) + k ln 2 for sqrt(1/2) - 1 <= f <= sqrt(2) - 1: log(1 + f) = f - f^2/2 + f^3 p(f), relative
 * error 6e-9. */
LS_INLINE float ls_log_sum(float f, float k)
{
    float p = __builtin_fmaf(-0x1.38b25ep-4f, f, 0x1.055a6cp-3f);
    p = __builtin_fmaf(p, f, -0x1.0d856p-3f);
    p = __builtin_fmaf(p, f, 0x1.22da44p-3f);
    p = __builtin_fmaf(p, f, -0x1.547246p-3f);
    p = __builtin_fmaf(p, f, 0x1.99a006p-3f);
    p = __builtin_fmaf(p, f, -0x1.000226p-2f);
    p = __builtin_fmaf(p, f, 0x1.555554p-2f);
    float square = f * f;
    float rest = __builtin_fmaf(p * f, square, -0.5f * square);
    rest = __builtin_fmaf(k, 0x1.7f7d1cp-20f, rest);
    return __builtin_fmaf(k, 0x1.62e4p-1f, rest + f);
}

/* log(x) for x positive and not subnormal, infinite or NaN. */
LS_INLINE float ls_log(float x)
{
    uint32_t above = ls_bits_of(x) - 0x3f3504f3u; /* sqrt(1/2) */
    int32_t k = (int32_t)above >> 23;
    float m = ls_float_of((above & 0x007fffffu) + 0x3f3504f3u);
    float result = ls_log_sum(m - 1.0f, (float)k);
    return x < __builtin_inff() ? result : x;
}

/* log(1 + x) for 0 <= x <= 1 or NaN. Above sqrt(2) - 1 it is log(1 + (x - 1) / 2) + log 2. */
LS_INLINE float ls_log1p(float x)
{
    bool low = x <= 0x1.a8279ap-2f;
    float f = low ? x : (x - 1.0f) * 0.5f;
    float k = low ? 0.0f : 1.0f;
    return ls_log_sum(f, k);
}

/* 1 / (1 + exp(-x)), through exp(-|x|), which keeps small results precise and cannot overflow. */
LS_INLINE float ls_sigmoid(float x)
{
    float e = ls_exp(-ls_magnitude(x));
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}

/* Below 0.625: x + x^3 p(x^2), relative error 4e-9; above: 1 - 2 / (exp(2|x|) + 1). */
LS_INLINE float ls_tanh(float x)
{
    float a = ls_magnitude(x), z = x * x;
    float p = __builtin_fmaf(-0x1.76ac0cp-8f, z, 0x1.5256d4p-6f);
    p = __builtin_fmaf(p, z, -0x1.b84448p-5f);
    p = __builtin_fmaf(p, z, 0x1.110768p-3f);
    p = __builtin_fmaf(p, z, -0x1.555534p-2f);
    float small = __builtin_fmaf(p * z, a, a);
    float large = 1.0f - 2.0f / (ls_exp(2.0f * a) + 1.0f);
    return ls_with_sign_of(a < 0.625f ? small : large, x);
}

LS_INLINE float ls_relu(float x)
{
    return x < 0.0f ? 0.0f : x;
}

LS_INLINE float ls_leaky_relu(float x, float slope)
{
    return x < 0.0f ? slope * x : x;
}

/* The normal distribution at x in factors that do not lose the small numbers: with a = min(|x|, 15), where
   nothing changes any more, bell = exp(-a^2 / 2) and Phi(-a) = bell * ratio. */
typedef struct ls_normal {
    float limited; /* x between -15 and 15 */
    float bell, ratio;
} ls_normal;

/* ratio = p(a) / q(a), relative error 8e-9; all coefficients are positive, so nothing cancels. The
   exponential takes the rounding error of a^2 / 2 into account, so that the tail keeps its precision. */
LS_INLINE ls_normal ls_normal_at(float x)
{
    ls_normal normal;
    float a = ls_magnitude(x);
    a = a > 15.0f ? 15.0f : a;
    normal.limited = ls_with_sign_of(a, x);
    float half_square = 0.5f * a * a;
    normal.bell = ls_exp_difference(-half_square, __builtin_fmaf(0.5f * a, a, -half_square));
    float p = __builtin_fmaf(0x1.d64232p-11f, a, 0x1.7fd9fp-7f);
    p = __builtin_fmaf(p, a, 0x1.255dacp-4f);
    p = __builtin_fmaf(p, a, 0x1.0157dp-2f);
    p = __builtin_fmaf(p, a, 0x1.044898p-1f);
    p = __builtin_fmaf(p, a, 0x1p-1f);
    float q = __builtin_fmaf(0x1.26b0f2p-9f, a, 0x1.e1155ap-6f);
    q = __builtin_fmaf(q, a, 0x1.744b9p-3f);
    q = __builtin_fmaf(q, a, 0x1.518428p-1f);
    q = __builtin_fmaf(q, a, 0x1.73528cp0f);
    q = __builtin_fmaf(q, a, 0x1.d08ac2p0f);
    q = __builtin_fmaf(q, a, 1.0f);
    normal.ratio = p / q;
    return normal;
}

/* x Phi(x) (Hendrycks and Gimpel, 2016), not one of its approximations. */
LS_INLINE float ls_gelu(float x)
{
    ls_normal normal = ls_normal_at(x);
    float below = normal.limited * normal.ratio * normal.bell;
    float above = x * (1.0f - normal.bell * normal.ratio);
    return x < 0.0f ? below : above;
}

/* The other form of gelu: x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 = x sigmoid(w), where w is twice
   the argument of tanh. Beyond 12 nothing changes any more. e = exp(-|w|). */
typedef struct ls_gelu_parts {
    float limited, square, e;
} ls_gelu_parts;

LS_INLINE ls_gelu_parts ls_gelu_tanh_at(float x)
{
    ls_gelu_parts parts;
    parts.limited = x < -12.0f ? -12.0f : x;
    parts.limited = parts.limited > 12.0f ? 12.0f : parts.limited;
    parts.square = parts.limited * parts.limited;
    float factor = __builtin_fmaf(0x1.2444f2p-4f, parts.square, 0x1.988454p0f);
    parts.e = ls_exp(-ls_magnitude(parts.limited * factor));
    return parts;
}

LS_INLINE float ls_gelu_tanh(float x)
{
    ls_gelu_parts parts = ls_gelu_tanh_at(x);
    return (x < 0.0f ? parts.limited * parts.e : x) / (1.0f + parts.e);
}

/* alpha (exp(x) - 1) below 0 (Clevert, Unterthiner and Hochreiter, ICLR 2016, eq. 15). */
LS_INLINE float ls_elu(float x, float alpha)
{
    return x > 0.0f ? x : alpha * ls_expm1(x);
}

/* elu with its alpha, times lambda (Klambauer et al., NeurIPS 2017, eq. 2 and section 2). */
#define LS_SELU_LAMBDA       0x1.0cfabep0f /* 1.0507010 */
#define LS_SELU_LAMBDA_ALPHA 0x1.c212ccp0f /* 1.7580993 */

LS_INLINE float ls_selu(float x)
{
    return x > 0.0f ? LS_SELU_LAMBDA * x : LS_SELU_LAMBDA_ALPHA * ls_expm1(x);
}

/* x sigmoid(x) (Elfwing, Uchibe and Doya 2018, eq. 10; also called swish). Beyond 104 nothing changes. */
LS_INLINE float ls_limit_104(float x)
{
    float limited = x < -104.0f ? -104.0f : x;
    return limited > 104.0f ? 104.0f : limited;
}

LS_INLINE float ls_silu(float x)
{
    float e = ls_exp(-ls_magnitude(x));
    return (x < 0.0f ? ls_limit_104(x) * e : x) / (1.0f + e);
}

/* log(1 + exp(x)) */
LS_INLINE float ls_softplus(float x)
{
    float rest = ls_log1p(ls_exp(-ls_magnitude(x)));
    return x > 0.0f ? x + rest : rest;
}

/* x / 6 + 1/2 within 0 and 1, and x times that (Howard et al., ICCV 2019, section 5.2). x + 3 is exact near
 * -3. */
LS_INLINE float ls_hard_sigmoid(float x)
{
    float y = (x + 3.0f) * (1.0f / 6.0f);
    y = y < 0.0f ? 0.0f : y;
    return y > 1.0f ? 1.0f : y;
}

LS_INLINE float ls_hard_swish(float x)
{
    float y = x * (x + 3.0f) * (1.0f / 6.0f);
    y = x < -3.0f ? 0.0f : y;
    return x > 3.0f ? x : y;
}

/* Derivatives: from the result y where ls_activation_from_output says so, of the others from x. */
LS_INLINE float ls_sigmoid_slope(float y)
{
    return y * (1.0f - y);
}

LS_INLINE float ls_tanh_slope(float y)
{
    return __builtin_fmaf(-y, y, 1.0f);
}

LS_INLINE float ls_leaky_relu_slope(float x, float slope)
{
    float otherwise = x <= 0.0f ? slope : x;
    return x > 0.0f ? 1.0f : otherwise;
}

/* Phi(x) + x phi(x), phi(x) = exp(-x^2 / 2) / sqrt(2 pi) */
LS_INLINE float ls_gelu_slope(float x)
{
    ls_normal normal = ls_normal_at(x);
    float tail = normal.bell * normal.ratio;
    float below = x < 0.0f ? tail : 1.0f - tail;
    return __builtin_fmaf(normal.limited, normal.bell * 0x1.988454p-2f, below);
}

/* With s = sigmoid(w): s + x s (1 - s) dw/dx; s (1 - s) = e / (1 + e)^2 does not cancel. */
LS_INLINE float ls_gelu_tanh_slope(float x)
{
    ls_gelu_parts parts = ls_gelu_tanh_at(x);
    float sum = 1.0f + parts.e;
    float slope = __builtin_fmaf(0x1.b6676cp-3f, parts.square, 0x1.988454p0f);
    float bell = parts.e / (sum * sum);
    return __builtin_fmaf(parts.limited * bell, slope, (x >= 0.0f ? 1.0f : parts.e) / sum);
}

LS_INLINE float ls_elu_slope(float y, float alpha)
{
    return y > 0.0f ? 1.0f : y + alpha;
}

LS_INLINE float ls_selu_slope(float y)
{
    return y > 0.0f ? LS_SELU_LAMBDA : y + LS_SELU_LAMBDA_ALPHA;
}

LS_INLINE float ls_silu_slope(float x)
{
    float e = ls_exp(-ls_magnitude(x)), sum = 1.0f + e;
    return __builtin_fmaf(ls_limit_104(x), e / (sum * sum), (x >= 0.0f ? 1.0f : e) / sum);
}

/* The sigmoid of x is 1 - exp(-y). */
LS_INLINE float ls_softplus_slope(float y)
{
    return -ls_expm1(-y);
}

LS_INLINE float ls_hard_sigmoid_slope(float y)
{
    float inside = y == y ? 1.0f / 6.0f : y; /* NaN stays */
    inside = y <= 0.0f ? 0.0f : inside;
    return y >= 1.0f ? 0.0f : inside;
}

LS_INLINE float ls_hard_swish_slope(float x)
{
    float slope = __builtin_fmaf(x, 1.0f / 3.0f, 0.5f);
    slope = x <= -3.0f ? 0.0f : slope;
    return x >= 3.0f ? 1.0f : slope;
}

#endif
