/* Every loss of the registry, with its defaults and with options: derivatives against finite differences in
 * double precision, then the float kernels against the double reference. A new loss is tested by being
 * registered; a new option by a line in the table of variants. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "io/text.h"
#include "support/default_component.h"
#include "support/gradient_check.h"

enum { LANES = 48, UNITS_MAX = 17 };
static const double unit_roundoff = 0x1p-24;
static const double kink_distance = 4e-3;

/* The options of a loss as YAML; %s stands for one weight a unit. */
typedef struct variant {
    const char *loss, *options;
    double low, high; /* of outputs */
} variant;

static const variant variants[] = {
    {"huber", "delta: 0.3", -4, 4},
    {"binary_cross_entropy", "pos_weight: 2.5", -4, 4},
    {"binary_cross_entropy", "pos_weight: %s", -4, 4},
    {"binary_cross_entropy", "label_smoothing: 0.2", -4, 4},
    {"binary_cross_entropy", "pos_weight: %s, label_smoothing: 0.1", -4, 4},
    {"softmax_cross_entropy", "label_smoothing: 0.1", -4, 4},
    {"softmax_cross_entropy", "class_weights: %s", -4, 4},
    {"softmax_cross_entropy", "class_weights: %s, label_smoothing: 0.3", -4, 4},
    {"softmax_cross_entropy", "ignore_label: 1", -4, 4},
    {"hinge", "power: 2", -4, 4},
    {"hinge", "margin: 0.4", -4, 4},
    {"poisson", "log_input: false", 0.5, 6},
    {"poisson", "log_input: false, epsilon: 0.25", 0.5, 6},
};

typedef struct loss_case {
    const ls_loss_type *type;
    const void *options;
    const char *text; /* for messages */
    int64_t units;
    float x[UNITS_MAX * LANES], values[UNITS_MAX * LANES], weight[LANES], delta[UNITS_MAX * LANES];
    float loss[LANES];
    int32_t label[LANES];
    double x_of[UNITS_MAX], values_of[UNITS_MAX], gradient[UNITS_MAX];
    ls_loss_target target;
} loss_case;

typedef void (*loss_check)(loss_case *made);

static _Alignas(64) loss_case the_loss_case;

static void loss_case_make(loss_case *made, double low, double high)
{
    for (int64_t i = 0; i < made->units * LANES; i++) {
        made->x[i] = (float)(low + (high - low) * (0.5 + 0.5 * test_number(11, 21, (uint64_t)i)));
        made->values[i] = (float)(0.5 + 0.5 * test_number(11, 22, (uint64_t)i));
    }
    int64_t classes = made->units == 1 ? 2 : made->units;
    for (int64_t n = 0; n < LANES; n++) {
        made->label[n] = (int32_t)((n * 5) % classes);
        bool ignored = made->type->ignores != NULL && made->type->ignores(made->options, made->label[n]);
        made->weight[n] = n % 7 == 3 || ignored ? 0 : 1;
    }
    made->target = (ls_loss_target){.values = made->values, .label = made->label, .weight = made->weight};
}

static void take_lane(loss_case *made, int64_t lane)
{
    for (int64_t u = 0; u < made->units; u++) {
        made->x_of[u] = made->x[u * LANES + lane];
        made->values_of[u] = made->values[u * LANES + lane];
    }
}

static double distance_to_kink(const loss_case *made, int64_t lane)
{
    if (made->type->kink == NULL) return INFINITY;
    return made->type->kink(made->options, made->units, made->x_of, made->values_of, made->label[lane]);
}

/* "[0.5, 0.75, 1, ...]" */
static void write_weights(int64_t units, char *text, size_t size)
{
    for (int64_t u = 0; u < units; u++)
        ls_append(text, size, "%s%g", u == 0 ? "[" : ", ", 0.5 + 0.25 * (double)u);
    ls_append(text, size, "]");
}

