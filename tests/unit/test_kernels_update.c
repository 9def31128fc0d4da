/* Optimiser steps against their formula, and the largest magnitude. */
#include "support/kernels.h"

enum { SIZE = 150 };

typedef struct state {
    float w[SIZE], gradient[SIZE], velocity[SIZE];
} state;

static void fill(state *s)
{
    for (int i = 0; i < SIZE; i++) {
        s->w[i] = random_float(-1.0f, 1.0f);
        s->gradient[i] = random_float(-1.0f, 1.0f);
        s->velocity[i] = random_float(-1.0f, 1.0f);
    }
}

static ls_sgd_step rule(int number)
{
    ls_sgd_step step = {.rule = {.learning_rate = 0.07f, .gradient_scale = 0.3f}};
    if (number & 1) step.rule.weight_decay = 0.01f;
    if (number & 2) step.momentum = 0.9f;
    if (number & 4) step.nesterov = true;
    return step;
}

Test(kernels_update, sgd_follows_its_formula)
{
    for (int number = 0; number < 8; number++) {
        const ls_sgd_step step = rule(number);
        state before, after;
        fill(&before);
        after = before;
        ls_kernels_named("generic")->sgd(&step, SIZE, after.w, after.gradient, after.velocity);
        for (int i = 0; i < SIZE; i++) {
            double g = (double)step.rule.gradient_scale * before.gradient[i] +
                       (double)step.rule.weight_decay * before.w[i];
            double v = (double)step.momentum * before.velocity[i] + g;
            double move = step.nesterov ? g + (double)step.momentum * v : v;
            if (step.momentum == 0.0f) v = before.velocity[i], move = g;
            cr_assert_float_eq(after.w[i], before.w[i] - (double)step.rule.learning_rate * move, 3e-7);
            cr_assert_float_eq(after.velocity[i], v, 3e-7);
        }
    }
}

Test(kernels_update, every_table_gives_the_same_bits_and_writes_nothing_else)
{
    for (int number = 0; number < 8; number++)
        for (int count = 0; count <= 100; count++) {
            const ls_sgd_step step = rule(number);
            const int from = count % 7;
            state start, wanted;
            fill(&start);
            wanted = start;
            table(0)->sgd(&step, count, wanted.w + from, start.gradient + from, wanted.velocity + from);
            for (int t = 1; table(t); t++) {
                state got = start;
                table(t)->sgd(&step, count, got.w + from, start.gradient + from, got.velocity + from);
                cr_assert(memcmp(&got, &wanted, sizeof got) == 0, "%s: rule %d, %d elements", table(t)->name,
                          number, count);
            }
            for (int i = 0; i < SIZE; i++)
                if (i < from || i >= from + count) cr_assert_eq(wanted.w[i], start.w[i]);
        }
}

Test(kernels_update, without_momentum_no_velocity_is_needed)
{
    for (int t = 0; table(t); t++) {
        const ls_sgd_step step = rule(1);
        state a, b;
        fill(&a);
        b = a;
        table(t)->sgd(&step, SIZE, a.w, a.gradient, a.velocity);
        cr_assert(memcmp(a.velocity, b.velocity, sizeof a.velocity) == 0);
        table(t)->sgd(&step, SIZE, b.w, b.gradient, NULL);
        cr_assert(memcmp(a.w, b.w, sizeof a.w) == 0);
    }
}

Test(kernels_update, largest_is_found_anywhere)
{
    for (int t = 0; table(t); t++)
        for (int count = 0; count < SIZE; count++) {
            state s;
            fill(&s);
            float largest = 0.0f;
            for (int i = 0; i < count; i++) largest = fmaxf(largest, fabsf(s.w[i]));
            s.w[count] = 100.0f; /* not to be seen */
            cr_assert_eq(table(t)->largest(s.w, count), bits_of_float(largest), "%s: %d", table(t)->name,
                         count);
            if (count == 0) continue;
            int where = (int)random_below(count);
            s.w[where] = -7.0f;
            cr_assert_eq(table(t)->largest(s.w, count), bits_of_float(7.0f));
            s.w[where] = -INFINITY;
            cr_assert_eq(table(t)->largest(s.w, count), bits_of_float(INFINITY));
            s.w[random_below(count)] = -NAN;
            cr_assert_gt(table(t)->largest(s.w, count), bits_of_float(INFINITY) - (uint32_t)(count == 1));
        }
}
