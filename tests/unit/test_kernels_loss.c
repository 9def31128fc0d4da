/* Losses, softmax and argmax: against double, the same bits in every table and in any company of lanes. */
#include "support/kernels.h"

enum { UNITS_MAX = 40, LANES_MAX = 64, SIZE = UNITS_MAX * LANES_MAX };

typedef struct panel {
    int64_t units, lanes;
    float x[SIZE], target[SIZE], weight[LANES_MAX];
    int32_t label[LANES_MAX];
} panel;

typedef struct outcome {
    float delta[SIZE], loss[LANES_MAX];
} outcome;

typedef enum loss_kind { SQUARED, BINARY, SOFTMAX, KINDS } loss_kind;

static void fill(panel *p, int64_t units, int64_t lanes, float limit)
{
    p->units = units;
    p->lanes = lanes;
    for (int64_t i = 0; i < units * lanes; i++) {
        p->x[i] = random_float(-limit, limit);
        p->target[i] = random_float(0.0f, 1.0f);
    }
    for (int64_t n = 0; n < lanes; n++) {
        p->label[n] = (int32_t)random_below(units);
        p->weight[n] = random_below(4) == 0 ? 0.0f : random_below(2) ? 1.0f : 0.75f;
    }
}

static void run(loss_kind kind, const ls_kernels *k, const panel *p, float *delta, float *loss)
{
    if (kind == SQUARED)
        k->squared_error(p->units, p->lanes, p->x, p->target, p->weight, delta, loss);
    else if (kind == BINARY)
        k->binary_entropy(p->units, p->lanes, p->x, p->target, p->weight, delta, loss);
    else
        k->softmax_entropy(p->units, p->lanes, p->x, p->label, p->weight, delta, loss);
}

/* The loss of lane n in double. */
static double true_loss(loss_kind kind, const panel *p, int64_t n)
{
    double sum = 0.0;
    for (int64_t u = 0; u < p->units; u++) {
        double x = p->x[u * p->lanes + n], t = p->target[u * p->lanes + n];
        if (kind == SQUARED)
            sum += (x - t) * (x - t) / (double)p->units;
        else if (kind == BINARY)
            sum += fmax(x, 0.0) - x * t + log1p(exp(-fabs(x)));
        else
            sum += exp(x);
    }
    return kind == SOFTMAX ? log(sum) - p->x[p->label[n] * p->lanes + n] : sum;
}

/* Its derivative by unit u. */
static double true_slope(loss_kind kind, const panel *p, int64_t u, int64_t n)
{
    double x = p->x[u * p->lanes + n], t = p->target[u * p->lanes + n], sum = 0.0;
    if (kind == SQUARED) return 2.0 / (double)p->units * (x - t);
    if (kind == BINARY) return 1.0 / (1.0 + exp(-x)) - t;
    for (int64_t v = 0; v < p->units; v++) sum += exp(p->x[v * p->lanes + n]);
    return exp(x) / sum - (p->label[n] == u);
}

Test(kernels_loss, losses_and_derivatives_are_those_of_the_formulas)
{
    static panel p;
    static outcome o;
    for (int i = 0; i < 60; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            fill(&p, 1 + random_below(UNITS_MAX), LS_LANES * (1 + random_below(4)), i % 2 ? 3.0f : 30.0f);
            run(kind, ls_kernels_named("generic"), &p, o.delta, o.loss);
            for (int64_t n = 0; n < p.lanes; n++) {
                double wanted = p.weight[n] == 0.0f ? 0.0 : true_loss(kind, &p, n);
                cr_assert_float_eq(o.loss[n], wanted, 2e-6 * (3.0 + fabs(wanted)), "%d: %g, not %g", kind,
                                   o.loss[n], wanted);
                for (int64_t u = 0; u < p.units; u++) {
                    wanted = (double)p.weight[n] * true_slope(kind, &p, u, n);
                    cr_assert_float_eq(o.delta[u * p.lanes + n], wanted, 4e-7 * (1.0 + fabs(wanted)),
                                       "%d: unit %d: %g, not %g", kind, (int)u, o.delta[u * p.lanes + n],
                                       wanted);
                }
            }
        }
}

