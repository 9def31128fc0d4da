/* Exact sums over grains of matrix products (kernels.h).

   A tile of floats is rounded beside the multiply-adds of the tile that comes after it: rounding needs
   conversions, additions and stores, which other units of the core do than those that the chains keep busy.
   Per vector of WIDTH floats it takes some 12 to 16 instructions, and a term of a tile has room for a
   hundred.
 */
#include "math/vector/isa.h"

/* Samples of the grain that begins with part first: index of the part behind it. */
static int64_t end_of_grain(const ls_exact_product *product, int64_t first)
{
    while (!product->part[first].ends_grain) first++;
    return first + 1;
}

/* The right operand of the first sample of a part. */
static const float *right_of(const ls_exact_product *product, const ls_sample_part *part)
{
    return part->at - part->lane + product->right + part->lane * LS_BLOCK;
}

/* The chains of one grain, parts first..end, into tile: rows m.. and columns n.. of the product. */
static void multiply(const ls_exact_product *product, int64_t m, int64_t rows, int64_t n, int64_t columns,
                     int64_t first, int64_t end, float *tile)
{
    for (int64_t p = first; p < end; p++) {
        const ls_sample_part *part = &product->part[p];
        LS_VARIANT(ls_gemm_run)
        (&(ls_gemm){.M = rows,
                    .N = columns,
                    .K = part->count,
                    .A = part->at + product->left + m * product->lanes,
                    .row_stride = product->lanes,
                    .column_stride = 1,
                    .B = right_of(product, part) + n,
                    .ldb = LS_BLOCK,
                    .C = tile,
                    .ldc = LS_BLOCK,
                    .accumulate = p > first});
    }
}

/* Rows m..m_end and columns n..n_end, one grain at a time. */
static void run_plainly(const ls_exact_product *product, int64_t m, int64_t m_end, int64_t n, int64_t n_end)
{
    enum { ROWS = 24 };
    float tile[ROWS * LS_BLOCK] __attribute__((aligned(64)));
    uint64_t own[ROWS * LS_BLOCK] __attribute__((aligned(64)));
    const int64_t columns = n_end - n;
    for (; m < m_end; m += ROWS) {
        const int64_t rows = m_end - m < ROWS ? m_end - m : ROWS;
        const int64_t lds = product->sum ? product->lds : LS_BLOCK;
        uint64_t *sum = product->sum ? product->sum + m * lds + n : own;
        for (int64_t p = 0, end; p < product->parts; p = end) {
            end = end_of_grain(product, p);
            multiply(product, m, rows, n, columns, p, end, tile);
            if (!product->sum && end == product->parts) LS_VARIANT(ls_exact_close)
            (product->scale, product->terms, product->factor, rows, columns, tile, LS_BLOCK,
             p == 0 ? NULL : own, LS_BLOCK, product->gradient + m * product->ldg + n, product->ldg);
            else if (p == 0)
                LS_VARIANT(ls_exact_store)(product->scale, rows, columns, tile, LS_BLOCK, sum, lds);
            else LS_VARIANT(ls_exact_add)(product->scale, rows, columns, tile, LS_BLOCK, sum, lds);
        }
    }
}

#if LS_LEVEL == 0

void LS_VARIANT(ls_exact_product_run)(const ls_exact_product *product)
{
    run_plainly(product, 0, product->M, 0, product->N);
}

#else

#include "math/vector/tile.h"

#if LS_LEVEL == 2
typedef __m512d doubles;
typedef __m512i integers;
#define D(name)             _mm512_##name
#define LOAD_DOUBLES(p)     _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define STORE_DOUBLES(p, v) _mm256_storeu_ps(p, _mm512_cvtpd_ps(v))
#define BITS(v)             _mm512_castpd_si512(v)
#define DOUBLES(v)          _mm512_castsi512_pd(v)
#define LOAD_BITS(p)        _mm512_loadu_si512(p)
#define STORE_BITS(p, v)    _mm512_storeu_si512(p, v)
/* The same number in all places: part of an instruction, or a load from places that are all filled. */
#define SAME(p)             _mm512_set1_pd(*(p))
#define SAME_BITS(p)        _mm512_set1_epi64(*(p))
enum { VECTORS = 4 };
#else
typedef __m256d doubles;
typedef __m256i integers;
#define D(name)             _mm256_##name
#define LOAD_DOUBLES(p)     _mm256_cvtps_pd(_mm_loadu_ps(p))
#define STORE_DOUBLES(p, v) _mm_storeu_ps(p, _mm256_cvtpd_ps(v))
#define BITS(v)             _mm256_castpd_si256(v)
#define DOUBLES(v)          _mm256_castsi256_pd(v)
#define LOAD_BITS(p)        _mm256_loadu_si256((const __m256i *)(p))
#define STORE_BITS(p, v)    _mm256_storeu_si256((__m256i *)(p), v)
#define SAME(p)             _mm256_load_pd(p)
#define SAME_BITS(p)        _mm256_load_si256((const __m256i *)(p))
enum { VECTORS = 2 };
#endif

