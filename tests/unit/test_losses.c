/* The losses' edges: extreme logits, what fits, predictions and classes. Derivatives: test_registry.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/options.h"
#include "nn/loss.h"
#include "support/default_component.h"

enum { LANES = 16, UNITS = 3 };

typedef struct loss_panel {
    _Alignas(64) float x[UNITS * LANES], values[UNITS * LANES], weight[LANES], delta[UNITS * LANES],
        loss[LANES];
    float y[UNITS * LANES];
    int32_t label[LANES], index[LANES];
    ls_loss_target target;
} loss_panel;

static loss_panel panel;

static const ls_loss_type *loss_named(const char *name)
{
    return (const ls_loss_type *)ls_registry_find(&ls_loss_registry, name);
}

static const ls_loss_options mean = {.reduction = 0};

static void prepare(void)
{
    memset(&panel, 0, sizeof panel);
    for (int n = 0; n < LANES; n++) panel.weight[n] = 1;
    panel.target = (ls_loss_target){.values = panel.values, .label = panel.label, .weight = panel.weight};
}

static void run(const ls_loss_type *type, int64_t units)
{
    type->panel(&mean, ls_kernels_get(), units, LANES, panel.x, &panel.target, panel.delta, panel.loss);
}

Test(losses, reduction_is_mean_unless_told)
{
    for (const ls_component_type *const *type = ls_loss_registry.types; *type != NULL; type++) {
        ls_component component = default_component(&ls_loss_registry, (*type)->name, 1);
        cr_expect_eq(((ls_loss_options *)component.options)->reduction, 0, "%s", (*type)->name);
        cr_expect_str_eq(ls_option_find((*type)->options, "reduction")->choices[1], "sum");
        ls_component_clear(&component);
    }
}

Test(losses, mse_of_known_numbers)
{
    prepare();
    panel.x[0] = 3, panel.x[LANES] = 1, panel.x[2 * LANES] = -2;
    panel.values[0] = 1, panel.values[LANES] = 1, panel.values[2 * LANES] = 2;
    run(loss_named("mse"), 3);
    cr_expect_float_eq(panel.loss[0], (4 + 16) / 3.0, 1e-6);
    cr_expect_float_eq(panel.delta[0], 4 / 3.0, 1e-6);
    cr_expect_eq(panel.delta[LANES], 0);
    cr_expect_float_eq(panel.delta[2 * LANES], -8 / 3.0, 1e-6);
}

/* Far out the sigmoid is 0 or 1 to the last bit, yet the loss still grows with the logit. */
Test(losses, binary_cross_entropy_of_extreme_logits)
{
    static const float logits[LANES] = {0,    100,    -100,    1000, -1000, 1e30F, -1e30F, 88.8F,
                                        -104, 1e-30F, -1e-30F, 20,   -20,   17,    -17,    3e38F};
    for (int target = 0; target <= 1; target++) {
        prepare();
        for (int n = 0; n < LANES; n++) panel.x[n] = logits[n], panel.values[n] = (float)target;
        run(loss_named("binary_cross_entropy"), 1);
        for (int n = 0; n < LANES; n++) {
            double x = logits[n], against = target == 1 ? -x : x;
            double loss = fmax(against, 0) + log1p(exp(-fabs(x)));
            double slope = 1 / (1 + exp(-x)) - target;
            cr_expect(fabs(panel.loss[n] - loss) <= 1e-6 * loss + 1e-30,
                      "%g, target %d: loss %g instead of %g", x, target, panel.loss[n], loss);
            cr_expect(fabs(panel.delta[n] - slope) <= 1e-6, "%g, target %d: derivative %g instead of %g", x,
                      target, panel.delta[n], slope);
        }
    }
}

Test(losses, softmax_cross_entropy_of_extreme_logits)
{
    static const float largest[] = {0, 50, 100, 1000, 1e30F};
    for (int i = 0; i < 5; i++) {
        prepare();
        panel.x[0] = largest[i], panel.x[2 * LANES] = -largest[i];
        panel.x[1] = largest[i], panel.x[2 * LANES + 1] = -largest[i];
        panel.label[0] = 0, panel.label[1] = 2;
        run(loss_named("softmax_cross_entropy"), 3);
        double sum = 1 + exp(-(double)largest[i]) + exp(-2.0 * largest[i]);
        cr_expect_float_eq(panel.loss[0], log(sum), 1e-6, "%g", largest[i]);
        double expected = 2.0 * largest[i] + log(sum);
        cr_expect(fabs(panel.loss[1] - expected) <= 1e-6 * expected, "%g: %g instead of %g", largest[i],
                  panel.loss[1], expected);
        cr_expect_float_eq(panel.delta[0], 1 / sum - 1, 1e-6);
        cr_expect_float_eq(panel.delta[1], 1 / sum, 1e-6);
        cr_expect_float_eq(panel.delta[2 * LANES + 1], exp(-2.0 * largest[i]) / sum - 1, 1e-6);
    }
}

