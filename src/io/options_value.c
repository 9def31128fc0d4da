/* Values that need no other table: numbers, words and lists of them. */
#include "io/options_read.h"

#include <string.h>
#include "base/memory.h"
#include "base/nearest.h"
#include "base/options.h"
#include "io/decimal.h"
#include "io/options.h"
#include "io/text.h"

static bool is_word(const char *text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) return true;
    }
    return false;
}

ls_status ls_read_refuse(const ls_reader *reader, const ls_option *option, const ls_tree *tree)
{
    char found[128], words[LS_WORDS_SIZE] = "";
    ls_tree_describe(tree, found, sizeof found);
    ls_option_accepts(option, words, sizeof words);
    bool number = option->kind == LS_OPTION_INTEGER || option->kind == LS_OPTION_REAL ||
                  option->kind == LS_OPTION_BOOLEAN;
    bool quoted = number && tree->kind == LS_TREE_SCALAR && !tree->plain;
    return ls_tree_error(reader->file, tree, "'%s' is %s, expected %s%s", option->key, found, words,
                         quoted ? " (without quotes)" : "");
}

static bool in_range(const ls_option *option, double value)
{
    return option->minimum == option->maximum || (value >= option->minimum && value <= option->maximum);
}

static ls_status read_integer(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                              int64_t *value)
{
    if (tree->kind != LS_TREE_SCALAR || !tree->plain) return ls_read_refuse(reader, option, tree);
    ls_decimal_result result = ls_decimal_integer(tree->text, value);
    if (result != LS_DECIMAL_GOOD || !in_range(option, (double)*value)) {
        return ls_read_refuse(reader, option, tree);
    }
    return LS_OK;
}

static ls_status read_real(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                           double *value)
{
    if (tree->kind != LS_TREE_SCALAR || !tree->plain) return ls_read_refuse(reader, option, tree);
    if (ls_decimal_real(tree->text, value) != LS_DECIMAL_GOOD || !in_range(option, *value)) {
        return ls_read_refuse(reader, option, tree);
    }
    return LS_OK;
}

static ls_status read_boolean(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                              bool *value)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    static const char *const old[] = {"yes", "Yes", "YES", "on",  "On",  "ON", "no",
                                      "No",  "NO",  "off", "Off", "OFF", NULL};
    if (tree->kind != LS_TREE_SCALAR || !tree->plain) return ls_read_refuse(reader, option, tree);
    *value = is_word(tree->text, yes);
    if (*value || is_word(tree->text, no)) return LS_OK;
    if (is_word(tree->text, old)) {
        return ls_tree_error(reader->file, tree,
                             "'%s' is '%s', expected true or false (in YAML 1.2 '%s' is only a word)",
                             option->key, tree->text, tree->text);
    }
    return ls_read_refuse(reader, option, tree);
}

static ls_status read_choice(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                             int *value)
{
    if (tree->kind != LS_TREE_SCALAR) return ls_read_refuse(reader, option, tree);
    ls_nearest nearest = ls_nearest_start(tree->text);
    for (int i = 0; option->choices[i] != NULL; i++) {
        *value = i;
        if (strcmp(option->choices[i], tree->text) == 0) return LS_OK;
        ls_nearest_show(&nearest, option->choices[i]);
    }
    if (nearest.best == NULL) return ls_read_refuse(reader, option, tree);
    char found[128], words[LS_WORDS_SIZE] = "";
    ls_tree_describe(tree, found, sizeof found);
    ls_option_accepts(option, words, sizeof words);
    return ls_tree_error(reader->file, tree, "'%s' is %s, did you mean '%s'? Expected %s", option->key, found,
                         nearest.best, words);
}

static ls_status read_string(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                             char **value)
{
    if (tree->kind != LS_TREE_SCALAR || ls_tree_is_null(tree)) return ls_read_refuse(reader, option, tree);
    *value = ls_strdup(tree->text);
    return *value == NULL ? LS_ERROR_MEMORY : LS_OK;
}

/* A path from the command line starts where the command is called, not where the recipe lies. */
static ls_status read_path(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                           char **value)
{
    if (tree->kind != LS_TREE_SCALAR || tree->text[0] == '\0') return ls_read_refuse(reader, option, tree);
    if (tree->origin == NULL) return read_string(reader, option, tree, value);
    if (ls_tree_is_null(tree)) return ls_read_refuse(reader, option, tree);
    *value = ls_path_absolute(".", tree->text);
    return *value == NULL ? LS_ERROR_MEMORY : LS_OK;
}

