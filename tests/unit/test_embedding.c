/* The layer embedding: where rows go, what it refuses, and the check of the data. Derivatives:
 * test_registry_layers.c; the gradient of the table over ranks: tests/mpi/parts.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "support/written_model.h"
#include "train/inputs.h"
#include "train/trainer.h"

enum { LANES = 16, LENGTH = 2, VALUES = 3, UNITS = 2, LD = 16 };

static const ls_shape words = {.rank = 1, .dim = {LENGTH}};

Test(embedding, puts_rows_into_channels)
{
    written_model written = write_model("model:\n- {type: embedding, values: 3, units: 2}", &words);
    const ls_shape expected = {.rank = 2, .dim = {UNITS, LENGTH}};
    cr_expect(ls_shape_equal(ls_model_output(&written.model), &expected));
    const ls_parameter *table = &written.model.parameter[0];
    cr_expect(table->rows == VALUES && table->columns == UNITS && table->ld == LD);
    float weights[VALUES * LD] = {0};
    for (int v = 0; v < VALUES; v++)
        weights[v * LD] = (float)(10 * v), weights[v * LD + 1] = (float)(10 * v + 1);
    _Alignas(64) float x[LENGTH * LANES], y[UNITS * LENGTH * LANES];
    for (int i = 0; i < LENGTH * LANES; i++) x[i] = (float)(i * 7 % VALUES);
    x[3] = -1, x[4] = 3, x[5] = 0.5F, x[6] = NAN;
    ls_layer_call call = {.kernels = ls_kernels_get(),
                          .node = &written.model.node[0],
                          .lanes = LANES,
                          .parameter = (const float *const[]){weights},
                          .ld = (const int64_t[]){LD},
                          .x = {x},
                          .y = y};
    call.node->type->forward(&call);
    for (int d = 0; d < UNITS; d++)
        for (int i = 0; i < LENGTH * LANES; i++) {
            float found = y[d * LENGTH * LANES + i];
            cr_assert(i >= 3 && i <= 6 ? isnan(found) : found == 10 * x[i] + (float)d, "%d, %d: %g", d, i,
                      found);
        }
    written_model_free(&written);
}

Test(embedding, takes_the_data_themselves)
{
    const ls_shape image = {.rank = 3, .dim = {1, 2, 2}};
    written_model written =
        write_model("model:\n- flatten\n- {type: embedding, values: 3, units: 2}", &image);
    written_model_free(&written);
    expect_model_error(
        "model:\n- {type: embedding, values: 3, units: 2}", &image,
        "r.yaml:2:3: layer embedding_0: 1 x 2 x 2 comes in, expected a row of whole numbers; put "
        "flatten before it");
    expect_model_error(
        "model:\n- {type: dense, units: 2, name: a}\n- {type: embedding, values: 3, units: 2}", &words,
        "r.yaml:3:3: layer embedding_0: it takes whole numbers from the data, but its input is the "
        "output of a");
}

static void expect_refused(written_model *written, ls_dataset *data, int at, float number,
                           const char *message)
{
    float before = data->floats[at];
    data->floats[at] = number;
    cr_expect_eq(ls_inputs_check(&written->model, data, "the rows"), LS_ERROR_DATA);
    cr_expect_str_eq(ls_error_message(), message);
    data->floats[at] = before;
}

Test(embedding, data_are_checked_by_row_and_column)
{
    written_model written =
        write_model("model:\n- {type: embedding, values: 30, units: 2, name: large}\n"
                    "- {type: embedding, values: 3, units: 2, name: small, inputs: input}\n"
                    "- {type: add, inputs: [large, small]}",
                    &words);
    float numbers[] = {0, 1, 2, 0, 1, 2};
    ls_dataset data = {.rows = 3, .inputs = 2, .floats = numbers};
    cr_expect_eq(ls_inputs_check(&written.model, &data, "the rows"), LS_OK);
    expect_refused(
        &written, &data, 3, 3,
        "the rows: row 2, column 2 of the inputs is 3, but the layer small takes whole numbers from 0 to 2");
    expect_refused(
        &written, &data, 4, -1,
        "the rows: row 3, column 1 of the inputs is -1, but the layer small takes whole numbers from 0 to "
        "2");
    expect_refused(
        &written, &data, 0, 0.5F,
        "the rows: row 1, column 1 of the inputs is 0.5, but the layer small takes whole numbers from 0 to "
        "2");
    data.path = "x.csv", data.file_row = (uint32_t[]){7, 8, 2};
    expect_refused(
        &written, &data, 3, NAN,
        "x.csv: row 9, column 2 of the inputs is nan, but the layer small takes whole numbers from 0 to 2");
    uint8_t bytes[] = {0, 1, 2, 200};
    ls_dataset images = {.rows = 2, .inputs = 2, .bytes = bytes};
    cr_expect_eq(ls_inputs_check(&written.model, &images, "the rows"), LS_ERROR_DATA);
    bytes[3] = 2;
    cr_expect_eq(ls_inputs_check(&written.model, &images, "the rows"), LS_OK);
    written_model_free(&written);
}

static const char xor_recipe[] = "data: {type: xor, normalise: %s}\nloss: softmax_cross_entropy\n"
                                 "model:\n- {type: embedding, values: %d, units: 2, name: words}\n"
                                 "- {type: dense, units: 2}\n";

static ls_status set_up(const char *normalise, int values)
{
    ls_context *context = NULL;
    ls_recipe *recipe = NULL;
    ls_trainer trainer;
    char *text = ls_format(xor_recipe, normalise, values);
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    cr_assert_eq(ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    ls_status status = ls_trainer_setup(context, recipe, &trainer);
    if (status == LS_OK) ls_trainer_clear(&trainer);
    ls_recipe_free(recipe);
    ls_context_free(context);
    ls_free(text);
    return status;
}

Test(embedding, recipes_give_it_whole_numbers)
{
    cr_expect_eq(set_up("none", 2), LS_OK, "%s", ls_error_message());
    cr_expect_eq(set_up("standardise", 2), LS_ERROR_RECIPE);
    cr_expect_str_eq(ls_error_message(),
                     "r.yaml:1:7: the layer words takes whole numbers, which data.normalise would "
                     "change; set normalise: none");
    cr_expect_eq(set_up("none", 1), LS_ERROR_DATA);
    cr_expect_not_null(strstr(ls_error_message(), "the layer words takes whole numbers from 0 to 0"), "%s",
                       ls_error_message());
}
