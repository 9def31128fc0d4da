/* Options written as YAML and JSON read back as the same. */
#include <criterion/criterion.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "base/random.h"
#include "io/decimal.h"
#include "io/options.h"
#include "support/options_example.h"

static const char *const awkward[] = {
    "plain",
    "two words",
    "",
    "null",
    "~",
    "true",
    "No",
    "3",
    "1e-3",
    "-",
    "- a",
    "a: b",
    "a #b",
    "# c",
    "[x",
    "{x}",
    "*alias",
    "&anchor",
    "!tag",
    "%d",
    "@at",
    "`tick",
    "'",
    "\"",
    "\\",
    "a\nb",
    "a\tb",
    " lead",
    "trail ",
    "...",
    "---",
    "../x.csv",
    "./x",
    ".",
    "..",
    ".x",
    "x:",
    "?",
    "y",
    "0x10",
    "caf\xc3\xa9",
    "\xe2\x80\xa8",
    "\xc2\x85",
    "\xef\xbb\xbf",
    "<<",
    ",",
    "a,b",
    "a]b",
    "|",
    ">",
    "=",
    "\xf0\x9f\x90\xa7",
    "/abs/p a th",
    "nUll",
};
enum { AWKWARD = sizeof awkward / sizeof awkward[0] };

static char *yaml_of(const ls_example *example)
{
    ls_text text = {0};
    char *taken = NULL;
    ls_options_yaml(&text, ls_example_table, example, NULL);
    cr_assert_eq(ls_text_take(&text, &taken), LS_OK);
    return taken;
}

static bool keep_all(const ls_option *option)
{
    return option->key != NULL;
}

static char *json_of(const ls_example *example)
{
    ls_text text = {0};
    char *taken = NULL;
    ls_options_json(&text, ls_example_table, example, keep_all);
    cr_assert_eq(ls_text_take(&text, &taken), LS_OK);
    return taken;
}

static void expect_same(const ls_example *a, const ls_example *b, const char *text)
{
    char key[100] = "";
    ls_options_pair pair = {.a = a, .b = b, .directory_a = ".", .directory_b = "."};
    cr_expect_not(ls_options_differ(ls_example_table, &pair, key, sizeof key), "'%s' differs in\n%s", key,
                  text);
}

static void expect_round_trip(const ls_example *example)
{
    char *written[] = {yaml_of(example), json_of(example)};
    for (int i = 0; i < 2; i++) {
        ls_example again;
        ls_status status = ls_example_read(written[i], NULL, &again);
        cr_assert_eq(status, LS_OK, "%s in\n%s", ls_error_message(), written[i]);
        expect_same(example, &again, written[i]);
        char *twice = i == 0 ? yaml_of(&again) : json_of(&again);
        cr_expect_str_eq(twice, written[i]);
        ls_free(twice);
        ls_free(written[i]);
        ls_example_clear(&again);
    }
}

Test(recipe_write, all_keys_in_the_order_of_the_table)
{
    ls_example example;
    ls_example_read_good("parts:\n  - {inputs: [a, b], size: 3, type: wheel, name: w}\n  - bolt\n"
                         "  - {name: q, type: bolt}\nlevels: [1, 0.001, 2e0]\nwords: [a b, c]\ncount: "
                         "1e2\nmode: yes\nrate: 1e-20\n",
                         &example);
    char *text = yaml_of(&example);
    cr_expect_str_eq(text, "count: 100\n"
                           "rate: 1e-20\n"
                           "any: 0\n"
                           "flag: true\n"
                           "mode: \"yes\"\n"
                           "title: null\n"
                           "file: null\n"
                           "kernel: [1, 1]\n"
                           "levels: [1, 0.001, 2]\n"
                           "margin: none\n"
                           "words: [\"a b\", c]\n"
                           "shape:\n"
                           "  type: round\n"
                           "  radius: 1\n"
                           "lid: null\n"
                           "parts:\n"
                           "  - type: wheel\n"
                           "    name: w\n"
                           "    inputs: [a, b]\n"
                           "    size: 3\n"
                           "    spokes: 8\n"
                           "    shape:\n"
                           "      type: square\n"
                           "      side: 4\n"
                           "  - bolt\n"
                           "  - type: bolt\n"
                           "    name: q\n"
                           "inner:\n"
                           "  depth: 2\n"
                           "  deep:\n"
                           "    level: 0.001\n");
    ls_free(text);
    text = json_of(&example);
    cr_expect_str_eq(text,
                     "{\"count\":100,\"rate\":1e-20,\"any\":0,\"flag\":true,\"mode\":\"yes\",\"title\":null,"
                     "\"file\":null,\"kernel\":[1,1],\"levels\":[1,0.001,2],\"margin\":\"none\",\"words\":[\"a b\",\"c\"],"
                     "\"shape\":{\"type\":\"round\",\"radius\":1},\"lid\":null,"
                     "\"parts\":[{\"type\":\"wheel\",\"name\":\"w\",\"inputs\":[\"a\",\"b\"],\"size\":3,"
                     "\"spokes\":8,\"shape\":{\"type\":\"square\",\"side\":4}},{\"type\":\"bolt\"},"
                     "{\"type\":\"bolt\",\"name\":\"q\"}],"
                     "\"inner\":{\"depth\":2,\"deep\":{\"level\":0.001}}}");
    ls_free(text);
    expect_round_trip(&example);
    ls_example_clear(&example);
}

