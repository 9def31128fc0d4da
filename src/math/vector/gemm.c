/* The matrix product of kernels.h: M rows, N lanes, K terms.

   Each element is one chain of fused multiply-adds in ascending k. The vector variants keep a tile of C in
   registers for the whole chain, so K is never cut and bits cannot depend on the size of tiles. */
#include "math/vector/isa.h"

#if LS_LEVEL == 0

static float chain(const ls_gemm *gemm, int64_t m, int64_t n)
{
    float sum = gemm->bias ? gemm->bias[m] : 0.0f;
    if (gemm->accumulate) sum = gemm->C[m * gemm->ldc + n];
    for (int64_t k = 0; k < gemm->K; k++) {
        float a = gemm->A[m * gemm->row_stride + k * gemm->column_stride];
        sum = __builtin_fmaf(a, gemm->B[k * gemm->ldb + n], sum);
    }
    return sum;
}

void LS_VARIANT(ls_gemm_run)(const ls_gemm *gemm)
{
    for (int64_t m = 0; m < gemm->M; m++)
        for (int64_t n = 0; n < gemm->N; n++) gemm->C[m * gemm->ldc + n] = chain(gemm, m, n);
}

#else

#include <immintrin.h>

#if LS_LEVEL == 2
typedef __m512 vector;
#define WIDTH             16
#define LOAD(p)           _mm512_loadu_ps(p)
#define STORE(p, v)       _mm512_storeu_ps(p, v)
#define BROADCAST(x)      _mm512_set1_ps(x)
#define MULTIPLY_ADD(...) _mm512_fmadd_ps(__VA_ARGS__)
#else
typedef __m256 vector;
#define WIDTH             8
#define LOAD(p)           _mm256_loadu_ps(p)
#define STORE(p, v)       _mm256_storeu_ps(p, v)
#define BROADCAST(x)      _mm256_set1_ps(x)
#define MULTIPLY_ADD(...) _mm256_fmadd_ps(__VA_ARGS__)
#endif

enum { ROWS_MAX = 14, VECTORS_MAX = 4, GROUP = 3, GROUPS_MAX = (ROWS_MAX + GROUP - 1) / GROUP };

/* A tile of rows x (vectors * WIDTH) elements of C at the given places of A, B, C and bias. rows and vectors
   are constants where it is inlined, so that acc is a set of registers. One pointer serves three rows of A
   (offsets 0, 1 and 2 strides fit into an address), or there would not be enough registers for addresses. */
LS_INLINE void tile(int rows, int vectors, const ls_gemm *gemm, const float *A, const float *B, float *C,
                    const float *bias)
{
    vector acc[ROWS_MAX][VECTORS_MAX];
    const float *a[GROUPS_MAX];
    const int64_t row_stride = gemm->row_stride, column_stride = gemm->column_stride;
    const int64_t ldb = gemm->ldb, ldc = gemm->ldc;

    LS_UNROLL for (int r = 0; r < rows; r += GROUP) a[r / GROUP] = A + r * row_stride;
    if (gemm->accumulate) {
        const float *c = C;
        LS_UNROLL for (int r = 0; r < rows; r++, c += ldc)
        {
            LS_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = LOAD(c + v * WIDTH);
        }
    } else {
        LS_UNROLL for (int r = 0; r < rows; r++)
        {
            vector start = BROADCAST(bias[r]);
            LS_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = start;
        }
    }
    for (int64_t k = gemm->K; k > 0; k--) {
        vector b[VECTORS_MAX];
        LS_UNROLL for (int v = 0; v < vectors; v++) b[v] = LOAD(B + v * WIDTH);
        LS_UNROLL for (int r = 0; r < rows; r++)
        {
            vector x = BROADCAST(a[r / GROUP][r % GROUP * row_stride]);
            LS_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] = MULTIPLY_ADD(x, b[v], acc[r][v]);
        }
        LS_UNROLL for (int r = 0; r < rows; r += GROUP) a[r / GROUP] += column_stride;
        B += ldb;
    }
    __asm__("" : "+r"(C)); /* or the compiler keeps the addresses of all rows during the loop */
    LS_UNROLL for (int r = 0; r < rows; r++, C += ldc)
    {
        LS_UNROLL for (int v = 0; v < vectors; v++) STORE(C + v * WIDTH, acc[r][v]);
    }
}

