#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "optim/optimizer.h"
#include "support/default_component.h"
#include "support/gradient_check.h"

enum { COUNT = 48, STEPS = 50 };

static ls_component optimizer(const char *name)
{
    return default_component(&ls_optimizer_registry, name, 1);
}

static ls_component sgd(double lr, double momentum, bool nesterov, double weight_decay)
{
    ls_component component = optimizer("sgd");
    *(double *)option_of(&component, "lr") = lr;
    *(double *)option_of(&component, "momentum") = momentum;
    *(bool *)option_of(&component, "nesterov") = nesterov;
    *(double *)option_of(&component, "weight_decay") = weight_decay;
    return component;
}

/* The options of all optimisers begin with the same struct; the trainer relies on it. */
Test(optimizers, options_begin_with_the_common_ones)
{
    for (const ls_component_type *const *type = ls_optimizer_registry.types; *type != NULL; type++) {
        cr_expect_eq(ls_option_find((*type)->options, "lr")->offset,
                     offsetof(ls_optimizer_options, learning_rate));
        cr_expect_eq(ls_option_find((*type)->options, "weight_decay")->offset,
                     offsetof(ls_optimizer_options, weight_decay));
        cr_expect_eq(ls_option_find((*type)->options, "schedule")->offset,
                     offsetof(ls_optimizer_options, schedule));
        ls_component component = optimizer((*type)->name);
        int states = ((const ls_optimizer_type *)*type)->states(component.options);
        cr_expect(states >= 0 && states <= LS_STATES_MAX);
        for (int s = 0; s < states; s++)
            cr_expect_not_null(((const ls_optimizer_type *)*type)->state_name[s]);
        if ((*type)->check != NULL)
            cr_expect_null((*type)->check(component.options), "%s: defaults", (*type)->name);
        ls_component_clear(&component);
    }
}

Test(optimizers, sgd_keeps_a_velocity_only_with_momentum)
{
    ls_component component = sgd(0.1, 0, false, 0);
    const ls_optimizer_type *type = (const ls_optimizer_type *)component.type;
    cr_expect_eq(type->states(component.options), 0);
    *(double *)option_of(&component, "momentum") = 0.5;
    cr_expect_eq(type->states(component.options), 1);
    cr_expect_str_eq(type->state_name[0], "velocity");
    ls_component_clear(&component);
}

static void expect_check(double lr, double momentum, bool nesterov, const char *message)
{
    ls_component component = sgd(lr, momentum, nesterov, 0);
    const char *said = component.type->check(component.options);
    if (message == NULL)
        cr_expect_null(said, "%s", said);
    else
        cr_expect(said != NULL && strcmp(said, message) == 0, "%s", said == NULL ? "nothing" : said);
    ls_component_clear(&component);
}

Test(optimizers, sgd_checks_what_its_table_cannot)
{
    expect_check(0.1, 0, false, NULL);
    expect_check(0.1, 0.999, true, NULL);
    expect_check(0.1, 0, true, "nesterov needs momentum above 0");
    expect_check(0.1, 1, false, "momentum must be below 1");
    expect_check(0.1, 1 - 1e-12, false, "momentum must be below 1");
    expect_check(0, 0, false, "lr must be above 0");
    expect_check(1e-60, 0, false, "lr must be above 0");
    expect_check(NAN, 0, false, "lr must be above 0");
}

typedef struct variant {
    double lr, momentum;
    bool nesterov;
    double weight_decay, gradient_scale;
    bool decay;
} variant;

/* The formulas of Sutskever et al. in PyTorch's form, in double precision. */
static void reference_step(const variant *v, const float *gradient, double *w, double *velocity)
{
    for (int i = 0; i < COUNT; i++) {
        double g = v->gradient_scale * gradient[i] + (v->decay ? v->weight_decay : 0) * w[i];
        velocity[i] = v->momentum * velocity[i] + g;
        w[i] -= v->lr * (v->nesterov ? g + v->momentum * velocity[i] : velocity[i]);
    }
}

/* Weights and velocities stay below 8 here, so a step rounds by at most a few times 2^-22 and the constants
 * by 2^-24 of their value; in 50 steps that is less than 1e-4 in all. A wrong formula is off by more than
 * 1e-2. */
