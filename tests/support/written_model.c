#include "support/written_model.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static ls_status parse(const char *model, const ls_shape *input, written_model *written)
{
    char text[4096];
    int length = snprintf(text, sizeof text, "%s\ndata: {type: xor}\nloss: mse\n", model);
    cr_assert(length > 0 && (size_t)length < sizeof text);
    *written = (written_model){.recipe = NULL};
    ls_status status = ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &written->recipe);
    if (status != LS_OK) return status;
    status = ls_model_build(&written->recipe->model, input, "r.yaml", &written->model);
    if (status != LS_OK) ls_recipe_free(written->recipe);
    return status;
}

written_model write_model(const char *text, const ls_shape *input)
{
    written_model written;
    cr_assert_eq(parse(text, input, &written), LS_OK, "%s", ls_error_message());
    return written;
}

void written_model_free(written_model *written)
{
    ls_model_free(&written->model);
    ls_recipe_free(written->recipe);
}

void expect_model_error(const char *text, const ls_shape *input, const char *message)
{
    written_model written;
    cr_assert_eq(parse(text, input, &written), LS_ERROR_RECIPE, "no error: %s", message);
    cr_expect_str_eq(ls_error_message(), message);
}

void run_last_node(const ls_model *model, int64_t lanes, const float *const *x, float *y, const float *dy,
                   float *const *dx)
{
    const ls_node *node = &model->node[model->node_count - 1];
    ls_layer_call call = {.kernels = ls_kernels_get(), .node = node, .lanes = lanes, .y = y, .dy = dy};
    for (int i = 0; i < node->input_count; i++) {
        call.x[i] = x[i];
        call.dx[i] = dx == NULL ? NULL : dx[i];
    }
    node->type->forward(&call);
    if (dy != NULL) node->type->backward(&call);
}
