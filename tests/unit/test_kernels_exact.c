/* Exact sums of tiles: the kernels do what base/exact.h says, in every table and for every shape. */
#include "support/kernels.h"

enum { ROWS = 6, COLUMNS = 70, ROOM = ROWS * (COLUMNS + 10) + 8 };

typedef struct tile {
    int64_t rows, columns, ldx, lds;
    float x[ROOM];
    uint64_t sum[ROOM];
} tile;

static void fill(tile *t, float limit)
{
    t->rows = random_below(ROWS + 1);
    t->columns = random_below(COLUMNS + 1);
    t->ldx = t->columns + random_below(10);
    t->lds = t->columns + random_below(10);
    for (int i = 0; i < ROOM; i++) {
        t->x[i] = random_float(-limit, limit);
        if (random_below(3) == 0) t->x[i] = ldexpf(t->x[i], -(int)random_below(60));
        t->sum[i] = (uint64_t)random_word() << 32 | random_word();
    }
}

Test(kernels_exact, store_and_add_follow_the_definition)
{
    static tile start, wanted, got;
    for (int i = 0; i < 300; i++) {
        fill(&start, 2.0f);
        const ls_exact_scale scale = ls_exact_scale_for(ldexp(1.0, (int)random_below(40) - 10));
        const bool store = i % 2;
        wanted = start;
        for (int64_t r = 0; r < start.rows; r++)
            for (int64_t c = 0; c < start.columns; c++) {
                uint64_t *sum = &wanted.sum[r * start.lds + c];
                *sum = (store ? 0 : *sum) + ls_exact_term(scale, start.x[r * start.ldx + c]);
            }
        for (int t = 0; table(t); t++) {
            got = start;
            (store ? table(t)->exact_store : table(t)->exact_add)(scale, got.rows, got.columns, got.x,
                                                                  got.ldx, got.sum, got.lds);
            cr_assert(memcmp(&got, &wanted, sizeof got) == 0, "%s: %d x %d", table(t)->name, (int)start.rows,
                      (int)start.columns);
        }
    }
}

Test(kernels_exact, finish_follows_the_definition)
{
    static tile start, wanted, got;
    for (int i = 0; i < 300; i++) {
        fill(&start, 2.0f);
        const uint64_t terms = 1 + (uint64_t)random_below(1000);
        const ls_exact_scale scale = ls_exact_scale_for(4.0);
        const double factor = i % 3 ? 1.0 : 1.0 / 37.0;
        for (int j = 0; j < ROOM; j++) /* sums that terms of this scale can have */
            start.sum[j] = ls_exact_term(scale, (double)start.x[j]) + (terms - 1) * scale.magic_bits;
        wanted = start;
        for (int64_t r = 0; r < start.rows; r++)
            for (int64_t c = 0; c < start.columns; c++)
                wanted.x[r * start.ldx + c] =
                    (float)(ls_exact_value(scale, start.sum[r * start.lds + c], terms) * factor);
        for (int t = 0; table(t); t++) {
            got = start;
            table(t)->exact_finish(scale, terms, factor, got.rows, got.columns, got.sum, got.lds, got.x,
                                   got.ldx);
            cr_assert(memcmp(&got, &wanted, sizeof got) == 0, "%s: %d x %d", table(t)->name, (int)start.rows,
                      (int)start.columns);
        }
    }
}