enum {
    ROWS = 6,
    COLUMNS = VECTORS * WIDTH,
    UNITS = ROWS * VECTORS,
    HALF = WIDTH / 2,
    SAMPLES = LS_LEVEL == 2 ? 1 : 32, /* in a grain, for this to be worth it */
    TILES = 4                         /* that share a grain's right operand before the next grain's is read */
};

typedef struct constants {
    double magic[HALF], factor[HALF];
    int64_t without[HALF];
} __attribute__((aligned(64))) constants;

/* The tile that waits for being rounded. */
typedef struct pending {
    const constants *constants;
    bool closes;
    int units;              /* vectors left; 0: nothing waits */
    const float *from;      /* [ROWS][COLUMNS] */
    const uint64_t *before; /* the sum of the grains before, zeros for the first one */
    int64_t before_ld;
    uint64_t *sum; /* where it goes, or closed: */
    float *to;
    int64_t ld; /* of either */
} pending;

/* Places of the vector that is rounded next. */
typedef struct cursor {
    const float *from;
    const uint64_t *before;
    uint64_t *sum;
    float *to;
    int64_t before_jump, jump; /* from the end of a row to the next */
    int column;
} cursor;

LS_INLINE cursor cursor_of(const pending *tile)
{
    return (cursor){.from = tile->from,
                    .before = tile->before,
                    .sum = tile->sum,
                    .to = tile->to,
                    .before_jump = tile->before_ld - COLUMNS,
                    .jump = tile->ld - COLUMNS,
                    .column = VECTORS};
}

/* One vector. The constants are read from memory each time: the chains have all registers but three. */
LS_INLINE void round_vector(bool closes, const constants *c, cursor *at)
{
    LS_UNROLL for (int half = 0; half < WIDTH; half += HALF)
    {
        __asm__("" : "+r"(c));
        doubles x = D(add_pd)(LOAD_DOUBLES(at->from + half), SAME(c->magic));
        integers bits = D(add_epi64)(BITS(x), LOAD_BITS(at->before + half));
        if (closes) {
            x = D(sub_pd)(DOUBLES(D(sub_epi64)(bits, SAME_BITS(c->without))), SAME(c->magic));
            STORE_DOUBLES(at->to + half, D(mul_pd)(x, SAME(c->factor)));
        } else {
            STORE_BITS(at->sum + half, bits);
        }
    }
    at->from += WIDTH;
    at->before += WIDTH;
    if (closes)
        at->to += WIDTH;
    else
        at->sum += WIDTH;
    if (--at->column == 0) {
        at->column = VECTORS;
        at->before += at->before_jump;
        if (closes)
            at->to += at->jump;
        else
            at->sum += at->jump;
    }
}

/* The chains of one part of a grain for ROWS rows into to; each of the first terms rounds some vectors of
   another tile. */
LS_INLINE void multiply_and_round(bool closes, int each, const pending *other, int64_t lanes,
                                  const float *left, const float *right, int64_t K, bool accumulate,
                                  float *to)
{
    vector acc[ROWS_MAX][VECTORS_MAX];
    const float *a[GROUPS_MAX];
    const constants *c = other->constants;
    cursor at = cursor_of(other);
    int64_t beside = other->units / each < K ? other->units / each : K;
    for (int64_t u = other->units - beside * each; u > 0; u--) round_vector(closes, c, &at);
    LS_UNROLL for (int r = 0; r < ROWS; r += GROUP) a[r / GROUP] = left + r * lanes;
    LS_UNROLL for (int r = 0; r < ROWS; r++)
    {
        LS_UNROLL for (int v = 0; v < VECTORS; v++) acc[r][v] =
            accumulate ? LOAD(to + r * COLUMNS + v * WIDTH) : BROADCAST(0.0f);
    }
    for (int64_t k = beside; k > 0; k--) {
        LS_UNROLL for (int e = 0; e < each; e++) round_vector(closes, c, &at);
        tile_term(false, ROWS, VECTORS, lanes, a, &right, 0, acc);
        LS_UNROLL for (int r = 0; r < ROWS; r += GROUP) a[r / GROUP]++;
        right += LS_BLOCK;
    }
    for (int64_t k = K - beside; k > 0; k--) {
        tile_term(false, ROWS, VECTORS, lanes, a, &right, 0, acc);
        LS_UNROLL for (int r = 0; r < ROWS; r += GROUP) a[r / GROUP]++;
        right += LS_BLOCK;
    }
    LS_UNROLL for (int r = 0; r < ROWS; r++)
    {
        LS_UNROLL for (int v = 0; v < VECTORS; v++) STORE(to + r * COLUMNS + v * WIDTH, acc[r][v]);
    }
}

