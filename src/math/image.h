/* The geometry of convolutions and pooling, and the calls of their kernels (math/kernels.h).

   An image panel is [channels][height][width][lanes], one sample a lane, lanes a multiple of LS_LANES. A
   signal in one dimension is an image of height 1. */
#ifndef LS_MATH_IMAGE_H
#define LS_MATH_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

/* One dimension of a window that slides over an image. Output o looks with tap k (0 <= k < kernel) at input
   o * stride - before + k * dilation. Inputs outside of 0 .. in - 1 are padding. */
typedef struct ls_span {
    int64_t in, out;
    int64_t kernel, stride, dilation;
    int64_t before; /* padding in front; that behind follows from out */
} ls_span;

/* A convolution (strictly a correlation, as everywhere in neural networks): output channel o of group g is
   the sum over the channels i of that group, kh and kw of weight[o][i][kh][kw] times x. Row o of weight has
   leading dimension ld and in_channels / groups * height.kernel * width.kernel columns; groups divides both
   numbers of channels. */
typedef struct ls_conv {
    int64_t in_channels, out_channels, groups, lanes;
    ls_span height, width;
    const float *weight;
    int64_t ld;
} ls_conv;

/* Samples of one grain that lie in one panel: lanes lane .. lane + count - 1 of x and dy, whole tensors of
   that panel
   ([units][lanes]). */
typedef struct ls_grain_part {
    const float *x, *dy;
    int64_t lane, count;
} ls_grain_part;

/* A block of the gradient by the weights for the samples of a grain, at least one. Either each part begins at
   a multiple of LS_LANES and all but the last hold a multiple of LS_LANES samples, or there is one part
   within LS_LANES lanes. The result is tile[r * ld + c] for row first_row + r and column first_column + c of
   the weights. */
typedef struct ls_conv_gradient {
    const ls_conv *conv; /* weight is not looked at */
    const ls_grain_part *part;
    int part_count;
    int64_t first_row, rows, first_column, columns;
    float *scratch; /* ls_conv_gradient_scratch() floats, 64-byte aligned */
    float *tile;
    int64_t ld;
} ls_conv_gradient;

/* Whether a tap can fall on padding. */
bool ls_conv_is_padded(const ls_conv *conv);

/* Floats of scratch for blocks of up to rows rows. */
int64_t ls_conv_gradient_scratch(const ls_conv *conv, int64_t rows);

typedef struct ls_pool {
    int64_t channels, lanes;
    ls_span height, width; /* every window holds at least one input that is not padding */
    bool count_padding;    /* average: divide by the size of the window, not by its inputs */
} ls_pool;

#endif
