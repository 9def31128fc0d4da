/* Models with several outputs: the gradient of the weighted sum of their losses, what of the data each is
 * for, and what is said of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lockstep/lockstep.h>
#include "base/memory.h"
#include "base/random.h"
#include "support/directory.h"
#include "support/pushing.h"
#include "train/trainer.h"

enum { ROWS = 37, INPUTS = 3, TARGETS = 4, CLASSES = 3, PARAMETERS_MAX = 4096 };

/* Two values, a class of three, a value. */
static const char two_heads[] =
    "model:\n"
    "  - {type: dense, name: trunk, units: 6, activation: tanh}\n"
    "  - {type: dense, name: values, units: 2, inputs: trunk, activation: gelu}\n"
    "  - {type: dense, name: kind, units: 3, inputs: trunk}\n"
    "losses:\n"
    "  - {type: mse, output: values, targets: [4, 1], weight: 0.3}\n"
    "  - {type: softmax_cross_entropy, output: kind, targets: 3, class_weights: [1, 2, 0.5], weight: 1.7}\n";

/* The tensor of a loss is read by a layer as well, another loss looks at the last layer, a third at the same.
 */
static const char inner_head[] =
    "model:\n"
    "  - {type: dense, name: first, units: 3}\n"
    "  - {type: tanh}\n"
    "  - {type: dense, name: second, units: 5, activation: sigmoid}\n"
    "  - {type: dense, name: third, units: 2}\n"
    "losses:\n"
    "  - {type: softmax_cross_entropy, output: first, targets: 3, weight: 0.5}\n"
    "  - {type: mse, targets: [1, 2]}\n"
    "  - {type: huber, output: third, targets: [2, 4], weight: 0.25, delta: 0.7}\n";

static pushing begin(const char *model, const char *training, int threads)
{
    char *text =
        ls_format("seed: 5\ndata: {type: push, inputs: 3, outputs: 4, target_classes: [0, 0, 3, 0]}\n%s"
                  "optimizer: {type: sgd, lr: 0.5}\ntraining: {batch: %d, grain: 8, %s}\n",
                  model, ROWS, training);
    cr_assert_not_null(text);
    pushing r = pushing_begin("outputs", text, threads);
    ls_free(text);
    return r;
}

static float inputs[ROWS * INPUTS], targets[ROWS * TARGETS];

static void fill_rows(void)
{
    for (int i = 0; i < ROWS * INPUTS; i++)
        inputs[i] = (float)ls_random_normal(5, LS_RANDOM_BENCH, 0, (uint64_t)i);
    for (int i = 0; i < ROWS * TARGETS; i++) {
        targets[i] = (float)ls_random_normal(5, LS_RANDOM_BENCH, 1, (uint64_t)i);
        if (i % TARGETS == 2)
            targets[i] = (float)ls_random_below(5, LS_RANDOM_BENCH, 2, (uint64_t)i, CLASSES);
    }
}

static double step(pushing *r)
{
    double loss;
    cr_assert_eq(ls_trainer_step(r->trainer, ROWS, inputs, targets, NULL, &loss), LS_OK, "%s",
                 ls_error_message());
    return loss;
}

/* The outputs of all nodes for one row, by the reference functions. */
static void run_reference(const ls_model *model, const double *parameters, int row, double tensor[][8])
{
    for (int i = 0; i < INPUTS; i++) tensor[0][i] = (double)inputs[row * INPUTS + i];
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        const double *views[2] = {NULL};
        double dense[2][64];
        for (int p = 0; p < node->parameter_count; p++) {
            const ls_parameter *parameter = &model->parameter[node->first_parameter + p];
            for (int64_t k = 0; k < parameter->rows; k++)
                memcpy(dense[p] + k * parameter->columns, parameters + parameter->offset + k * parameter->ld,
                       (size_t)parameter->columns * sizeof(double));
            views[p] = dense[p];
        }
        ls_reference_call call = {
            .node = node, .parameter = views, .x = {tensor[node->input[0]]}, .y = tensor[n + 1]};
        node->type->reference_forward(&call);
    }
}