static void follow_reference(const variant *v)
{
    _Alignas(64) static float w[COUNT], gradient[COUNT], velocity[COUNT];
    static double exact_w[COUNT], exact_velocity[COUNT];
    ls_component component = sgd(v->lr, v->momentum, v->nesterov, v->weight_decay);
    const ls_optimizer_type *type = (const ls_optimizer_type *)component.type;
    for (int i = 0; i < COUNT; i++) {
        exact_w[i] = w[i] = (float)test_number(1, 1, (uint64_t)i);
        exact_velocity[i] = velocity[i] = 0;
    }
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < COUNT; i++) gradient[i] = (float)(w[i] - test_number(1, 2, (uint64_t)i));
        ls_update update = {.kernels = ls_kernels_get(),
                            .count = COUNT,
                            .w = w,
                            .gradient = gradient,
                            .state = {velocity},
                            .learning_rate = v->lr,
                            .gradient_scale = v->gradient_scale,
                            .decay = v->decay,
                            .step = step + 1};
        type->update(component.options, &update);
        reference_step(v, gradient, exact_w, exact_velocity);
    }
    double worst = 0, worst_velocity = 0;
    for (int i = 0; i < COUNT; i++) {
        worst = fmax(worst, fabs(w[i] - exact_w[i]));
        worst_velocity = fmax(worst_velocity, fabs(velocity[i] - exact_velocity[i]));
    }
    cr_expect_leq(worst, 1e-4, "lr %g momentum %g nesterov %d: w is off by %g", v->lr, v->momentum,
                  v->nesterov, worst);
    if (v->momentum > 0) cr_expect_leq(worst_velocity, 1e-4, "velocity is off by %g", worst_velocity);
    ls_component_clear(&component);
}

Test(optimizers, sgd_follows_the_formula_over_50_steps)
{
    static const variant variants[] = {
        {.lr = 0.1, .gradient_scale = 1, .decay = true},
        {.lr = 0.1, .weight_decay = 0.3, .gradient_scale = 1, .decay = true},
        {.lr = 0.1, .weight_decay = 0.3, .gradient_scale = 1, .decay = false},
        {.lr = 0.05, .momentum = 0.8, .gradient_scale = 1, .decay = true},
        {.lr = 0.05, .momentum = 0.8, .nesterov = true, .gradient_scale = 1, .decay = true},
        {.lr = 0.05, .momentum = 0.8, .weight_decay = 0.2, .gradient_scale = 0.25, .decay = true},
        {.lr = 0.05,
         .momentum = 0.8,
         .nesterov = true,
         .weight_decay = 0.2,
         .gradient_scale = 0.25,
         .decay = true},
    };
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) follow_reference(&variants[v]);
}

Test(optimizers, no_schedule_and_the_constant_one_leave_the_rate)
{
    ls_component none = {.type = NULL}, constant = default_component(&ls_schedule_registry, "constant", 1);
    for (int64_t epoch = 0; epoch < 100; epoch += 33) {
        cr_expect_eq(ls_schedule_rate(&none, 0.3, epoch, epoch * 7), 0.3);
        cr_expect_eq(ls_schedule_rate(&constant, 0.3, epoch, epoch * 7), 0.3);
    }
}

Test(optimizers, step_schedule_multiplies_once_a_period)
{
    ls_component steps = default_component(&ls_schedule_registry, "step", 5);
    *(double *)option_of(&steps, "factor") = 0.5;
    for (int64_t epoch = 0; epoch < 40; epoch++)
        cr_expect_eq(ls_schedule_rate(&steps, 0.3, epoch, 1000), ldexp(0.3, -(int)(epoch / 5)), "epoch %d",
                     (int)epoch);
    *(double *)option_of(&steps, "factor") = 0.1;
    double expected = 0.3;
    for (int64_t epoch = 0; epoch < 100; epoch++) {
        if (epoch > 0 && epoch % 5 == 0) expected *= 0.1;
        double rate = ls_schedule_rate(&steps, 0.3, epoch, 0);
        cr_expect(fabs(rate - expected) <= 1e-14 * expected, "epoch %d: %g instead of %g", (int)epoch, rate,
                  expected);
    }
    cr_expect_eq(ls_schedule_rate(&steps, 0.3, INT64_C(4000000000000), 0), 0);
    ls_component_clear(&steps);
}

Test(optimizers, every_schedule_starts_at_a_positive_rate)
{
    for (const ls_component_type *const *type = ls_schedule_registry.types; *type != NULL; type++) {
        ls_component component = default_component(&ls_schedule_registry, (*type)->name, 3);
        cr_expect_gt(ls_schedule_rate(&component, 0.3, 0, 0), 0, "%s", (*type)->name);
        ls_component_clear(&component);
    }
}
