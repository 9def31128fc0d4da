/* Exact sums over grains of matrix products (kernels.h).

   A tile of floats is rounded beside the multiply-adds of the tile that comes after it: rounding needs
   conversions, additions and stores, which other units of the core do than those that the chains keep busy.
   A vector takes 7 to 26 instructions. With AVX-512 a term of a tile has 24 multiply-adds, one a cycle, and
   room for a hundred instructions beside them; with AVX2 12, two a cycle, and room for ten. */
#include "math/vector/isa.h"

static const ls_kernels *const kernels = &LS_VARIANT(ls_kernels);

/* The chains of one grain, parts first..end, into tile: rows m.. and columns n.. of the product. */
static void multiply(const ls_exact_product *product, int64_t m, int64_t rows, int64_t n, int64_t columns,
                     int64_t first, int64_t end, float *tile)
{
    for (int64_t p = first; p < end; p++) {
        const ls_sample_part *part = &product->part[p];
        kernels->gemm(&(ls_gemm){.M = rows,
                                 .N = columns,
                                 .K = part->count,
                                 .A = part->at + product->left + m * product->lanes,
                                 .row_stride = product->lanes,
                                 .column_stride = 1,
                                 .B = ls_part_row(part, product->right) + n,
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
            end = ls_grain_end(product->part, p);
            multiply(product, m, rows, n, columns, p, end, tile);
            if (!product->sum && end == product->parts)
                kernels->exact_close(product->scale, product->terms, product->factor, rows, columns, tile,
                                     LS_BLOCK, p == 0 ? NULL : own, LS_BLOCK,
                                     product->gradient + m * product->ldg + n, product->ldg);
            else if (p == 0)
                kernels->exact_store(product->scale, rows, columns, tile, LS_BLOCK, sum, lds);
            else
                kernels->exact_add(product->scale, rows, columns, tile, LS_BLOCK, sum, lds);
        }
    }
}

#if LS_LEVEL == 0

void LS_VARIANT(ls_exact_product_run)(const ls_exact_product *product)
{
    run_plainly(product, 0, product->M, 0, product->N);
}

#else

#include "math/vector/activation.h"
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
#define SHIFTED(v)          _mm512_slli_epi32(_mm512_castps_si512(v), 1)
#define LESS_ONE(v)         _mm512_sub_epi32(v, _mm512_set1_epi32(1))
#define SMALLER(v, w)       _mm512_min_epu32(v, w)
#define REACH(v, p)         (_mm512_cmplt_epu32_mask(v, _mm512_set1_epi32((int)*(p))) == 0)
#define ZERO()              _mm512_setzero_ps()
#define SAME_FLOAT(p)       _mm512_set1_ps(*(p))
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
#define SHIFTED(v)          _mm256_slli_epi32(_mm256_castps_si256(v), 1)
#define LESS_ONE(v)         _mm256_sub_epi32(v, _mm256_set1_epi32(1))
#define SMALLER(v, w)       _mm256_min_epu32(v, w)
#define REACH(v, p)         all_reach(v, _mm256_load_si256((const __m256i *)(p)))
#define ZERO()              _mm256_setzero_ps()
#define SAME_FLOAT(p)       _mm256_load_ps(p)
enum { VECTORS = 2 };

LS_INLINE bool all_reach(integers v, integers least)
{
    return _mm256_movemask_epi8(_mm256_cmpeq_epi32(_mm256_max_epu32(v, least), v)) == -1;
}
#endif

enum {
    ROWS = 6, /* of the highest tile */
    ROWS_MIN = 4,
    COLUMNS = VECTORS * WIDTH,
    HALF = WIDTH / 2
};

typedef struct constants {
    double magic[HALF], factor[HALF];
    int64_t without[HALF];
    float factor_float[WIDTH];
    uint32_t least[WIDTH]; /* see find_least */
} __attribute__((aligned(64))) constants;

/* What is done with a tile of floats that was made. ADD: its terms are added to sums. Or the result is known
   after it: CLOSE where it is the only grain, PAIR where there are two, both waiting, LAST for the last two
   of more. */
enum kind { ADD, CLOSE, PAIR, LAST, KINDS };

/* The rounding that is still to be done, and its progress. */
typedef struct rounding {
    enum kind kind;
    int64_t units;          /* vectors left; 0: nothing waits */
    const float *from;      /* [rows][COLUMNS] */
    int64_t other;          /* PAIR, LAST: from there to the tile of the last grain */
    const uint64_t *before; /* the sum of the grains before, or zeros */
    uint64_t *sum;          /* where it goes, or */
    float *to;
    int64_t before_jump, jump; /* from the end of a row to the next */
    int column;
} rounding;

LS_INLINE integers term(const constants *c, const float *from)
{
    return BITS(D(add_pd)(LOAD_DOUBLES(from), SAME(c->magic)));
}

/* Most terms are multiples of the rounding step q as they are: zeros, and all numbers from 2^23 q on. Two of
   them are added in float like their exact sum, rounded once. A factor that is a power of two changes no
   mantissa where terms are at least 2^-126 / factor: a sum that needs rounding stays normal, one that needs
   none is a multiple of 2^-149 / factor. So from both bounds on, results need no double precision; infinity
   where the factor is another number. What is compared are bit patterns without their sign, less one, so that
   zero is the largest.
 */
static uint32_t find_least(double q, double factor)
{
    uint64_t bits;
    memcpy(&bits, &factor, sizeof bits);
    double least = q * 0x1p23;
    if (least < 0x1p-126 / factor) least = 0x1p-126 / factor;
    if (least < 0x1p-126) least = 0x1p-126;
    if (!(factor > 0) || (bits & 0xfffffffffffffu) != 0 || !(least < 0x1p127)) return 2 * 0x7f800000u - 1;
    return 2 * ls_bits_of((float)least) - 1;
}

/* One vector in float, if that gives the same. */
LS_INLINE bool close_in_float(enum kind kind, const constants *c, const rounding *at)
{
    vector sum = LOAD(at->from);
    integers size = LESS_ONE(SHIFTED(sum));
    if (kind == PAIR) {
        const vector last = LOAD(at->from + at->other);
        size = SMALLER(size, LESS_ONE(SHIFTED(last)));
        sum = ADD_FLOATS(sum, last);
    }
    if (__builtin_expect(!REACH(size, c->least), 0)) return false;
    STORE(at->to, MULTIPLY_ADD(sum, SAME_FLOAT(c->factor_float), ZERO())); /* no negative zeros */
    return true;
}

/* One vector. The constants are read from memory each time: the chains have all registers but three. */
LS_INLINE void round_exactly(enum kind kind, const constants *c, const rounding *at)
{
    LS_UNROLL for (int half = 0; half < WIDTH; half += HALF)
    {
        __asm__("" : "+r"(c));
        integers bits = term(c, at->from + half);
        if (kind == ADD || kind == LAST) bits = D(add_epi64)(bits, LOAD_BITS(at->before + half));
        if (kind == PAIR || kind == LAST) bits = D(add_epi64)(bits, term(c, at->from + at->other + half));
        if (kind == ADD) {
            STORE_BITS(at->sum + half, bits);
        } else {
            doubles x = D(sub_pd)(DOUBLES(D(sub_epi64)(bits, SAME_BITS(c->without))), SAME(c->magic));
            STORE_DOUBLES(at->to + half, D(mul_pd)(x, SAME(c->factor)));
        }
    }
}

LS_INLINE void round_vector(enum kind kind, const constants *c, rounding *at)
{
    __asm__("" : "+r"(c));
    const bool alone = kind == CLOSE || kind == PAIR;
    if (!alone || !close_in_float(kind, c, at)) round_exactly(kind, c, at);
    at->from += WIDTH;
    if (!alone) at->before += WIDTH;
    if (kind == ADD)
        at->sum += WIDTH;
    else
        at->to += WIDTH;
    if (--at->column == 0) {
        at->column = VECTORS;
        if (!alone) at->before += at->before_jump;
        if (kind == ADD)
            at->sum += at->jump;
        else
            at->to += at->jump;
    }
}

/* The chains of one part of a grain, for some rows. */
typedef struct part_call {
    int64_t lanes;
    const float *left, *right;
    int64_t K;
    bool accumulate;
    float *to; /* [rows][COLUMNS] */
} part_call;

/* Each of the first terms rounds some vectors of another tile, budget of them in all. */
LS_INLINE void multiply_and_round(enum kind kind, int each, int rows, const part_call *call,
                                  const constants *c, rounding *other, int64_t budget)
{
    vector acc[ROWS_MAX][VECTORS_MAX];
    const float *a[GROUPS_MAX], *right = call->right;
    const int64_t lanes = call->lanes, K = call->K;
    float *to = call->to;
    rounding at = *other;
    const int64_t beside = budget / each < K ? budget / each : K;
    for (int64_t u = budget - beside * each; u > 0; u--) round_vector(kind, c, &at);
    LS_UNROLL for (int r = 0; r < rows; r += GROUP) a[r / GROUP] = call->left + r * lanes;
    LS_UNROLL for (int r = 0; r < rows; r++)
    {
        LS_UNROLL for (int v = 0; v < VECTORS; v++) acc[r][v] =
            call->accumulate ? LOAD(to + r * COLUMNS + v * WIDTH) : BROADCAST(0.0f);
    }
    const float *ahead = call->left + rows * lanes; /* the tile below will want them */
    for (int64_t k = beside; k > 0; k--) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += rows;
        LS_UNROLL for (int e = 0; e < each; e++) round_vector(kind, c, &at);
        tile_term(false, rows, VECTORS, lanes, a, &right, 0, acc);
        LS_UNROLL for (int r = 0; r < rows; r += GROUP) a[r / GROUP]++;
        right += LS_BLOCK;
    }
    for (int64_t k = K - beside; k > 0; k--) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += rows;
        tile_term(false, rows, VECTORS, lanes, a, &right, 0, acc);
        LS_UNROLL for (int r = 0; r < rows; r += GROUP) a[r / GROUP]++;
        right += LS_BLOCK;
    }
    LS_UNROLL for (int r = 0; r < rows; r++)
    {
        LS_UNROLL for (int v = 0; v < VECTORS; v++) STORE(to + r * COLUMNS + v * WIDTH, acc[r][v]);
    }
    at.units = other->units - budget;
    *other = at;
}

