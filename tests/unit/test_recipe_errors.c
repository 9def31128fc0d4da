/* Mistakes in a recipe: each gives one message with the place, what is there and what was expected. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "support/options_example.h"

#define GOOD "parts: [bolt]\n"

typedef struct mistake {
    const char *text, *message;
} mistake;

static void expect_messages(const mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ls_example example;
        ls_status status = ls_example_read(mistakes[i].text, NULL, &example);
        cr_expect_eq(status, LS_ERROR_RECIPE, "accepted: %s", mistakes[i].text);
        cr_expect_str_eq(ls_error_message(), mistakes[i].message);
        const ls_example zeros = {0};
        cr_expect_null(example.parts.item);
        cr_expect_eq(example.shape.type, zeros.shape.type);
        if (status == LS_OK) ls_example_clear(&example);
    }
}

#define EXPECT(...)                                                                                          \
    do {                                                                                                     \
        const mistake mistakes_[] = {__VA_ARGS__};                                                           \
        expect_messages(mistakes_, sizeof mistakes_ / sizeof mistakes_[0]);                                  \
    } while (0)

Test(recipe_errors, unknown_keys_name_the_nearest_or_all)
{
    EXPECT({GOOD "cuont: 3\n", "t.yaml:2:1: unknown key 'cuont' of the file, did you mean 'count'?"},
           {"parts:\n  - {type: wheel, size: 3, spoke: 4}\n",
            "t.yaml:2:28: unknown key 'spoke' of part wheel, did you mean 'spokes'?"},
           {"parts:\n  - {type: wheel, size: 3, zzzzz: 4}\n",
            "t.yaml:2:28: unknown key 'zzzzz' of part wheel, expected one of: type, name, inputs, size, "
            "spokes, shape"},
           {"parts:\n  - {type: bolt, siz: 3}\n",
            "t.yaml:2:18: unknown key 'siz' of part bolt, expected one of: type, name, inputs"},
           {GOOD "inner:\n  dept: 1\n", "t.yaml:3:3: unknown key 'dept' of inner, did you mean 'depth'?"},
           {GOOD "depth: 1\n", "t.yaml:2:1: unknown key 'depth' of the file, it belongs under 'inner'"},
           {GOOD "shape: {type: round, name: x}\n",
            "t.yaml:2:22: unknown key 'name' of shape round, expected one of: type, radius"},
           {GOOD "inner: {<<: 1}\n", "t.yaml:2:9: merge keys (<<) are not part of YAML 1.2, expected one of: "
                                     "depth, deep"});
}

Test(recipe_errors, duplicate_keys_name_the_first)
{
    EXPECT({GOOD "count: 3\nrate: 0.1\n\"count\": 4\n",
            "t.yaml:4:1: duplicate key 'count', it is in line 2 already"},
           {GOOD "shape: {type: round, type: flat}\n",
            "t.yaml:2:22: duplicate key 'type', it is in line 2 already"});
}

Test(recipe_errors, wrong_types)
{
    EXPECT(
        {GOOD "count: \"3\"\n", "t.yaml:2:8: 'count' is the quoted string \"3\", expected an integer, 0 to "
                                "1000 (without quotes)"},
        {GOOD "count: 1.5\n", "t.yaml:2:8: 'count' is '1.5', expected an integer, 0 to 1000"},
        {GOOD "count: 3x\n", "t.yaml:2:8: 'count' is '3x', expected an integer, 0 to 1000"},
        {GOOD "count: 1_000\n", "t.yaml:2:8: 'count' is '1_000', expected an integer, 0 to 1000"},
        {GOOD "count:\nrate: 0.1", "t.yaml:2:1: 'count' is nothing, expected an integer, 0 to 1000"},
        {GOOD "count: [1]\n", "t.yaml:2:8: 'count' is a list, expected an integer, 0 to 1000"},
        {GOOD "count: {a: 1}\n", "t.yaml:2:8: 'count' is a mapping, expected an integer, 0 to 1000"},
        {GOOD "any: '0.1'\n",
         "t.yaml:2:6: 'any' is the quoted string \"0.1\", expected a number (without quotes)"},
        {GOOD "any: .nan\n", "t.yaml:2:6: 'any' is '.nan', expected a number"},
        {GOOD "any: 1e\n", "t.yaml:2:6: 'any' is '1e', expected a number"},
        {GOOD "any: 0,5\n", "t.yaml:2:6: 'any' is '0,5', expected a number"},
        {GOOD "any: .\n", "t.yaml:2:6: 'any' is '.', expected a number"},
        {GOOD "title: [a]\n", "t.yaml:2:8: 'title' is a list, expected a text"},
        {GOOD "file: \"\"\n", "t.yaml:2:7: 'file' is the quoted string \"\", expected a path"},
        {GOOD "levels: [1, x]\n",
         "t.yaml:2:13: 'levels' is 'x', expected a number or a list of numbers, 0 to 5"},
        {GOOD "levels: [1, 6]\n",
         "t.yaml:2:13: 'levels' is '6', expected a number or a list of numbers, 0 to 5"},
        {GOOD "levels: {a: 1}\n",
         "t.yaml:2:9: 'levels' is a mapping, expected a number or a list of numbers, 0 to 5"},
        {GOOD "words: [a, [b]]\n", "t.yaml:2:12: 'words' holds a list, expected a text or a list of texts"},
        {GOOD "words: {a: b}\n", "t.yaml:2:8: 'words' is a mapping, expected a text or a list of texts"},
        {GOOD "kernel: []\n", "t.yaml:2:9: 'kernel' is a list, expected an integer or a list of at most "
                              "16, 1 to 9"},
        {GOOD "kernel: [1, x]\n", "t.yaml:2:13: 'kernel' is 'x', expected an integer or a list of at most "
                                  "16, 1 to 9"},
        {GOOD "kernel: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n",
         "t.yaml:2:9: 'kernel' is a list, expected an integer or a list of at most 16, 1 to 9"},
        {GOOD "inner: 3\n", "t.yaml:2:8: 'inner' is '3', expected a mapping"},
        {GOOD "inner: [depth]\n", "t.yaml:2:8: 'inner' is a list, expected a mapping"});
}

Test(recipe_errors, booleans_are_true_or_false)
{
    EXPECT({GOOD "flag: yes\n",
            "t.yaml:2:7: 'flag' is 'yes', expected true or false (in YAML 1.2 'yes' is only a word)"},
           {GOOD "flag: Off\n",
            "t.yaml:2:7: 'flag' is 'Off', expected true or false (in YAML 1.2 'Off' is only a word)"},
           {GOOD "flag: \"true\"\n",
            "t.yaml:2:7: 'flag' is the quoted string \"true\", expected true or false (without quotes)"},
           {GOOD "flag: 1\n", "t.yaml:2:7: 'flag' is '1', expected true or false"});
}

Test(recipe_errors, out_of_range)
{
    EXPECT({GOOD "count: -1\n", "t.yaml:2:8: 'count' is '-1', expected an integer, 0 to 1000"},
           {GOOD "count: 1001\n", "t.yaml:2:8: 'count' is '1001', expected an integer, 0 to 1000"},
           {GOOD "count: 99999999999999999999\n",
            "t.yaml:2:8: 'count' is '99999999999999999999', expected an integer, 0 to 1000"},
           {GOOD "count: 1e300\n", "t.yaml:2:8: 'count' is '1e300', expected an integer, 0 to 1000"},
           {GOOD "rate: 0.91\n", "t.yaml:2:7: 'rate' is '0.91', expected a number, 0 to 0.9"},
           {GOOD "rate: -1e-9\n", "t.yaml:2:7: 'rate' is '-1e-9', expected a number, 0 to 0.9"},
           {GOOD "any: 1e999\n", "t.yaml:2:6: 'any' is '1e999', expected a number"},
           {GOOD "margin: 10\n",
            "t.yaml:2:9: 'margin' is '10', expected an integer or a list of at most 16, 0 to 9, "
            "or one of none, even"},
           {GOOD "margin: odd\n",
            "t.yaml:2:9: 'margin' is 'odd', expected an integer or a list of at most 16, 0 to "
            "9, or one of none, even"},
           {GOOD "kernel: 10\n",
            "t.yaml:2:9: 'kernel' is '10', expected an integer or a list of at most 16, 1 to 9"});
}

Test(recipe_errors, choices)
{
    EXPECT({GOOD "mode: quik\n",
            "t.yaml:2:7: 'mode' is 'quik', did you mean 'quick'? Expected one of slow, quick, yes"},
           {GOOD "mode: 17\n", "t.yaml:2:7: 'mode' is '17', expected one of slow, quick, yes"});
}

Test(recipe_errors, missing_keys_name_the_mapping_that_lacks_them)
{
    EXPECT({"count: 3\n",
            "t.yaml:1:1: missing key 'parts' of the file, expected a list, each item the type of "
            "a part or a mapping with 'type' and its options"},
           {"parts:\n  - bolt\n  -   spokes: 3\n      type: wheel\n",
            "t.yaml:3:7: missing key 'size' of part wheel, expected an integer, 1 to 64"},
           {"parts: [wheel]\n", "t.yaml:1:9: missing key 'size' of part wheel, expected an integer, 1 to 64"},
           {GOOD "shape: square\n",
            "t.yaml:2:8: missing key 'side' of shape square, expected an integer, 1 to 100"});
}

Test(recipe_errors, components)
{
    EXPECT(
        {"parts: [whel]\n", "t.yaml:1:9: unknown part 'whel', did you mean 'wheel'? Expected one of: wheel, "
                            "bolt"},
        {"parts: [{type: nonsense}]\n", "t.yaml:1:16: unknown part 'nonsense', expected one of: wheel, bolt"},
        {"parts:\n  - wheel: {size: 3, spokes: 4}\n",
         "t.yaml:2:5: 'wheel' is a part, expected the form {type: wheel, size: 3, spokes: 4}"},
        {"parts:\n  - wheel:\n    size: 3\n",
         "t.yaml:2:5: 'wheel' is a part, expected the form {type: wheel}"},
        {"parts: [{size: 3}]\n", "t.yaml:1:9: a part without 'type', expected one of: wheel, bolt"},
        {"parts: [{typ: bolt}]\n", "t.yaml:1:10: unknown key 'typ' of a part, did you mean 'type'?"},
        {"parts: [{type: [bolt]}]\n", "t.yaml:1:16: 'type' is a list, expected a type of part: wheel, bolt"},
        {"parts: [null]\n", "t.yaml:1:9: 'parts' is nothing, expected a type of part: wheel, bolt"},
        {"parts: []\n", "t.yaml:1:8: 'parts' is an empty list, expected at least one part"},
        {"parts: bolt\n", "t.yaml:1:8: 'parts' is 'bolt', expected a list, each item the type of a part or a "
                          "mapping with 'type' and its options"},
        {GOOD "shape: [round]\n",
         "t.yaml:2:8: 'shape' is a list, expected one shape: its type or a mapping with 'type'"},
        {GOOD "shape:\n  type: square\n  side: 13\n", "t.yaml:3:3: shape square: side must not be 13"});
}

Test(recipe_errors, names_and_inputs)
{
#define RULE "expected a letter or _, then letters, digits, _ . -, at most 48 in all"
    EXPECT({"parts: [{type: bolt, name: 3a}]\n", "t.yaml:1:28: 'name' is '3a', " RULE},
           {"parts: [{type: bolt, name: [a]}]\n", "t.yaml:1:28: 'name' is a list, " RULE},
           {"parts: [{type: bolt, name: }]\n", "t.yaml:1:22: 'name' is nothing, " RULE},
           {"parts: [{type: bolt, name: a234567890123456789012345678901234567890123456789}]\n",
            "t.yaml:1:28: 'name' is 'a234567890123456789012345678901234567890123456789', " RULE},
           {"parts:\n  - {type: bolt, name: a}\n  - bolt\n  - {type: bolt, name: a}\n",
            "t.yaml:4:24: the name 'a' stands twice (items 0 and 2), expected a name of its own for each "
            "part"},
           {"parts: [{type: bolt, inputs: [a, b c]}]\n", "t.yaml:1:34: 'inputs' is 'b c', " RULE},
           {"parts: [{type: bolt, inputs: []}]\n",
            "t.yaml:1:30: 'inputs' is an empty list, expected the name of a layer or a list of names"});
}

Test(recipe_errors, broken_yaml)
{
    EXPECT(
        {GOOD "words: [a, b\n", "t.yaml:3:1: not valid YAML: flow sequence without a closing bracket"},
        {"parts: a: b\n", "t.yaml:1:9: not valid YAML: invalid nested block mapping on the same line"},
        {"parts:\n\t- bolt\n", "t.yaml:2:1: a tab at the beginning of a line, expected spaces"},
        {GOOD "inner:\n  depth: 1\n \tx: 1\n",
         "t.yaml:4:2: a tab at the beginning of a line, expected spaces"},
        {GOOD "? [a]\n: 1\n", "t.yaml:2:3: a key that is not a plain word"},
        {GOOD "count: !!int 3\n", "t.yaml:2:14: a tag (!), expected a value without one"},
        {GOOD "shape: *x\n", "t.yaml:2:8: the alias *x has no anchor before it"},
        {GOOD "inner: &x {deep: *x}\n", "t.yaml:2:18: the alias *x stands inside what it stands for"},
        {GOOD "title: \"a\\0b\"\n", "t.yaml:2:8: a value with a zero byte or broken UTF-8, expected text"});
}

Test(recipe_errors, documents)
{
#define KEYS "count, rate, any, flag, mode, title, file, kernel, levels, margin, words, shape, lid, parts, inner"
    EXPECT({"", "t.yaml:1:1: the file is empty, expected the keys: " KEYS},
           {"# nothing but this\n\n", "t.yaml:1:1: the file is empty, expected the keys: " KEYS},
           {"---\n", "t.yaml:1:1: the file is empty, expected the keys: " KEYS},
           {"- bolt\n", "t.yaml:1:1: the file is a list, expected a mapping with the keys: " KEYS},
           {"bolt", "t.yaml:1:1: the file is 'bolt', expected a mapping with the keys: " KEYS},
           {GOOD "---\n" GOOD, "t.yaml:2:1: a second document (---), expected one document in a file"});
}

Test(recipe_errors, encodings)
{
    EXPECT({GOOD "title: caf\xe9\n", "t.yaml:2:11: byte 0xe9 is not UTF-8, expected UTF-8 text"},
           {"\xff\xfep\n", "t.yaml:1:1: byte 0xff is not UTF-8, expected UTF-8 text"},
           {GOOD "title: \xed\xa0\x80\n", "t.yaml:2:8: byte 0xed is not UTF-8, expected UTF-8 text"},
           {GOOD "title: \xe0\x80\x80\n", "t.yaml:2:8: byte 0xe0 is not UTF-8, expected UTF-8 text"},
           {GOOD "title: \xf4\x90\x80\x80\n", "t.yaml:2:8: byte 0xf4 is not UTF-8, expected UTF-8 text"},
           {GOOD "title: \xc0\x80\n", "t.yaml:2:8: byte 0xc0 is not UTF-8, expected UTF-8 text"},
           {GOOD "title: a\x1b[1m\n", "t.yaml:2:9: control character 0x1b, expected text"});
}

Test(recipe_errors, the_first_mistake_wins)
{
    EXPECT(
        {"count: x\nrat: 1\nparts: 3\n", "t.yaml:1:8: 'count' is 'x', expected an integer, 0 to 1000"},
        {"rat: 1\ncount: x\nparts: 3\n", "t.yaml:1:1: unknown key 'rat' of the file, did you mean 'rate'?"});
}

Test(recipe_errors, long_values_are_cut)
{
    char *text = ls_alloc(100000, 1);
    cr_assert_not_null(text);
    snprintf(text, 100, GOOD "count: ");
    memset(text + strlen(text), 'x', 90000);
    ls_example example;
    cr_expect_eq(ls_example_read(text, NULL, &example), LS_ERROR_RECIPE);
    cr_expect(strlen(ls_error_message()) < 150, "%zu", strlen(ls_error_message()));
    ls_free(text);
}
