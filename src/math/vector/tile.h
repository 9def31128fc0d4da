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
        const float *b = *B;
        for (int64_t k = nest->count[2]; k > 0; k--) {
            tile_term(image, rows, vectors, row_stride, a, &b, 0, acc);
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

typedef void tile_function(const chain *nest, const float *A, const float *const *B, float *const *C,
                           const float *bias);

/* The file that includes this defines TILE_IMAGE as true or false before. */
#define TILE(rows, vectors)                                                                                  \
    static void tile_##rows##_##vectors(const chain *nest, const float *A, const float *const *B,            \
                                        float *const *C, const float *bias)                                  \
    {                                                                                                        \
        tile(TILE_IMAGE, rows, vectors, nest, A, B, C, bias);                                                \
    }

#define TILES_6(vectors)                                                                                     \
    TILE(1, vectors)                                                                                         \
    TILE(2, vectors) TILE(3, vectors) TILE(4, vectors) TILE(5, vectors) TILE(6, vectors)
#define NAMES_6(vectors)                                                                                     \
    tile_1_##vectors, tile_2_##vectors, tile_3_##vectors, tile_4_##vectors, tile_5_##vectors, tile_6_##vectors

#if LS_LEVEL == 2

/* 24 accumulators, 4 vectors of B and 1 of A fill the 32 registers; narrow tiles are as tall as the latency
   of the unit and the addresses ask for. */
TILES_6(1)
TILE(7, 1)
TILE(8, 1)
TILE(9, 1)
TILE(10, 1)
TILE(11, 1)
TILE(12, 1)
TILE(13, 1)
TILE(14, 1)
TILES_6(2)
TILE(7, 2)
TILE(8, 2)
TILE(9, 2)
TILE(10, 2)
TILE(11, 2)
TILE(12, 2)
TILES_6(3)
TILE(7, 3)
TILE(8, 3)
TILES_6(4)

enum { CHUNK_MAX = 4 };
static const int tile_rows[CHUNK_MAX] = {14, 12, 8, 6};
static tile_function *const tiles[CHUNK_MAX][ROWS_MAX] = {
    {NAMES_6(1), tile_7_1, tile_8_1, tile_9_1, tile_10_1, tile_11_1, tile_12_1, tile_13_1, tile_14_1},
    {NAMES_6(2), tile_7_2, tile_8_2, tile_9_2, tile_10_2, tile_11_2, tile_12_2},
    {NAMES_6(3), tile_7_3, tile_8_3},
    {NAMES_6(4)},
};

#else

/* 12 accumulators, 2 vectors of B and 1 of A fill 15 of the 16 registers. */
TILES_6(2)

enum { CHUNK_MAX = 1 };
static const int tile_rows[CHUNK_MAX] = {6};
static tile_function *const tiles[CHUNK_MAX][ROWS_MAX] = {{NAMES_6(2)}};

#endif

/* M rows of chunk * LS_LANES lanes, in tiles of nearly equal height. C holds the places of the first row (one
   place if it is no image, else chunk of them). bias may be NULL. */
static void tile_column(const chain *nest, int64_t M, int chunk, const float *A, const float *const *B,
                        float *const *C, const float *bias)
{
    static const float zero[ROWS_MAX];
    const int64_t highest = tile_rows[chunk - 1];
    const int places = TILE_IMAGE ? chunk : 1;
    float *c[CHUNK_MAX];
    for (int p = 0; p < places; p++) c[p] = C[p];
    int64_t m = 0;
    for (int64_t left = (M + highest - 1) / highest; left > 0; left--) {
        const int64_t rows = (M - m + left - 1) / left;
        tiles[chunk - 1][rows - 1](nest, A + m * nest->row_stride, B, c, bias ? bias + m : zero);
        for (int p = 0; p < places; p++) c[p] += rows * nest->ldc;
        m += rows;
    }
}

#endif