typedef void step_function(const part_call *call, const constants *c, rounding *other, int64_t budget);

#define STEP(kind, each, rows)                                                                               \
    static void step_##kind##_##each##_##rows(const part_call *call, const constants *c, rounding *other,    \
                                              int64_t budget)                                                \
    {                                                                                                        \
        multiply_and_round(kind, each, rows, call, c, other, budget);                                        \
    }
#define STEPS(kind)                                                                                          \
    STEP(kind, 1, 4)                                                                                         \
    STEP(kind, 1, 5) STEP(kind, 1, 6) STEP(kind, 2, 4) STEP(kind, 2, 5) STEP(kind, 2, 6)
#define NAMES(kind)                                                                                          \
    {                                                                                                        \
        {step_##kind##_1_4, step_##kind##_1_5, step_##kind##_1_6},                                           \
        {                                                                                                    \
            step_##kind##_2_4, step_##kind##_2_5, step_##kind##_2_6                                          \
        }                                                                                                    \
    }
STEPS(ADD)
STEPS(CLOSE)
STEPS(PAIR)
STEPS(LAST)
static step_function *const steps[KINDS][2][ROWS - ROWS_MIN + 1] = {NAMES(ADD), NAMES(CLOSE), NAMES(PAIR),
                                                                    NAMES(LAST)};

/* A tile of one grain, parts first..end, with as much of the other rounding as budget says. */
static void run_tile(const ls_exact_product *product, int64_t m, int64_t rows, int64_t n, int64_t first,
                     int64_t end, const constants *c, rounding *other, int64_t budget, float *to)
{
    for (int64_t p = first; p < end; p++) {
        const ls_sample_part *part = &product->part[p];
        const part_call call = {.lanes = product->lanes,
                                .left = part->at + product->left + m * product->lanes,
                                .right = ls_part_row(part, product->right) + n,
                                .K = part->count,
                                .accumulate = p > first,
                                .to = to};
        steps[other->kind][part->count < budget][rows - ROWS_MIN](&call, c, other, budget);
        budget = 0;
    }
}

static const uint64_t zeros[ROWS * COLUMNS] __attribute__((aligned(64)));

/* Rows of the result that a tile is made of. */
typedef struct place {
    int64_t m, rows;
    uint64_t *sum;  /* of the grains so far, */
    int64_t lds;    /* from one row of it to the next */
    float *waiting; /* the chains of the last grain but one */
} place;

enum { PLACES = 3 };

/* Chains are made in two tiles in turn: one is rounded while the next is made. Those that wait are kept in
   turn as well, as they may still be rounded while those of the next places are made. */
typedef struct workspace {
    float made[2][ROWS * COLUMNS] __attribute__((aligned(64)));
    float waiting[2][PLACES][ROWS * COLUMNS] __attribute__((aligned(64)));
    uint64_t sum[PLACES][ROWS * COLUMNS] __attribute__((aligned(64)));
    place place[PLACES];
    rounding other;
    int turn, waiting_turn;
} workspace;

/* The next places, of nearly equal height; left: how many there are down to the last row. Returns how many.
 */
static int list_places(const ls_exact_product *product, int64_t n, int64_t m, int64_t left, int most,
                       workspace *work)
{
    int count = 0;
    work->waiting_turn = !work->waiting_turn;
    for (; count < most && left > 0; count++, left--) {
        place *at = &work->place[count];
        at->m = m;
        at->rows = (product->M - m + left - 1) / left;
        at->sum = product->sum ? product->sum + m * product->lds + n : work->sum[count];
        at->lds = product->sum ? product->lds : COLUMNS;
        at->waiting = work->waiting[work->waiting_turn][count];
        m += at->rows;
    }
    return count;
}

/* What is to be done with the chains of a grain. first: nothing was added to the sums before; pair: the grain
   before waits as well. */
static void add_later(const place *at, bool first, const float *made, rounding *next)
{
    next->kind = ADD;
    next->units = at->rows * VECTORS;
    next->from = made;
    next->before = first ? zeros : at->sum;
    next->before_jump = first ? 0 : at->lds - COLUMNS;
    next->sum = at->sum;
    next->jump = at->lds - COLUMNS;
    next->column = VECTORS;
}

static void close_later(const ls_exact_product *product, const place *at, int64_t n, bool first, bool pair,
                        const float *made, rounding *next)
{
    add_later(at, first, pair ? at->waiting : made, next);
    next->kind = !pair ? CLOSE : first ? PAIR : LAST;
    next->other = made - next->from;
    next->to = product->gradient + at->m * product->ldg + n;
    next->jump = product->ldg - COLUMNS;
}

static void settle(const constants *c, rounding *tile)
{
    for (; tile->units > 0; tile->units--) {
        if (tile->kind == ADD)
            round_vector(ADD, c, tile);
        else if (tile->kind == CLOSE)
            round_vector(CLOSE, c, tile);
        else if (tile->kind == PAIR)
            round_vector(PAIR, c, tile);
        else
            round_vector(LAST, c, tile);
    }
}

/* The grains of some places, each grain of all of them before the next one: its right operand is in the cache
   then. What is left to be rounded is that of the last place. */
static void run_places(const ls_exact_product *product, int64_t grains, const constants *c, int64_t n,
                       int places, workspace *work)
{
    const bool pairs = grains > 1 && !product->sum;
    rounding *other = &work->other;
    int64_t p = 0;
    for (int64_t g = 0, end; g < grains; g++, p = end) {
        end = ls_grain_end(product->part, p);
        const bool waits = pairs && g == grains - 2;
        for (int i = 0; i < places; i++) {
            const place *at = &work->place[i];
            const int64_t budget = waits && other->kind == PAIR ? other->units / 2 : other->units;
            float *made = waits ? at->waiting : work->made[work->turn];
            run_tile(product, at->m, at->rows, n, p, end, c, other, budget, made);
            if (waits) continue;
            work->turn = !work->turn;
            if (g < grains - 1 || product->sum)
                add_later(at, g == 0, made, other);
            else
                close_later(product, at, n, grains <= 2, pairs, made, other);
        }
    }
}

/* Columns n.. n + COLUMNS of all rows. Where there are no more than two grains, places come one by one, and
   the rounding of each is spread over both products of the next. */
static void run_column(const ls_exact_product *product, int64_t grains, const constants *c, int64_t n)
{
    workspace work;
    work.other = (rounding){.kind = ADD};
    work.turn = work.waiting_turn = 0;
    const int most = grains > 2 ? PLACES : 1;
    for (int64_t left = (product->M + ROWS - 1) / ROWS, m = 0, places; left > 0; left -= places) {
        places = list_places(product, n, m, left, most, &work);
        run_places(product, grains, c, n, (int)places, &work);
        m = work.place[places - 1].m + work.place[places - 1].rows;
    }
    settle(c, &work.other);
}

/* Whether all tiles have a height that there is a function for. */
static bool is_tall(int64_t M)
{
    return M >= ROWS_MIN && M / ((M + ROWS - 1) / ROWS) >= ROWS_MIN;
}

void LS_VARIANT(ls_exact_product_run)(const ls_exact_product *product)
{
    const int64_t columns = product->N - product->N % COLUMNS;
    if (!is_tall(product->M)) {
        run_plainly(product, 0, product->M, 0, product->N);
        return;
    }
    constants c;
    for (int i = 0; i < HALF; i++) {
        c.magic[i] = product->scale.magic;
        c.factor[i] = product->factor;
        c.without[i] = (int64_t)((product->terms - 1) * product->scale.magic_bits);
    }
    const uint32_t least = find_least(product->scale.magic / 0x1.8p52, product->factor);
    for (int i = 0; i < WIDTH; i++) {
        c.factor_float[i] = (float)product->factor;
        c.least[i] = least;
    }
    const int64_t grains = ls_grain_count(product->part, product->parts);
    for (int64_t n = 0; n < columns; n += COLUMNS) run_column(product, grains, &c, n);
    if (columns < product->N) run_plainly(product, 0, product->M, columns, product->N);
}

#endif
