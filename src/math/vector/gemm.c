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

#define TILE_IMAGE false
#include "math/vector/tiles.h"

/* Rows of A are taken in panels that stay in the cache while all lanes of C are made; a multiple of the
   heights of tiles. Where A is read along its columns, a piece of the panel is copied first: the strides
   would cost a page each and fall into the same sets of the cache. */
enum { PANEL_ROWS = 48, PIECE = 128, PIECE_MIN = 192, AHEAD = 16 };

static chain chain_of(const ls_gemm *gemm)
{
    return (chain){.row_stride = gemm->row_stride,
                   .ldc = gemm->ldc,
                   .count = {1, 1, gemm->K},
                   .a = {0, 0, gemm->column_stride},
                   .b = {0, 0, gemm->ldb},
                   .accumulate = gemm->accumulate};
}

static void tile_lanes_of(const ls_gemm *gemm)
{
    const chain nest = chain_of(gemm);
    int64_t n = 0;
    while (n < gemm->N) {
        int64_t chunk = (gemm->N - n) / LS_LANES;
        if (chunk > CHUNK_MAX) chunk = CHUNK_MAX;
        const float *B = gemm->B + n;
        float *C = gemm->C + n;
        tile_column(&nest, gemm->M, (int)chunk, gemm->A, &B, &C, gemm->bias);
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

/* A product that is a single tile, as those of small networks are. */
static bool run_tile(const ls_gemm *gemm)
{
    static const float zero[ROWS_MAX];
    const int64_t chunk = gemm->N / LS_LANES;
    if (chunk < 1 || chunk > CHUNK_MAX || gemm->M < 1 || gemm->M > tile_rows[chunk - 1]) return false;
    const chain nest = chain_of(gemm);
    const float *B = gemm->B;
    float *C = gemm->C;
    tiles[chunk - 1][gemm->M - 1](&nest, gemm->A, &B, &C, gemm->bias ? gemm->bias : zero);
    return true;
}

/* Apart, so that a single tile need not make room for what it keeps. */
static __attribute__((noinline)) void run_panels(const ls_gemm *gemm)
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

void LS_VARIANT(ls_gemm_run)(const ls_gemm *gemm)
{
    if (gemm->K >= PIECE_MIN || !run_tile(gemm)) run_panels(gemm);
}

#endif
