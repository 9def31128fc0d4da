/* Minimal filtering for convolutions of 5 by 5. In one dimension F(4, 5): 4
   outputs y of 5 taps g from 8 inputs d, with 11 products instead of 20. It is
   nested from two smaller forms (S. Winograd, Arithmetic Complexity of
   Computations, SIAM 1980) so that the only coefficients are 0, 1, -1 and 1/2:
   the larger tiles of one step (R. Agarwal and J. Cooley, IEEE Transactions on
   ASSP 25, 1977, for nesting in general) have coefficients that lose digits.

   The outer form is F(2, 3) of math/winograd.h on pairs: outputs (y0 y1), (y2
   y3), taps G0 = (g0 g1), G1 = (g2 g3), G2 = (g4 0), and inputs Ek = (d2k d2k+1
   d2k+2), k = 0 to 3. Its four products are convolutions of two taps of three
   inputs each:

     E0 - E2 with G0,  E1 + E2 with (G0 + G1 + G2) / 2,
     E2 - E1 with (G0 - G1 + G2) / 2,  E3 - E1 with G2

   of which each is F(2, 2) of inputs e0 e1 e2 and taps h0 h1 with three
   products, (e0 - e1) h0, e1 (h0 + h1) and (e2 - e1) h1, or, as G2 has one tap,
   with two: e0 g4 and e1 g4. So B^T d, G g and A^T m are

     e of block     0          1          2          3
     0              d0 - d4    d2 + d4    d4 - d2    d6 - d2
     1              d1 - d5    d3 + d5    d5 - d3    d7 - d3
     2              d2 - d6    d4 + d6    d6 - d4

     h0 = g0, (g0 + g4 + g2) / 2, (g0 + g4 - g2) / 2, g4
     h1 = g1, (g1 + g3) / 2,      (g1 - g3) / 2

     B^T d = (e0 - e1, e1, e2 - e1) of blocks 0, 1, 2, then (e0, e1) of block 3
     G g   = (h0, h0 + h1, h1)      of blocks 0, 1, 2, then (g4, g4)

     q0 = m0 + m1, q1 = m1 + m2     of blocks 0, 1, 2;  q0 = m9, q1 = m10 of 3
     y0, y1 = q of blocks 0 + 1 + 2,   y2, y3 = q of blocks 1 - 2 + 3

   In two dimensions 121 multiply-adds take the place of 400, with 16 outputs
   and 64 inputs a tile. The derivatives are the adjoints of the same bilinear
   form,

     Y  = A^T [(G g G^T) * (B^T d B)] A      element by element, summed over
                                             the input channels
     dX = B [(G g G^T) * (A dY A^T)] B^T     summed over the output channels,
                                             then over tiles, which overlap
     dg = G^T [(A dY A^T) * (B^T d B)] G     summed over tiles and samples

   so that all three take 121 multiply-adds a tile of outputs. Element 4 is a
   part of all four outputs with the factor 1: the bias enters at (4, 4). */
#ifndef LS_MATH_WINOGRAD5_H
#define LS_MATH_WINOGRAD5_H

#include "math/image.h"

enum {
    LS_WINOGRAD5_LINE = 11,      /* elements of a transformed line */
    LS_WINOGRAD5_ELEMENTS = 121, /* of a transformed tile */
    LS_WINOGRAD5_FILTERS = 100,  /* different ones of a transformed filter: 9 and 10 are the same */
    LS_WINOGRAD5_INPUTS = 8,     /* of a tile, in each dimension */
    LS_WINOGRAD5_OUTPUTS = 4,
    LS_WINOGRAD5_TAPS = 5
};

/* The plane of transformed filters for element (i, j). */
static inline int ls_winograd5_filter(int i, int j)
{
    return (i < 9 ? i : 9) * (LS_WINOGRAD5_LINE - 1) + (j < 9 ? j : 9);
}

/* What the kernels make of the scratch, in floats. Transforms and products are
   made for one row of elements after the other, so that most of it is small. */
typedef struct ls_winograd5_pass {
    int64_t tiles;         /* at a time */
    int64_t filter_plane;  /* G g G^T: [100] of [out channels][in channels] */
    int64_t source_plane;  /* [11] of [source channels][tiles][LS_LANES] */
    int64_t product_plane; /* [11] of [result channels][tiles][LS_LANES] */
    int64_t half_plane;    /* products, transformed along the width: [11] of
                              [result channels][tiles][4 or 8][LS_LANES] */
} ls_winograd5_pass;
ls_winograd5_pass ls_winograd5_pass_of(const ls_conv *conv, bool backward);

typedef struct ls_winograd5_block {
    int64_t band;        /* rows of tiles of which dY is turned at a time */
    int64_t tiles;       /* of a band at a time */
    int64_t width;       /* output channels, padded to whole vectors */
    int64_t turned;      /* [4 band][out][LS_LANES][width] */
    int64_t input_plane; /* one row of B^T d B: [11] of [channels][tiles][LS_LANES] */
    int64_t delta_plane; /* one row of A dY A^T: [11] of [tiles][LS_LANES][width] */
    int64_t sum_plane;   /* [121] of [channels][width] */
} ls_winograd5_block;
ls_winograd5_block ls_winograd5_block_of(const ls_conv *conv, int64_t rows, int64_t channels);

/* The time of a step, in multiply-adds of whole vectors; from the shapes of conv alone. */
double ls_winograd5_cost(const ls_conv *conv);

/* As ls_winograd_scratch and ls_winograd_gradient_scratch (math/winograd.h), for windows of 5 by 5. */
int64_t ls_winograd5_scratch(const ls_conv *conv);
int64_t ls_winograd5_gradient_scratch(const ls_conv *conv, int64_t rows, int64_t channels);

#endif