/* The objective in double precision: which targets each loss is for is said here once more. */
static double reference_loss(const pushing *r, const double *parameters)
{
    static const int of_two[3][2] = {{3, 0}, {2, 2}}, of_inner[3][2] = {{2, 2}, {0, 1}, {1, 3}};
    const ls_model *model = &r->trainer->model;
    bool two = r->recipe->losses.count == 2;
    double total = 0;
    for (int h = 0; h < r->recipe->losses.count; h++) {
        const ls_component *loss = &r->recipe->losses.item[h];
        const ls_loss_type *type = (const ls_loss_type *)loss->type;
        const int *column = two ? of_two[h] : of_inner[h];
        int output = two ? (h == 0 ? 4 : 5) : (h == 0 ? 1 : 5); /* tensors: behind activations of layers */
        int64_t units = ls_shape_size(&model->node[output - 1].out);
        double sum = 0, weight = 0;
        for (int row = 0; row < ROWS; row++) {
            double tensor[8][8], values[2];
            const float *target = targets + row * TARGETS;
            run_reference(model, parameters, row, tensor);
            for (int u = 0; u < 2; u++) values[u] = (double)target[column[u]];
            int32_t label = (int32_t)target[2];
            sum += type->reference(loss->options, units, tensor[output], values, label, NULL);
            bool weighted = type->weighted != NULL && type->weighted(loss->options);
            weight += weighted ? (double)type->weight(loss->options, label) : 1;
        }
        total += ((const ls_loss_options *)loss->options)->weight * sum / weight;
    }
    return total;
}

/* With the step w' = w - 0.5 g the gradient is read from the weights. */
static void expect_gradient(const char *model_text)
{
    fill_rows();
    pushing r = begin(model_text, "segments: 2", 2);
    const ls_model *model = &r.trainer->model;
    static double parameters[PARAMETERS_MAX];
    cr_assert_leq(model->arena_size, PARAMETERS_MAX);
    for (int64_t i = 0; i < model->arena_size; i++) parameters[i] = (double)r.trainer->step.parameters[i];
    double expected_loss = reference_loss(&r, parameters), loss = step(&r);
    cr_expect_float_eq(loss, expected_loss, 1e-6, "%.9g instead of %.9g", loss, expected_loss);
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        for (int64_t e = 0; e < parameter->rows * parameter->columns; e++) {
            int64_t i = parameter->offset + e / parameter->columns * parameter->ld + e % parameter->columns;
            double before = parameters[i], h = 1e-5;
            double found = (before - (double)r.trainer->step.parameters[i]) / 0.5;
            parameters[i] = before + h;
            double above = reference_loss(&r, parameters);
            parameters[i] = before - h;
            double below = reference_loss(&r, parameters);
            parameters[i] = before;
            double expected = (above - below) / (2 * h);
            cr_assert(fabs(found - expected) < 2e-6, "%s[%d]: %.9g, expected %.9g", parameter->name, (int)e,
                      found, expected);
        }
    }
    pushing_end(&r);
}

Test(outputs, the_gradient_of_two_heads_is_that_of_finite_differences)
{
    expect_gradient(two_heads);
}

Test(outputs, losses_on_inner_layers_and_several_on_one)
{
    expect_gradient(inner_head);
}

static void expect_same_weights(const pushing *a, const pushing *b, const char *what)
{
    cr_expect_eq(memcmp(a->trainer->step.parameters, b->trainer->step.parameters,
                        (size_t)a->trainer->model.arena_size * sizeof(float)),
                 0, "%s", what);
}

Test(outputs, threads_and_segments_do_not_matter)
{
    setenv("LOCKSTEP_ALL_THREADS", "1", 1);
    fill_rows();
    const char *const models[] = {two_heads, inner_head};
    for (int m = 0; m < 2; m++) {
        pushing a = begin(models[m], "segments: 1", 1), b = begin(models[m], "segments: 3", 3);
        double loss_a = 0, loss_b = 0;
        for (int i = 0; i < 5; i++) loss_a = step(&a), loss_b = step(&b);
        cr_expect_eq(loss_a, loss_b);
        expect_same_weights(&a, &b, "1 and 3 threads");
        pushing_end(&a);
        pushing_end(&b);
    }
}