/* The sum of tiles is the same in any order, with any table for any tile, and near the sum in double. */
Test(kernels_exact, close_adds_the_last_term_and_finishes)
{
    static tile start;
    static float wanted[ROOM], got[ROOM];
    for (int i = 0; i < 300; i++) {
        fill(&start, 2.0f);
        const bool alone = i % 3 == 0;
        const uint64_t terms = alone ? 1 : 2 + (uint64_t)random_below(1000);
        const ls_exact_scale scale = ls_exact_scale_for(8.0);
        const double factor = i % 2 ? 1.0 : 1.0 / 37.0;
        for (int j = 0; j < ROOM; j++) { /* what the terms before add up to */
            start.sum[j] = ls_exact_term(scale, 1.0 / (1 + j)) + (terms - 2) * scale.magic_bits;
            wanted[j] = got[j] = -1;
        }
        for (int64_t r = 0; r < start.rows; r++)
            for (int64_t c = 0; c < start.columns; c++) {
                uint64_t last = ls_exact_term(scale, start.x[r * start.ldx + c]);
                uint64_t sum = alone ? last : start.sum[r * start.lds + c] + last;
                wanted[r * start.ldx + c] = (float)(ls_exact_value(scale, sum, terms) * factor);
            }
        for (int t = 0; table(t); t++) {
            for (int j = 0; j < ROOM; j++) got[j] = -1;
            table(t)->exact_close(scale, terms, factor, start.rows, start.columns, start.x, start.ldx,
                                  alone ? NULL : start.sum, start.lds, got, start.ldx);
            cr_assert(memcmp(got, wanted, sizeof got) == 0, "%s: %d x %d", table(t)->name, (int)start.rows,
                      (int)start.columns);
        }
    }
}

Test(kernels_exact, order_and_table_do_not_matter)
{
    enum { TILES = 50, WIDTH = 37 };
    static float x[TILES][WIDTH], first[WIDTH], result[WIDTH];
    static uint64_t sum[WIDTH];
    double bound = 0.0, truth[WIDTH] = {0};
    int tables = 0;
    while (table(tables)) tables++;
    for (int i = 0; i < TILES; i++)
        for (int c = 0; c < WIDTH; c++) x[i][c] = random_float(-1.0f, 1.0f), truth[c] += (double)x[i][c];
    bound = TILES;
    const ls_exact_scale scale = ls_exact_scale_for(bound);
    for (int round = 0; round < 20; round++) {
        int order[TILES];
        for (int i = 0; i < TILES; i++) order[i] = i;
        for (int i = TILES - 1; i > 0; i--) {
            int j = (int)random_below(i + 1), other = order[i];
            order[i] = order[j];
            order[j] = other;
        }
        table((int)random_below(tables))->exact_store(scale, 1, WIDTH, x[order[0]], WIDTH, sum, WIDTH);
        for (int i = 1; i < TILES; i++)
            table((int)random_below(tables))->exact_add(scale, 1, WIDTH, x[order[i]], WIDTH, sum, WIDTH);
        table((int)random_below(tables))
            ->exact_finish(scale, TILES, 1.0, 1, WIDTH, sum, WIDTH, result, WIDTH);
        if (round == 0) memcpy(first, result, sizeof first);
        cr_assert(memcmp(first, result, sizeof first) == 0);
        for (int c = 0; c < WIDTH; c++)
            cr_assert_float_eq(result[c], truth[c], 1e-6 * (0.1 + fabs(truth[c])));
    }
}

/* The same from the parts that it replaces: one product, one rounding and one sum at a time. */
static void small_outer_plainly(const ls_small_outer *outer, float *gradient)
{
    for (int64_t m = 0; m < outer->M; m++)
        for (int64_t n = 0; n < LS_LANES; n++) {
            uint64_t sum = 0;
            for (int64_t begin = 0; begin < outer->rows; begin += outer->grain) {
                float chain = 0;
                for (int64_t s = begin; s < outer->rows && s < begin + outer->grain; s++) {
                    float right = n < outer->N ? outer->right[n * outer->lanes + s] : 0;
                    chain = fmaf(outer->left ? outer->left[m * outer->lanes + s] : 1, right, chain);
                }
                sum += ls_exact_term(outer->scale, (double)chain);
            }
            gradient[m * outer->ld + n] =
                (float)(ls_exact_value(outer->scale, sum, outer->terms) * outer->factor);
        }
}

