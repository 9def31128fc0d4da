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

static void prepare(void)
{
    memset(&panel, 0, sizeof panel);
    for (int n = 0; n < LANES; n++) panel.weight[n] = 1;
    panel.target = (ls_loss_target){.values = panel.values, .label = panel.label, .weight = panel.weight};
}

/* A loss as a recipe would have it, on the panel. */
static void run(const char *yaml, int64_t units)
{
    ls_component loss = component_of(&ls_loss_registry, yaml);
    ((const ls_loss_type *)loss.type)
        ->panel(loss.options, ls_kernels_get(), units, LANES, panel.x, &panel.target, panel.delta,
                panel.loss);
    ls_component_clear(&loss);
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
    run("mse", 3);
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
        run("binary_cross_entropy", 1);
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
        run("softmax_cross_entropy", 3);
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
    static const char *const names[] = {"mse",
                                        "mae",
                                        "huber",
                                        "binary_cross_entropy",
                                        "{type: binary_cross_entropy, pos_weight: 2}",
                                        "softmax_cross_entropy",
                                        "{type: softmax_cross_entropy, label_smoothing: 0.5}",
                                        "hinge",
                                        "poisson",
                                        "kullback_leibler"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        prepare();
        for (int k = 0; k < UNITS * LANES; k++) panel.x[k] = (float)(k % 5) - 1.1F, panel.values[k] = 0.25F;
        panel.weight[5] = 0;
        run(names[i], UNITS);
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
    ls_component loss = component_of(&ls_loss_registry, name);
    ls_status status = ((const ls_loss_type *)loss.type)->check(loss.options, units, classes, outputs);
    ls_component_clear(&loss);
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
    expect_fit("mae", 3, 0, 4, "has 3 units, but the data have 4 target values");
    expect_fit("huber", 4, 3, 0, "huber needs 3 units");
    expect_fit("hinge", 1, 2, 0, NULL);
    expect_fit("hinge", 2, 2, 0, NULL);
    expect_fit("hinge", 3, 2, 0, "hinge needs 1 or 2 units");
    expect_fit("hinge", 2, 0, 2,
               "hinge needs classes, but the data have none (2 target values a row): use mae");
    expect_fit("poisson", 2, 0, 2, NULL);
    expect_fit("poisson", 3, 3, 0, "needs counts as target values, but the data have 3 classes");
    expect_fit("kullback_leibler", 3, 0, 3, NULL);
    expect_fit("kullback_leibler", 1, 0, 1, "needs at least 2");
    expect_fit("{type: softmax_cross_entropy, class_weights: [1, 2]}", 3, 3, 0,
               "class_weights has 2 numbers, expected 3: one for each class");
    expect_fit("{type: softmax_cross_entropy, class_weights: 2}", 3, 3, 0,
               "class_weights has 1 number, expected 3");
    expect_fit("{type: binary_cross_entropy, pos_weight: 2}", 3, 3, 0, NULL);
    expect_fit("{type: binary_cross_entropy, pos_weight: [2, 3]}", 3, 3, 0,
               "pos_weight has 2 numbers, expected 1 or 3: one for each unit");
}

static void run_outputs(const char *name, int64_t units)
{
    ls_component loss = component_of(&ls_loss_registry, name);
    const ls_loss_type *type = (const ls_loss_type *)loss.type;
    type->predict(loss.options, ls_kernels_get(), units, LANES, panel.x, panel.y);
    if (type->classify != NULL)
        type->classify(loss.options, ls_kernels_get(), units, LANES, panel.x, panel.index);
    ls_component_clear(&loss);
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

static void expect_loss(const char *yaml, int64_t units, double loss, const double *slopes)
{
    run(yaml, units);
    cr_expect_float_eq(panel.loss[0], loss, 1e-6, "%s: %.9g instead of %.9g", yaml, panel.loss[0], loss);
    for (int64_t u = 0; u < units; u++)
        cr_expect_float_eq(panel.delta[u * LANES], slopes[u], 1e-6, "%s, unit %d: %.9g instead of %.9g", yaml,
                           (int)u, panel.delta[u * LANES], slopes[u]);
}

/* Outputs 3, 1, -2 against targets 1, 1, 2: differences 2, 0, -4. */
Test(losses, mae_and_huber_of_known_numbers)
{
    prepare();
    panel.x[0] = 3, panel.x[LANES] = 1, panel.x[2 * LANES] = -2;
    panel.values[0] = 1, panel.values[LANES] = 1, panel.values[2 * LANES] = 2;
    expect_loss("mae", 3, 2, (double[]){1 / 3.0, 0, -1 / 3.0});
    expect_loss("huber", 3, (1.5 + 3.5) / 3, (double[]){1 / 3.0, 0, -1 / 3.0});
    expect_loss("{type: huber, delta: 3}", 3, (2 + 7.5) / 3, (double[]){2 / 3.0, 0, -1});
}

Test(losses, binary_cross_entropy_with_options_of_known_numbers)
{
    prepare();
    panel.x[0] = 2, panel.values[0] = 1;
    double sigmoid = 1 / (1 + exp(-2.0));
    expect_loss("{type: binary_cross_entropy, pos_weight: 3}", 1, -3 * log(sigmoid),
                (double[]){-3 * (1 - sigmoid)});
    expect_loss("{type: binary_cross_entropy, label_smoothing: 0.2}", 1,
                -0.9 * log(sigmoid) - 0.1 * log(1 - sigmoid), (double[]){sigmoid - 0.9});
    panel.values[0] = 0;
    expect_loss("{type: binary_cross_entropy, pos_weight: 3}", 1, -log(1 - sigmoid), (double[]){sigmoid});
    expect_loss("{type: binary_cross_entropy, pos_weight: 3, label_smoothing: 0.2}", 1,
                -0.3 * log(sigmoid) - 0.9 * log(1 - sigmoid),
                (double[]){-0.3 * (1 - sigmoid) + 0.9 * sigmoid});
}

/* Logits log 1, log 2, log 5: probabilities 1/8, 1/4, 5/8; the label is 1. */
Test(losses, softmax_cross_entropy_with_options_of_known_numbers)
{
    prepare();
    panel.x[0] = 0, panel.x[LANES] = logf(2), panel.x[2 * LANES] = logf(5);
    panel.label[0] = 1;
    double n[] = {log(8), log(4), log(1.6)};
    expect_loss("softmax_cross_entropy", 3, n[1], (double[]){0.125, -0.75, 0.625});
    expect_loss("{type: softmax_cross_entropy, class_weights: [1, 4, 2]}", 3, 4 * n[1],
                (double[]){0.5, -3, 2.5});
    expect_loss("{type: softmax_cross_entropy, label_smoothing: 0.3}", 3,
                0.7 * n[1] + 0.1 * (n[0] + n[1] + n[2]), (double[]){0.025, -0.55, 0.525});
    /* shares of the units: 0.1 * 1, 0.1 * 4 + 0.7 * 4, 0.1 * 2; 3.5 in all */
    expect_loss("{type: softmax_cross_entropy, label_smoothing: 0.3, class_weights: [1, 4, 2]}", 3,
                0.1 * n[0] + 3.2 * n[1] + 0.2 * n[2],
                (double[]){3.5 / 8 - 0.1, 3.5 / 4 - 3.2, 3.5 * 5 / 8 - 0.2});
}

Test(losses, weights_of_labels_and_ignored_ones)
{
    ls_component loss = component_of(
        &ls_loss_registry, "{type: softmax_cross_entropy, class_weights: [1, 4, 0.5], ignore_label: 1}");
    const ls_loss_type *type = (const ls_loss_type *)loss.type;
    cr_expect(type->weighted(loss.options));
    cr_expect_eq(type->weight(loss.options, 0), 1);
    cr_expect_eq(type->weight(loss.options, 1), 0);
    cr_expect_eq(type->weight(loss.options, 2), 0.5F);
    cr_expect(type->ignores(loss.options, 1) && !type->ignores(loss.options, 2));
    ls_component_clear(&loss);
    loss = component_of(&ls_loss_registry, "softmax_cross_entropy");
    cr_expect(!type->weighted(loss.options) && !type->ignores(loss.options, -1));
    cr_expect(!type->ignores(loss.options, 0));
    ls_component_clear(&loss);
}

Test(losses, hinge_of_known_numbers)
{
    prepare();
    panel.x[0] = 0.25F, panel.label[0] = 1;
    expect_loss("hinge", 1, 0.75, (double[]){-1});
    expect_loss("{type: hinge, power: 2}", 1, 0.5625, (double[]){-1.5});
    expect_loss("{type: hinge, margin: 0.125}", 1, 0, (double[]){0});
    panel.label[0] = 0;
    expect_loss("hinge", 1, 1.25, (double[]){1});
    /* Scores 0.5, 1, -1, label 1: short of the margin are 0.5 by the first, nothing by the third. */
    panel.x[0] = 0.5F, panel.x[LANES] = 1, panel.x[2 * LANES] = -1, panel.label[0] = 1;
    expect_loss("hinge", 3, 0.5 / 3, (double[]){1 / 3.0, -1 / 3.0, 0});
    expect_loss("{type: hinge, power: 2}", 3, 0.25 / 3, (double[]){1 / 3.0, -1 / 3.0, 0});
    expect_loss("{type: hinge, margin: 3}", 3, (2.5 + 1) / 3, (double[]){1 / 3.0, -2 / 3.0, 1 / 3.0});
    panel.x[0] = 1.0F, panel.x[1] = -0.5F;
    panel.label[0] = 1, panel.label[1] = 1;
    ls_component loss = component_of(&ls_loss_registry, "hinge");
    ((const ls_loss_type *)loss.type)
        ->classify(loss.options, ls_kernels_get(), 1, LANES, panel.x, panel.index);
    cr_expect(panel.index[0] == 1 && panel.index[1] == 0);
    ls_component_clear(&loss);
}

Test(losses, poisson_of_known_numbers)
{
    prepare();
    panel.x[0] = logf(3), panel.x[LANES] = 0, panel.values[0] = 5, panel.values[LANES] = 0;
    expect_loss("poisson", 2, (3 - 5 * log(3) + 1) / 2, (double[]){-1, 0.5});
    run_outputs("poisson", 2);
    cr_expect_float_eq(panel.y[0], 3, 1e-6);
    cr_expect_float_eq(panel.y[LANES], 1, 1e-6);
    panel.x[0] = 3, panel.x[LANES] = 0.5F;
    expect_loss("{type: poisson, log_input: false}", 2, (3 - 5 * log(3) + 0.5) / 2,
                (double[]){(1 - 5 / 3.0) / 2, 0.5});
    run_outputs("{type: poisson, log_input: false}", 2);
    cr_expect_eq(panel.y[0], 3);
    panel.x[0] = -1;
    run("{type: poisson, log_input: false}", 1);
    cr_expect(isnan(panel.loss[0]), "a negative rate: %g", panel.loss[0]);
}

/* Logits log 1, log 2, log 5: probabilities 1/8, 1/4, 5/8. */
Test(losses, kullback_leibler_of_known_numbers)
{
    prepare();
    panel.x[0] = 0, panel.x[LANES] = logf(2), panel.x[2 * LANES] = logf(5);
    panel.values[0] = 0.5F, panel.values[LANES] = 0, panel.values[2 * LANES] = 0.5F;
    expect_loss("kullback_leibler", 3, 0.5 * log(0.5 / 0.125) + 0.5 * log(0.5 / 0.625),
                (double[]){0.125 - 0.5, 0.25, 0.625 - 0.5});
    panel.values[0] = 0.125F, panel.values[LANES] = 0.25F, panel.values[2 * LANES] = 0.625F;
    expect_loss("kullback_leibler", 3, 0, (double[]){0, 0, 0});
}

static void expect_outside(const char *name, const float *values, int64_t count, int64_t place,
                           const char *expected)
{
    const char *text = NULL;
    cr_expect_eq(loss_named(name)->outside(NULL, count, values, &text), place, "%s", name);
    if (place >= 0) cr_expect_not_null(strstr(text, expected), "%s: %s", name, text);
}

Test(losses, targets_outside_of_what_a_loss_is_defined_for)
{
    expect_outside("poisson", (float[]){0, 2.5F, 1e9F}, 3, -1, NULL);
    expect_outside("poisson", (float[]){0, -1, 3}, 3, 1, "0 or more");
    expect_outside("poisson", (float[]){0, 0, NAN}, 3, 2, "0 or more");
    expect_outside("binary_cross_entropy", (float[]){0, 1, 0.5F}, 3, -1, NULL);
    expect_outside("binary_cross_entropy", (float[]){0, 1.5F}, 2, 1, "0 to 1");
    expect_outside("kullback_leibler", (float[]){0.25F, 0.75F}, 2, -1, NULL);
    expect_outside("kullback_leibler", (float[]){0.333F, 0.333F, 0.333F}, 3, -1, NULL);
    expect_outside("kullback_leibler", (float[]){0.25F, 0.5F}, 2, 2, "add up to 1");
    expect_outside("kullback_leibler", (float[]){1.25F, -0.25F}, 2, 0, "0 to 1");
    cr_expect_null(loss_named("mse")->outside);
}