/* A list of one loss, a loss by itself, and one that names the last layer: the same bits. */
Test(outputs, a_list_of_one_is_a_loss)
{
#define MODEL "model: [{type: dense, units: 4, activation: tanh}, {type: dense, name: o, units: 2}]\n"
    fill_rows();
    pushing a = begin(MODEL "loss: {type: mse, targets: [1, 4]}\n", "segments: 1", 1);
    pushing b = begin(MODEL "losses: [{type: mse, targets: [1, 4], output: o}]\n", "segments: 1", 1);
    pushing c = begin(MODEL "losses: [{type: mse, targets: [1, 4], weight: 0.5}, "
                            "{type: mse, targets: [1, 4], weight: 0.5}]\n",
                      "segments: 1", 1);
    double loss = step(&a);
    cr_expect_eq(step(&b), loss);
    cr_expect_eq(step(&c), loss); /* halves add up exactly */
    expect_same_weights(&a, &b, "a list of one");
    expect_same_weights(&a, &c, "two halves");
    pushing_end(&a);
    pushing_end(&b);
    pushing_end(&c);
}

Test(outputs, predictions_stand_side_by_side)
{
    fill_rows();
    pushing r = begin(two_heads, "segments: 1", 1);
    cr_assert_eq(ls_trainer_outputs(r.trainer), 5);
    static double parameters[PARAMETERS_MAX];
    for (int64_t i = 0; i < r.trainer->model.arena_size; i++)
        parameters[i] = (double)r.trainer->step.parameters[i];
    float found[ROWS * 5];
    cr_assert_eq(ls_trainer_predict(r.trainer, ROWS, inputs, found), LS_OK);
    for (int row = 0; row < ROWS; row++) {
        double tensor[8][8], sum = 0;
        run_reference(&r.trainer->model, parameters, row, tensor);
        for (int u = 0; u < 2; u++) cr_expect_float_eq(found[row * 5 + u], tensor[4][u], 1e-5);
        for (int u = 0; u < 3; u++) sum += exp(tensor[5][u]);
        for (int u = 0; u < 3; u++) cr_expect_float_eq(found[row * 5 + 2 + u], exp(tensor[5][u]) / sum, 1e-5);
    }
    pushing_end(&r);
}

Test(outputs, a_pushed_class_out_of_range_says_the_row)
{
    fill_rows();
    pushing r = begin(two_heads, "segments: 1", 1);
    targets[6 * TARGETS + 2] = 3;
    cr_expect_eq(ls_trainer_step(r.trainer, ROWS, inputs, targets, NULL, NULL), LS_ERROR_DATA);
    cr_expect_str_eq(ls_error_message(),
                     "ls_trainer_step: row 7: target 3 is 3, but the loss softmax_cross_entropy "
                     "expects the number of a class, 0 to 2");
    targets[6 * TARGETS + 2] = 0.5F;
    cr_expect_eq(ls_trainer_step(r.trainer, ROWS, inputs, targets, NULL, NULL), LS_ERROR_DATA);
    pushing_end(&r);
}

/* --- from files --- */

static const char table[] = "x,y,price,colour,size\n"
                            "0,1,10,red,3\n1,0,20,blue,1\n1,1,30,red,2\n0,0,40,green,1\n2,1,50,blue,5\n"
                            "2,2,35,red,2\n0,2,15,green,4\n1,2,25,blue,3\n";
static const char table_model[] = "model:\n"
                                  "  - {type: dense, name: trunk, units: 4, activation: tanh}\n"
                                  "  - {type: dense, name: number, units: 2, inputs: trunk}\n"
                                  "  - {type: dense, name: paint, units: 3, inputs: trunk}\n";
static const char table_losses[] = "losses:\n"
                                   "  - {type: mae, output: number, targets: [size, price], weight: 0.1}\n"
                                   "  - {type: softmax_cross_entropy, output: paint, targets: colour}\n";

typedef struct files {
    char directory[LS_TEST_DIRECTORY], *table, *run;
} files;

static files make_files(const char *content)
{
    files f;
    ls_test_directory_make(f.directory);
    f.table = ls_format("%s/table.csv", f.directory);
    f.run = ls_format("%s/run", f.directory);
    FILE *file = fopen(f.table, "w");
    cr_assert_not_null(file);
    fputs(content, file);
    fclose(file);
    return f;
}

static void remove_files(files *f)
{
    ls_test_directory_remove(f->directory);
    ls_free(f->table);
    ls_free(f->run);
}