static ls_component read_loss(const char *loss, const char *options, int64_t units)
{
    char weights[256] = "", text[600] = "";
    write_weights(units, weights, sizeof weights);
    const char *place = strstr(options, "%s");
    ls_append(text, sizeof text, "{type: %s, ", loss);
    ls_append(text, sizeof text, "%.*s%s%s}", place ? (int)(place - options) : 100, options,
              place ? weights : "", place ? place + 2 : "");
    return component_of(&ls_loss_registry, text);
}

/* At sizes that the loss accepts. */
static void check_variant(const variant *wanted, loss_check check)
{
    static const int64_t units[] = {1, 2, 3, UNITS_MAX};
    int accepted = 0;
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        ls_component component = read_loss(wanted->loss, wanted->options, units[u]);
        loss_case *made = &the_loss_case;
        made->type = (const ls_loss_type *)component.type;
        made->options = component.options;
        made->text = wanted->options;
        made->units = units[u];
        int64_t classes = made->type->target == LS_TARGET_LABELS ? (units[u] == 1 ? 2 : units[u]) : 0;
        if (made->type->check(component.options, units[u], classes, classes == 0 ? units[u] : 0) == LS_OK) {
            accepted++;
            loss_case_make(made, wanted->low, wanted->high);
            check(made);
        }
        ls_component_clear(&component);
    }
    cr_assert_gt(accepted, 1, "%s accepts none of the sizes tried", wanted->loss);
}

static void for_each_loss(loss_check check)
{
    cr_assert_not_null(ls_loss_registry.types[0]);
    for (const ls_component_type *const *type = ls_loss_registry.types; *type != NULL; type++)
        check_variant(&(variant){(*type)->name, "", -4, 4}, check);
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) check_variant(&variants[v], check);
}

static void expect_right_gradient(loss_case *made)
{
    int checked = 0;
    for (int64_t n = 0; n < LANES; n++) {
        take_lane(made, n);
        if (distance_to_kink(made, n) <= kink_distance) continue;
        checked++;
        gradient_report report = check_loss_gradient(made->type, made->options, made->units, made->x_of,
                                                     made->values_of, made->label[n]);
        cr_expect_leq(report.worst, 1, "%s {%s}: %s", made->type->base.name, made->text, report.where);
    }
    cr_expect_gt(checked, LANES / 2, "%s {%s}: too many lanes are near kinks", made->type->base.name,
                 made->text);
}

Test(registry_losses, have_the_derivatives_of_their_functions)
{
    for_each_loss(expect_right_gradient);
}

static const ls_loss_type *broken_original;

static double broken_loss(const void *options, int64_t units, const double *x, const double *values,
                          int32_t label, double *gradient)
{
    double loss = broken_original->reference(options, units, x, values, label, gradient);
    if (gradient != NULL) gradient[units - 1] += 1e-6;
    return loss;
}

static void expect_detection(loss_case *made)
{
    int64_t lane = 0;
    for (take_lane(made, 0); distance_to_kink(made, lane) <= kink_distance; take_lane(made, lane)) lane++;
    broken_original = made->type;
    ls_loss_type broken = *made->type;
    broken.reference = broken_loss;
    gradient_report report = check_loss_gradient(&broken, made->options, made->units, made->x_of,
                                                 made->values_of, made->label[lane]);
    cr_expect_gt(report.worst, 1, "%s: a wrong derivative is not seen", made->type->base.name);
}

Test(registry_losses, a_broken_derivative_is_caught)
{
    for_each_loss(expect_detection);
}

