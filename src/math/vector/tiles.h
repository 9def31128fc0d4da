/* Register tiles (tile.h) of all heights and widths for one kind of product, and columns of them. */
#ifndef LS_MATH_VECTOR_TILES_H
#define LS_MATH_VECTOR_TILES_H

#include "math/vector/tile.h"

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
static void tile_column(const chain *given, int64_t M, int chunk, const float *A, const float *const *B,
                        float *const *C, const float *bias)
{
    static const float zero[ROWS_MAX];
    const int64_t highest = tile_rows[chunk - 1];
    const int places = TILE_IMAGE ? chunk : 1;
    float *c[CHUNK_MAX];
    for (int p = 0; p < places; p++) c[p] = C[p];
    chain nest = *given;
    int64_t m = 0;
    for (int64_t left = (M + highest - 1) / highest; left > 0; left--) {
        const int64_t rows = (M - m + left - 1) / left;
        if (!TILE_IMAGE && nest.a[2] == 1) { /* the rows that come next lie behind these */
            nest.ahead = A + (m + rows) * nest.row_stride;
            nest.ahead_step = rows;
        }
        tiles[chunk - 1][rows - 1](&nest, A + m * nest.row_stride, B, c, bias ? bias + m : zero);
        for (int p = 0; p < places; p++) c[p] += rows * nest.ldc;
        m += rows;
    }
}

#endif