/* Central differences of the loss in double. */
Test(kernels_loss, derivatives_are_differences_of_the_loss)
{
    static panel p;
    static outcome o;
    for (int kind = 0; kind < KINDS; kind++) {
        fill(&p, 7, LS_LANES, 2.0f);
        run(kind, ls_kernels_named("generic"), &p, o.delta, o.loss);
        for (int64_t u = 0; u < p.units; u++)
            for (int64_t n = 0; n < p.lanes; n++) {
                float *x = &p.x[u * p.lanes + n], middle = *x, high = middle + 1e-3f, low = middle - 1e-3f;
                *x = high;
                double above = true_loss(kind, &p, n);
                *x = low;
                double below = true_loss(kind, &p, n);
                *x = middle;
                double wanted = (double)p.weight[n] * (above - below) / ((double)high - (double)low);
                cr_assert_float_eq(o.delta[u * p.lanes + n], wanted, 2e-6);
            }
    }
}

Test(kernels_loss, every_table_gives_the_same_bits_and_writes_nothing_else)
{
    static panel p;
    static outcome wanted, got;
    for (int i = 0; i < 150; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            fill(&p, 1 + random_below(UNITS_MAX - 1), LS_LANES * (1 + random_below(3)),
                 i % 3 ? 4.0f : 200.0f);
            if (i % 5 == 0) p.x[random_below(p.units * p.lanes)] = i % 2 ? NAN : INFINITY;
            memset(&wanted, 3, sizeof wanted);
            run(kind, table(0), &p, wanted.delta, wanted.loss);
            for (int t = 1; table(t); t++) {
                memset(&got, 3, sizeof got);
                run(kind, table(t), &p, got.delta, got.loss);
                cr_assert(first_difference(got.delta, wanted.delta, SIZE) < 0, "%s: loss %d", table(t)->name,
                          kind);
                cr_assert(first_difference(got.loss, wanted.loss, LANES_MAX) < 0, "%s: loss %d",
                          table(t)->name, kind);
            }
            memset(&got, 3, sizeof got);
            for (int64_t j = p.units * p.lanes; j < SIZE; j++)
                cr_assert_eq(bits_of_float(wanted.delta[j]), bits_of_float(got.delta[j]));
            for (int64_t n = p.lanes; n < LANES_MAX; n++)
                cr_assert_eq(bits_of_float(wanted.loss[n]), bits_of_float(got.loss[n]));
        }
}

Test(kernels_loss, the_loss_alone_is_the_same)
{
    static panel p;
    static outcome o;
    float loss[LANES_MAX];
    for (int t = 0; table(t); t++)
        for (int kind = 0; kind < KINDS; kind++) {
            fill(&p, 9, 32, 5.0f);
            run(kind, table(t), &p, o.delta, o.loss);
            run(kind, table(t), &p, NULL, loss);
            cr_assert(first_difference(loss, o.loss, p.lanes) < 0);
        }
}

Test(kernels_loss, delta_may_take_the_place_of_the_input)
{
    static panel p;
    static outcome apart, together;
    for (int t = 0; table(t); t++)
        for (int kind = 0; kind < KINDS; kind++) {
            fill(&p, 9, 32, 5.0f);
            run(kind, table(t), &p, apart.delta, apart.loss);
            run(kind, table(t), &p, p.x, together.loss);
            cr_assert(first_difference(p.x, apart.delta, p.units * p.lanes) < 0);
            cr_assert(first_difference(together.loss, apart.loss, p.lanes) < 0);
        }
}

/* A sample has the same loss and derivative in any lane of any panel. */
Test(kernels_loss, lanes_do_not_know_each_other)
{
    static panel wide, narrow;
    static outcome whole, part;
    for (int t = 0; table(t); t++)
        for (int kind = 0; kind < KINDS; kind++) {
            fill(&wide, 11, 64, 5.0f);
            narrow.units = 11;
            narrow.lanes = 16;
            for (int64_t n = 0; n < 16; n++) {
                narrow.weight[n] = wide.weight[48 - n];
                narrow.label[n] = wide.label[48 - n];
                for (int64_t u = 0; u < 11; u++) {
                    narrow.x[u * 16 + n] = wide.x[u * 64 + 48 - n];
                    narrow.target[u * 16 + n] = wide.target[u * 64 + 48 - n];
                }
            }
            run(kind, table(t), &wide, whole.delta, whole.loss);
            run(kind, table(t), &narrow, part.delta, part.loss);
            for (int64_t n = 0; n < 16; n++) {
                cr_assert_eq(bits_of_float(part.loss[n]), bits_of_float(whole.loss[48 - n]));
                for (int64_t u = 0; u < 11; u++)
                    cr_assert_eq(bits_of_float(part.delta[u * 16 + n]),
                                 bits_of_float(whole.delta[u * 64 + 48 - n]));
            }
        }
}

