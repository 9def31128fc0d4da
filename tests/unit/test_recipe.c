/* Real recipes: files, the model's description, digests, what may change, the example of the documentation.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "base/options.h"
#include "data/dataset.h"
#include "io/options.h"
#include "io/recipe.h"
#include "io/recipe_document.h"

#define REST                                                                                                 \
    "model:\n  - {type: dense, name: hidden, units: 3, activation: tanh}\n  - {type: dense, units: "         \
    "1}\nloss: mse\n"
static const char basic[] = "data: {type: csv, train: d/x.csv}\n" REST;

static ls_recipe *parse(const char *text, const char *override)
{
    ls_recipe *recipe = NULL;
    ls_status status = ls_recipe_parse(text, "r.yaml", NULL, &override, override != NULL ? 1 : 0, &recipe);
    cr_assert_eq(status, LS_OK, "%s", ls_error_message());
    return recipe;
}

Test(recipe, defaults_are_those_of_the_documentation)
{
    ls_recipe *recipe = parse(basic, NULL);
    const ls_training_options *training = &recipe->training;
    cr_expect_eq(recipe->seed, 1);
    cr_expect_str_eq(recipe->file, "r.yaml");
    cr_expect_str_eq(recipe->directory, ".");
    cr_expect_str_eq(recipe->optimizer.type->name, "sgd");
    cr_expect_eq(training->epochs, 10);
    cr_expect_eq(training->steps, 0);
    cr_expect_eq(training->batch, 64);
    cr_expect_eq(training->grain, 0);
    cr_expect(training->shuffle);
    cr_expect_eq(training->reduce, 0);
    cr_expect_eq(training->segments, 1);
    cr_expect_eq(training->clip_norm, 0);
    cr_expect_eq(training->nonfinite, 0);
    cr_expect_eq(training->replica_check, 0);
    cr_expect_eq(training->report, 0);
    cr_expect_null(training->initial);
    cr_expect_eq(training->checkpoint.every_epochs, 0);
    cr_expect_eq(training->checkpoint.every_steps, 0);
    cr_expect_eq(training->checkpoint.every_seconds, 300);
    cr_expect_eq(training->checkpoint.keep, 3);
    ls_recipe_free(recipe);
    ls_recipe_free(NULL);
}

Test(recipe, load_knows_its_file_and_directory)
{
    char directory[] = "/tmp/lockstep-recipe-XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a.yaml", directory);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(basic, file);
    fclose(file);
    ls_recipe *recipe = NULL;
    cr_assert_eq(ls_recipe_load(path, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    cr_expect_str_eq(recipe->file, path);
    cr_expect_str_eq(recipe->directory, directory);
    char *yaml = NULL, expected[128];
    snprintf(expected, sizeof expected, "  train: %s/d/x.csv\n", directory);
    cr_assert_eq(ls_recipe_to_yaml(recipe, true, &yaml), LS_OK);
    cr_expect_not_null(strstr(yaml, expected), "no '%s' in\n%s", expected, yaml);
    ls_free(yaml);
    ls_recipe_free(recipe);
    unlink(path);
    cr_expect_eq(ls_recipe_load(path, NULL, 0, &recipe), LS_ERROR_IO);
    cr_expect_null(recipe);
    cr_expect_not_null(strstr(ls_error_message(), path));
    rmdir(directory);
}

Test(recipe, yaml_comes_back_as_the_same_recipe)
{
    const char *const texts[] = {basic, ls_recipe_example, "data: xor\n" REST,
                                 "data: {type: push, inputs: 3, outputs: 2}\n" REST};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ls_recipe *recipe = parse(texts[i], NULL);
        char *yaml = NULL, *twice = NULL;
        cr_assert_eq(ls_recipe_to_yaml(recipe, false, &yaml), LS_OK);
        ls_recipe *again = parse(yaml, NULL);
        cr_expect_null(ls_recipe_difference(recipe, again));
        cr_expect_eq(ls_recipe_digest(recipe), ls_recipe_digest(again));
        cr_assert_eq(ls_recipe_to_yaml(again, false, &twice), LS_OK);
        cr_expect_str_eq(twice, yaml);
        ls_free(yaml);
        ls_free(twice);
        ls_recipe_free(recipe);
        ls_recipe_free(again);
    }
}

Test(recipe, the_models_description_has_no_paths_and_no_training)
{
    ls_recipe *recipe = parse(basic, NULL), *elsewhere = parse(basic, "data.train=/other/y.csv");
    char *json = NULL, *other = NULL, *twice = NULL;
    cr_assert_eq(ls_recipe_model_json(recipe, &json), LS_OK);
    cr_assert_eq(ls_recipe_model_json(elsewhere, &other), LS_OK);
    cr_expect_str_eq(json, other);
    const char begin[] = "{\"model\":[{\"type\":\"dense\",\"name\":\"hidden\",\"units\":3,";
    cr_expect_eq(strncmp(json, begin, strlen(begin)), 0, "%s", json);
    cr_expect_not_null(
        strstr(json, ",\"loss\":{\"type\":\"mse\",\"reduction\":\"mean\",\"output\":null,\"targets\":[],"
                     "\"weight\":1},\"losses\":[],\"metrics\":[],\"data\":{\"type\":\"csv\","));
    cr_expect_null(strstr(json, "x.csv"));
    cr_expect_null(strchr(json, ' '));
    cr_expect_null(strstr(json, "epochs"));
    ls_recipe *model = NULL;
    cr_assert_eq(ls_recipe_parse_model(json, "m", &model), LS_OK, "%s", ls_error_message());
    cr_expect_eq(model->model.count, 2);
    cr_expect_str_eq(model->data.type->name, "csv");
    cr_expect_eq(model->training.epochs, 10);
    cr_assert_eq(ls_recipe_model_json(model, &twice), LS_OK);
    cr_expect_str_eq(twice, json);
    ls_free(json);
    ls_free(other);
    ls_free(twice);
    ls_recipe_free(recipe);
    ls_recipe_free(elsewhere);
    ls_recipe_free(model);
    cr_expect_eq(ls_recipe_parse_model("{\"model\":[]}", "m.safetensors", &model), LS_ERROR_RECIPE);
    cr_expect_eq(strncmp(ls_error_message(), "m.safetensors:1:10: ", 20), 0, "%s", ls_error_message());
}

typedef struct change {
    const char *setting, *difference; /* NULL: allowed on resume */
    bool digest;                      /* whether it changes the digest */
} change;

