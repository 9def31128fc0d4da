/* The steps of the adaptive optimisers and the norms: the same bits from every table, nothing written
   outside. Their formulas are checked in test_optimizers.c. */
#include "support/kernels.h"
#include "support/run.h"

enum { SIZE = 160, ARRAYS = 5, RULES = 8, STEPS = 9 };

/* w, gradient and three arrays of state; squares must not be negative. */
typedef struct state {
    float x[ARRAYS][SIZE];
    ls_squares squares;
} state;

static void fill(state *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < SIZE; i++) {
        s->x[0][i] = random_float(-1.0f, 1.0f);
        s->x[1][i] = random_below(8) == 0 ? 0.0f : random_float(-1.0f, 1.0f);
        s->x[2][i] = random_float(-1.0f, 1.0f);
        s->x[3][i] = random_float(0.0f, 1.0f);
        s->x[4][i] = random_float(0.0f, 1.0f);
        if (random_below(16) == 0) s->x[0][i] = 0.0f;
    }
}

static ls_step_rule rule(int number)
{
    ls_step_rule r = {.learning_rate = 0.07f, .gradient_scale = 0.3f};
    if (number & 1) r.weight_decay = 0.01f;
    if (number & 2) r.clip_value = 0.1f;
    if (number & 4) r.l1 = 0.02f, r.shrink = 0.003f;
    return r;
}

/* Step number which, in all forms that its arrays and flags allow. */
static void take(const ls_kernels *kernels, int which, ls_step_rule r, int64_t count, state *s, int from)
{
    float *w = s->x[0] + from, *g = s->x[1] + from, *a = s->x[2] + from, *b = s->x[3] + from,
          *c = s->x[4] + from;
    const ls_adam_step adam = {.rule = r,
                               .beta1 = 0.9f,
                               .rest1 = 0.1f,
                               .beta2 = 0.99f,
                               .rest2 = 0.01f,
                               .epsilon = 1e-6f,
                               .mean_factor = 1.7f,
                               .root_factor = 1.3f,
                               .decay = 0.02f};
    const ls_rmsprop_step rmsprop = {
        .rule = r, .alpha = 0.9f, .rest = 0.1f, .epsilon = 1e-6f, .momentum = 0.8f};
    const ls_adagrad_step adagrad = {.rule = r, .initial = 0.1f, .epsilon = 1e-6f};
    const ls_rprop_step rprop = {
        .rule = r, .shrink = 0.5f, .grow = 1.2f, .smallest = 0.1f, .largest = 0.9f, .first = r.l1 == 0.0f};
    switch (which) {
    case 0:
        kernels->adam(&adam, count, w, g, a, b, NULL);
        break;
    case 1:
        kernels->adam(&adam, count, w, g, a, b, c);
        break;
    case 2:
        kernels->rmsprop(&rmsprop, count, w, g, b, NULL, NULL);
        break;
    case 3:
        kernels->rmsprop(&rmsprop, count, w, g, b, a, NULL);
        break;
    case 4:
        kernels->rmsprop(&rmsprop, count, w, g, b, a, c);
        break;
    case 5:
        kernels->adagrad(&adagrad, count, w, g, b);
        break;
    case 6:
        kernels->rprop(&rprop, count, w, g, a, b);
        break;
    case 7:
        s->squares = kernels->lamb_moments(&adam, count, w, g, a, b);
        kernels->lamb_apply(&adam, count, w, a, b);
        break;
    default:
        s->squares = kernels->squares(&r, count, w, g);
        kernels->limit_norm(0.5, count, w);
    }
}

Test(kernels_optimizers, every_table_gives_the_same_bits_and_writes_nothing_else)
{
    if (ls_test_in_valgrind()) cr_skip_test("valgrind gives -0 for 0 - 0 * x by a fused multiply-add");
    for (int which = 0; which < STEPS; which++)
        for (int number = 0; number < RULES; number++)
            for (int count = 0; count <= 100; count += 1 + which % 3) {
                const int from = count % 7;
                state start, wanted;
                fill(&start);
                wanted = start;
                take(table(0), which, rule(number), count, &wanted, from);
                for (int t = 1; table(t); t++) {
                    state got = start;
                    take(table(t), which, rule(number), count, &got, from);
                    cr_assert(memcmp(&got, &wanted, sizeof got) == 0, "%s: step %d, rule %d, %d elements",
                              table(t)->name, which, number, count);
                }
                for (int a = 0; a < ARRAYS; a++)
                    for (int i = 0; i < SIZE; i++)
                        if (i < from || i >= from + count) cr_assert_eq(wanted.x[a][i], start.x[a][i]);
                cr_assert(memcmp(wanted.x[1], start.x[1], sizeof start.x[1]) == 0,
                          "the gradient was changed");
            }
}

/* Each element of a step depends on nothing but its own numbers. */
Test(kernels_optimizers, elements_do_not_depend_on_their_neighbours)
{
    for (int which = 0; which < STEPS - 1; which++) {
        state whole, parts;
        fill(&whole);
        parts = whole;
        take(ls_kernels_get(), which, rule(7), 100, &whole, 0);
        for (int i = 0; i < 100; i++) take(ls_kernels_get(), which, rule(7), 1, &parts, i);
        cr_assert(memcmp(whole.x, parts.x, sizeof parts.x) == 0, "step %d", which);
    }
}

Test(kernels_optimizers, squares_are_sums_of_squares)
{
    state s;
    fill(&s);
    for (int count = 0; count < 50; count++) {
        double w = 0, g = 0;
        ls_step_rule r = rule(3);
        for (int i = 0; i < count; i++) {
            double d = fmax(-0.1f, fmin(0.1f, 0.3f * (double)s.x[1][i])) + 0.01f * (double)s.x[0][i];
            w += (double)s.x[0][i] * (double)s.x[0][i];
            g += d * d;
        }
        ls_squares got = ls_kernels_get()->squares(&r, count, s.x[0], s.x[1]);
        cr_assert_float_eq(got.weight, w, 1e-14);
        cr_assert_float_eq(got.direction, g, 1e-6);
    }
}

Test(kernels_optimizers, limit_norm_scales_long_rows_alone)
{
    state s, before;
    fill(&s);
    before = s;
    double sum = 0;
    for (int i = 0; i < 37; i++) sum += (double)s.x[0][i] * (double)s.x[0][i];
    ls_kernels_get()->limit_norm(sqrt(sum) * 1.001, 37, s.x[0]);
    cr_assert(memcmp(&s, &before, sizeof s) == 0);
    ls_kernels_get()->limit_norm(0.25, 37, s.x[0]);
    for (int i = 0; i < 37; i++)
        cr_assert_float_eq(s.x[0][i], (double)before.x[0][i] * 0.25 / sqrt(sum), 1e-7);
    cr_assert_eq(s.x[0][37], before.x[0][37]);
}

/* Where the centred variance comes out negative, it is 0: the step stays finite. */
Test(kernels_optimizers, a_negative_variance_counts_as_zero)
{
    ls_rmsprop_step step = {
        .rule = {.learning_rate = 1e-3f, .gradient_scale = 1}, .alpha = 0.9f, .rest = 0.1f, .epsilon = 1e-3f};
    for (int t = 0; table(t); t++) {
        float w = 1, g = 0, square = 0.5f, average = 1;
        table(t)->rmsprop(&step, 1, &w, &g, &square, &average, NULL);
        cr_assert_eq(w, 1);
    }
}
