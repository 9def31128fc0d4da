/* What a recipe may say: forms of numbers, components, lists, anchors, and the defaults. */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "io/decimal.h"
#include "io/tree.h"
#include "support/directory.h"
#include "support/options_example.h"
#include "support/run.h"

#define GOOD "parts: [bolt]\n"

static ls_example example;

static void leave(void)
{
    ls_example_clear(&example);
}

TestSuite(recipe_values, .fini = leave);

static void read_good(const char *text)
{
    ls_example_clear(&example);
    ls_example_read_good(text, &example);
}

Test(recipe_values, defaults_fill_what_is_not_written)
{
    read_good(GOOD);
    cr_expect_eq(example.count, 3);
    cr_expect_eq(example.rate, 0.5);
    cr_expect(example.flag);
    cr_expect_eq(example.mode, 0);
    cr_expect_null(example.title);
    cr_expect_null(example.file);
    cr_expect_eq(example.kernel.count, 2);
    cr_expect_eq(example.kernel.value[1], 1);
    cr_expect(example.margin.word == 1 && example.margin.count == 0);
    cr_expect_eq(example.words.count, 0);
    cr_expect_str_eq(example.shape.type->name, "round");
    cr_expect_eq(((ls_example_round *)example.shape.options)->radius, 1.0);
    cr_expect_eq(example.shape.line, 0);
    cr_expect_null(example.lid.type);
    cr_expect_eq(example.inner.depth, 2);
    cr_expect_eq(example.inner.deep.level, 1e-3);
}

Test(recipe_values, forms_of_numbers)
{
    static const struct {
        const char *text;
        double value;
    } reals[] = {{"1e-3", 1e-3},         {".5", 0.5}, {"5.", 5},  {"-1", -1},
                 {"+2.5E+2", 250},       {"0", 0},    {"007", 7}, {"1E300", 1e300},
                 {"4.9e-324", 4.9e-324}, {"0.1", 0.1}};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, GOOD "any: %s\n", reals[i].text);
        read_good(text);
        cr_expect_eq(example.any, reals[i].value, "%s", reals[i].text);
    }
    static const struct {
        const char *text;
        int64_t value;
    } integers[] = {{"7", 7},     {"1e2", 100}, {"2.0", 2},    {"0x1f", 31},
                    {"0o17", 15}, {"+4", 4},    {"1000", 1000}};
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, GOOD "count: %s\n", integers[i].text);
        read_good(text);
        cr_expect_eq(example.count, integers[i].value, "%s", integers[i].text);
    }
}

Test(recipe_values, large_integers_are_exact)
{
    int64_t value = 0;
    cr_expect_eq(ls_decimal_integer("9007199254740993", &value), LS_DECIMAL_GOOD);
    cr_expect_eq(value, INT64_C(9007199254740993));
    cr_expect_eq(ls_decimal_integer("9223372036854775807", &value), LS_DECIMAL_GOOD);
    cr_expect_eq(value, INT64_MAX);
    cr_expect_eq(ls_decimal_integer("9223372036854775808", &value), LS_DECIMAL_TOO_LARGE);
    cr_expect_eq(ls_decimal_integer("1e16", &value), LS_DECIMAL_TOO_LARGE);
    cr_expect_eq(ls_decimal_integer("0.5", &value), LS_DECIMAL_FRACTION);
    cr_expect_eq(ls_decimal_integer("0x", &value), LS_DECIMAL_NOT);
    cr_expect_eq(ls_decimal_integer("0x-1", &value), LS_DECIMAL_NOT);
    cr_expect_eq(ls_decimal_integer("", &value), LS_DECIMAL_NOT);
}

