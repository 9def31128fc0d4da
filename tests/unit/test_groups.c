/* Groups of parameters: patterns, what holds for each parameter, and messages. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "io/recipe.h"
#include "optim/groups.h"

Test(groups, patterns)
{
    cr_expect(ls_pattern_matches("dense_0.weight", "dense_0.weight"));
    cr_expect(ls_pattern_matches("*", "dense_0.weight"));
    cr_expect(ls_pattern_matches("*", ""));
    cr_expect(ls_pattern_matches("dense_0.*", "dense_0.weight"));
    cr_expect(ls_pattern_matches("*.bias", "dense_0.bias"));
    cr_expect(ls_pattern_matches("dense_?.*", "dense_1.bias"));
    cr_expect(ls_pattern_matches("*a*b*", "xxabab"));
    cr_expect(ls_pattern_matches("*aab", "aaab"));
    cr_expect(ls_pattern_matches("**b", "ab"));
    cr_expect_not(ls_pattern_matches("dense_0", "dense_0.weight"));
    cr_expect_not(ls_pattern_matches("*.bias", "dense_0.weight"));
    cr_expect_not(ls_pattern_matches("dense_?.*", "dense_10.bias"));
    cr_expect_not(ls_pattern_matches("", "a"));
    cr_expect_not(ls_pattern_matches("?", ""));
    cr_expect_not(ls_pattern_matches("*ab*ab", "ab"));
}

Test(groups, distance_of_patterns)
{
    cr_expect_eq(ls_pattern_distance("dense_0.weight", "dense_0.weight"), 0);
    cr_expect_eq(ls_pattern_distance("dens_0.*", "dense_0.weight"), 1);
    cr_expect_eq(ls_pattern_distance("*.bais", "dense_0.bias"), 2);
    cr_expect_eq(ls_pattern_distance("*", "anything"), 0);
    cr_expect_eq(ls_pattern_distance("", "abc"), 3);
    cr_expect_eq(ls_pattern_distance("abc", ""), 3);
    cr_expect_eq(ls_pattern_distance("???", "ab"), 1);
}

enum { PARAMETERS = 5 };
static const ls_parameter parameters[PARAMETERS] = {
    {.name = "dense_0.weight", .dims = 2, .decay = true},
    {.name = "dense_0.bias", .dims = 1},
    {.name = "dense_1.weight", .dims = 2, .decay = true},
    {.name = "dense_1.bias", .dims = 1},
    {.name = "norm_0.scale", .dims = 1},
};

static ls_status resolve(const char *optimizer, ls_parameter_rule *rule)
{
    ls_recipe *recipe = NULL;
    char *text =
        ls_format("data: xor\nmodel: [{type: dense, units: 1}]\nloss: mse\noptimizer:\n  %s\n", optimizer);
    cr_assert_eq(ls_recipe_parse(text, "test", NULL, NULL, 0, &recipe), LS_OK, "%s", ls_error_message());
    ls_status status = ls_groups_resolve(recipe->optimizer.options, parameters, PARAMETERS, "test", rule);
    /* What is written is read as the same. */
    char *written = NULL, *again = NULL;
    ls_recipe *copy = NULL;
    cr_assert_eq(ls_recipe_to_yaml(recipe, false, &written), LS_OK);
    cr_assert_eq(ls_recipe_parse(written, "copy", NULL, NULL, 0, &copy), LS_OK, "%s\n%s", ls_error_message(),
                 written);
    cr_assert_eq(ls_recipe_to_yaml(copy, false, &again), LS_OK);
    cr_expect_str_eq(written, again);
    cr_expect_null(ls_recipe_difference(recipe, copy));
    ls_free(written);
    ls_free(again);
    ls_recipe_free(copy);
    ls_recipe_free(recipe);
    ls_free(text);
    return status;
}

static void expect_rule(const ls_parameter_rule *rule, double lr_factor, double weight_decay, double l1,
                        double max_norm, bool decays)
{
    cr_expect_eq(rule->lr_factor, lr_factor);
    cr_expect_eq(rule->weight_decay, weight_decay);
    cr_expect_eq(rule->l1, l1);
    cr_expect_eq(rule->max_norm, max_norm);
    cr_expect_eq(rule->decays, decays);
}

