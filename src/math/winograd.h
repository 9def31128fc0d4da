/* Winograd's minimal filtering for convolutions of 3 by 3, and what it has in
   common with that for 5 by 5 (math/winograd5.h): S. Winograd,
   Arithmetic Complexity of Computations (SIAM 1980); A. Lavin and S. Gray, Fast
   Algorithms for Convolutional Neural Networks (CVPR 2016), whose equations are
   meant below.

   F(2x2, 3x3) makes 2 by 2 outputs from a tile of 4 by 4 inputs (eq. 8):

     Y = A^T [(G g G^T) * (B^T d B)] A        * element by element, summed over
   the input channels (eq. 12)

           1  0 -1  0           1   0   0
     B^T = 0  1  1  0     G =  1/2 1/2 1/2    A^T = 1  1  1  0
           0 -1  1  0          1/2-1/2 1/2          0  1 -1 -1
           0  1  0 -1           0   0   1

   So 16 multiply-adds take the place of 36, as 16 matrix products over
   channels, one for each element of a tile. The adjoints of the same bilinear
   forms give the derivatives: that by the input is the convolution of dY with
   the filters turned by half a circle, which swaps the elements 0 and 3 of G g
   G^T in both directions and leaves 1 and 2; that by the filters is

     dg = G^T [(A dY A^T) * (B^T d B)] G      summed over tiles and samples:
   F(3x3, 2x2). */
#ifndef LS_MATH_WINOGRAD_H
#define LS_MATH_WINOGRAD_H

#include "math/image.h"

enum {
    LS_WINOGRAD_ELEMENTS = 16, /* of a transformed tile */
    LS_WINOGRAD_ROWS = 4       /* of the input that a row of tiles looks at */
};

/* Whether it can be used: windows of 3 by 3, or of 5 by 5 (math/winograd5.h),
 * with stride and dilation 1, one group. */
bool ls_winograd_fits(const ls_conv *conv);

/* Which of the two it is, where it can be used. */
static inline bool ls_winograd_is_5(const ls_conv *conv)
{
    return conv->width.kernel == 5;
}

/* Whether it is expected to be faster than the direct kernels; from the shapes
   of conv alone (lanes and weights are not looked at). False where it does not
   fit. */
bool ls_winograd_pays(const ls_conv *conv);

/* Floats of scratch for a pass (winograd_forward, winograd_backward) of panels
 * of conv->lanes lanes. */
int64_t ls_winograd_scratch(const ls_conv *conv);

/* Floats of scratch for blocks of the gradient by the weights of rows rows and
 * channels input channels. */
int64_t ls_winograd_gradient_scratch(const ls_conv *conv, int64_t rows, int64_t channels);

/* What the kernels make of the scratch. Planes and rows have one cache line
   more than their contents, so that the elements of a tile do not compete for
   the same sets of the cache. */
typedef struct ls_winograd_pass {
    int64_t tiles;                   /* at a time */
    int64_t filter_ld, filter_plane; /* G g G^T: [16][out channels][filter_ld] */
    int64_t source_step;             /* B^T d B of a tile: [channels][4][LS_LANES] */
    int64_t source_plane;            /* [4] of [tiles] of them */
    int64_t half_row;                /* products, transformed along the width: [channels] of
                                        [tiles][2][2][LS_LANES] */
    int64_t zeros;                   /* a row of padding */
} ls_winograd_pass;
ls_winograd_pass ls_winograd_pass_of(const ls_conv *conv, bool backward);

typedef struct ls_winograd_block {
    int64_t tiles;                  /* at a time, of one row of tiles */
    int64_t width;                  /* channels, padded to whole vectors */
    int64_t input_row;              /* four rows of inputs, channels innermost:
                                       [4][in][LS_LANES][width] */
    int64_t input_plane;            /* B^T d B: [16][tiles][LS_LANES][width] */
    int64_t delta_row, delta_plane; /* A dY A^T: [16][rows][tiles][LS_LANES] */
    int64_t sum_plane;              /* [16][rows][width] */
} ls_winograd_block;
ls_winograd_block ls_winograd_block_of(const ls_conv *conv, int64_t rows, int64_t channels);

#endif
