/* Each optimiser over many steps against its formula, written once more in double precision, as its paper has
 * it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/options.h"
#include "support/default_component.h"
#include "support/gradient_check.h"
#include "support/optimizer_run.h"
#include "support/run.h"

enum { COUNT = OPTIMIZER_COUNT, STEPS = 50 };

typedef struct reference {
    const optimizer_run *run;
    int64_t step; /* 1 for the first */
    double w[COUNT], a[COUNT], b[COUNT], c[COUNT];
} reference;

static double real(const reference *r, const char *key)
{
    return *(const double *)option_of(r->run->component, key);
}

static bool flag(const reference *r, const char *key)
{
    return *(const bool *)option_of(r->run->component, key);
}

static double sign(double x)
{
    return (x > 0) - (x < 0);
}

static double norm(const double *x)
{
    double sum = 0;
    for (int i = 0; i < COUNT; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static void sgd(reference *r, const double *g)
{
    double lr = real(r, "lr"), momentum = real(r, "momentum");
    for (int i = 0; i < COUNT; i++) {
        r->a[i] = momentum * r->a[i] + g[i];
        r->w[i] -= lr * (flag(r, "nesterov") ? g[i] + momentum * r->a[i] : r->a[i]);
    }
}

/* a: mean of squares, b: mean, c: velocity */
static void rmsprop(reference *r, const double *g)
{
    double alpha = real(r, "alpha");
    for (int i = 0; i < COUNT; i++) {
        r->a[i] = alpha * r->a[i] + (1 - alpha) * g[i] * g[i];
        r->b[i] = alpha * r->b[i] + (1 - alpha) * g[i];
        double variance = flag(r, "centered") ? r->a[i] - r->b[i] * r->b[i] : r->a[i];
        r->c[i] = real(r, "momentum") * r->c[i] + g[i] / (sqrt(variance) + real(r, "epsilon"));
        r->w[i] -= real(r, "lr") * r->c[i];
    }
}

static void adagrad(reference *r, const double *g)
{
    double lr = real(r, "lr") / (1 + (double)(r->step - 1) * real(r, "lr_decay"));
    for (int i = 0; i < COUNT; i++) {
        if (r->step == 1) r->a[i] = real(r, "initial");
        r->a[i] += g[i] * g[i];
        r->w[i] -= lr * g[i] / (sqrt(r->a[i]) + real(r, "epsilon"));
    }
}

/* The step of Adam without the learning rate; a: m, b: v, c: largest v. */
static void adam_direction(reference *r, const double *g, bool amsgrad, double *u)
{
    double beta1 = real(r, "beta1"), beta2 = real(r, "beta2");
    for (int i = 0; i < COUNT; i++) {
        r->a[i] = beta1 * r->a[i] + (1 - beta1) * g[i];
        r->b[i] = beta2 * r->b[i] + (1 - beta2) * g[i] * g[i];
        r->c[i] = fmax(r->c[i], r->b[i]);
        double m = r->a[i] / (1 - pow(beta1, (double)r->step));
        double v = (amsgrad ? r->c[i] : r->b[i]) / (1 - pow(beta2, (double)r->step));
        u[i] = m / (sqrt(v) + real(r, "epsilon"));
    }
}

static void adam(reference *r, const double *g)
{
    double u[COUNT];
    adam_direction(r, g, flag(r, "amsgrad"), u);
    for (int i = 0; i < COUNT; i++) r->w[i] -= real(r, "lr") * u[i];
}

static void lamb(reference *r, const double *g)
{
    double u[COUNT];
    adam_direction(r, g, false, u);
    for (int i = 0; i < COUNT; i++) u[i] += r->run->rule.weight_decay * r->w[i];
    double ratio = r->run->rule.decays ? norm(r->w) / norm(u) : 1;
    for (int i = 0; i < COUNT; i++) r->w[i] -= real(r, "lr") * ratio * u[i];
}

static void lars(reference *r, const double *g)
{
    double decay = r->run->rule.weight_decay;
    double local = r->run->rule.decays ? real(r, "trust") * norm(r->w) / (norm(g) + decay * norm(r->w)) : 1;
    for (int i = 0; i < COUNT; i++) {
        r->a[i] = real(r, "momentum") * r->a[i] + local * (g[i] + decay * r->w[i]);
        r->w[i] -= real(r, "lr") * r->a[i];
    }
}

/* a: gradient before, b: step size */
static void rprop(reference *r, const double *g)
{
    for (int i = 0; i < COUNT; i++) {
        double change = g[i] * r->a[i], gradient = g[i];
        if (r->step == 1) r->b[i] = real(r, "lr");
        if (change > 0) r->b[i] = fmin(r->b[i] * real(r, "grow"), real(r, "largest"));
        if (change < 0) r->b[i] = fmax(r->b[i] * real(r, "shrink"), real(r, "smallest"));
        if (change < 0) gradient = 0;
        r->w[i] -= sign(gradient) * r->b[i];
        r->a[i] = gradient;
    }
}

static const struct {
    const char *name;
    void (*step)(reference *r, const double *g);
    bool decays_itself; /* weight decay is not part of what step gets */
} formulas[] = {{"sgd", sgd, false},   {"rmsprop", rmsprop, false}, {"adagrad", adagrad, false},
                {"adam", adam, false}, {"adamw", adam, true},       {"lamb", lamb, true},
                {"lars", lars, true},  {"rprop", rprop, false}};
enum { FORMULAS = sizeof formulas / sizeof formulas[0] };

static int formula_of(const char *name)
{
    int f = 0;
    while (f < FORMULAS && strcmp(formulas[f].name, name) != 0) f++;
    cr_assert(f < FORMULAS, "there is no formula for %s: add it here", name);
    return f;
}

static void reference_step(reference *r, const float *gradient)
{
    const optimizer_run *run = r->run;
    const ls_optimizer_options *options = run->component->options;
    int f = formula_of(run->component->type->name);
    bool taken_off = options->decoupled || strcmp(formulas[f].name, "adamw") == 0;
    double decay = run->rule.weight_decay, g[COUNT];
    for (int i = 0; i < COUNT; i++) {
        g[i] = run->gradient_scale * gradient[i];
        if (run->clip_value > 0) g[i] = fmax(-run->clip_value, fmin(run->clip_value, g[i]));
        g[i] += run->rule.l1 * sign(r->w[i]);
        if (!taken_off && !formulas[f].decays_itself) g[i] += decay * r->w[i];
        if (taken_off) r->w[i] -= options->learning_rate * decay * r->w[i];
    }
    formulas[f].step(r, g);
}

typedef struct variant {
    const char *optimizer;
    double gradient_scale, clip_value; /* 0: 1 and none */
    bool frozen_bias;                  /* a parameter that does not decay */
} variant;

/* Weights stay below 8 here, so a step rounds by a few times 2^-22 and constants by 2^-24 of their value:
   less than 1e-4 in 50 steps. A wrong formula is off by more than 1e-2. */
static void follow(const variant *v)
{
    optimizer_run *run = optimizer_begin(v->optimizer);
    reference r = {.run = run};
    if (v->gradient_scale > 0) run->gradient_scale = v->gradient_scale;
    run->clip_value = v->clip_value;
    if (v->frozen_bias) run->rule = (ls_parameter_rule){.lr_factor = 1};
    for (int i = 0; i < COUNT; i++) r.w[i] = run->w[i] = (float)test_number(1, 1, (uint64_t)i);
    double moved = 0, worst = 0;
    for (int step = 0; step < STEPS; step++) {
        float gradient[COUNT];
        for (int i = 0; i < COUNT; i++) gradient[i] = (float)(run->w[i] - 2 * test_number(1, 2, (uint64_t)i));
        optimizer_step(run, gradient);
        r.step = step + 1;
        reference_step(&r, gradient);
    }
    for (int i = 0; i < COUNT; i++) {
        worst = fmax(worst, fabs(run->w[i] - r.w[i]));
        moved = fmax(moved, fabs(run->w[i] - test_number(1, 1, (uint64_t)i)));
    }
    cr_expect(worst <= 1e-4, "%s: w is off by %g", v->optimizer, worst);
    cr_expect(moved > 0.01, "%s: w has hardly moved: %g", v->optimizer, moved);
    optimizer_end(run);
}

Test(optimizers, follow_their_formulas_over_50_steps)
{
    static const variant variants[] = {
        {.optimizer = "{type: sgd, lr: 0.1}"},
        {.optimizer = "{type: sgd, lr: 0.1, weight_decay: 0.3}"},
        {.optimizer = "{type: sgd, lr: 0.1, weight_decay: 0.3, decoupled: true, l1: 0.05}",
         .gradient_scale = 0.7,
         .clip_value = 0.5},
        {.optimizer = "{type: sgd, lr: 0.05, momentum: 0.8}"},
        {.optimizer = "{type: sgd, lr: 0.05, momentum: 0.8, nesterov: true}"},
        {.optimizer = "{type: sgd, lr: 0.05, momentum: 0.8, weight_decay: 0.2}", .gradient_scale = 0.25},
        {.optimizer = "{type: sgd, lr: 0.05, momentum: 0.8, nesterov: true, weight_decay: 0.2, l1: 0.1}",
         .gradient_scale = 0.25,
         .clip_value = 0.3},
        {.optimizer = "{type: rmsprop}"},
        {.optimizer = "{type: rmsprop, momentum: 0.7, weight_decay: 0.1}"},
        {.optimizer = "{type: rmsprop, centered: true, alpha: 0.9, epsilon: 0.001}"},
        {.optimizer = "{type: rmsprop, centered: true, momentum: 0.5, epsilon: 0.001, l1: 0.01}",
         .gradient_scale = 0.5,
         .clip_value = 1},
        {.optimizer = "{type: adagrad, lr: 0.1}"},
        {.optimizer = "{type: adagrad, lr: 0.1, lr_decay: 0.1, initial: 0.5, weight_decay: 0.1}",
         .gradient_scale = 0.5},
        {.optimizer = "{type: adagrad, lr: 0.1, decoupled: true, weight_decay: 0.1}",
         .gradient_scale = 0.5,
         .clip_value = 0.2},
        {.optimizer = "{type: adam, lr: 0.02}"},
        {.optimizer = "{type: adam, lr: 0.02, amsgrad: true, beta1: 0.8, beta2: 0.9}"},
        {.optimizer = "{type: adam, lr: 0.02, weight_decay: 0.3, epsilon: 0.01}", .gradient_scale = 0.1},
        {.optimizer = "{type: adam, lr: 0.02, amsgrad: true, l1: 0.1, beta1: 0}",
         .gradient_scale = 0.1,
         .clip_value = 0.05},
        {.optimizer = "{type: adamw, lr: 0.02, weight_decay: 0.5}"},
        {.optimizer = "{type: adamw, lr: 0.02, weight_decay: 0.5, amsgrad: true}",
         .gradient_scale = 0.1,
         .clip_value = 0.05},
        {.optimizer = "{type: lamb, lr: 0.02, weight_decay: 0.2}"},
        {.optimizer = "{type: lamb, lr: 0.02, beta2: 0.9, l1: 0.05}",
         .gradient_scale = 0.3,
         .clip_value = 0.1},
        {.optimizer = "{type: lamb, lr: 0.02}", .frozen_bias = true},
        {.optimizer = "{type: lars, lr: 10, weight_decay: 0.1}"},
        {.optimizer = "{type: lars, lr: 5, momentum: 0, trust: 0.01, l1: 0.05}",
         .gradient_scale = 0.3,
         .clip_value = 0.1},
        {.optimizer = "{type: lars, lr: 0.05, momentum: 0.5, weight_decay: 0.1}", .frozen_bias = true},
        {.optimizer = "{type: rprop}"},
        {.optimizer = "{type: rprop, lr: 0.1, grow: 1.5, shrink: 0.3, largest: 0.2, smallest: 0.01}"},
        {.optimizer = "{type: rprop, weight_decay: 0.1, l1: 0.03}", .gradient_scale = 0.5, .clip_value = 0.4},
    };
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) follow(&variants[v]);
}

/* The options of all optimisers begin with the same struct; the trainer relies on it. */
Test(optimizers, options_begin_with_the_common_ones)
{
    for (const ls_component_type *const *type = ls_optimizer_registry.types; *type != NULL; type++) {
        const ls_option *table = (*type)->options;
        cr_expect_eq(ls_option_find(table, "lr")->offset, offsetof(ls_optimizer_options, learning_rate));
        cr_expect_eq(ls_option_find(table, "weight_decay")->offset,
                     offsetof(ls_optimizer_options, weight_decay));
        cr_expect_eq(ls_option_find(table, "l1")->offset, offsetof(ls_optimizer_options, l1));
        cr_expect_eq(ls_option_find(table, "max_norm")->offset, offsetof(ls_optimizer_options, max_norm));
        cr_expect_eq(ls_option_find(table, "schedule")->offset, offsetof(ls_optimizer_options, schedule));
        cr_expect_eq(ls_option_find(table, "warmup")->offset, offsetof(ls_optimizer_options, warmup));
        cr_expect_eq(ls_option_find(table, "groups")->offset, offsetof(ls_optimizer_options, groups));
        ls_component component = default_component(&ls_optimizer_registry, (*type)->name, 1);
        cr_expect_null((*type)->check(component.options), "%s: defaults", (*type)->name);
        cr_expect_eq(((const ls_optimizer_type *)*type)->squares == NULL,
                     ((const ls_optimizer_type *)*type)->ratio == NULL);
        ls_component_clear(&component);
    }
}

static void expect_states(const char *optimizer, int count, const char *first, const char *last)
{
    optimizer_run *run = optimizer_begin(optimizer);
    const char *name[LS_STATES_MAX];
    int states = run->type->states(run->component->options, name);
    cr_expect_eq(states, count, "%s", optimizer);
    if (count > 0) {
        cr_expect_str_eq(name[0], first);
        cr_expect_str_eq(name[count - 1], last);
    }
    optimizer_end(run);
}

Test(optimizers, keep_the_state_that_their_options_need)
{
    expect_states("{type: sgd}", 0, NULL, NULL);
    expect_states("{type: sgd, momentum: 0.5}", 1, "velocity", "velocity");
    expect_states("{type: rmsprop}", 1, "square", "square");
    expect_states("{type: rmsprop, momentum: 0.5}", 2, "square", "velocity");
    expect_states("{type: rmsprop, centered: true}", 2, "square", "average");
    expect_states("{type: rmsprop, centered: true, momentum: 0.5}", 3, "square", "velocity");
    expect_states("{type: adam}", 2, "mean", "square");
    expect_states("{type: adam, amsgrad: true}", 3, "mean", "largest_square");
    expect_states("{type: lars, momentum: 0}", 0, NULL, NULL);
    expect_states("{type: rprop}", 2, "previous_gradient", "step_size");
}

static void run_some(optimizer_run *run, int steps)
{
    for (int step = 0; step < steps; step++) {
        float gradient[COUNT];
        for (int i = 0; i < COUNT; i++)
            gradient[i] = (float)(run->w[i] - 2 * test_number(4, 2, (uint64_t)(i + step % 3 * COUNT)));
        optimizer_step(run, gradient);
    }
}

static void start(optimizer_run *run)
{
    for (int i = 0; i < COUNT; i++) run->w[i] = i % 16 == 15 ? 0 : (float)test_number(4, 1, (uint64_t)i);
}

/* Where norms are added over pieces, pieces are part of the definition (they are the same on every layout);
   all else is elementwise. Stopping in the middle and going on with weights, state and the number of steps
   changes nothing. */
Test(optimizers, pieces_and_a_stop_in_the_middle_do_not_change_bits)
{
    for (const ls_component_type *const *type = ls_optimizer_registry.types; *type != NULL; type++) {
        if (((const ls_optimizer_type *)*type)->whole != NULL) continue; /* test_lbfgs_training.c */
        optimizer_run *one = optimizer_begin(optimizer_example((*type)->name));
        start(one);
        one->piece = one->type->squares != NULL ? 32 : COUNT;
        run_some(one, 30);
        for (int piece = 16; piece <= 80; piece += 16) {
            if (one->type->squares != NULL && piece != 32) continue;
            optimizer_run *first = optimizer_begin(optimizer_example((*type)->name));
            optimizer_run *second = optimizer_begin(optimizer_example((*type)->name));
            start(first);
            first->piece = second->piece = piece;
            run_some(first, 12);
            memcpy(second->w, first->w, sizeof first->w);
            memcpy(second->state, first->state, sizeof first->state);
            second->steps = 12;
            run_some(second, 18);
            cr_expect(memcmp(second->w, one->w, sizeof one->w) == 0, "%s, pieces of %d", (*type)->name,
                      piece);
            cr_expect(memcmp(second->state, one->state, sizeof one->state) == 0, "%s, pieces of %d: state",
                      (*type)->name, piece);
            optimizer_end(first);
            optimizer_end(second);
        }
        optimizer_end(one);
    }
}

/* Elements of padding have weight and gradient 0 and must stay 0, else products over whole rows would see
 * them. */
Test(optimizers, padding_stays_zero)
{
    if (ls_test_in_valgrind()) cr_skip_test("valgrind gives -0 for 0 - 0 * x by a fused multiply-add");
    for (const ls_component_type *const *type = ls_optimizer_registry.types; *type != NULL; type++) {
        if (((const ls_optimizer_type *)*type)->whole != NULL) continue; /* test_lbfgs_training.c */
        optimizer_run *run = optimizer_begin(optimizer_example((*type)->name));
        float gradient[COUNT] = {0};
        for (int i = 0; i < COUNT / 2; i++) run->w[i] = gradient[i] = (float)test_number(4, 1, (uint64_t)i);
        for (int step = 0; step < 20; step++) optimizer_step(run, gradient);
        for (int i = COUNT / 2; i < COUNT; i++)
            cr_assert(run->w[i] == 0 && !signbit(run->w[i]), "%s: %g", (*type)->name, run->w[i]);
        cr_expect(run->w[0] != gradient[0] && isfinite(run->w[0]), "%s", (*type)->name);
        optimizer_end(run);
    }
}

/* A whole parameter of zeros, or of zero gradient, has no ratio. */
Test(optimizers, a_norm_of_zero_gives_a_plain_step)
{
    static const char *const names[] = {"lars", "lamb"};
    for (int n = 0; n < 2; n++) {
        optimizer_run *run = optimizer_begin(optimizer_example(names[n]));
        float gradient[COUNT] = {1};
        optimizer_step(run, gradient);
        cr_expect(isfinite(run->w[0]) && run->w[0] < 0, "%s: %g", names[n], run->w[0]);
        memset(gradient, 0, sizeof gradient);
        for (int step = 0; step < 10; step++) optimizer_step(run, gradient);
        for (int i = 0; i < COUNT; i++) cr_expect(isfinite(run->w[i]));
        optimizer_end(run);
    }
}

static void expect_refused(const char *optimizer, const char *message)
{
    ls_recipe *recipe = NULL;
    char text[400];
    snprintf(text, sizeof text, "data: xor\nmodel: [{type: dense, units: 1}]\nloss: mse\noptimizer: %s\n",
             optimizer);
    cr_expect_eq(ls_recipe_parse(text, "test", NULL, NULL, 0, &recipe), LS_ERROR_RECIPE, "%s", optimizer);
    cr_expect(strstr(ls_error_message(), message) != NULL, "%s: %s", optimizer, ls_error_message());
    ls_recipe_free(recipe);
}

/* What a table of options cannot say, and what float32 makes of numbers next to a limit. */
Test(optimizers, options_that_cannot_work_are_refused)
{
    expect_refused("{type: sgd, nesterov: true}",
                   "test:4:12: optimizer sgd: nesterov needs momentum above 0");
    expect_refused("{type: sgd, momentum: 1}", "momentum must be below 1");
    expect_refused("{type: sgd, momentum: 0.999999999999}", "momentum must be below 1");
    expect_refused("{type: sgd, lr: 0}", "lr must be above 0");
    expect_refused("{type: sgd, lr: 1e-60}", "lr must be above 0");
    expect_refused("{type: sgd, lr: -1}", "expected a number");
    expect_refused("{type: rmsprop, alpha: 1}", "alpha must be below 1");
    expect_refused("{type: rmsprop, epsilon: 0}", "epsilon must be above 0");
    expect_refused("{type: rmsprop, momentum: 1}", "momentum must be below 1");
    expect_refused("{type: adagrad, epsilon: 1e-50}", "epsilon must be above 0");
    expect_refused("{type: adam, beta1: 1}", "beta1 must be below 1");
    expect_refused("{type: adamw, beta2: 1}", "beta2 must be below 1");
    expect_refused("{type: lamb, epsilon: 0}", "epsilon must be above 0");
    expect_refused("{type: adamw, decoupled: true}", "unknown key 'decoupled'");
    expect_refused("{type: lars, trust: 0}", "trust must be above 0");
    expect_refused("{type: rprop, shrink: 1}", "shrink must be between 0 and 1");
    expect_refused("{type: rprop, grow: 1}", "grow must be above 1");
    expect_refused("{type: rprop, smallest: 50}", "smallest must be below largest");
    expect_refused("{type: rprop, schedule: cosine}", "expected neither warmup nor a schedule");
    expect_refused("{type: rprop, warmup: {length: 1}}", "expected neither warmup nor a schedule");
    expect_refused("{type: lbfgs, schedule: cosine}", "expected neither warmup nor a schedule");
    expect_refused("{type: adm}", "did you mean 'adam'?");
}