Test(recipe_values, components_short_and_long)
{
    read_good("shape: flat\nlid: {type: \"round\", radius: 2.5}\n"
              "parts:\n  - bolt\n  - {type: wheel, size: 4, name: front.left-1, inputs: a}\n"
              "  - type: wheel\n    inputs: [a, front.left-1]\n    size: 5\n    shape: flat\n");
    cr_expect_str_eq(example.shape.type->name, "flat");
    cr_expect_null(example.shape.options);
    cr_expect_eq(((ls_example_round *)example.lid.options)->radius, 2.5);
    cr_assert_eq(example.parts.count, 3);
    const ls_component *front = &example.parts.item[1], *other = &example.parts.item[2];
    cr_expect_str_eq(front->name, "front.left-1");
    cr_assert_eq(front->inputs.count, 1);
    cr_expect_str_eq(front->inputs.value[0], "a");
    cr_expect_eq(front->line, 5);
    cr_expect_eq(front->column, 5);
    cr_expect_eq(((ls_example_wheel *)front->options)->spokes, 8);
    cr_expect_str_eq(((ls_example_wheel *)front->options)->shape.type->name, "square");
    cr_assert_eq(other->inputs.count, 2);
    cr_expect_str_eq(((ls_example_wheel *)other->options)->shape.type->name, "flat");
    cr_expect_null(other->name);
}

Test(recipe_values, one_value_is_a_list_of_one)
{
    read_good(GOOD "kernel: 3\nwords: alone\n");
    cr_expect_eq(example.kernel.count, 1);
    cr_expect_eq(example.kernel.value[0], 3);
    cr_assert_eq(example.words.count, 1);
    cr_expect_str_eq(example.words.value[0], "alone");
    read_good(GOOD "margin: even\n");
    cr_expect(example.margin.word == 2 && example.margin.count == 0);
    read_good(GOOD "margin: [1, 0]\n");
    cr_expect(example.margin.word == 0 && example.margin.count == 2 && example.margin.value[0] == 1);
    read_good(GOOD "kernel: [3, 4, 5]\nwords: [1, two, \"3 \"]\n");
    cr_expect_eq(example.kernel.count, 3);
    cr_assert_eq(example.words.count, 3);
    cr_expect_str_eq(example.words.value[0], "1");
    cr_expect_str_eq(example.words.value[2], "3 ");
    read_good(GOOD "levels: 0.5\n");
    cr_assert_eq(example.levels.count, 1);
    cr_expect_eq(example.levels.value[0], 0.5);
    read_good(GOOD "levels: [5, 1e-3, .25]\n");
    cr_assert_eq(example.levels.count, 3);
    cr_expect(example.levels.value[0] == 5 && example.levels.value[1] == 1e-3 &&
              example.levels.value[2] == 0.25);
    read_good(GOOD "levels: []\n");
    cr_expect_eq(example.levels.count, 0);
    read_good(GOOD "levels: null\n");
    cr_expect_eq(example.levels.count, 0);
    read_good(GOOD "words: []\n");
    cr_expect_eq(example.words.count, 0);
}

Test(recipe_values, nothing_is_absent)
{
    read_good(GOOD "title: null\nfile: ~\nlid:\nwords: null\ninner:\n");
    cr_expect_null(example.title);
    cr_expect_null(example.file);
    cr_expect_null(example.lid.type);
    cr_expect_eq(example.words.count, 0);
    cr_expect_eq(example.inner.depth, 2);
    read_good(GOOD "title: 'null'\n");
    cr_expect_str_eq(example.title, "null");
}

Test(recipe_values, anchors_and_aliases)
{
    read_good("shape: &s {type: round, radius: 3}\nlid: *s\n"
              "parts:\n  - &w {type: wheel, size: 7}\n  - *w\n");
    cr_expect_eq(((ls_example_round *)example.lid.options)->radius, 3);
    cr_assert_eq(example.parts.count, 2);
    cr_expect_eq(((ls_example_wheel *)example.parts.item[1].options)->size, 7);
}

Test(recipe_values, paths_stay_as_written)
{
    read_good(GOOD "file: ../data/x y.csv\n");
    cr_expect_str_eq(example.file, "../data/x y.csv");
}

