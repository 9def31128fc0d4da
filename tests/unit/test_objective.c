/* What is said of an output in front of a loss that has its activation built in. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "train/objective.h"

/* remark: how it begins; NULL: none is expected. */
static void expect_remark(const char *data, const char *layers, const char *loss, const char *remark)
{
    ls_recipe *recipe;
    ls_model model;
    ls_objective objective;
    ls_shape input = {.rank = 1, .dim = {2}};
    char *text = ls_format("data: %s\nmodel:\n%sloss: %s\n", data, layers, loss);
    cr_assert_eq(ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_objective_build_model(recipe, &input, "r.yaml", &model), LS_OK, "%s", ls_error_message());
    ls_objective_create(recipe, &model, &objective);
    char *said = ls_objective_remark(&objective, 0, recipe, &model);
    if (remark == NULL)
        cr_expect_null(said, "%s", said);
    else
        cr_expect(said != NULL && strncmp(said, remark, strlen(remark)) == 0, "%s", said);
    ls_free(said);
    ls_objective_free(&objective);
    ls_model_free(&model);
    ls_recipe_free(recipe);
    ls_free(text);
}

#define DENSE "  - {type: dense, units: 2}\n"

Test(objective, an_activation_that_the_loss_has_built_in_is_remarked)
{
    const char *classes = "{type: push, inputs: 2, classes: 2}",
               *values = "{type: push, inputs: 2, outputs: 2}";
    const char *softmax = "softmax_cross_entropy", *sigmoid = "binary_cross_entropy";
    expect_remark(
        classes, DENSE "  - softmax\n", softmax,
        "r.yaml:4:5: layer softmax_0: the loss softmax_cross_entropy wants the numbers before the softmax, "
        "which it has built in; leave this softmax out");
    expect_remark(classes, "  - {type: dense, units: 2, activation: softmax, name: end}\n", softmax,
                  "r.yaml:3:41: layer end_activation: the loss softmax_cross_entropy wants");
    expect_remark(
        classes, DENSE "  - log_softmax\n  - flatten\n", softmax,
        "r.yaml:4:5: layer log_softmax_0: the loss softmax_cross_entropy wants the numbers before the "
        "softmax, which it has built in; leave this log_softmax out");
    expect_remark(values, DENSE "  - sigmoid\n", sigmoid,
                  "r.yaml:4:5: layer sigmoid_0: the loss binary_cross_entropy wants");
    expect_remark(values, DENSE "  - softmax\n", "kullback_leibler",
                  "r.yaml:4:5: layer softmax_0: the loss kull");
}

static void expect_misfit(const char *layers, const char *message)
{
    ls_recipe *recipe;
    ls_model model;
    ls_objective objective;
    ls_shape input = {.rank = 3, .dim = {1, 6, 6}};
    ls_dataset data = {.inputs = 36, .classes = 4};
    char *text = ls_format("data: {type: push, inputs: 36, classes: 4, shape: [1, 6, 6]}\nmodel:\n%sloss: "
                           "softmax_cross_entropy\n",
                           layers);
    cr_assert_eq(ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_objective_build_model(recipe, &input, "r.yaml", &model), LS_OK, "%s", ls_error_message());
    ls_objective_create(recipe, &model, &objective);
    ls_status status = ls_objective_bind(&objective, recipe, &data);
    cr_expect_eq(status, message == NULL ? LS_OK : LS_ERROR_RECIPE);
    if (message != NULL) cr_expect_str_eq(ls_error_message(), message);
    ls_objective_free(&objective);
    ls_model_free(&model);
    ls_recipe_free(recipe);
    ls_free(text);
}

Test(objective, an_image_in_front_of_a_loss_is_explained)
{
    expect_misfit("  - {type: conv2d, filters: 4, kernel: 6}\n", NULL);
    expect_misfit(
        "  - {type: conv2d, filters: 4, kernel: 5}\n",
        "r.yaml:4:7: loss softmax_cross_entropy: its output has 16 units, but the data have 4 classes: "
        "softmax_cross_entropy needs 4 units (its shape is 4 x 2 x 2: a dense layer makes units of that)");
    expect_misfit(
        "  - {type: dense, units: 5}\n",
        "r.yaml:4:7: loss softmax_cross_entropy: its output has 5 units, but the data have 4 classes: "
        "softmax_cross_entropy needs 4 units");
}

Test(objective, other_ends_are_not)
{
    const char *classes = "{type: push, inputs: 2, classes: 2}",
               *values = "{type: push, inputs: 2, outputs: 2}";
    expect_remark(classes, DENSE, "softmax_cross_entropy", NULL);
    expect_remark(classes, DENSE "  - sigmoid\n", "softmax_cross_entropy", NULL);
    expect_remark(classes, DENSE "  - softmax\n" DENSE, "softmax_cross_entropy", NULL);
    expect_remark(values, DENSE "  - softmax\n", "binary_cross_entropy", NULL);
    expect_remark(values, DENSE "  - sigmoid\n", "mse", NULL);
    expect_remark(values, DENSE "  - log_softmax\n", "kullback_leibler", NULL);
}