typedef void step_function(const pending *other, int64_t lanes, const float *left, const float *right,
                           int64_t K, bool accumulate, float *to);

#define STEP(name, closes, each)                                                                             \
    static void name(const pending *other, int64_t lanes, const float *left, const float *right, int64_t K,  \
                     bool accumulate, float *to)                                                             \
    {                                                                                                        \
        multiply_and_round(closes, each, other, lanes, left, right, K, accumulate, to);                      \
    }
STEP(add_one, false, 1)
STEP(add_two, false, 2)
STEP(close_one, true, 1)
STEP(close_two, true, 2)

static void settle(pending *tile)
{
    cursor at = cursor_of(tile);
    for (; tile->units > 0; tile->units--) round_vector(tile->closes, tile->constants, &at);
}

/* A tile of one grain, parts first..end. */
static void run_tile(const ls_exact_product *product, int64_t m, int64_t n, int64_t first, int64_t end,
                     pending *other, float *to)
{
    static step_function *const steps[2][2] = {{add_one, add_two}, {close_one, close_two}};
    for (int64_t p = first; p < end; p++) {
        const ls_sample_part *part = &product->part[p];
        steps[other->closes][part->count < other->units](
            other, product->lanes, part->at + product->left + m * product->lanes, right_of(product, part) + n,
            part->count, p > first, to);
        other->units = 0;
    }
}

static const uint64_t zeros[UNITS * WIDTH] __attribute__((aligned(64)));

/* Columns n.. n + COLUMNS of the first rows rows, a multiple of ROWS. */
static void run_column(const ls_exact_product *product, int64_t rows, int64_t n)
{
    float tile[2][ROWS * COLUMNS] __attribute__((aligned(64)));
    uint64_t own[TILES][ROWS * COLUMNS] __attribute__((aligned(64)));
    constants c;
    for (int i = 0; i < HALF; i++) {
        c.magic[i] = product->scale.magic;
        c.factor[i] = product->factor;
        c.without[i] = (int64_t)((product->terms - 1) * product->scale.magic_bits);
    }
    pending other = {.constants = &c, .from = tile[1]};
    int now = 0;
    for (int64_t m = 0; m < rows; m += TILES * ROWS) {
        const int64_t tiles = rows - m < TILES * ROWS ? (rows - m) / ROWS : TILES;
        for (int64_t p = 0, end; p < product->parts; p = end) {
            end = end_of_grain(product, p);
            const bool first = p == 0, last = end == product->parts;
            for (int64_t t = 0; t < tiles; t++) {
                const int64_t row = m + t * ROWS;
                run_tile(product, row, n, p, end, &other, tile[now]);
                other = (pending){.constants = &c, .units = UNITS, .from = tile[now]};
                uint64_t *sum = product->sum ? product->sum + row * product->lds + n : own[t];
                other.before = first ? zeros : sum;
                other.before_ld = first || !product->sum ? COLUMNS : product->lds;
                other.closes = last && !product->sum;
                if (other.closes)
                    other.to = product->gradient + row * product->ldg + n;
                else
                    other.sum = sum;
                other.ld = other.closes ? product->ldg : product->sum ? product->lds : COLUMNS;
                now = !now;
            }
        }
    }
    settle(&other);
}

static int64_t samples_of(const ls_exact_product *product, int64_t first, int64_t end)
{
    int64_t count = 0;
    for (int64_t p = first; p < end; p++) count += product->part[p].count;
    return count;
}

void LS_VARIANT(ls_exact_product_run)(const ls_exact_product *product)
{
    const bool worth = samples_of(product, 0, end_of_grain(product, 0)) >= SAMPLES;
    const int64_t rows = worth ? product->M - product->M % ROWS : 0;
    const int64_t columns = product->N - product->N % COLUMNS;
    for (int64_t n = 0; n < columns && rows > 0; n += COLUMNS) run_column(product, rows, n);
    if (columns < product->N) run_plainly(product, 0, rows, columns, product->N);
    if (rows < product->M) run_plainly(product, rows, product->M, 0, product->N);
}

#endif