Test(kernels_exact, gradients_of_small_parameters_follow_the_definition)
{
    for (int i = 0; i < 300; i++) {
        ls_small_outer outer = {.M = 1 + random_below(20),
                                .N = 1 + random_below(LS_LANES),
                                .rows = 1 + random_below(LS_BLOCK),
                                .lanes = LS_BLOCK,
                                .factor = i % 3 ? 1.0 : 1.0 / 37.0,
                                .ld = LS_LANES * (1 + random_below(2))};
        outer.grain = 1 + random_below(outer.rows + 3);
        if (i % 5 < 2) { /* these go another way in the vector variants */
            outer.grain = 1 + random_below(2);
            outer.N = 1 + random_below(4);
        }
        outer.terms = (uint64_t)((outer.rows + outer.grain - 1) / outer.grain);
        outer.scale = ls_exact_scale_for(2.0 * (double)outer.rows);
        float *left = random_floats(outer.M * LS_BLOCK, -1.0f, 1.0f);
        float *right = random_floats(outer.N * LS_BLOCK, -1.0f, 1.0f);
        float *start = random_floats(outer.M * outer.ld, -1.0f, 1.0f);
        float *wanted = copy_floats(start, outer.M * outer.ld);
        outer.left = i % 4 ? left : NULL;
        outer.right = right;
        small_outer_plainly(&outer, wanted);
        for (int t = 0; table(t); t++) {
            outer.gradient = copy_floats(start, outer.M * outer.ld);
            table(t)->exact_outer(&outer);
            int64_t different = first_difference(outer.gradient, wanted, outer.M * outer.ld);
            cr_assert_eq(different, -1, "%s: element %d", table(t)->name, (int)different);
            free(outer.gradient);
        }
        free(left), free(right), free(start), free(wanted);
    }
}

/* left [rows][lanes] of each panel, then right [lanes][LS_BLOCK]; parts as grains and panels cut them. */
typedef struct product_problem {
    ls_exact_product product;
    float *left;
    ls_sample_part part[300];
    int64_t samples, grain, panel_floats;
} product_problem;

static void draw_product(product_problem *p)
{
    static const int64_t grains[] = {1, 5, 8, 16, 24, 64, 100};
    const int64_t lanes = LS_LANES * (1 + random_below(4)), panels = 1 + random_below(4), rows = 30;
    p->grain = grains[random_below(7)];
    p->samples = lanes * panels - random_below(lanes);
    p->panel_floats = (rows + LS_BLOCK) * lanes;
    p->left = random_floats(panels * p->panel_floats, -1.0f, 1.0f);
    const int down = random_below(3) ? 0 : 118 + (int)random_below(7); /* results may be subnormal */
    /* rows of all sizes: terms below the rounding step, below the normal numbers, zeros of either sign */
    for (int64_t i = 0; i < panels * (p->panel_floats / lanes); i++) {
        static const int exponents[] = {0, 0, 0, -20, -30, -60, -140};
        const int exponent = exponents[random_below(7)] - down;
        const bool zero = random_below(8) == 0;
        for (int64_t n = 0; n < lanes; n++) {
            float *x = &p->left[i * lanes + n];
            *x = zero ? copysignf(0.0f, *x) : ldexpf(*x, exponent);
        }
    }
    p->product = (ls_exact_product){
        .M = 1 + random_below(26),
        .N = LS_LANES * (1 + random_below(4)),
        .part = p->part,
        .left = random_below(4) * lanes,
        .right = rows * lanes,
        .lanes = lanes,
        .scale = ls_exact_scale_for(ldexp((double)p->samples * 2, (int)random_below(30) - down)),
        .factor = ldexp(random_below(3) ? 1.0 : 1.0 / 37.0, -(int)random_below(10)),
        .lds = LS_BLOCK + random_below(9),
        .ldg = LS_BLOCK + random_below(9)};
    for (int64_t begin = 0; begin < p->samples;) {
        int64_t end = (begin / lanes + 1) * lanes, grain_end = (begin / p->grain + 1) * p->grain;
        end = end < grain_end ? end : grain_end;
        end = end < p->samples ? end : p->samples;
        p->part[p->product.parts++] = (ls_sample_part){
            .at = p->left + begin / lanes * p->panel_floats + begin % lanes,
            .lane = begin % lanes,
            .count = end - begin,
            .ends_grain = end == grain_end || end == p->samples,
        };
        begin = end;
    }
    p->product.terms = (uint64_t)((p->samples + p->grain - 1) / p->grain);
}

