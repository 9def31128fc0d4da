/* Reading the options of a table from a mapping: known and unknown keys, defaults, missing keys. */
#include "io/options_read.h"

#include <string.h>
#include "base/memory.h"
#include "base/nearest.h"
#include "base/options.h"
#include "io/options.h"
#include "io/text.h"

static bool is_extra(const char *const *extra, const char *key)
{
    for (int i = 0; extra != NULL && extra[i] != NULL; i++) {
        if (strcmp(extra[i], key) == 0) return true;
    }
    return false;
}

/* A key that belongs into a group of the table: "epochs" into "training". NULL if there is none. */
static const char *group_of(const ls_option *table, const char *key)
{
    for (const ls_option *option = table; option != NULL && option->key != NULL; option++) {
        if (option->kind == LS_OPTION_GROUP && ls_option_find(option->group, key) != NULL) return option->key;
    }
    return NULL;
}

static ls_status unknown_key(const ls_reader *reader, const ls_read_table_call *call, const ls_tree *child)
{
    char known[LS_WORDS_SIZE] = "";
    ls_nearest nearest = ls_nearest_start(child->key);
    for (int i = 0; call->extra != NULL && call->extra[i] != NULL; i++) {
        ls_nearest_show(&nearest, call->extra[i]);
        ls_append(known, sizeof known, "%s%s", known[0] != '\0' ? ", " : "", call->extra[i]);
    }
    for (const ls_option *option = call->table; option != NULL && option->key != NULL; option++) {
        ls_nearest_show(&nearest, option->key);
        ls_append(known, sizeof known, "%s%s", known[0] != '\0' ? ", " : "", option->key);
    }
    if (strcmp(child->key, "<<") == 0) {
        return ls_tree_key_error(reader->file, child,
                                 "merge keys (<<) are not part of YAML 1.2, expected one of: %s", known);
    }
    const char *group = group_of(call->table, child->key);
    if (group != NULL) {
        return ls_tree_key_error(reader->file, child, "unknown key '%s' of %s, it belongs under '%s'",
                                 child->key, call->owner, group);
    }
    if (nearest.best != NULL) {
        return ls_tree_key_error(reader->file, child, "unknown key '%.60s' of %s, did you mean '%s'?",
                                 child->key, call->owner, nearest.best);
    }
    return ls_tree_key_error(reader->file, child, "unknown key '%.60s' of %s, expected one of: %s",
                             child->key, call->owner, known);
}

/* Nearly all defaults are single words, which need no parser. */
ls_status ls_tree_default(const char *default_text, ls_tree **tree)
{
    if (strpbrk(default_text, "[]{}'\",:#&*!|>\n") != NULL) {
        return ls_tree_parse(default_text, strlen(default_text), "default", NULL, tree);
    }
    *tree = ls_tree_new(LS_TREE_SCALAR);
    if (*tree == NULL) return LS_ERROR_MEMORY;
    (*tree)->plain = true;
    (*tree)->text = ls_strdup(default_text);
    if ((*tree)->text != NULL) return LS_OK;
    ls_tree_free(*tree);
    *tree = NULL;
    return LS_ERROR_MEMORY;
}

static ls_status read_default(ls_reader *reader, const ls_option *option, void *field)
{
    ls_tree *tree;
    if (ls_option_may_be_absent(option)) return LS_OK; /* zeros */
    LS_TRY(ls_tree_default(option->default_text, &tree));
    if (tree == NULL) return ls_error(LS_ERROR_RECIPE, "the default of '%s' is empty", option->key);
    ls_status status = ls_read_value(reader, option, tree, field);
    ls_tree_free(tree);
    return status;
}

static ls_status read_missing(ls_reader *reader, const ls_read_table_call *call, const ls_option *option,
                              void *field)
{
    if (option->kind == LS_OPTION_GROUP) {
        return ls_read_table(
            reader, &(ls_read_table_call){.table = option->group, .place = call->place, .owner = option->key},
            field);
    }
    if (option->default_text != NULL) return read_default(reader, option, field);
    if (reader->without_paths && option->kind == LS_OPTION_PATH) return LS_OK;
    char words[LS_WORDS_SIZE] = "";
    ls_option_accepts(option, words, sizeof words);
    return ls_tree_error(reader->file, call->place, "missing key '%s' of %s, expected %s", option->key,
                         call->owner, words);
}

static ls_status read_group(ls_reader *reader, const ls_option *option, const ls_tree *tree, void *field)
{
    if (tree->kind != LS_TREE_MAPPING && !ls_tree_is_null(tree)) return ls_read_refuse(reader, option, tree);
    const ls_tree *mapping = tree->kind == LS_TREE_MAPPING ? tree : NULL;
    return ls_read_table(reader,
                         &(ls_read_table_call){
                             .table = option->group, .mapping = mapping, .place = tree, .owner = option->key},
                         field);
}

ls_status ls_read_value(ls_reader *reader, const ls_option *option, const ls_tree *tree, void *field)
{
    if (option->kind == LS_OPTION_GROUP) return read_group(reader, option, tree, field);
    if (ls_tree_is_null(tree) && ls_option_may_be_absent(option)) return LS_OK;
    if (option->kind == LS_OPTION_COMPONENT) return ls_read_component(reader, option, tree, field);
    if (option->kind == LS_OPTION_LIST) return ls_read_list(reader, option, tree, field);
    return ls_read_plain(reader, option, tree, field);
}

/* Keys in the order of the file first, so that the first error of a file is the one that is reported. */
ls_status ls_read_table(ls_reader *reader, const ls_read_table_call *call, void *options)
{
    int count = call->mapping == NULL ? 0 : call->mapping->count;
    for (int i = 0; i < count; i++) {
        const ls_tree *child = call->mapping->child[i];
        const ls_option *option = ls_option_find(call->table, child->key);
        if (is_extra(call->extra, child->key)) continue;
        if (option == NULL) return unknown_key(reader, call, child);
        if (option->place > 0 && child->origin == NULL)
            *(ls_place *)(void *)((char *)options + option->place) =
                (ls_place){child->key_line, child->key_column};
        LS_TRY(ls_read_value(reader, option, child, ls_option_field(option, options)));
    }
    for (const ls_option *option = call->table; option != NULL && option->key != NULL; option++) {
        if (ls_tree_find(call->mapping, option->key) != NULL) continue;
        LS_TRY(read_missing(reader, call, option, ls_option_field(option, options)));
    }
    return LS_OK;
}
