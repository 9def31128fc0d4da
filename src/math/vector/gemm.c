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
   heights of tiles. Where A is read along its columns, a piece of the panel is copied: the strides would cost
   a page each and fall into the same sets of the cache. */
enum { PANEL_ROWS = 48, PIECE = 256, PIECE_MIN = 192 };

static chain chain_of(const ls_gemm *gemm)
{
    return (chain){.row_stride = gemm->row_stride,
                   .ldc = gemm->ldc,
                   .count = {1, 1, gemm->K},
                   .a = {0, 0, gemm->column_stride},
                   .b = {0, 0, gemm->ldb},
                   .accumulate = gemm->accumulate,
                   .ahead = gemm->B};
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

/* A piece of a panel whose rows lie side by side: PANEL_ROWS of them in the copy, or fewer. */
typedef struct piece {
    const float *from; /* the weights: [K][step] */
    int64_t step;
    const float *next; /* those of the piece that comes after it; NULL: none */
    float *copy;       /* [K][PANEL_ROWS] */
} piece;

enum { VECTORS_OF_COPY = PANEL_ROWS / WIDTH, LINES = PANEL_ROWS / LS_LANES };

/* The first tile of a piece copies it on the way. */
LS_INLINE void copying_tile(int rows, int vectors, const chain *nest, const piece *of, const float *B,
                            float *C, const float *bias)
{
    vector acc[ROWS_MAX][VECTORS_MAX];
    const float *from = of->from;
    float *copy = of->copy;
    LS_UNROLL for (int r = 0; r < rows; r++)
    {
        LS_UNROLL for (int v = 0; v < vectors; v++) acc[r][v] =
            nest->accumulate ? LOAD(C + r * nest->ldc + v * WIDTH) : BROADCAST(bias[r]);
    }
    for (int64_t k = nest->count[2]; k > 0; k--) {
        const float *a[GROUPS_MAX];
        LS_UNROLL for (int v = 0; v < VECTORS_OF_COPY; v++) STORE(copy + v * WIDTH, LOAD(from + v * WIDTH));
        LS_UNROLL for (int r = 0; r < rows; r += GROUP) a[r / GROUP] = from + r;
        tile_term(false, rows, vectors, 1, a, &B, 0, acc);
        from += of->step;
        copy += PANEL_ROWS;
        B += nest->b[2];
    }
    LS_UNROLL for (int r = 0; r < rows; r++)
    {
        LS_UNROLL for (int v = 0; v < vectors; v++) STORE(C + r * nest->ldc + v * WIDTH, acc[r][v]);
    }
}

typedef void copying_function(const chain *nest, const piece *of, const float *B, float *C,
                              const float *bias);
#define COPYING(rows, vectors)                                                                               \
    static void copying_##rows##_##vectors(const chain *nest, const piece *of, const float *B, float *C,     \
                                           const float *bias)                                                \
    {                                                                                                        \
        copying_tile(rows, vectors, nest, of, B, C, bias);                                                   \
    }

/* The highest tiles that divide PANEL_ROWS. */
#if LS_LEVEL == 2
COPYING(12, 1)
COPYING(12, 2)
COPYING(8, 3)
COPYING(6, 4)
static copying_function *const copying[CHUNK_MAX] = {copying_12_1, copying_12_2, copying_8_3, copying_6_4};
static const int copying_rows[CHUNK_MAX] = {12, 12, 8, 6};
#else
COPYING(6, 2)
static copying_function *const copying[CHUNK_MAX] = {copying_6_2};
static const int copying_rows[CHUNK_MAX] = {6};
#endif

static void multiply_piece(const ls_gemm *panel, int64_t K, const piece *of)
{
    static const float zero[PANEL_ROWS];
    const float *bias = panel->bias ? panel->bias : zero;
    chain nest = chain_of(panel);
    nest.row_stride = 1;
    nest.a[2] = PANEL_ROWS;
    nest.count[2] = K;
    for (int64_t n = 0, chunk; n < panel->N; n += chunk * LS_LANES) {
        const float *B = panel->B + n;
        chunk = (panel->N - n) / LS_LANES;
        if (chunk > CHUNK_MAX) chunk = CHUNK_MAX;
        const int64_t rows = copying_rows[chunk - 1];
        for (int64_t m = 0, tile = 0; m < PANEL_ROWS; m += rows, tile++) {
            float *C = panel->C + m * panel->ldc + n;
            if (n == 0 && m == 0) {
                copying[chunk - 1](&nest, of, B, C, bias);
                continue;
            }
            const bool fetches = n == 0 && tile <= LINES && of->next != NULL;
            nest.ahead = fetches ? of->next + (tile - 1) * LS_LANES : of->copy;
            nest.ahead_step = fetches ? of->step : 0;
            tiles[chunk - 1][rows - 1](&nest, of->copy + m, &B, &C, bias + m);
        }
    }
}

/* Storing the sums between pieces of K and loading them again changes no bit. */
static void panel_in_pieces(const ls_gemm *panel, bool last)
{
    float copy[PIECE * PANEL_ROWS] __attribute__((aligned(64)));
    ls_gemm left = *panel;
    piece at = {.from = panel->A, .step = panel->column_stride, .copy = copy};
    for (int64_t start = 0, K; start < panel->K; start += K) {
        K = panel->K - start < PIECE ? panel->K - start : PIECE;
        at.next = start + K < panel->K ? at.from + K * at.step : last ? NULL : panel->A + PANEL_ROWS;
        multiply_piece(&left, K, &at);
        left.B += K * panel->ldb;
        left.accumulate = true;
        at.from = at.next;
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
        if (along_columns && panel.M == PANEL_ROWS)
            panel_in_pieces(&panel, m + 2 * PANEL_ROWS > gemm->M);
        else
            tile_lanes_of(&panel);
    }
}

void LS_VARIANT(ls_gemm_run)(const ls_gemm *gemm)
{
    if (gemm->K >= PIECE_MIN || !run_tile(gemm)) run_panels(gemm);
}

#endif