static ls_recipe *recipe_of(const files *f, const char *model, const char *losses, const char *more)
{
    ls_recipe *recipe;
    char *text =
        ls_format("data: {type: csv, train: %s, target: [price, colour, size], class_targets: colour, "
                  "test_fraction: 0.25}\n%s%s%s",
                  f->table, model, losses, more);
    cr_assert_eq(ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    ls_free(text);
    return recipe;
}

static double metric_of(const ls_metrics *metrics, const char *name)
{
    for (int i = 0; i < metrics->count; i++)
        if (strcmp(metrics->item[i].name, name) == 0) return metrics->item[i].value;
    cr_assert_fail("there is no metric %s", name);
    return NAN;
}

Test(outputs, a_run_on_a_table_and_its_model)
{
    files f = make_files(table);
    ls_context *context;
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    ls_recipe *recipe =
        recipe_of(&f, table_model, table_losses, "metrics: [rmse, accuracy, confusion_matrix]\n");
    ls_run_options options = {.directory = f.run};
    ls_run_result result;
    cr_assert_eq(ls_train(context, recipe, &options, &result), LS_OK, "%s", ls_error_message());
    const ls_metrics *last = &result.last.test_metrics;
    double loss = 0.1 * metric_of(last, "number.loss") + metric_of(last, "paint.loss");
    cr_expect_float_eq(loss, result.last.test_loss, 1e-9);
    cr_expect_eq(metric_of(last, "paint.accuracy"), result.last.test_accuracy);
    cr_expect_gt(metric_of(last, "number.rmse"), 0);

    ls_predictor *predictor;
    cr_assert_eq(ls_predictor_load(context, f.run, &predictor), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_predictor_outputs(predictor), 5);
    static const char *const names[] = {"number.size", "number.price", "paint.p_blue", "paint.p_green",
                                        "paint.p_red"};
    for (int i = 0; i < 5; i++) cr_expect_str_eq(ls_predictor_output_name(predictor, i), names[i]);
    ls_predictor_head number = ls_predictor_get_head(predictor, 0),
                      paint = ls_predictor_get_head(predictor, 1);
    cr_assert_eq(ls_predictor_head_count(predictor), 2);
    cr_expect_str_eq(number.name, "number");
    cr_expect(number.first == 0 && number.columns == 2 && number.classes == 0);
    cr_expect_str_eq(paint.name, "paint");
    cr_expect(paint.first == 2 && paint.columns == 3 && paint.classes == 3);
    cr_expect_str_eq(paint.class_names[1], "green");
    ls_evaluation evaluation;
    cr_assert_eq(ls_predictor_evaluate(predictor, NULL, &evaluation), LS_OK, "%s", ls_error_message());
    cr_expect_eq(evaluation.rows, 2);
    cr_expect_eq(evaluation.loss, result.last.test_loss);
    cr_expect_eq(metric_of(&evaluation.metrics, "number.rmse"), metric_of(last, "number.rmse"));
    cr_assert_eq(ls_predictor_evaluate(predictor, f.table, &evaluation), LS_OK, "%s", ls_error_message());
    cr_expect_eq(evaluation.rows, 8);
    const ls_metric *matrix = &evaluation.metrics.item[evaluation.metrics.count - 1];
    cr_expect_str_eq(matrix->name, "paint.confusion_matrix");
    cr_assert_eq(matrix->classes, 3);
    cr_expect_str_eq(matrix->class_names[1], "green");
    cr_expect_eq(matrix->confusion[0] + matrix->confusion[1] + matrix->confusion[2], 3); /* blue */
    cr_expect_eq(matrix->confusion[3] + matrix->confusion[4] + matrix->confusion[5], 2); /* green */
    ls_predictor_free(predictor);
    ls_recipe_free(recipe);
    ls_context_free(context);
    remove_files(&f);
}

static void expect_refused(const char *content, const char *model, const char *losses, const char *more,
                           const char *message)
{
    files f = make_files(content);
    ls_context *context;
    ls_trainer trainer;
    cr_assert_eq(ls_context_create(1, &context), LS_OK);
    ls_recipe *recipe = recipe_of(&f, model, losses, more);
    ls_status status = ls_trainer_setup(context, recipe, &trainer);
    cr_expect_neq(status, LS_OK, "%s", message);
    if (status == LS_OK) ls_trainer_clear(&trainer);
    cr_expect_not_null(strstr(ls_error_message(), message), "%s\ninstead of\n%s", ls_error_message(),
                       message);
    ls_recipe_free(recipe);
    ls_context_free(context);
    remove_files(&f);
}

Test(outputs, what_does_not_fit_says_where_and_why)
{
#define LOSSES(FIRST, SECOND) "losses:\n  - {" FIRST "}\n  - {" SECOND "}\n"
#define NUMBER                "type: mse, output: number, targets: [price, size]"
#define PAINT                 "type: softmax_cross_entropy, output: paint, targets: colour"
    expect_refused(
        table, table_model, LOSSES(NUMBER, "type: mse, output: paint, targets: [price, size]"), "",
        "r.yaml:8:5: loss mse of paint: its output has 3 units, but the data have 2 target values a "
        "row");
    expect_refused(
        table, table_model, LOSSES("type: mse, output: numbr", PAINT), "",
        "r.yaml:7:5: loss mse: its output 'numbr' is not the name of a layer; did you mean 'number'?");
    expect_refused(table, table_model, LOSSES(PAINT, PAINT), "",
                   "r.yaml:4:5: layer number: no layer uses its output and no loss; name it in");
    expect_refused(
        table, table_model, LOSSES("type: mse, output: number", PAINT), "",
        "r.yaml:7:5: loss mse of number: target 2 is a class; a loss takes one class alone, or values");
    expect_refused(
        table, table_model, LOSSES("type: mse, output: number, targets: [price, weight]", PAINT), "",
        "loss mse of number: targets: 'weight' is none of the target columns price, colour, size, nor a "
        "number from 1 to 3");
    expect_refused(table, table_model, LOSSES("type: mse, output: number, targets: [1, 4]", PAINT), "",
                   "targets: '4' is none of the target columns");
    expect_refused(table, table_model, LOSSES(NUMBER, PAINT), "metrics: [{type: top_k, k: 4}]\n",
                   "r.yaml:9:11: metric top_k: k is 4, but the data have 3 classes");
    expect_refused("x,price,colour,size\n1,2,red,-3\n2,1,blue,1\n3,0,green,2\n", table_model,
                   LOSSES("type: poisson, output: number, targets: [price, size]", PAINT), "",
                   ": row 1: target 3 (size) is -3, but the loss poisson expects a count, 0 or more");
    expect_refused("x,price,colour,size\n1,2,red,1\n2,1,,1\n", table_model, LOSSES(NUMBER, PAINT), "",
                   "table.csv:3:5: row 2: empty target, expected a class");
}

static void expect_recipe_refused(const char *text, const char *message)
{
    ls_recipe *recipe = NULL;
    cr_expect_eq(ls_recipe_parse(text, "r.yaml", NULL, NULL, 0, &recipe), LS_ERROR_RECIPE);
    cr_expect_null(recipe);
    cr_expect_eq(strncmp(ls_error_message(), message, strlen(message)), 0, "%s", ls_error_message());
}

Test(outputs, one_of_loss_and_losses_is_needed)
{
#define FRONT "data: xor\nmodel: [{type: dense, units: 1}]\n"
    expect_recipe_refused(FRONT,
                          "r.yaml:1:1: missing key 'loss' of the recipe, expected the type of the loss");
    expect_recipe_refused(FRONT "losses: []\n", "r.yaml:1:1: missing key 'loss'");
    expect_recipe_refused(FRONT "loss: mse\nlosses: [mse]\n",
                          "r.yaml:4:10: both 'loss' and 'losses' are given, expected one of them");
    expect_recipe_refused(FRONT "losses: [mse, mse, mse, mse, mse, mse, mse, mse, mse]\n",
                          "r.yaml:3:50: more than 8 losses");
    expect_recipe_refused(
        "data: {type: csv, train: t.csv, target: [a, b], class_targets: c}\nmodel: [relu]\nloss: mse\n",
        "r.yaml:1:7: data source csv: class_targets must be some of the columns in target");
    expect_recipe_refused(
        "data: {type: csv, train: t.csv, target: a, class_targets: a}\nmodel: [relu]\nloss: mse\n",
        "r.yaml:1:7: data source csv: class_targets are for several targets");
    expect_recipe_refused(
        "data: {type: push, inputs: 1, outputs: 2, target_classes: [2]}\nmodel: [relu]\nloss: mse\n",
        "r.yaml:1:7: data source push: target_classes must have a number for each of the outputs");
}