Test(losses, lanes_of_weight_0_count_for_nothing)
{
    static const char *const names[] = {"mse", "binary_cross_entropy", "softmax_cross_entropy"};
    for (int i = 0; i < 3; i++) {
        prepare();
        for (int k = 0; k < UNITS * LANES; k++) panel.x[k] = (float)(k % 5) - 1, panel.values[k] = 0.25F;
        panel.weight[5] = 0;
        run(loss_named(names[i]), UNITS);
        cr_expect_eq(panel.loss[5], 0, "%s", names[i]);
        cr_expect_gt(panel.loss[6], 0, "%s", names[i]);
        for (int u = 0; u < UNITS; u++) {
            cr_expect(panel.delta[u * LANES + 5] == 0 && !signbit(panel.delta[u * LANES + 5]), "%s",
                      names[i]);
            cr_expect_neq(panel.delta[u * LANES + 6], 0, "%s", names[i]);
        }
    }
}

static void expect_fit(const char *name, int64_t units, int64_t classes, int64_t outputs, const char *message)
{
    ls_status status = loss_named(name)->check(&mean, units, classes, outputs);
    cr_expect_eq(status, message == NULL ? LS_OK : LS_ERROR_RECIPE, "%s %d %d %d", name, (int)units,
                 (int)classes, (int)outputs);
    if (message != NULL && status != LS_OK)
        cr_expect_not_null(strstr(ls_error_message(), message), "%s", ls_error_message());
}

Test(losses, check_says_what_does_not_fit)
{
    expect_fit("mse", 4, 0, 4, NULL);
    expect_fit("mse", 3, 0, 4, "has 3 units, but the data have 4 target values");
    expect_fit("mse", 1, 2, 0, NULL);
    expect_fit("mse", 2, 2, 0, NULL);
    expect_fit("mse", 3, 2, 0, "mse needs 1 or 2 units");
    expect_fit("mse", 1, 3, 0, "has 1 unit, but the data have 3 classes");
    expect_fit("mse", 1, 0, 0, "neither classes nor target values");
    expect_fit("binary_cross_entropy", 1, 2, 0, NULL);
    expect_fit("binary_cross_entropy", 5, 5, 0, NULL);
    expect_fit("binary_cross_entropy", 3, 0, 3, NULL);
    expect_fit("binary_cross_entropy", 3, 10, 0, "binary_cross_entropy needs 10 units");
    expect_fit("softmax_cross_entropy", 10, 10, 0, NULL);
    expect_fit("softmax_cross_entropy", 9, 10, 0, "has 9 units, but the data have 10 classes");
    expect_fit("softmax_cross_entropy", 3, 0, 3, "needs classes");
    expect_fit("softmax_cross_entropy", 1, 1, 0, "at least 2");
    expect_fit("softmax_cross_entropy", 1, 2, 0, "needs 2 units");
}

static void run_outputs(const char *name, int64_t units)
{
    const ls_loss_type *type = loss_named(name);
    type->predict(&mean, ls_kernels_get(), units, LANES, panel.x, panel.y);
    type->classify(&mean, ls_kernels_get(), units, LANES, panel.x, panel.index);
}

Test(losses, mse_predicts_values)
{
    prepare();
    panel.x[0] = 0.49F, panel.x[1] = 0.5F, panel.x[2] = -7;
    run_outputs("mse", 1);
    cr_expect(panel.y[0] == 0.49F && panel.y[1] == 0.5F && panel.y[2] == -7);
    cr_expect(panel.index[0] == 0 && panel.index[1] == 1 && panel.index[2] == 0);
    panel.x[0] = 0.1F, panel.x[LANES] = 0.2F, panel.x[2 * LANES] = 0.15F;
    run_outputs("mse", 3);
    cr_expect_eq(panel.index[0], 1);
    cr_expect_str_eq(loss_named("mse")->output, "value");
}

Test(losses, binary_cross_entropy_predicts_probabilities_of_each_unit)
{
    prepare();
    panel.x[0] = 0, panel.x[1] = -1, panel.x[2] = 2;
    run_outputs("binary_cross_entropy", 1);
    for (int n = 0; n < 3; n++) cr_expect_float_eq(panel.y[n], 1 / (1 + exp(-(double)panel.x[n])), 1e-6);
    cr_expect(panel.index[0] == 1 && panel.index[1] == 0 && panel.index[2] == 1);
    panel.x[1] = -3, panel.x[LANES + 1] = -2, panel.x[2 * LANES + 1] = -4;
    run_outputs("binary_cross_entropy", 3);
    cr_expect_eq(panel.index[1], 1);
    cr_expect_str_eq(loss_named("binary_cross_entropy")->output, "probability");
}

Test(losses, softmax_cross_entropy_predicts_probabilities_that_add_up_to_1)
{
    prepare();
    for (int n = 0; n < LANES; n++)
        panel.x[n] = (float)n, panel.x[LANES + n] = 2, panel.x[2 * LANES + n] = -(float)n;
    run_outputs("softmax_cross_entropy", 3);
    for (int n = 0; n < LANES; n++) {
        double sum = exp(n) + exp(2) + exp(-n);
        cr_expect_float_eq(panel.y[n], exp(n) / sum, 1e-6);
        cr_expect_float_eq(panel.y[n] + panel.y[LANES + n] + panel.y[2 * LANES + n], 1, 1e-6);
        cr_expect_eq(panel.index[n], n < 2 ? 1 : 0, "lane %d", n); /* of equal ones the first */
    }
    cr_expect_str_eq(loss_named("softmax_cross_entropy")->output, "probability");
}
