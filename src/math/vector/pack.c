/* Changing rows into panels: transposes of blocks, with the input's normalisation on the way. */
#include <string.h>
#include "math/vector/turn.h"

enum { SLICE = 64 }; /* columns of bytes that are converted at a time */

typedef struct normalisation {
    const float *shift, *scale; /* NULL: none */
} normalisation;

/* Where the numbers go: [columns][ld]. */
typedef struct target {
    float *at;
    int64_t ld;
    bool past_caches;
} target;

LS_INLINE float normalised(normalisation norm, int64_t k, float x)
{
    float shifted = norm.shift ? x - norm.shift[k] : x;
    return norm.scale ? shifted * norm.scale[k] : shifted;
}

/* to[k*ld + n] = row[n][k] normalised for n < used, zero for the other lanes up to LS_LANES; for k from first
   up to columns. */
static void transpose_plainly(const float *const *row, int used, int64_t first, int64_t columns,
                              normalisation norm, const target *to)
{
    for (int64_t k = first; k < columns; k++)
        for (int n = 0; n < LS_LANES; n++)
            to->at[k * to->ld + n] = n < used ? normalised(norm, k, row[n][k]) : 0.0f;
}

#if LS_LEVEL == 0

static void transpose(const float *const *row, int used, int64_t columns, normalisation norm,
                      const target *to)
{
    transpose_plainly(row, used, 0, columns, norm, to);
}

static void finish(bool past_caches)
{
    (void)past_caches;
}

#else

/* load_quarters: each quarter of four floats holds four columns of a row; the rows are 0, 4, 8, ... */
#if LS_LEVEL == 2
typedef __mmask16 mask;
LS_INLINE vector load_quarters(const float *const *row, int64_t k)
{
    vector v = _mm512_castps128_ps512(_mm_loadu_ps(row[0] + k));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(row[4] + k), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(row[8] + k), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(row[12] + k), 3);
}
LS_INLINE mask mask_of(int used)
{
    return (mask)((1u << used) - 1u);
}
LS_INLINE vector masked(mask keep, vector v)
{
    return _mm512_maskz_mov_ps(keep, v);
}
LS_INLINE void put(bool past_caches, float *to, vector v)
{
    if (past_caches)
        _mm512_stream_ps(to, v);
    else
        STORE(to, v);
}
#else
typedef __m256 mask;
LS_INLINE vector load_quarters(const float *const *row, int64_t k)
{
    vector v = _mm256_castps128_ps256(_mm_loadu_ps(row[0] + k));
    return _mm256_insertf128_ps(v, _mm_loadu_ps(row[4] + k), 1);
}
LS_INLINE mask mask_of(int used)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(used), index));
}
LS_INLINE vector masked(mask keep, vector v)
{
    return _mm256_and_ps(keep, v);
}
/* Half a line that is stored past the caches would go to memory by itself. */
LS_INLINE void put(bool past_caches, float *to, vector v)
{
    (void)past_caches;
    STORE(to, v);
}
#endif

/* Stores past the caches are not in the order of others. */
static void finish(bool past_caches)
{
    if (past_caches) _mm_sfence();
}

/* Four columns from k of WIDTH rows: column[j] holds row[n][k + j] in lane n. */
LS_INLINE void load_columns(const float *const *row, int64_t k, vector *column)
{
    const vector quarters[4] = {load_quarters(row, k), load_quarters(row + 1, k), load_quarters(row + 2, k),
                                load_quarters(row + 3, k)};
    ls_turn_quarters(quarters, column);
}

/* WIDTH lanes of the first columns, a multiple of 4. shifting and scaling are constants where it is inlined.
 */
LS_INLINE void transpose_lanes(bool shifting, bool scaling, const float *const *row, mask keep,
                               int64_t columns, normalisation norm, const target *to)
{
    for (int64_t k = 0; k < columns; k += 4) {
        vector column[4];
        load_columns(row, k, column);
        LS_UNROLL for (int j = 0; j < 4; j++)
        {
            vector v = column[j];
            if (shifting) v = LS_TURN(sub_ps)(v, LS_TURN(set1_ps)(norm.shift[k + j]));
            if (scaling) v = LS_TURN(mul_ps)(v, LS_TURN(set1_ps)(norm.scale[k + j]));
            put(to->past_caches, to->at + (k + j) * to->ld, masked(keep, v));
        }
    }
}

static void transpose(const float *const *row, int used, int64_t columns, normalisation norm,
                      const target *to)
{
    const int64_t whole = columns - columns % 4;
    const float *const some = row[0];
    for (int n = 0; n < LS_LANES; n += WIDTH) {
        const float *lane[WIDTH]; /* rows that are not used are masked, but must be readable */
        int left = used - n < 0 ? 0 : used - n > WIDTH ? WIDTH : used - n;
        mask keep = mask_of(left);
        for (int i = 0; i < WIDTH; i++) lane[i] = i < left ? row[n + i] : some;
        const target part = {to->at + n, to->ld, to->past_caches};
        if (norm.shift && norm.scale)
            transpose_lanes(true, true, lane, keep, whole, norm, &part);
        else if (norm.shift)
            transpose_lanes(true, false, lane, keep, whole, norm, &part);
        else if (norm.scale)
            transpose_lanes(false, true, lane, keep, whole, norm, &part);
        else
            transpose_lanes(false, false, lane, keep, whole, norm, &part);
    }
    transpose_plainly(row, used, whole, columns, norm, to);
}

#endif