/* A loss adds one term a unit, each at most 81 here; derivatives are at most 26. A few roundings each. */
static void expect_the_reference(loss_case *made)
{
    int64_t units = made->units;
    const ls_kernels *kernels = ls_kernels_get();
    made->type->panel(made->options, kernels, units, LANES, made->x, &made->target, made->delta, made->loss);
    double allowed = (double)(units + 8) * unit_roundoff;
    for (int64_t n = 0; n < LANES; n++) {
        take_lane(made, n);
        if (distance_to_kink(made, n) <= 1e-4) continue;
        double loss = made->type->reference(made->options, units, made->x_of, made->values_of, made->label[n],
                                            made->gradient);
        double weight = made->weight[n];
        cr_expect_float_eq(made->loss[n], weight * loss, allowed * (10 + fabs(loss)),
                           "%s {%s}: loss of lane %lld: %.9g instead of %.9g", made->type->base.name,
                           made->text, (long long)n, made->loss[n], weight * loss);
        for (int64_t u = 0; u < units; u++)
            cr_expect_float_eq(made->delta[u * LANES + n], weight * made->gradient[u],
                               allowed * (2 + fabs(made->gradient[u])),
                               "%s {%s}: derivative by unit %lld of lane %lld: %.9g instead of %.9g",
                               made->type->base.name, made->text, (long long)u, (long long)n,
                               made->delta[u * LANES + n], weight * made->gradient[u]);
    }
    static _Alignas(64) float loss_alone[LANES];
    made->type->panel(made->options, kernels, units, LANES, made->x, &made->target, NULL, loss_alone);
    cr_expect_eq(memcmp(loss_alone, made->loss, sizeof loss_alone), 0, "%s {%s}: without derivatives",
                 made->type->base.name, made->text);
}

Test(registry_losses, floats_follow_the_reference)
{
    for_each_loss(expect_the_reference);
}

/* The bits of every table and of the derivative that takes the place of the output. */
static void expect_equal_bits(loss_case *made)
{
    static const char *const names[] = {"generic", "avx2", "avx512"};
    static _Alignas(64) float delta[UNITS_MAX * LANES], loss[LANES], both[UNITS_MAX * LANES];
    size_t bytes = (size_t)(made->units * LANES) * sizeof(float);
    made->type->panel(made->options, ls_kernels_named("generic"), made->units, LANES, made->x, &made->target,
                      made->delta, made->loss);
    for (int i = 0; i < 3; i++) {
        const ls_kernels *kernels = ls_kernels_named(names[i]);
        if (kernels == NULL) continue;
        made->type->panel(made->options, kernels, made->units, LANES, made->x, &made->target, delta, loss);
        memcpy(both, made->x, bytes);
        cr_expect(memcmp(delta, made->delta, bytes) == 0 && memcmp(loss, made->loss, sizeof loss) == 0,
                  "%s {%s}: %s has other bits", made->type->base.name, made->text, names[i]);
        made->type->panel(made->options, kernels, made->units, LANES, both, &made->target, both, loss);
        cr_expect(memcmp(both, made->delta, bytes) == 0, "%s {%s}: %s in place", made->type->base.name,
                  made->text, names[i]);
        /* The first lanes alone, in a panel of their own. */
        for (int64_t u = 0; u < made->units; u++)
            memcpy(both + u * 16, made->x + u * LANES, 16 * sizeof(float));
        static _Alignas(64) float values[UNITS_MAX * 16];
        for (int64_t u = 0; u < made->units; u++)
            memcpy(values + u * 16, made->values + u * LANES, 16 * sizeof(float));
        ls_loss_target few = {.values = values, .label = made->label, .weight = made->weight};
        made->type->panel(made->options, kernels, made->units, 16, both, &few, delta, loss);
        for (int64_t u = 0; u < made->units; u++)
            cr_expect_eq(memcmp(delta + u * 16, made->delta + u * LANES, 16 * sizeof(float)), 0,
                         "%s {%s}: %s in a narrow panel", made->type->base.name, made->text, names[i]);
        cr_expect_eq(memcmp(loss, made->loss, 16 * sizeof(float)), 0);
    }
}

Test(registry_losses, every_table_gives_the_same_bits)
{
    for_each_loss(expect_equal_bits);
}