Test(groups, without_any_biases_and_norms_do_not_decay)
{
    ls_parameter_rule rule[PARAMETERS];
    cr_assert_eq(resolve("{type: sgd, weight_decay: 0.1, l1: 0.2, max_norm: 3}", rule), LS_OK);
    for (int p = 0; p < PARAMETERS; p++) {
        if (p == 0 || p == 2)
            expect_rule(&rule[p], 1, 0.1, 0.2, 3, true);
        else
            expect_rule(&rule[p], 1, 0, 0, 0, false);
    }
    cr_assert_eq(resolve("{type: sgd, weight_decay: 0.1, l1: 0.2, max_norm: 3, decay_on: all}", rule), LS_OK);
    expect_rule(&rule[0], 1, 0.1, 0.2, 3, true);
    expect_rule(&rule[4], 1, 0.1, 0.2, 0, true);
}

Test(groups, the_first_match_counts)
{
    ls_parameter_rule rule[PARAMETERS];
    cr_assert_eq(
        resolve("{type: adamw, weight_decay: 0.1, max_norm: 1, groups: ["
                "{match: dense_0.weight, lr_factor: 0}, {match: 'dense_0.*', lr_factor: 0.5, decay_on: all}, "
                "{match: ['*.scale', 'dense_1.w*'], weight_decay: 0, l1: 0.3, max_norm: 2}]}",
                rule),
        LS_OK, "%s", ls_error_message());
    expect_rule(&rule[0], 0, 0.1, 0, 1, true);
    expect_rule(&rule[1], 0.5, 0.1, 0, 0, true);
    expect_rule(&rule[2], 1, 0, 0.3, 2, true);
    expect_rule(&rule[3], 1, 0, 0, 0, false);
    expect_rule(&rule[4], 1, 0, 0, 0, false);
}

static void expect_error(const char *optimizer, const char *message)
{
    ls_parameter_rule rule[PARAMETERS];
    cr_expect_eq(resolve(optimizer, rule), LS_ERROR_RECIPE);
    cr_expect_str_eq(ls_error_message(), message);
}

Test(groups, patterns_without_effect_are_errors)
{
    expect_error(
        "{type: sgd, groups: [{match: '*.bias'}, {match: 'dens_1.*', lr_factor: 2}]}",
        "test:5:43: parameter group: the pattern 'dens_1.*' matches no parameter, the nearest names are: "
        "dense_1.weight, dense_1.bias, dense_0.weight");
    expect_error(
        "{type: sgd, groups: [{match: ['*.bias', conv.weight]}]}",
        "test:5:24: parameter group: the pattern 'conv.weight' matches no parameter, the nearest names are: "
        "dense_0.weight, dense_1.weight, dense_0.bias");
    expect_error(
        "{type: sgd, groups: [{match: '*'}, {match: '*.bias', lr_factor: 2}]}",
        "test:5:38: parameter group: groups before it have taken all parameters that it matches (the first "
        "match counts), expected it before them");
}

static void expect_refused(const char *groups, const char *message)
{
    ls_recipe *recipe = NULL;
    char *text = ls_format("data: xor\nmodel: [{type: dense, units: 1}]\nloss: mse\n"
                           "optimizer: {type: sgd, groups: %s}\n",
                           groups);
    cr_expect_eq(ls_recipe_parse(text, "test", NULL, NULL, 0, &recipe), LS_ERROR_RECIPE, "%s", groups);
    cr_expect(strstr(ls_error_message(), message) != NULL, "%s: %s", groups, ls_error_message());
    ls_free(text);
}

Test(groups, mistakes_in_groups_are_named)
{
    expect_refused("[{lr_factor: 2}]", "test:4:33: missing key 'match' of parameter group parameters");
    expect_refused("[{match: a, lr: 2}]", "unknown key 'lr' of parameter group parameters");
    expect_refused("[{match: a, weight_decay: -0.5}]", "weight_decay must be -1 or at least 0");
    expect_refused("[{match: a, l1: -0.5}]", "l1 must be -1 or at least 0");
    expect_refused("[{match: a, max_norm: -0.5}]", "max_norm must be -1 or at least 0");
    expect_refused("[{match: a, decay_on: biases}]", "expected one of weights, all, same");
    expect_refused("{match: a}", "'groups' is a mapping, expected a list");
}

Test(groups, can_be_set_from_the_command_line)
{
    static const char *const settings[] = {"optimizer.groups=[{match: 'dense_0.*'}]",
                                           "optimizer.groups.0.lr_factor=0.25"};
    ls_recipe *recipe = NULL;
    cr_assert_eq(ls_recipe_parse("data: xor\nmodel: [{type: dense, units: 1}]\nloss: mse\noptimizer: adam\n",
                                 "test", NULL, settings, 2, &recipe),
                 LS_OK, "%s", ls_error_message());
    const ls_optimizer_options *options = recipe->optimizer.options;
    cr_assert_eq(options->groups.count, 1);
    cr_expect_eq(((const ls_group_options *)options->groups.item[0].options)->lr_factor, 0.25);
    ls_recipe_free(recipe);
}