Test(recipe_write, strings_of_every_sort_come_back)
{
    char *words[AWKWARD];
    for (int i = 0; i < AWKWARD; i++) words[i] = ls_strdup(awkward[i]);
    for (int i = 0; i < AWKWARD; i++) {
        ls_example example;
        ls_example_read_good("parts: [bolt]\n", &example);
        example.title = ls_strdup(awkward[i]);
        example.file = awkward[i][0] != '\0' ? ls_strdup(awkward[i]) : NULL;
        example.words = (ls_strings){.count = AWKWARD, .value = words};
        expect_round_trip(&example);
        example.words = (ls_strings){0};
        ls_example_clear(&example);
    }
    for (int i = 0; i < AWKWARD; i++) ls_free(words[i]);
}

Test(recipe_write, numbers_come_back_bit_for_bit)
{
    static const double special[] = {
        0.0, -0.0, 0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 1e22, 1e23, 123456789012345678.0};
    ls_example example;
    ls_example_read_good("parts: [bolt]\n", &example);
    for (uint64_t i = 0; i < 2000; i++) {
        ls_random_words random = ls_random(1, LS_RANDOM_BENCH, i, 0);
        memcpy(&example.any, random.word, sizeof example.any);
        if (i < sizeof special / sizeof special[0]) example.any = special[i];
        if (!isfinite(example.any)) continue;
        char text[LS_DECIMAL_SIZE];
        double again = 1;
        ls_decimal_format(example.any, text);
        cr_expect_eq(ls_decimal_real(text, &again), LS_DECIMAL_GOOD, "%s", text);
        cr_expect_eq(memcmp(&again, &example.any, sizeof again), 0, "%s", text);
        if (i < 20) expect_round_trip(&example);
    }
    ls_example_clear(&example);
}

Test(recipe_write, the_shortest_digits_are_written)
{
    static const struct {
        double value;
        const char *text;
    } numbers[] = {{0.1, "0.1"},    {0.30000000000000004, "0.30000000000000004"},
                   {1e-5, "1e-05"}, {300, "300"},
                   {0.05, "0.05"},  {1e30, "1e+30"}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[LS_DECIMAL_SIZE];
        ls_decimal_format(numbers[i].value, text);
        cr_expect_str_eq(text, numbers[i].text);
    }
}

Test(recipe_write, paths_are_made_absolute_on_demand)
{
    ls_example example;
    char here[PATH_MAX], expected[PATH_MAX + 32];
    cr_assert_not_null(getcwd(here, sizeof here));
    ls_example_read_good("parts: [bolt]\nfile: ./a/b.csv\n", &example);
    static const char *const directories[] = {"/data", ".", "sub/dir"};
    for (int i = 0; i < 3; i++) {
        const char *middle = i == 0 ? "/data" : here;
        snprintf(expected, sizeof expected, "file: %s%s/a/b.csv\n", middle, i == 2 ? "/sub/dir" : "");
        ls_text text = {0};
        char *taken;
        ls_options_yaml(&text, ls_example_table, &example, directories[i]);
        cr_assert_eq(ls_text_take(&text, &taken), LS_OK);
        cr_expect_not_null(strstr(taken, expected), "no '%s' in\n%s", expected, taken);
        ls_free(taken);
    }
    ls_example_clear(&example);
}

Test(recipe_write, broken_utf8_from_elsewhere_cannot_break_the_text)
{
    ls_text text = {0};
    char *taken;
    ls_text_quote(&text, "a\xff"
                         "b\x01\x7f\xe2\x80");
    cr_assert_eq(ls_text_take(&text, &taken), LS_OK);
    cr_expect_str_eq(taken, "\"a\\ufffdb\\u0001\\u007f\\ufffd\\ufffd\"");
    ls_free(taken);
}

Test(recipe_write, what_ends_lines_elsewhere_is_escaped)
{
    ls_text text = {0};
    char *taken;
    ls_text_quote(&text, "\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\xef\xbb\xbf\n\xc3\xa9");
    cr_assert_eq(ls_text_take(&text, &taken), LS_OK);
    cr_expect_str_eq(taken, "\"\\u2028\\u2029\\u0085\\ufeff\\n\xc3\xa9\"");
    ls_free(taken);
}

Test(recipe_write, documentation_names_every_key_and_type)
{
    static const char *const parts[] = {
        "| `count` | an integer, 0 to 1000 | `3` | Count. |\n",
        "| `rate` | a number, 0 to 0.9 | `0.5` | Rate. |\n",
        "| `mode` | one of slow, quick, yes | `slow` | Mode. |\n",
        "| `title` | a text | none | Title. |\n",
        "| `shape` | a [shape type](#shape-types) | `round` | Shape. |\n",
        "| `parts` | a list, each item a [part type](#part-types) | **required** | Parts. |\n",
        "### `inner`\n",
        "| `depth` | an integer | `2` | Depth. May differ on resume. |\n",
        "### `inner.deep`\n",
        "## Shape types\n",
        "| `side` | an integer, 1 to 100 | **required** | Side \\| length. |\n",
        "### `flat`\n\nNothing.\n\nNo options.\n",
        "## Part types\n",
    };
    ls_text text = {0};
    char *taken;
    cr_assert_eq(ls_options_document(&text, ls_example_table), LS_OK);
    cr_assert_eq(ls_text_take(&text, &taken), LS_OK);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *found = strstr(taken, parts[i]);
        cr_expect_not_null(found, "no '%s' in\n%s", parts[i], taken);
        if (found != NULL) cr_expect_null(strstr(found + 1, parts[i]), "'%s' is there twice", parts[i]);
    }
    ls_free(taken);
}
