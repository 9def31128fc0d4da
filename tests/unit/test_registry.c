/* Every loss of the registry: derivatives against finite differences in double precision, then the float
 * kernels against the double reference. A new one is tested by being registered. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/options.h"
#include "support/default_component.h"
#include "support/gradient_check.h"

static const double unit_roundoff = 0x1p-24;

static void draw(float *array, int64_t count, double scale, uint64_t series)
{
    for (int64_t i = 0; i < count; i++) array[i] = (float)(scale * test_number(11, series, (uint64_t)i));
}

/* Losses, at sizes that their check accepts. */
typedef void (*loss_check)(const ls_loss_type *type, const void *options, int64_t units);

static void for_each_loss(loss_check check)
{
    static const int64_t units[] = {1, 2, 3, 17};
    cr_assert_not_null(ls_loss_registry.types[0]);
    for (const ls_component_type *const *type = ls_loss_registry.types; *type != NULL; type++) {
        ls_component component = default_component(&ls_loss_registry, (*type)->name, 1);
        const ls_loss_type *loss = (const ls_loss_type *)component.type;
        int accepted = 0;
        for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
            int64_t classes = loss->target == LS_TARGET_LABELS ? units[u] : 0;
            if (loss->check(component.options, units[u], classes, classes == 0 ? units[u] : 0) != LS_OK)
                continue;
            accepted++;
            check(loss, component.options, units[u]);
        }
        cr_assert_gt(accepted, 1, "%s accepts none of the sizes tried", (*type)->name);
        ls_component_clear(&component);
    }
}

enum { LANES = 48 };

typedef struct loss_case {
    float x[17 * LANES], values[17 * LANES], weight[LANES], delta[17 * LANES], loss[LANES];
    int32_t label[LANES];
    double x_of[17], values_of[17], gradient[17];
    ls_loss_target target;
} loss_case;

static void loss_case_make(int64_t units, loss_case *made)
{
    draw(made->x, units * LANES, 4, 21);
    draw(made->values, units * LANES, 0.5, 22);
    for (int64_t i = 0; i < units * LANES; i++) made->values[i] += 0.5F;
    for (int64_t n = 0; n < LANES; n++) {
        made->weight[n] = n % 7 == 3 ? 0 : 1;
        made->label[n] = (int32_t)((n * 5) % units);
    }
    made->target = (ls_loss_target){.values = made->values, .label = made->label, .weight = made->weight};
}

static void loss_case_take_lane(loss_case *made, int64_t units, int64_t lane)
{
    for (int64_t u = 0; u < units; u++) {
        made->x_of[u] = made->x[u * LANES + lane];
        made->values_of[u] = made->values[u * LANES + lane];
    }
}

static _Alignas(64) loss_case the_loss_case;

static void expect_right_loss_gradient(const ls_loss_type *type, const void *options, int64_t units)
{
    loss_case *made = &the_loss_case;
    loss_case_make(units, made);
    for (int64_t n = 0; n < LANES; n++) {
        loss_case_take_lane(made, units, n);
        gradient_report report =
            check_loss_gradient(type, options, units, made->x_of, made->values_of, made->label[n]);
        cr_expect_leq(report.worst, 1, "%s: %s", type->base.name, report.where);
    }
}

Test(registry, losses_have_the_derivatives_of_their_functions)
{
    for_each_loss(expect_right_loss_gradient);
}

static const ls_loss_type *broken_loss_original;

static double broken_loss(const void *options, int64_t units, const double *x, const double *values,
                          int32_t label, double *gradient)
{
    double loss = broken_loss_original->reference(options, units, x, values, label, gradient);
    if (gradient != NULL) gradient[units - 1] += 1e-6;
    return loss;
}

static void expect_loss_detection(const ls_loss_type *type, const void *options, int64_t units)
{
    loss_case *made = &the_loss_case;
    loss_case_make(units, made);
    loss_case_take_lane(made, units, 0);
    broken_loss_original = type;
    ls_loss_type broken = *type;
    broken.reference = broken_loss;
    gradient_report report =
        check_loss_gradient(&broken, options, units, made->x_of, made->values_of, made->label[0]);
    cr_expect_gt(report.worst, 1, "%s: a wrong derivative is not seen", type->base.name);
}

Test(registry, a_broken_loss_derivative_is_caught)
{
    for_each_loss(expect_loss_detection);
}

/* A loss adds one term a unit, each at most 25 here; derivatives are at most 9. A few roundings each. */
static void expect_loss_in_float(const ls_loss_type *type, const void *options, int64_t units)
{
    loss_case *made = &the_loss_case;
    loss_case_make(units, made);
    type->panel(options, ls_kernels_get(), units, LANES, made->x, &made->target, made->delta, made->loss);
    double allowed = (double)(units + 8) * unit_roundoff;
    for (int64_t n = 0; n < LANES; n++) {
        loss_case_take_lane(made, units, n);
        double loss =
            type->reference(options, units, made->x_of, made->values_of, made->label[n], made->gradient);
        double weight = made->weight[n];
        cr_expect_float_eq(made->loss[n], weight * loss, allowed * 25 * (double)units,
                           "%s: loss of lane %lld", type->base.name, (long long)n);
        for (int64_t u = 0; u < units; u++)
            cr_expect_float_eq(made->delta[u * LANES + n], weight * made->gradient[u], allowed * 9,
                               "%s: derivative by unit %lld of lane %lld", type->base.name, (long long)u,
                               (long long)n);
    }
    static float loss_alone[LANES];
    type->panel(options, ls_kernels_get(), units, LANES, made->x, &made->target, NULL, loss_alone);
    cr_expect_eq(memcmp(loss_alone, made->loss, sizeof loss_alone), 0, "%s: without derivatives",
                 type->base.name);
}

Test(registry, losses_in_float_follow_their_reference)
{
    for_each_loss(expect_loss_in_float);
}
