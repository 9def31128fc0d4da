/* Whether every part that PyTorch has, and each of its options, is compared with it in some file of
 * tests/golden. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/recipe.h"
#include "optim/average.h"
#include "optim/optimizer.h"
#include "nn/loss.h"
#include "base/file.h"

/* "part" or "part option", and why there is nothing to compare; "*" stands for all parts. */
static const char *const exceptions[][2] = {
    {"dropout", "random: its masks are tested against their definition in test_dropout.c"},
    {"spatial_dropout", "the same"},
    {"* initializer",
     "random: distributions are tested in test_initialisers.c; weights of the cases are given"},
    {"* bias_initializer", "the same"},
    {"lbfgs evaluations", "a limit that PyTorch counts otherwise; tested in test_lbfgs.c"},
    {"lbfgs tolerance_gradient", "when to end: tested in test_lbfgs.c"},
    {"lbfgs tolerance_change", "the same"},
};

static char *all; /* the text of all files */

static void set_up(void)
{
    static const char *const names[] = {"networks", "losses", "optimizers", "runs"};
    const char *top = getenv("srcdir");
    all = ls_strdup("");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = ls_format("%s/tests/golden/%s.json", top != NULL ? top : ".", names[i]), *text;
        size_t size;
        cr_assert_eq(ls_file_read(path, &text, &size), LS_OK, "%s", ls_error_message());
        char *longer = ls_format("%s%s\n", all, text);
        ls_free(text), ls_free(path), ls_free(all);
        all = longer;
    }
}

static void tear_down(void)
{
    ls_free(all);
}

TestSuite(golden_options, .init = set_up, .fini = tear_down);

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The next place at which word stands alone. */
static const char *find_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        if (!is_word(at[length]) && (at == text || !is_word(at[-1]))) return at;
    return NULL;
}

/* Where the mapping that begins after an opening brace ends. */
static const char *end_of(const char *inside)
{
    int depth = 1;
    const char *at = inside;
    for (; *at != '\0' && depth > 0; at++) depth += (*at == '{') - (*at == '}');
    return at;
}

/* Whether the mapping that begins after an opening brace has the key, with another value than the default. */
static bool has_key(const char *inside, const char *key, const char *default_text)
{
    int depth = 0;
    size_t length = strlen(key);
    const char *end = end_of(inside);
    for (const char *at = inside; at < end; at++) {
        depth += (*at == '{') - (*at == '}');
        if (depth != 0 || strncmp(at, key, length) != 0 || at[length] != ':' || is_word(at[-1])) continue;
        const char *value = at + length + 1 + strspn(at + length + 1, " ");
        size_t size = strcspn(value, ",}\n\\");
        if (default_text == NULL || size != strlen(default_text) || strncmp(value, default_text, size) != 0)
            return true;
    }
    return false;
}

/* Whether some case has a component of that type with the option, or with any options where it is NULL. */
static bool is_compared(const char *type, const ls_option *option)
{
    for (const char *at = all; (at = find_word(at, type)) != NULL; at++) {
        if (option == NULL) return true;
        static const char before[] = "{type: ";
        size_t length = sizeof before - 1;
        if (at - all < (long)length || strncmp(at - length, before, length) != 0) continue;
        if (has_key(at - length + 1, option->key, option->default_text)) return true;
    }
    return false;
}

static bool is_exception(const char *type, const char *key)
{
    for (size_t e = 0; e < sizeof exceptions / sizeof exceptions[0]; e++) {
        const char *space = strchr(exceptions[e][0], ' ');
        size_t length = space != NULL ? (size_t)(space - exceptions[e][0]) : strlen(exceptions[e][0]);
        bool of_type = strncmp(exceptions[e][0], "*", length) == 0 ||
                       (strlen(type) == length && strncmp(exceptions[e][0], type, length) == 0);
        if (of_type && (space == NULL || (key != NULL && strcmp(space + 1, key) == 0))) return true;
    }
    return false;
}

/* common: bytes of the options that all types of the registry have, which need a case with one type only. */
static void expect_all(const ls_registry *registry, size_t common)
{
    for (const ls_component_type *const *type = registry->types; *type != NULL; type++) {
        const char *name = (*type)->name;
        cr_expect(is_exception(name, NULL) || is_compared(name, NULL), "%s %s has no case in tests/golden",
                  registry->kind, name);
        for (const ls_option *option = (*type)->options; option != NULL && option->key != NULL; option++) {
            if (option->kind == LS_OPTION_GROUP) continue; /* below */
            bool found = is_exception(name, option->key) || is_compared(name, option);
            for (const ls_component_type *const *other = registry->types;
                 option->offset < common && *other != NULL; other++)
                found = found || is_compared((*other)->name, option);
            cr_expect(found, "option %s of %s %s has no case in tests/golden", option->key, registry->kind,
                      name);
        }
    }
}

Test(golden_options, every_part_and_option_has_a_case)
{
    expect_all(&ls_layer_registry, 0);
    expect_all(&ls_loss_registry, sizeof(ls_loss_options));
    expect_all(&ls_optimizer_registry, sizeof(ls_optimizer_options));
    expect_all(&ls_schedule_registry, 0);
    expect_all(&ls_average_registry, 0);
}

/* front: what stands before the mapping, its brace included. */
static void expect_mapping(const char *front, const ls_option *table, const char *without)
{
    const char *at = strstr(all, front);
    cr_assert_not_null(at, "%s... has no case in tests/golden", front);
    for (const ls_option *option = table; option->key != NULL; option++) {
        if (strcmp(option->key, without) == 0) continue;
        cr_expect(has_key(at + strlen(front), option->key, option->default_text),
                  "option %s of %s...} has no case in tests/golden", option->key, front);
    }
}

/* What changes the weights beside the optimiser, and groups of parameters. */
Test(golden_options, so_have_those_of_the_training)
{
    static const char *const keys[] = {"clip_norm", "clip_value", "accumulate"};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        cr_expect_not_null(find_word(all, keys[k]), "%s has no case in tests/golden", keys[k]);
    expect_mapping("on_plateau: {", ls_on_plateau_table, "mode"); /* of metrics, which PyTorch has not */
    expect_mapping("warmup: {", ls_warmup_option_table, "");
    expect_mapping("groups: [{", ls_group_registry.types[0]->options, "");
}