Test(recipe, resume_and_digest_know_what_matters)
{
    static const change changes[] = {
        {"seed=2", "seed", true},
        {"data.test_fraction=0.5", "data.test_fraction", true},
        {"data.train=/other/y.csv", "data.train", false},
        {"data.test=/other/y.csv", "data.test", false},
        {"model.hidden.units=4", "model.0.units", true},
        {"model.1.activation=relu", "model.1.activation.type", true},
        {"loss={type: mse, reduction: sum}", "loss.reduction", true},
        {"optimizer.lr=0.5", "optimizer.lr", true},
        {"optimizer.schedule={type: step, every: 2}", "optimizer.schedule.type", true},
        {"training.batch=32", "training.batch", true},
        {"training.grain=8", "training.grain", true},
        {"training.shuffle=false", "training.shuffle", true},
        {"training.reduce=float32", "training.reduce", true},
        {"training.clip_norm=1", "training.clip_norm", true},
        {"training.nonfinite=skip", "training.nonfinite", true},
        {"training.segments=2", "training.segments", false},
        {"training.replica_check=5", "training.replica_check", false},
        {"training.initial=/w.safetensors", "training.initial", false},
        {"training.epochs=11", NULL, false},
        {"training.steps=11", NULL, false},
        {"training.report=2", NULL, false},
        {"training.checkpoint.every_epochs=2", NULL, false},
        {"training.checkpoint.every_steps=2", NULL, false},
        {"training.checkpoint.every_seconds=2", NULL, false},
        {"training.checkpoint.keep=2", NULL, false},
    };
    ls_recipe *recipe = parse(basic, NULL);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const change *c = &changes[i];
        ls_recipe *other = parse(basic, c->setting);
        char *key = ls_recipe_difference(recipe, other);
        cr_expect_eq(key != NULL, c->difference != NULL, "%s", c->setting);
        if (key != NULL && c->difference != NULL) cr_expect_str_eq(key, c->difference);
        cr_expect_eq(ls_recipe_digest(recipe) != ls_recipe_digest(other), c->digest, "%s", c->setting);
        ls_free(key);
        ls_recipe_free(other);
    }
    ls_recipe_free(recipe);
}