static void pack_block(const float *from, int64_t lanes, int64_t units, int64_t count, bool past_caches,
                       float *to)
{
    for (int64_t first = 0; first < LS_BLOCK; first += LS_LANES) {
        int64_t used = units - first < LS_LANES ? units - first : LS_LANES;
        const float *row[LS_LANES];
        for (int64_t n = 0; n < used; n++) row[n] = from + (first + n) * lanes;
        if (used > 0)
            transpose(row, (int)used, count, (normalisation){NULL, NULL},
                      &(target){to + first, LS_BLOCK, past_caches});
        else
            for (int64_t k = 0; k < count; k++) memset(to + k * LS_BLOCK + first, 0, LS_LANES * sizeof *to);
    }
}

void LS_VARIANT(ls_pack)(const float *from, int64_t lanes, int64_t units, int64_t count, bool past_caches,
                         float *to)
{
    for (int64_t first = 0; first < units; first += LS_BLOCK) {
        int64_t left = units - first;
        pack_block(from + first * lanes, lanes, left < LS_BLOCK ? left : LS_BLOCK, count, past_caches,
                   to + first * lanes);
    }
    finish(past_caches);
}

/* A few columns are not worth the transposes of whole vectors. */
enum { FEW_COLUMNS = 4 };

#if LS_LEVEL == 0

static void gather_few(const float *const *row, int64_t count, int64_t units, normalisation norm,
                       int64_t lanes, float *to)
{
    for (int64_t u = 0; u < units; u++)
        for (int64_t n = 0; n < lanes; n++)
            to[u * lanes + n] = normalised(norm, u, row[n < count ? n : 0][u]);
}

#else

/* Number u of four rows from n; of the first one where there are no more. */
LS_INLINE __m128 four_rows(const float *const *row, int64_t n, int64_t count, int64_t u)
{
    return _mm_setr_ps(row[n][u], row[n + 1 < count ? n + 1 : 0][u], row[n + 2 < count ? n + 2 : 0][u],
                       row[n + 3 < count ? n + 3 : 0][u]);
}

LS_INLINE vector gather_lanes(const float *const *row, int64_t n, int64_t count, int64_t u)
{
    vector v = BROADCAST(row[0][u]);
#if LS_LEVEL == 2
    if (n < count) v = _mm512_insertf32x4(v, four_rows(row, n, count, u), 0);
    if (n + 4 < count) v = _mm512_insertf32x4(v, four_rows(row, n + 4, count, u), 1);
    if (n + 8 < count) v = _mm512_insertf32x4(v, four_rows(row, n + 8, count, u), 2);
    if (n + 12 < count) v = _mm512_insertf32x4(v, four_rows(row, n + 12, count, u), 3);
#else
    if (n < count) v = _mm256_insertf128_ps(v, four_rows(row, n, count, u), 0);
    if (n + 4 < count) v = _mm256_insertf128_ps(v, four_rows(row, n + 4, count, u), 1);
#endif
    return v;
}

/* Stored as whole vectors, which the loads that follow soon need not wait for. */
static void gather_few(const float *const *row, int64_t count, int64_t units, normalisation norm,
                       int64_t lanes, float *to)
{
    for (int64_t n = 0; n < lanes; n += WIDTH)
        for (int64_t u = 0; u < units; u++) {
            vector v = gather_lanes(row, n, count, u);
            if (norm.shift) v = LS_TURN(sub_ps)(v, BROADCAST(norm.shift[u]));
            if (norm.scale) v = LS_TURN(mul_ps)(v, BROADCAST(norm.scale[u]));
            STORE(to + u * lanes + n, v);
        }
}

#endif

void LS_VARIANT(ls_gather_floats)(const float *const *row, int64_t count, int64_t units, const float *shift,
                                  const float *scale, int64_t lanes, bool past_caches, float *to)
{
    const normalisation norm = {shift, scale};
    if (units < FEW_COLUMNS) {
        gather_few(row, count, units, norm, lanes, to);
        return;
    }
    for (int64_t first = 0; first < lanes; first += LS_LANES) {
        const float *lane[LS_LANES];
        for (int64_t n = 0; n < LS_LANES; n++) lane[n] = row[first + n < count ? first + n : 0];
        transpose(lane, LS_LANES, units, norm, &(target){to + first, lanes, past_caches});
    }
    finish(past_caches);
}

static void convert(const uint8_t *from, int64_t count, float *to)
{
    int64_t k = 0;
    for (; k + LS_LANES <= count; k += LS_LANES) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) to[k + n] = (float)from[k + n];
    }
    for (; k < count; k++) to[k] = (float)from[k];
}

void LS_VARIANT(ls_gather_bytes)(const uint8_t *const *row, int64_t count, int64_t units, const float *shift,
                                 const float *scale, int64_t lanes, bool past_caches, float *to)
{
    float slice[LS_LANES][SLICE] __attribute__((aligned(64)));
    const float *lane[LS_LANES];
    for (int n = 0; n < LS_LANES; n++) lane[n] = slice[n];
    for (int64_t first = 0; first < lanes; first += LS_LANES) {
        for (int64_t u = 0; u < units; u += SLICE) {
            int64_t columns = units - u < SLICE ? units - u : SLICE;
            for (int64_t n = 0; n < LS_LANES; n++)
                convert(row[first + n < count ? first + n : 0] + u, columns, slice[n]);
            normalisation norm = {shift ? shift + u : NULL, scale ? scale + u : NULL};
            transpose(lane, LS_LANES, columns, norm, &(target){to + u * lanes + first, lanes, past_caches});
        }
    }
    finish(past_caches);
}
