/* Transposes: packed blocks and gathered panels hold the right elements and nothing else is written. */
#include "support/kernels.h"

static const float untouched = -77.0f;

static float *untouched_floats(int64_t count)
{
    return random_floats(count, untouched, untouched);
}

/* Blocks of a panel of lanes lanes, with units of which each lane has a number. */
static void check_pack(const ls_kernels *kernels, const float *from, int64_t lanes, int64_t units,
                       int64_t count, bool past_caches)
{
    const int64_t blocks = (units + LS_BLOCK - 1) / LS_BLOCK, size = (blocks * lanes + 1) * LS_BLOCK;
    float *to = untouched_floats(size);
    kernels->pack(from, lanes, units, count, past_caches, to);
    for (int64_t i = 0; i < size; i++) {
        int64_t block = i / LS_BLOCK / lanes, k = i / LS_BLOCK % lanes,
                unit = block * LS_BLOCK + i % LS_BLOCK;
        float wanted = unit < units ? from[unit * lanes + k] : 0.0f;
        if (block == blocks || k >= count) wanted = untouched;
        cr_assert(first_difference(&wanted, &to[i], 1) < 0, "%s: %d units, k %d of %d, unit %d",
                  kernels->name, (int)units, (int)k, (int)count, (int)unit);
    }
    free(to);
}

Test(kernels_pack, blocks_are_transposed_and_padded_with_zeros)
{
    for (int i = 0; i < 300; i++) {
        const int64_t units = i < 140 ? i : random_below(3 * LS_BLOCK + 1),
                      lanes = LS_LANES * (1 + random_below(5));
        const int64_t count = random_below(lanes + 1);
        float *from = random_floats(units * lanes, -1.0f, 1.0f);
        if (units && count) from[random_below(count)] = NAN; /* must not leak into the padding */
        for (int t = 0; table(t); t++) {
            check_pack(table(t), from, lanes, units, count, false);
            check_pack(table(t), from, lanes, units, count, true);
        }
        free(from);
    }
}

typedef struct sheet { /* rows of samples as bytes and as floats, and how to normalise them */
    int64_t count, units, lanes;
    uint8_t *bytes;
    float *floats, *shift, *scale;
    const uint8_t *byte_row[64];
    const float *float_row[64];
} sheet;

static sheet sheet_make(int number)
{
    sheet s = {.lanes = LS_LANES * (1 + random_below(4)),
               .units = number < 40 ? number : random_below(number < 80 ? 200 : 4)};
    s.count = 1 + random_below(s.lanes);
    s.bytes = malloc((size_t)(s.count * s.units + 1));
    s.floats = random_floats(s.count * s.units, -3.0f, 3.0f);
    s.shift = random_floats(s.units, -1.0f, 1.0f);
    s.scale = random_floats(s.units, 0.1f, 2.0f);
    for (int64_t i = 0; i < s.count * s.units; i++) s.bytes[i] = (uint8_t)random_word();
    for (int64_t n = 0; n < s.count; n++) { /* in another order than they lie */
        s.byte_row[n] = s.bytes + (s.count - 1 - n) * s.units;
        s.float_row[n] = s.floats + (s.count - 1 - n) * s.units;
    }
    return s;
}

static void sheet_free(sheet *s)
{
    free(s->bytes);
    free(s->floats);
    free(s->shift);
    free(s->scale);
}

/* One table, bytes or floats, with and without shift and scale. */
static void check_gather(const sheet *s, const ls_kernels *kernels, bool bytes, const float *shift,
                         const float *scale, bool past_caches)
{
    const int64_t size = (s->units + 1) * s->lanes;
    float *to = untouched_floats(size);
    if (bytes)
        kernels->gather_bytes(s->byte_row, s->count, s->units, shift, scale, s->lanes, past_caches, to);
    else
        kernels->gather_floats(s->float_row, s->count, s->units, shift, scale, s->lanes, past_caches, to);
    for (int64_t u = 0; u < s->units; u++)
        for (int64_t n = 0; n < s->lanes; n++) {
            const int64_t sample = n < s->count ? n : 0;
            float wanted = bytes ? (float)s->byte_row[sample][u] : s->float_row[sample][u];
            if (shift) wanted = wanted - shift[u];
            if (scale) wanted = wanted * scale[u];
            cr_assert_eq(bits_of_float(to[u * s->lanes + n]), bits_of_float(wanted),
                         "%s: %s, unit %d of %d, lane %d of %d, %d samples", kernels->name,
                         bytes ? "bytes" : "floats", (int)u, (int)s->units, (int)n, (int)s->lanes,
                         (int)s->count);
        }
    for (int64_t i = s->units * s->lanes; i < size; i++) cr_assert_eq(to[i], untouched);
    free(to);
}

Test(kernels_pack, samples_are_gathered_into_lanes)
{
    for (int i = 0; i < 120; i++) {
        sheet s = sheet_make(i);
        for (int t = 0; table(t); t++)
            for (int form = 0; form < 16; form++)
                check_gather(&s, table(t), form & 1, form & 2 ? s.shift : NULL, form & 4 ? s.scale : NULL,
                             form & 8);
        sheet_free(&s);
    }
}

Test(kernels_pack, a_streamed_copy_is_a_copy)
{
    for (int64_t count = 0; count <= 40 * LS_LANES; count += LS_LANES) {
        float *from = random_floats(count + 1, -1.0f, 1.0f);
        if (count) from[random_below(count)] = NAN;
        for (int t = 0; table(t); t++) {
            float *to = untouched_floats(count + LS_LANES);
            table(t)->stream(from + 1, to, count); /* read from anywhere */
            cr_assert(first_difference(to, from + 1, count) < 0, "%s: %d", table(t)->name, (int)count);
            for (int64_t i = count; i < count + LS_LANES; i++) cr_assert_eq(to[i], untouched);
            for (int give_up = 0; give_up < 2; give_up++) {
                for (int64_t i = 0; i < count; i++) to[i] = untouched;
                table(t)->take(from + 1, to, count, give_up);
                cr_assert(first_difference(to, from + 1, count) < 0, "%s: %d", table(t)->name, (int)count);
                for (int64_t i = count; i < count + LS_LANES; i++) cr_assert_eq(to[i], untouched);
            }
            free(to);
        }
        free(from);
    }
}