typedef void tile_function(const ls_gemm *gemm, const float *A, const float *B, float *C, const float *bias);

#define TILE(rows, vectors)                                                                                  \
    static void tile_##rows##_##vectors(const ls_gemm *gemm, const float *A, const float *B, float *C,       \
                                        const float *bias)                                                   \
    {                                                                                                        \
        tile(rows, vectors, gemm, A, B, C, bias);                                                            \
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

/* Rows of A are taken in panels that stay in the cache while all lanes of C are made; a multiple of the
   heights of tiles. Where A is read along its columns, a piece of the panel is copied first: the strides
   would cost a page each and fall into the same sets of the cache. */
enum { PANEL_ROWS = 48, PIECE = 128, PIECE_MIN = 192, AHEAD = 16 };

/* All rows of C at chunk * LS_LANES lanes from n, in tiles of nearly equal height. */
static void tile_rows_of(const ls_gemm *gemm, int64_t n, int chunk)
{
    static const float zero[ROWS_MAX];
    const int64_t highest = tile_rows[chunk - 1];
    int64_t m = 0;
    for (int64_t left = (gemm->M + highest - 1) / highest; left > 0; left--) {
        int64_t rows = (gemm->M - m + left - 1) / left;
        tiles[chunk - 1][rows - 1](gemm, gemm->A + m * gemm->row_stride, gemm->B + n,
                                   gemm->C + m * gemm->ldc + n, gemm->bias ? gemm->bias + m : zero);
        m += rows;
    }
}

static void tile_lanes_of(const ls_gemm *gemm)
{
    int64_t n = 0;
    while (n < gemm->N) {
        int64_t chunk = (gemm->N - n) / LS_LANES;
        if (chunk > CHUNK_MAX) chunk = CHUNK_MAX;
        tile_rows_of(gemm, n, (int)chunk);
        n += chunk * LS_LANES;
    }
}

/* Storing the sums between pieces of K and loading them again changes no bit. */
static void panel_in_pieces(const ls_gemm *panel)
{
    float copy[PIECE][PANEL_ROWS] __attribute__((aligned(64)));
    ls_gemm piece = *panel;
    piece.A = copy[0];
    piece.column_stride = PANEL_ROWS;
    for (int64_t start = 0; start < panel->K; start += PIECE) {
        piece.K = panel->K - start < PIECE ? panel->K - start : PIECE;
        for (int64_t k = 0; k < piece.K; k++) {
            const float *from = panel->A + (start + k) * panel->column_stride;
            int64_t m = 0;
            for (; m + WIDTH <= panel->M; m += WIDTH) {
                __builtin_prefetch(from + m + AHEAD * panel->column_stride);
                STORE(copy[k] + m, LOAD(from + m));
            }
            for (; m < panel->M; m++) copy[k][m] = from[m];
        }
        piece.B = panel->B + start * panel->ldb;
        tile_lanes_of(&piece);
        piece.accumulate = true;
    }
}

void LS_VARIANT(ls_gemm_run)(const ls_gemm *gemm)
{
    const bool along_columns = gemm->row_stride == 1 && gemm->column_stride != 1 && gemm->K >= PIECE_MIN;
    ls_gemm panel = *gemm;
    for (int64_t m = 0; m < gemm->M; m += PANEL_ROWS) {
        panel.M = gemm->M - m < PANEL_ROWS ? gemm->M - m : PANEL_ROWS;
        panel.A = gemm->A + m * gemm->row_stride;
        panel.C = gemm->C + m * gemm->ldc;
        panel.bias = gemm->bias ? gemm->bias + m : NULL;
        if (along_columns)
            panel_in_pieces(&panel);
        else
            tile_lanes_of(&panel);
    }
}

#endif
