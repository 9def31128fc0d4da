/* The register tile that matrix products and convolutions share: some rows of C by some vectors of lanes,
   each element one chain of fused multiply-adds for which the tile stays in registers.

   In a matrix product (IMAGE false) the vectors are neighbours and the chain is one loop over k. In a
   convolution (IMAGE true) each LS_LANES lanes have a place of their own, and the chain is a nest of three
   loops: channels, rows and columns of the window. */
#ifndef LS_MATH_VECTOR_TILE_H
#define LS_MATH_VECTOR_TILE_H

#include "math/vector/simd.h"

enum {
    ROWS_MAX = 14,
    VECTORS_MAX = 4,
    GROUP = 3,
    GROUPS_MAX = (ROWS_MAX + GROUP - 1) / GROUP,
    PARTS = LS_LANES / WIDTH /* vectors of LS_LANES lanes */
};

/* What is the same for all tiles of a product: how far it is from a row of A or C to the next, and from a
   term of the chain to the next, from the outer loop to the inner one. A product that is no image has
   count[2] terms and strides a[2], b[2]. */
typedef struct chain {
    int64_t row_stride, ldc;
    int64_t count[3], a[3], b[3];
    bool accumulate; /* start from C, not from the bias */
    /* Of a product that is no image: what is fetched into the second-level cache on the way, one place a
       term; any place where there is nothing to fetch. */
    const float *ahead;
    int64_t ahead_step;
} chain;

/* The place of vector v: neighbours of *at, or part of the lanes that at[...] points to. */
#define PLACE(image, at, v) ((image) ? (at)[(v) / PARTS] + (v) % PARTS * WIDTH : *(at) + (v)*WIDTH)

/* One term of the chains. One pointer serves three rows of A (offsets 0, 1 and 2 strides fit into an
   address), or there would not be enough registers for addresses. */
LS_INLINE void tile_term(bool image, int rows, int vectors, int64_t row_stride, const float *const *a,
                         const float *const *B, int64_t offset, vector acc[ROWS_MAX][VECTORS_MAX])
{
    vector b[VECTORS_MAX];
    LS_UNROLL for (int v = 0; v < vectors; v++) b[v] = LOAD(PLACE(image, B, v) + offset);
    LS_UNROLL for (int r = 0; r < rows; r++)
    {
        vector x = BROADCAST(a[r / GROUP][r % GROUP * row_stride]);
        LS_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = MULTIPLY_ADD(x, b[v], acc[r][v]);
    }
}

/* rows, vectors and image are constants where it is inlined, so that acc is a set of registers. */
LS_INLINE void tile(bool image, int rows, int vectors, const chain *nest, const float *A,
                    const float *const *B, float *const *C, const float *bias)
{
    vector acc[ROWS_MAX][VECTORS_MAX];
    const float *a[GROUPS_MAX];
    const int64_t row_stride = nest->row_stride;
    LS_UNROLL for (int r = 0; r < rows; r += GROUP) a[r / GROUP] = A + r * row_stride;
    if (nest->accumulate) {
        LS_UNROLL for (int r = 0; r < rows; r++)
        {
            LS_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = LOAD(PLACE(image, C, v) + r * nest->ldc);
        }
    } else {
        LS_UNROLL for (int r = 0; r < rows; r++)
        {
            vector start = BROADCAST(bias[r]);
            LS_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = start;
        }
    }
#define STEP_A(n) LS_UNROLL for (int r = 0; r < rows; r += GROUP) a[r / GROUP] += (n);
    if (image) {
        const int64_t inner = nest->count[2], a_inner = nest->a[2], b_inner = nest->b[2];
        const int64_t a_middle = nest->a[1] - inner * a_inner, b_middle = nest->b[1] - inner * b_inner;
        const int64_t a_outer = nest->a[0] - nest->count[1] * nest->a[1],
                      b_outer = nest->b[0] - nest->count[1] * nest->b[1];
        int64_t offset = 0;
        for (int64_t i = nest->count[0]; i > 0; i--) {
            for (int64_t j = nest->count[1]; j > 0; j--) {
                for (int64_t k = inner; k > 0; k--) {
                    tile_term(image, rows, vectors, row_stride, a, B, offset, acc);
                    STEP_A(a_inner)
                    offset += b_inner;
                }
                STEP_A(a_middle)
                offset += b_middle;
            }
            STEP_A(a_outer)
            offset += b_outer;
        }
    } else {
        const int64_t a_inner = nest->a[2], b_inner = nest->b[2];
        const float *b = *B, *ahead = nest->ahead;
        const int64_t ahead_step = nest->ahead_step;
        for (int64_t k = nest->count[2]; k > 0; k--) {
            tile_term(image, rows, vectors, row_stride, a, &b, 0, acc);
            __builtin_prefetch(ahead, 0, 2);
            ahead += ahead_step;
            STEP_A(a_inner)
            b += b_inner;
        }
    }
#undef STEP_A
    LS_UNROLL for (int v = 0; v < vectors; v++)
    {
        float *c = PLACE(image, C, v);
        __asm__("" : "+r"(c)); /* or the compiler keeps the addresses of all rows during the loop */
        LS_UNROLL for (int r = 0; r < rows; r++, c += nest->ldc) STORE(c, acc[r][v]);
    }
}

#endif
