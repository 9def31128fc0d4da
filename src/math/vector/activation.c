/* Activations over arrays, forward and backward. */
#include "math/vector/activation.h"

/* y = expression of x over count elements, a multiple of LS_LANES. */
#define MAP(expression)                                                                                      \
    for (int64_t i = 0; i < count; i += LS_LANES) {                                                          \
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)                                                    \
        {                                                                                                    \
            float in = x[i + n];                                                                             \
            y[i + n] = (expression);                                                                         \
        }                                                                                                    \
    }

void LS_VARIANT(ls_activate)(ls_activation which, float parameter, const float *x, float *y, int64_t count)
{
    switch (which) {
    case LS_ACTIVATION_SIGMOID:
        MAP(ls_sigmoid(in));
        break;
    case LS_ACTIVATION_TANH:
        MAP(ls_tanh(in));
        break;
    case LS_ACTIVATION_RELU:
        MAP(ls_relu(in));
        break;
    case LS_ACTIVATION_LEAKY_RELU:
        MAP(ls_leaky_relu(in, parameter));
        break;
    case LS_ACTIVATION_GELU:
        MAP(ls_gelu(in));
        break;
    case LS_ACTIVATION_GELU_TANH:
        MAP(ls_gelu_tanh(in));
        break;
    case LS_ACTIVATION_ELU:
        MAP(ls_elu(in, parameter));
        break;
    case LS_ACTIVATION_SELU:
        MAP(ls_selu(in));
        break;
    case LS_ACTIVATION_SILU:
        MAP(ls_silu(in));
        break;
    case LS_ACTIVATION_SOFTPLUS:
        MAP(ls_softplus(in));
        break;
    case LS_ACTIVATION_HARD_SIGMOID:
        MAP(ls_hard_sigmoid(in));
        break;
    case LS_ACTIVATION_HARD_SWISH:
        MAP(ls_hard_swish(in));
        break;
    case LS_ACTIVATION_IDENTITY:
    case LS_ACTIVATION_COUNT:
        if (x != y) MAP(in);
        break;
    }
}

/* dx = dy * (expression of saved). */
#define MAP_BACK(expression)                                                                                 \
    for (int64_t i = 0; i < count; i += LS_LANES) {                                                          \
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++)                                                    \
        {                                                                                                    \
            float in = saved[i + n];                                                                         \
            dx[i + n] = dy[i + n] * (expression);                                                            \
        }                                                                                                    \
    }

void LS_VARIANT(ls_activate_back)(ls_activation which, float parameter, const float *saved, const float *dy,
                                  float *dx, int64_t count)
{
    switch (which) {
    case LS_ACTIVATION_SIGMOID:
        MAP_BACK(ls_sigmoid_slope(in));
        break;
    case LS_ACTIVATION_TANH:
        MAP_BACK(ls_tanh_slope(in));
        break;
    case LS_ACTIVATION_RELU:
        MAP_BACK(ls_leaky_relu_slope(in, 0.0f));
        break;
    case LS_ACTIVATION_LEAKY_RELU:
        MAP_BACK(ls_leaky_relu_slope(in, parameter));
        break;
    case LS_ACTIVATION_GELU:
        MAP_BACK(ls_gelu_slope(in));
        break;
    case LS_ACTIVATION_GELU_TANH:
        MAP_BACK(ls_gelu_tanh_slope(in));
        break;
    case LS_ACTIVATION_ELU:
        MAP_BACK(ls_elu_slope(in, parameter));
        break;
    case LS_ACTIVATION_SELU:
        MAP_BACK(ls_selu_slope(in));
        break;
    case LS_ACTIVATION_SILU:
        MAP_BACK(ls_silu_slope(in));
        break;
    case LS_ACTIVATION_SOFTPLUS:
        MAP_BACK(ls_softplus_slope(in));
        break;
    case LS_ACTIVATION_HARD_SIGMOID:
        MAP_BACK(ls_hard_sigmoid_slope(in));
        break;
    case LS_ACTIVATION_HARD_SWISH:
        MAP_BACK(ls_hard_swish_slope(in));
        break;
    case LS_ACTIVATION_IDENTITY:
    case LS_ACTIVATION_COUNT:
        if (dx != dy) memcpy(dx, dy, (size_t)count * sizeof *dx);
        break;
    }
}