static uint64_t product_plainly(const product_problem *p, int64_t m, int64_t n)
{
    const ls_exact_product *product = &p->product;
    uint64_t sum = 0;
    for (int64_t begin = 0; begin < p->samples; begin += p->grain) {
        float chain = 0;
        for (int64_t s = begin; s < begin + p->grain && s < p->samples; s++) {
            const float *panel = p->left + s / product->lanes * p->panel_floats;
            const int64_t lane = s % product->lanes;
            chain = fmaf(panel[product->left + m * product->lanes + lane],
                         panel[product->right + lane * LS_BLOCK + n], chain);
        }
        sum += ls_exact_term(product->scale, (double)chain);
    }
    return sum;
}

/* Every element, and nothing beside it. */
Test(kernels_exact, product_follows_the_definition)
{
    enum { ROOM_FOR = 26 * (LS_BLOCK + 9) };
    static float gradient[ROOM_FOR], wanted_gradient[ROOM_FOR];
    static uint64_t sum[ROOM_FOR], wanted_sum[ROOM_FOR];
    for (int i = 0; i < 400; i++) {
        product_problem p = {.samples = 0};
        draw_product(&p);
        ls_exact_product *product = &p.product;
        for (int j = 0; j < ROOM_FOR; j++) wanted_gradient[j] = -7.0f, wanted_sum[j] = 7;
        for (int64_t m = 0; m < product->M; m++)
            for (int64_t n = 0; n < product->N; n++) {
                uint64_t plain = product_plainly(&p, m, n);
                wanted_sum[m * product->lds + n] = plain;
                wanted_gradient[m * product->ldg + n] =
                    (float)(ls_exact_value(product->scale, plain, product->terms) * product->factor);
            }
        for (int t = 0; table(t); t++) {
            for (int j = 0; j < ROOM_FOR; j++) gradient[j] = -7.0f, sum[j] = 7;
            product->gradient = NULL;
            product->sum = sum;
            table(t)->exact_product(product);
            product->sum = NULL;
            product->gradient = gradient;
            table(t)->exact_product(product);
            cr_assert(memcmp(sum, wanted_sum, sizeof sum) == 0, "%s: sums of %d x %d, grains of %d",
                      table(t)->name, (int)product->M, (int)product->N, (int)p.grain);
            cr_assert(memcmp(gradient, wanted_gradient, sizeof gradient) == 0,
                      "%s: gradients of %d x %d, grains of %d", table(t)->name, (int)product->M,
                      (int)product->N, (int)p.grain);
        }
        free(p.left);
    }
}

/* Two terms that are normal numbers, whose mean is not and is rounded once. */
Test(kernels_exact, products_round_subnormal_results_once)
{
    enum { M = 6, SAMPLES = 2, RIGHT = M * LS_LANES };
    static float gradient[M * LS_BLOCK];
    for (int i = 0; i < 50; i++) {
        product_problem p = {.samples = SAMPLES, .grain = 1, .panel_floats = (M + LS_BLOCK) * LS_LANES};
        p.left = random_floats(p.panel_floats, 1.0f, 2.0f);
        for (int64_t j = 0; j < RIGHT; j++) p.left[j] = ldexpf(p.left[j], -124);
        for (int64_t s = 0; s < SAMPLES; s++)
            p.part[s] = (ls_sample_part){.at = p.left + s, .lane = s, .count = 1, .ends_grain = true};
        p.product = (ls_exact_product){.M = M,
                                       .N = LS_BLOCK,
                                       .part = p.part,
                                       .parts = SAMPLES,
                                       .right = RIGHT,
                                       .lanes = LS_LANES,
                                       .scale = ls_exact_scale_for(0x1p-118),
                                       .terms = SAMPLES,
                                       .factor = ldexp(1, -(int)random_below(12)),
                                       .gradient = gradient,
                                       .ldg = LS_BLOCK};
        for (int t = 0; table(t); t++) {
            table(t)->exact_product(&p.product);
            for (int64_t m = 0; m < M; m++)
                for (int64_t n = 0; n < LS_BLOCK; n++) {
                    double value = ls_exact_value(p.product.scale, product_plainly(&p, m, n), SAMPLES);
                    cr_assert_eq(gradient[m * LS_BLOCK + n], (float)(value * p.product.factor), "%s",
                                 table(t)->name);
                }
        }
        free(p.left);
    }
}
