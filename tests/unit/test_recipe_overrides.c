/* Settings of the command line over what the recipe says. */
#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "support/options_example.h"

#define GOOD                                                                                                 \
    "shape: flat\nparts:\n  - {type: wheel, size: 3, name: a}\n  - {type: wheel, size: 4, name: a.b}\n"      \
    "  - bolt\n"

static ls_example example;

static void leave(void)
{
    ls_example_clear(&example);
}

TestSuite(recipe_overrides, .fini = leave);

static void set(const char *first, const char *second)
{
    const char *const overrides[] = {first, second, NULL};
    ls_example_clear(&example);
    ls_status status = ls_example_read(GOOD, overrides, &example);
    cr_assert_eq(status, LS_OK, "%s: %s", first, ls_error_message());
}

static void expect_error(const char *setting, const char *message)
{
    const char *const overrides[] = {setting, NULL};
    ls_status status = ls_example_read(GOOD, overrides, &example);
    cr_expect_eq(status, LS_ERROR_RECIPE, "accepted: %s", setting);
    cr_expect_str_eq(ls_error_message(), message);
    if (status == LS_OK) ls_example_clear(&example);
}

static ls_example_wheel *wheel(int index)
{
    return example.parts.item[index].options;
}

Test(recipe_overrides, plain_keys)
{
    set("count=7", "rate=.25");
    cr_expect_eq(example.count, 7);
    cr_expect_eq(example.rate, 0.25);
    set("count=7", "count=8"); /* the last one counts */
    cr_expect_eq(example.count, 8);
    set("title=a = b", "words=[x, y]");
    cr_expect_str_eq(example.title, "a = b");
    cr_expect_eq(example.words.count, 2);
    set("title=\"# x\"", "lid=null");
    cr_expect_str_eq(example.title, "# x");
}

Test(recipe_overrides, groups_that_are_not_written)
{
    set("inner.depth=9", "inner.deep.level=2");
    cr_expect_eq(example.inner.depth, 9);
    cr_expect_eq(example.inner.deep.level, 2);
    set("inner={deep: {level: 3}}", "inner.depth=1");
    cr_expect_eq(example.inner.deep.level, 3);
    cr_expect_eq(example.inner.depth, 1);
}

Test(recipe_overrides, components_written_as_a_word_or_not_at_all)
{
    set("shape=round", "shape.radius=4");
    cr_expect_eq(((ls_example_round *)example.shape.options)->radius, 4);
    set("lid.type=round", "lid.radius=5");
    cr_expect_eq(((ls_example_round *)example.lid.options)->radius, 5);
    set("parts.0.shape.side=6", "parts.0.spokes=1"); /* a default in braces */
    cr_expect_str_eq(wheel(0)->shape.type->name, "square");
    cr_expect_eq(wheel(0)->spokes, 1);
}

Test(recipe_overrides, items_by_number_or_name)
{
    set("parts.0.size=10", "parts.1.size=11");
    cr_expect_eq(wheel(0)->size, 10);
    cr_expect_eq(wheel(1)->size, 11);
    set("parts.a.size=12", "parts.a.b.size=13"); /* "a.b" is a name */
    cr_expect_eq(wheel(0)->size, 12);
    cr_expect_eq(wheel(1)->size, 13);
    set("parts.2=wheel", "parts.2.size=14");
    cr_expect_eq(wheel(2)->size, 14);
    set("parts=[bolt]", "parts.0.name=z");
    cr_expect_eq(example.parts.count, 1);
    cr_expect_str_eq(example.parts.item[0].name, "z");
}

Test(recipe_overrides, relative_paths_start_at_the_current_directory)
{
    char here[PATH_MAX], expected[PATH_MAX + 16];
    cr_assert_not_null(getcwd(here, sizeof here));
    strcpy(expected, here);
    strcat(expected, "/x/y.csv");
    set("file=x/y.csv", "count=1");
    cr_expect_str_eq(example.file, expected);
    set("file=./x/y.csv", "count=1");
    cr_expect_str_eq(example.file, expected);
    set("file=/abs/y.csv", "count=1");
    cr_expect_str_eq(example.file, "/abs/y.csv");
}

Test(recipe_overrides, places_are_those_of_the_recipe_or_none)
{
    set("parts.2=bolt", "parts.0.size=5");
    cr_expect_eq(example.parts.item[2].line, 0);
    cr_expect_eq(example.parts.item[0].line, 3);
    cr_expect_eq(example.parts.item[0].column, 5);
}

Test(recipe_overrides, mistakes_name_the_setting)
{
    expect_error("count=abc", "--set count=abc: 'count' is 'abc', expected an integer, 0 to 1000");
    expect_error("count=", "--set count=: 'count' is nothing, expected an integer, 0 to 1000");
    expect_error("cuont=1", "--set cuont=1: unknown key 'cuont' of the file, did you mean 'count'?");
    expect_error("inner.dept=1", "--set inner.dept=1: unknown key 'dept' of inner, did you mean 'depth'?");
    expect_error("shape.radus=1",
                 "--set shape.radus=1: unknown key 'radus' of shape flat, expected one of: type");
    expect_error("parts.a.siz=1",
                 "--set parts.a.siz=1: unknown key 'siz' of part wheel, did you mean 'size'?");
    expect_error("zzzzzz.y.x=1",
                 "--set zzzzzz.y.x=1: unknown key 'zzzzzz' of the file, expected one of: count, "
                 "rate, any, flag, mode, title, file, kernel, levels, margin, words, shape, lid, parts, inner");
    expect_error("parts.3.size=1",
                 "--set parts.3.size=1: 'parts' has no item '3', expected 0 to 2 or the name of one");
    expect_error("parts.ab.size=1", "--set parts.ab.size=1: 'parts' has no item 'ab', did you mean 'a.b'?");
    expect_error("count", "--set count: expected KEY=VALUE, such as optimizer.lr=0.05");
    expect_error("=3", "--set =3: expected KEY=VALUE, such as optimizer.lr=0.05");
    expect_error("inner..depth=3", "--set inner..depth=3: expected a key such as optimizer.lr before '='");
    expect_error("words=[a", "--set words=[a: not valid YAML: flow sequence without a closing bracket");
    expect_error("shape=rund",
                 "--set shape=rund: unknown shape 'rund', did you mean 'round'? Expected one of: "
                 "round, square, flat");
    expect_error("shape.type=square",
                 "t.yaml:1:8: missing key 'side' of shape square, expected an integer, 1 to 100");
    expect_error("kernel.0=1", "--set kernel.0=1: 'kernel' is a mapping, expected an integer or a list of at "
                               "most 16, 1 to 9");
    expect_error("parts.a.name.x=1",
                 "--set parts.a.name.x=1: 'name' is not a mapping, expected a key that leads "
                 "to one value");
    expect_error("title=\xff", "--set title=\xff: byte 0xff is not UTF-8, expected UTF-8 text");
}