Test(kernels_loss, lanes_of_weight_zero_give_zero_whatever_they_hold)
{
    static panel p;
    static outcome o;
    for (int t = 0; table(t); t++)
        for (int kind = 0; kind < KINDS; kind++) {
            fill(&p, 5, 16, 1.0f);
            p.weight[3] = 0.0f;
            p.label[3] = 0;
            for (int64_t u = 0; u < 5; u++) p.x[u * 16 + 3] = u % 2 ? NAN : INFINITY;
            run(kind, table(t), &p, o.delta, o.loss);
            cr_assert_eq(bits_of_float(o.loss[3]), 0u);
            for (int64_t u = 0; u < 5; u++) cr_assert_eq(bits_of_float(o.delta[u * 16 + 3]), 0u);
        }
}

Test(kernels_loss, nan_and_infinity_show_in_the_loss)
{
    static panel p;
    static outcome o;
    for (int t = 0; table(t); t++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int64_t u = 0; u < 5; u++) {
                fill(&p, 5, 16, 1.0f);
                for (int n = 0; n < 16; n++) p.weight[n] = 1.0f;
                p.x[u * 16 + 2] = NAN;
                p.x[u * 16 + 7] = INFINITY;
                run(kind, table(t), &p, o.delta, o.loss);
                cr_assert(isnan(o.loss[2]) && !isfinite(o.loss[7]) && isfinite(o.loss[6]));
                cr_assert(isnan(o.delta[u * 16 + 2]));
            }
}

Test(kernels_loss, large_logits_do_not_overflow)
{
    static panel p;
    static outcome o;
    for (int t = 0; table(t); t++) {
        fill(&p, 2, 16, 1.0f);
        p.weight[0] = 1.0f;
        p.label[0] = 1;
        p.x[0] = 1e4f;
        p.x[16] = -1e4f;
        p.target[0] = 1.0f;
        p.target[16] = 0.0f;
        run(SOFTMAX, table(t), &p, o.delta, o.loss);
        cr_assert(o.loss[0] == 2e4f && o.delta[0] == 1.0f && o.delta[16] == -1.0f);
        run(BINARY, table(t), &p, o.delta, o.loss);
        cr_assert(o.loss[0] == 0.0f && o.delta[0] == 0.0f && o.delta[16] == 0.0f);
    }
}

Test(kernels_loss, softmax_sums_to_one_and_is_the_same_in_every_table)
{
    static panel p;
    static outcome wanted, got;
    for (int i = 0; i < 40; i++) {
        fill(&p, 1 + random_below(UNITS_MAX), LS_LANES * (1 + random_below(4)), 20.0f);
        table(0)->softmax(p.units, p.lanes, p.x, wanted.delta);
        for (int64_t n = 0; n < p.lanes; n++) {
            double sum = 0.0;
            for (int64_t u = 0; u < p.units; u++) {
                double y = wanted.delta[u * p.lanes + n];
                p.label[n] = (int32_t)u;
                cr_assert_float_eq(y, true_slope(SOFTMAX, &p, u, n) + 1.0, 1e-6);
                sum += y;
            }
            cr_assert_float_eq(sum, 1.0, 2e-6);
        }
        for (int t = 1; table(t); t++) {
            table(t)->softmax(p.units, p.lanes, p.x, got.delta);
            cr_assert(first_difference(got.delta, wanted.delta, p.units * p.lanes) < 0);
        }
    }
}

Test(kernels_loss, argmax_takes_the_first_of_the_largest)
{
    static panel p;
    for (int t = 0; table(t); t++)
        for (int i = 0; i < 40; i++) {
            int32_t index[LANES_MAX + 1] = {[LANES_MAX] = -5};
            fill(&p, 1 + random_below(UNITS_MAX), LS_LANES * (1 + random_below(4)), 3.0f);
            for (int64_t j = 0; j < p.units * p.lanes; j++) {
                p.x[j] = rintf(p.x[j]); /* many are equal */
                if (random_below(60) == 0) p.x[j] = NAN;
                if (random_below(60) == 0) p.x[j] = -INFINITY;
            }
            table(t)->argmax(p.units, p.lanes, p.x, index);
            for (int64_t n = 0; n < p.lanes; n++) {
                int32_t best = 0;
                for (int32_t u = 1; u < p.units; u++) {
                    float x = p.x[u * p.lanes + n], y = p.x[best * p.lanes + n];
                    if (!isnan(y) && (isnan(x) || x > y)) best = u;
                }
                cr_assert_eq(index[n], best, "%s: %d, not %d", table(t)->name, index[n], best);
            }
            cr_assert_eq(index[LANES_MAX], -5);
        }
}
