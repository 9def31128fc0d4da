/* What the variants of the gradient by the weights of a convolution have in common. */
#ifndef LS_MATH_CONV_H
#define LS_MATH_CONV_H

#include "math/kernels.h"

enum { LS_CONV_GRADIENT_TAPS = 12 }; /* that make good register tiles */

/* Input channels of which the gradient is made at a time. */
int64_t ls_conv_gradient_channels(const ls_conv *conv);

/* Inputs from the first to the last that any output looks at, padding included. */
int64_t ls_span_reach(const ls_span *span);

#endif