Test(recipe_values, line_ends_byte_order_mark_and_json)
{
    read_good("\xEF\xBB\xBF"
              "count: 4\r\nparts: [bolt]\r\ntitle: caf\xc3\xa9\r\n");
    cr_expect_eq(example.count, 4);
    cr_expect_str_eq(example.title, "caf\xc3\xa9");
    read_good(
        "{\"count\":5,\"parts\":[{\"type\":\"bolt\",\"name\":\"a\"}],\"title\":\"q\\\"\\u00e9\",\"lid\":null,"
        "\"flag\":false}");
    cr_expect_eq(example.count, 5);
    cr_expect_str_eq(example.title, "q\"\xc3\xa9");
    cr_expect_not(example.flag);
}

/* A locale with decimal commas: one that the machine has, or one made in directory. */
static bool set_comma_locale(const char *directory)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "it_IT.UTF-8"};
    char command[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (setlocale(LC_ALL, names[i]) != NULL) return true;
    }
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8'", directory);
    if (ls_test_run(command, NULL, 0) != 0) return false;
    setenv("LOCPATH", directory, 1);
    return setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

Test(recipe_values, decimal_commas_of_a_locale_change_nothing)
{
    char directory[LS_TEST_DIRECTORY], text[LS_DECIMAL_SIZE], own[32];
    ls_test_directory_make(directory);
    bool found = set_comma_locale(directory);
    ls_test_directory_remove(directory);
    if (!found) cr_skip_test("no locale with decimal commas here");
    ls_decimal_format(0.25, text);
    cr_expect_str_eq(text, "0.25");
    read_good(GOOD "any: 0.25\n");
    cr_expect_eq(example.any, 0.25);
    snprintf(own, sizeof own, "%.2f", 0.25);
    cr_expect_str_eq(own, "0,25", "the caller's locale is gone");
}

/* Each level of the aliases holds the one before ten times. */
Test(recipe_values, aliases_cannot_explode)
{
    char text[4096] = "a: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
    for (int i = 1; i < 10; i++) {
        char line[200];
        snprintf(line, sizeof line, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strcat(text, line);
    }
    cr_expect_eq(ls_example_read(text, NULL, &example), LS_ERROR_RECIPE);
    cr_expect_not_null(strstr(ls_error_message(), "more than 30000 values"), "%s", ls_error_message());
}

static void expect_refused(char *text, size_t size, const char *part)
{
    ls_tree *tree = NULL;
    cr_expect_eq(ls_tree_parse(text, size, "t.yaml", NULL, &tree), LS_ERROR_RECIPE);
    cr_expect_not_null(strstr(ls_error_message(), part), "%s", ls_error_message());
    cr_expect_null(tree);
    ls_tree_free(tree);
}

Test(recipe_values, limits_on_depth_values_keys_and_size)
{
    size_t size = 1 << 20;
    char *text = ls_alloc(size, 1);
    cr_assert_not_null(text);
    memset(text, '[', 5000);
    expect_refused(text, 5000, "nested more than 32 levels deep");
    memset(text, '[', 40);
    memset(text + 32, ']', 32);
    ls_tree *tree = NULL;
    cr_expect_eq(ls_tree_parse(text, 64, "t.yaml", NULL, &tree), LS_OK, "%s", ls_error_message());
    ls_tree_free(tree);
    for (size_t i = 0; i + 1 < size; i += 2) memcpy(text + i, i == 0 ? "[1" : ",1", 2);
    text[size - 1] = ']';
    expect_refused(text, size, "more than 30000 values");
    size_t used = 0;
    for (int i = 0; i < 1001; i++) used += (size_t)snprintf(text + used, size - used, "k%d: 1\n", i);
    expect_refused(text, used, "more than 1000 keys");
    ls_free(text);
    size = LS_TREE_BYTES + 1;
    text = ls_alloc(size, 1);
    cr_assert_not_null(text);
    memset(text, '#', size);
    expect_refused(text, size, "larger than 16 MB");
    ls_free(text);
}