static ls_status read_integers(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                               ls_integers *value)
{
    if (tree->kind == LS_TREE_SCALAR && option->choices != NULL && is_word(tree->text, option->choices)) {
        while (strcmp(option->choices[value->word++], tree->text) != 0) continue;
        return LS_OK;
    }
    if (tree->kind == LS_TREE_SCALAR) {
        value->count = 1;
        return read_integer(reader, option, tree, &value->value[0]);
    }
    bool empty = tree->count == 0 && !ls_option_may_be_empty(option);
    if (tree->kind != LS_TREE_LIST || tree->count > LS_INTEGERS_MAX || empty) {
        return ls_read_refuse(reader, option, tree);
    }
    value->count = tree->count;
    for (int i = 0; i < tree->count; i++) {
        LS_TRY(read_integer(reader, option, tree->child[i], &value->value[i]));
    }
    return LS_OK;
}

static ls_status read_reals(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                            ls_reals *value)
{
    const ls_tree *const *item = tree->kind == LS_TREE_SCALAR ? &tree : (const ls_tree *const *)tree->child;
    int count = tree->kind == LS_TREE_SCALAR ? 1 : tree->count;
    bool empty = count == 0 && !ls_option_may_be_empty(option);
    if (tree->kind == LS_TREE_MAPPING || empty) return ls_read_refuse(reader, option, tree);
    if (count == 0) return LS_OK;
    value->value = ls_alloc((size_t)count, sizeof *value->value);
    if (value->value == NULL) return LS_ERROR_MEMORY;
    value->count = count;
    for (int i = 0; i < count; i++) LS_TRY(read_real(reader, option, item[i], &value->value[i]));
    return LS_OK;
}

ls_status ls_read_strings(const ls_reader *reader, const char *key, const ls_tree *tree, ls_strings *strings)
{
    const ls_tree *const *item = (const ls_tree *const *)tree->child;
    int count = tree->count;
    if (tree->kind == LS_TREE_SCALAR) {
        item = &tree;
        count = 1;
    }
    strings->value = ls_alloc((size_t)count, sizeof *strings->value);
    if (strings->value == NULL) return LS_ERROR_MEMORY;
    for (int i = 0; i < count; i++) {
        if (item[i]->kind != LS_TREE_SCALAR || ls_tree_is_null(item[i])) {
            char found[128];
            ls_tree_describe(item[i], found, sizeof found);
            return ls_tree_error(reader->file, item[i], "'%s' %s %s, expected a text or a list of texts", key,
                                 tree->kind == LS_TREE_SCALAR ? "is" : "holds", found);
        }
        strings->value[i] = ls_strdup(item[i]->text);
        if (strings->value[i] == NULL) return LS_ERROR_MEMORY;
        strings->count = i + 1;
    }
    return LS_OK;
}

static ls_status read_words(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                            ls_strings *strings)
{
    bool empty = tree->kind == LS_TREE_LIST && tree->count == 0 && !ls_option_may_be_empty(option);
    if (empty || tree->kind == LS_TREE_MAPPING) return ls_read_refuse(reader, option, tree);
    return ls_read_strings(reader, option->key, tree, strings);
}

ls_status ls_read_plain(const ls_reader *reader, const ls_option *option, const ls_tree *tree, void *field)
{
    switch (option->kind) {
    case LS_OPTION_INTEGER:
        return read_integer(reader, option, tree, field);
    case LS_OPTION_REAL:
        return read_real(reader, option, tree, field);
    case LS_OPTION_BOOLEAN:
        return read_boolean(reader, option, tree, field);
    case LS_OPTION_CHOICE:
        return read_choice(reader, option, tree, field);
    case LS_OPTION_STRING:
        return read_string(reader, option, tree, field);
    case LS_OPTION_PATH:
        return read_path(reader, option, tree, field);
    case LS_OPTION_INTEGERS:
        return read_integers(reader, option, tree, field);
    case LS_OPTION_REALS:
        return read_reals(reader, option, tree, field);
    case LS_OPTION_STRINGS:
        return read_words(reader, option, tree, field);
    case LS_OPTION_COMPONENT:
    case LS_OPTION_LIST:
    case LS_OPTION_GROUP:
        break;
    }
    return ls_read_refuse(reader, option, tree);
}