Test(recipe, resume_from_another_directory)
{
    ls_recipe *a = NULL, *b = NULL;
    cr_assert_eq(ls_recipe_parse(basic, "r", "/base", NULL, 0, &a), LS_OK);
    cr_assert_eq(ls_recipe_parse("data: {type: csv, train: x.csv}\n" REST, "r", "/base/d", NULL, 0, &b),
                 LS_OK);
    char *key = ls_recipe_difference(a, b);
    cr_expect_null(key, "%s", key);
    ls_recipe_free(a);
    ls_recipe_free(b);
}

Test(recipe, places)
{
    ls_recipe *recipe = parse(basic, NULL);
    const ls_component *second = &recipe->model.item[1];
    cr_expect_str_eq(ls_recipe_place(recipe, second->line, second->column), "r.yaml:4:5");
    cr_expect_str_eq(ls_recipe_place(recipe, 0, 0), "r.yaml");
    ls_recipe_free(recipe);
}

/* Every default of every component must be readable; what is required is filled in by the kind. */
static void check_table(const ls_option *table, int depth);

static void check_registry(const ls_registry *registry, int depth)
{
    for (int i = 0; depth < 4 && registry->types[i] != NULL; i++)
        check_table(registry->types[i]->options, depth);
}

static void check_table(const ls_option *table, int depth)
{
    for (const ls_option *option = table; option != NULL && option->key != NULL; option++) {
        cr_expect_not_null(option->help, "%s has no help", option->key);
        if (option->registry != NULL) check_registry(option->registry, depth + 1);
        if (option->group != NULL) check_table(option->group, depth);
        bool absent = option->default_text == NULL || option->default_text[0] == '\0';
        if (absent || option->kind == LS_OPTION_GROUP) continue;
        ls_option one[] = {*option, LS_OPTION_END};
        one[0].offset = 0;
        _Alignas(16) char field[1024] = {0};
        ls_options_input input = {.text = "{}", .size = 2, .name = option->key, .what = "a default"};
        cr_expect_eq(ls_options_read(one, &input, field), LS_OK, "%s", ls_error_message());
        ls_options_clear(one, field);
    }
}

Test(recipe, every_default_of_every_component_can_be_read)
{
    check_table(ls_recipe_options, 0);
}

Test(recipe, the_example_of_the_documentation_is_a_recipe)
{
    ls_recipe *recipe = parse(ls_recipe_example, NULL);
    cr_expect_eq(recipe->training.epochs, 60);
    cr_expect_eq(recipe->model.count, 2);
    ls_recipe_free(recipe);
    char *page = NULL;
    cr_assert_eq(ls_recipe_document(&page), LS_OK);
    cr_expect_not_null(strstr(page, ls_recipe_example));
    for (const ls_option *option = ls_training_option_table; option->key != NULL; option++) {
        char row[64];
        snprintf(row, sizeof row, "\n| `%s` | ", option->key);
        cr_expect_not_null(strstr(page, row), "%s is not documented", option->key);
    }
    ls_free(page);
}
