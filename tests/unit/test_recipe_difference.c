/* The key in which two structs of options differ. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "io/options.h"
#include "support/options_example.h"

static void expect_difference(const char *a, const char *b, const char *expected)
{
    ls_example first, second;
    ls_example_read_good(a, &first);
    ls_example_read_good(b, &second);
    char key[100] = "";
    ls_options_pair pair = {.a = &first, .b = &second, .directory_a = ".", .directory_b = "."};
    bool differ = ls_options_differ(ls_example_table, &pair, key, sizeof key);
    cr_expect_eq(differ, expected != NULL, "%s and %s: '%s'", a, b, key);
    cr_expect_str_eq(key, expected == NULL ? "" : expected);
    ls_example_clear(&first);
    ls_example_clear(&second);
}

#define GOOD "parts: [bolt]\n"

Test(recipe_difference, equal_in_another_form)
{
    expect_difference(GOOD, GOOD, NULL);
    expect_difference(
        "parts: [{type: wheel, size: 3}]\ncount: 20\n",
        "count: 2e1\nshape: {radius: 1.0, type: round}\nparts:\n  - type: wheel\n    spokes: 8\n"
        "    size: 3\n",
        NULL);
}

Test(recipe_difference, every_kind_is_compared)
{
    expect_difference(GOOD, GOOD "count: 4\n", "count");
    expect_difference(GOOD, GOOD "rate: 0.25\n", "rate");
    expect_difference(GOOD, GOOD "any: -0.0\n", "any");
    expect_difference(GOOD, GOOD "flag: false\n", "flag");
    expect_difference(GOOD, GOOD "mode: quick\n", "mode");
    expect_difference(GOOD, GOOD "title: x\n", "title");
    expect_difference(GOOD "title: x\n", GOOD "title: y\n", "title");
    expect_difference(GOOD, GOOD "file: x\n", "file");
    expect_difference(GOOD, GOOD "kernel: [1, 2]\n", "kernel");
    expect_difference(GOOD, GOOD "kernel: 1\n", "kernel");
    expect_difference(GOOD, GOOD "levels: 1\n", "levels");
    expect_difference(GOOD "levels: [1, 2]\n", GOOD "levels: [1, 2.5]\n", "levels");
    expect_difference(GOOD "levels: 2\n", GOOD "levels: [2.0]\n", NULL);
    expect_difference(GOOD, GOOD "margin: even\n", "margin");
    expect_difference(GOOD, GOOD "margin: 0\n", "margin");
    expect_difference(GOOD "words: [a, b]\n", GOOD "words: [a, c]\n", "words");
    expect_difference(GOOD, GOOD "words: [a]\n", "words");
    expect_difference(GOOD, GOOD "shape: flat\n", "shape.type");
    expect_difference(GOOD, GOOD "shape: {type: round, radius: 2}\n", "shape.radius");
    expect_difference(GOOD, GOOD "lid: flat\n", "lid.type");
    expect_difference(GOOD, GOOD "inner: {deep: {level: 1}}\n", "inner.deep.level");
}

Test(recipe_difference, items_of_lists)
{
    expect_difference(GOOD, "parts: [bolt, bolt]\n", "parts");
    expect_difference("parts: [bolt, {type: wheel, size: 1}]\n", "parts: [bolt, {type: wheel, size: 2}]\n",
                      "parts.1.size");
    expect_difference("parts: [bolt, {type: wheel, size: 1}]\n", "parts: [bolt, bolt]\n", "parts.1.type");
    expect_difference(GOOD, "parts: [{type: bolt, name: x}]\n", "parts.0.name");
    expect_difference(GOOD, "parts: [{type: bolt, inputs: x}]\n", "parts.0.inputs");
    expect_difference("parts: [{type: wheel, size: 1}]\n",
                      "parts: [{type: wheel, size: 1, shape: {type: square, side: 5}}]\n",
                      "parts.0.shape.side");
}

Test(recipe_difference, the_first_key_of_the_table_wins)
{
    expect_difference(GOOD, GOOD "mode: quick\ncount: 4\n", "count");
}

Test(recipe_difference, what_may_change_on_resume_is_left_out)
{
    expect_difference(GOOD, GOOD "inner: {depth: 7}\n", NULL);
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(content, file);
    fclose(file);
}

Test(recipe_difference, paths_are_equal_if_they_lead_to_the_same_content)
{
    char directory[] = "/tmp/lockstep-difference-XXXXXX";
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
    write_file("a", "1,2\n");
    write_file("b", "1,2\n");
    write_file("c", "1,3\n");
    cr_assert_eq(symlink("c", "d"), 0);
    expect_difference(GOOD "file: a\n", GOOD "file: ./a\n", NULL);
    expect_difference(GOOD "file: a\n", GOOD "file: b\n", NULL);
    expect_difference(GOOD "file: c\n", GOOD "file: d\n", NULL);
    expect_difference(GOOD "file: a\n", GOOD "file: c\n", "file");
    expect_difference(GOOD "file: a\n", GOOD "file: missing\n", "file");
    expect_difference(GOOD "file: missing\n", GOOD "file: missing\n", NULL);
    for (const char *name = "abcd"; *name != '\0'; name++) {
        char path[] = {*name, '\0'};
        unlink(path);
    }
    cr_assert_eq(chdir("/"), 0);
    rmdir(directory);
}
