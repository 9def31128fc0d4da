#include "support/options_example.h"

#include <criterion/criterion.h>
#include <string.h>
#include "base/options.h"
#include "io/options.h"

typedef struct square_options {
    int64_t side;
} square_options;

static const ls_option round_table[] = {{.key = "radius",
                                         .kind = LS_OPTION_REAL,
                                         .offset = offsetof(ls_example_round, radius),
                                         .minimum = 0,
                                         .maximum = 10,
                                         .default_text = "1",
                                         .help = "Radius."},
                                        LS_OPTION_END};

static const ls_option square_table[] = {{.key = "side",
                                          .kind = LS_OPTION_INTEGER,
                                          .offset = offsetof(square_options, side),
                                          .minimum = 1,
                                          .maximum = 100,
                                          .help = "Side | length."},
                                         LS_OPTION_END};

static const char *check_square(const void *options)
{
    const square_options *square = options;
    return square->side == 13 ? "side must not be 13" : NULL;
}

static const ls_component_type round_type = {
    .name = "round", .help = "A disc.", .options = round_table, .options_size = sizeof(ls_example_round)};
static const ls_component_type square_type = {.name = "square",
                                              .help = "A square.",
                                              .options = square_table,
                                              .options_size = sizeof(square_options),
                                              .check = check_square};
static const ls_component_type none_type = {.name = "flat", .help = "Nothing."};
static const ls_component_type *const shape_types[] = {&round_type, &square_type, &none_type, NULL};
static const ls_registry shapes = {.kind = "shape", .types = shape_types};

static const ls_option wheel_table[] = {{.key = "size",
                                         .kind = LS_OPTION_INTEGER,
                                         .offset = offsetof(ls_example_wheel, size),
                                         .minimum = 1,
                                         .maximum = 64,
                                         .help = "Size."},
                                        {.key = "spokes",
                                         .kind = LS_OPTION_INTEGER,
                                         .offset = offsetof(ls_example_wheel, spokes),
                                         .default_text = "8",
                                         .help = "Spokes."},
                                        {.key = "shape",
                                         .kind = LS_OPTION_COMPONENT,
                                         .offset = offsetof(ls_example_wheel, shape),
                                         .default_text = "{type: square, side: 4}",
                                         .registry = &shapes,
                                         .help = "Shape of the rim."},
                                        LS_OPTION_END};

static const ls_component_type wheel_type = {
    .name = "wheel", .help = "A wheel.", .options = wheel_table, .options_size = sizeof(ls_example_wheel)};
static const ls_component_type bolt_type = {.name = "bolt", .help = "A bolt."};
static const ls_component_type *const part_types[] = {&wheel_type, &bolt_type, NULL};
static const ls_registry parts = {.kind = "part", .types = part_types, .named = true};

static const ls_option deep_table[] = {{.key = "level",
                                        .kind = LS_OPTION_REAL,
                                        .offset = offsetof(ls_example_deep, level),
                                        .default_text = "1e-3",
                                        .help = "Level."},
                                       LS_OPTION_END};

static const ls_option inner_table[] = {{.key = "depth",
                                         .kind = LS_OPTION_INTEGER,
                                         .offset = offsetof(ls_example_inner, depth),
                                         .default_text = "2",
                                         .help = "Depth.",
                                         .may_change_on_resume = true},
                                        {.key = "deep",
                                         .kind = LS_OPTION_GROUP,
                                         .offset = offsetof(ls_example_inner, deep),
                                         .group = deep_table,
                                         .help = "Deeper."},
                                        LS_OPTION_END};

static const char *const modes[] = {"slow", "quick", "yes", NULL};
static const char *const margins[] = {"none", "even", NULL};

#define ROW(KEY, KIND) .key = #KEY, .kind = KIND, .offset = offsetof(ls_example, KEY)

const ls_option ls_example_table[] = {
    {ROW(count, LS_OPTION_INTEGER), .minimum = 0, .maximum = 1000, .default_text = "3", .help = "Count."},
    {ROW(rate, LS_OPTION_REAL), .minimum = 0, .maximum = 0.9, .default_text = "0.5", .help = "Rate."},
    {ROW(any, LS_OPTION_REAL), .default_text = "0", .help = "Any number."},
    {ROW(flag, LS_OPTION_BOOLEAN), .default_text = "true", .help = "Flag."},
    {ROW(mode, LS_OPTION_CHOICE), .default_text = "slow", .choices = modes, .help = "Mode."},
    {ROW(title, LS_OPTION_STRING), .default_text = "", .help = "Title."},
    {ROW(file, LS_OPTION_PATH), .default_text = "", .help = "File."},
    {ROW(kernel, LS_OPTION_INTEGERS), .minimum = 1, .maximum = 9, .default_text = "[1, 1]",
     .help = "Kernel."},
    {ROW(levels, LS_OPTION_REALS), .minimum = 0, .maximum = 5, .default_text = "", .help = "Levels."},
    {ROW(margin, LS_OPTION_INTEGERS), .minimum = 0, .maximum = 9, .default_text = "none", .choices = margins,
     .help = "Margin."},
    {ROW(words, LS_OPTION_STRINGS), .default_text = "", .help = "Words."},
    {ROW(shape, LS_OPTION_COMPONENT), .default_text = "round", .registry = &shapes, .help = "Shape."},
    {ROW(lid, LS_OPTION_COMPONENT), .default_text = "", .registry = &shapes, .help = "Lid."},
    {ROW(parts, LS_OPTION_LIST), .registry = &parts, .help = "Parts."},
    {ROW(inner, LS_OPTION_GROUP), .group = inner_table, .help = "Inner."},
    LS_OPTION_END};

ls_status ls_example_read(const char *text, const char *const *overrides, ls_example *example)
{
    int count = 0;
    while (overrides != NULL && overrides[count] != NULL) count++;
    ls_options_input input = {
        .text = text,
        .size = strlen(text),
        .name = "t.yaml",
        .what = "the file",
        .overrides = overrides,
        .override_count = count,
    };
    *example = (ls_example){0};
    return ls_options_read(ls_example_table, &input, example);
}

void ls_example_read_good(const char *text, ls_example *example)
{
    ls_status status = ls_example_read(text, NULL, example);
    cr_assert_eq(status, LS_OK, "%s", ls_error_message());
}

void ls_example_clear(ls_example *example)
{
    ls_options_clear(ls_example_table, example);
}
