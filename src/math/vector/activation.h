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

/* exp(x - less) for x of any size and a small correction. x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) = 1 + r
   + r^2 q(r), relative error 3e-9. The factor 2^n is applied in two halves, because 2^n itself can lie
   outside of the range where the result does not. */
LS_INLINE float ls_exp_difference(float x, float less)
{
    const float shift = 0x1.8p23f; /* adding it leaves the nearest integer in the last bits */
    float limited = x < -104.0f ? -104.0f : x;
    limited = limited > 89.0f ? 89.0f : limited;
    float shifted = __builtin_fmaf(limited, 0x1.715476p0f, shift);
    float n = shifted - shift;
    float r = __builtin_fmaf(n, -0x1.62e4p-1f, limited);
    r = __builtin_fmaf(n, -0x1.7f7d1cp-20f, r) - less;
    float q = __builtin_fmaf(0x1.6a234ap-10f, r, 0x1.123a6cp-7f);
    q = __builtin_fmaf(q, r, 0x1.5558f4p-5f);
    q = __builtin_fmaf(q, r, 0x1.55549p-3f);
    q = __builtin_fmaf(q, r, 0x1.fffffcp-2f);
    float power = __builtin_fmaf(r * r, q, r) + 1.0f;
    int32_t exponent = (int32_t)(ls_bits_of(shifted) - ls_bits_of(shift));
    int32_t half = exponent >> 1;
    float first = ls_float_of((uint32_t)(half + 127) << 23);
    float second = ls_float_of((uint32_t)(exponent - half + 127) << 23);
    return power * first * second;
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

/* Derivatives: of sigmoid, tanh and relu from the result y, of the others from x. */
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

#endif
