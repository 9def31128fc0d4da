/* Reading components: "relu", {type: dense, units: 3}, and lists of them. */
#include "io/options_read.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include "base/memory.h"
#include "base/nearest.h"
#include "base/options.h"
#include "io/options.h"
#include "io/text.h"

static void append_types(const ls_registry *registry, char *known, size_t size)
{
    for (int i = 0; registry->types[i] != NULL; i++) {
        ls_append(known, size, "%s%s", i > 0 ? ", " : "", registry->types[i]->name);
    }
}

static ls_status unknown_type(const ls_reader *reader, const ls_registry *registry, const ls_tree *tree)
{
    char found[128], known[LS_WORDS_SIZE] = "";
    ls_tree_describe(tree, found, sizeof found);
    ls_nearest nearest = ls_nearest_start(tree->text);
    for (int i = 0; registry->types[i] != NULL; i++) ls_nearest_show(&nearest, registry->types[i]->name);
    append_types(registry, known, sizeof known);
    if (nearest.best != NULL) {
        return ls_tree_error(reader->file, tree, "unknown %s %s, did you mean '%s'? Expected one of: %s",
                             registry->kind, found, nearest.best, known);
    }
    return ls_tree_error(reader->file, tree, "unknown %s %s, expected one of: %s", registry->kind, found,
                         known);
}

/* The flat form of {dense: {units: 3}}, as far as it fits. */
static void right_form(const ls_tree *entry, char *form, size_t size)
{
    ls_append(form, size, "{type: %s", entry->key);
    for (int i = 0; entry->kind == LS_TREE_MAPPING && i < entry->count && i < 4; i++) {
        const ls_tree *option = entry->child[i];
        const char *value =
            option->kind == LS_TREE_SCALAR && strlen(option->text) < 20 ? option->text : "...";
        ls_append(form, size, ", %.20s: %s", option->key, value);
    }
    ls_append(form, size, "}");
}

static ls_status missing_type(const ls_reader *reader, const ls_registry *registry, const ls_tree *tree)
{
    for (int i = 0; i < tree->count; i++) {
        if (ls_registry_find(registry, tree->child[i]->key) == NULL) continue;
        char form[256] = "";
        right_form(tree->child[i], form, sizeof form);
        return ls_tree_key_error(reader->file, tree->child[i], "'%s' is %s %s, expected the form %s",
                                 tree->child[i]->key, ls_article(registry->kind), registry->kind, form);
    }
    for (int i = 0; i < tree->count; i++) {
        ls_nearest nearest = ls_nearest_start(tree->child[i]->key);
        ls_nearest_show(&nearest, "type");
        if (nearest.best == NULL) continue;
        return ls_tree_key_error(reader->file, tree->child[i],
                                 "unknown key '%.60s' of %s %s, did you mean 'type'?", tree->child[i]->key,
                                 ls_article(registry->kind), registry->kind);
    }
    char known[LS_WORDS_SIZE] = "";
    append_types(registry, known, sizeof known);
    return ls_tree_error(reader->file, tree, "%s %s without 'type', expected one of: %s",
                         ls_article(registry->kind), registry->kind, known);
}

static ls_status find_type(const ls_reader *reader, const ls_option *option, const ls_tree *tree,
                           const ls_component_type **found)
{
    const ls_registry *registry = option->registry;
    const ls_tree *type = tree;
    if (tree->kind == LS_TREE_MAPPING) {
        type = ls_tree_find(tree, "type");
        *found = registry->implied;
        if (type == NULL) return *found != NULL ? LS_OK : missing_type(reader, registry, tree);
    }
    if (type->kind != LS_TREE_SCALAR || ls_tree_is_null(type)) {
        char what[128], known[LS_WORDS_SIZE] = "";
        ls_tree_describe(type, what, sizeof what);
        append_types(registry, known, sizeof known);
        return ls_tree_error(reader->file, type, "'%s' is %s, expected a type of %s: %s",
                             type == tree ? option->key : "type", what, registry->kind, known);
    }
    *found = ls_registry_find(registry, type->text);
    return *found == NULL ? unknown_type(reader, registry, type) : LS_OK;
}

static bool is_identifier(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > LS_COMPONENT_NAME_MAX) return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        bool other = (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!letter && !(other && i > 0)) return false;
    }
    return true;
}

ls_status ls_read_identifier(const ls_reader *reader, const char *key, const ls_tree *tree)
{
    if (tree->kind == LS_TREE_SCALAR && !ls_tree_is_null(tree) && is_identifier(tree->text)) return LS_OK;
    char found[128];
    ls_tree_describe(tree, found, sizeof found);
    return ls_tree_error(reader->file, tree,
                         "'%s' is %s, expected a letter or _, then letters, digits, _ . -, at most %d in all",
                         key, found, LS_COMPONENT_NAME_MAX);
}

static ls_status read_inputs(const ls_reader *reader, const ls_tree *tree, ls_strings *inputs)
{
    if (tree->kind == LS_TREE_SCALAR) {
        LS_TRY(ls_read_identifier(reader, "inputs", tree));
        return ls_read_strings(reader, "inputs", tree, inputs);
    }
    if (tree->kind == LS_TREE_MAPPING || tree->count == 0) {
        return ls_tree_error(reader->file, tree,
                             "'inputs' is %s, expected the name of a layer or a list of names",
                             tree->kind == LS_TREE_MAPPING ? "a mapping" : "an empty list");
    }
    for (int i = 0; i < tree->count; i++) LS_TRY(ls_read_identifier(reader, "inputs", tree->child[i]));
    return ls_read_strings(reader, "inputs", tree, inputs);
}

static ls_status read_name(const ls_reader *reader, const ls_tree *mapping, ls_component *component)
{
    const ls_tree *name = ls_tree_find(mapping, "name");
    if (name != NULL) {
        LS_TRY(ls_read_identifier(reader, "name", name));
        component->name = ls_strdup(name->text);
        if (component->name == NULL) return LS_ERROR_MEMORY;
    }
    const ls_tree *inputs = ls_tree_find(mapping, "inputs");
    return inputs == NULL ? LS_OK : read_inputs(reader, inputs, &component->inputs);
}

static bool has_path(const ls_option *table)
{
    for (const ls_option *option = table; option != NULL && option->key != NULL; option++) {
        if (option->kind == LS_OPTION_PATH) return true;
    }
    return false;
}

/* Without its paths a component may not meet conditions that it met where it was trained. */
static ls_status check_component(const ls_reader *reader, const char *owner, const ls_tree *tree,
                                 const ls_component *component)
{
    const ls_component_type *type = component->type;
    if (type->check == NULL || (reader->without_paths && has_path(type->options))) return LS_OK;
    const char *message = type->check(component->options);
    if (message == NULL) return LS_OK;
    return ls_tree_error(reader->file, tree, "%s: %s", owner, message);
}

static ls_status fill_component(ls_reader *reader, const ls_option *option, const ls_tree *tree,
                                ls_component *component)
{
    static const char *const named[] = {"type", "name", "inputs", NULL};
    static const char *const plain[] = {"type", NULL};
    const ls_component_type *type = NULL;
    LS_TRY(find_type(reader, option, tree, &type));
    component->type = type;
    component->line = tree->origin == NULL ? tree->line : 0;
    component->column = tree->origin == NULL ? tree->column : 0;
    if (type->options_size > 0) {
        component->options = ls_alloc(1, type->options_size);
        if (component->options == NULL) return LS_ERROR_MEMORY;
    }
    const ls_tree *mapping = tree->kind == LS_TREE_MAPPING ? tree : NULL;
    if (option->registry->named && mapping != NULL) LS_TRY(read_name(reader, mapping, component));
    char owner[96] = "";
    ls_append(owner, sizeof owner, "%s %s", option->registry->kind, type->name);
    ls_read_table_call call = {.table = type->options, .mapping = mapping, .place = tree, .owner = owner};
    call.extra = option->registry->named ? named : plain;
    LS_TRY(ls_read_table(reader, &call, component->options));
    return check_component(reader, owner, tree, component);
}

ls_status ls_read_component(ls_reader *reader, const ls_option *option, const ls_tree *tree,
                            ls_component *component)
{
    if (tree->kind == LS_TREE_LIST) {
        return ls_tree_error(reader->file, tree,
                             "'%s' is a list, expected one %s: its type or a mapping with 'type'",
                             option->key, option->registry->kind);
    }
    if (reader->depth == LS_TREE_DEPTH) {
        return ls_tree_error(reader->file, tree, "'%s' is nested more than %d levels deep", option->key,
                             LS_TREE_DEPTH);
    }
    reader->depth++;
    ls_status status = fill_component(reader, option, tree, component);
    reader->depth--;
    return status;
}

static ls_status check_names(const ls_reader *reader, const ls_registry *registry, const ls_tree *tree,
                             const ls_component_list *list)
{
    for (int i = 0; i < list->count; i++) {
        for (int j = 0; j < i && list->item[i].name != NULL; j++) {
            if (list->item[j].name == NULL || strcmp(list->item[i].name, list->item[j].name) != 0) continue;
            return ls_tree_error(
                reader->file, ls_tree_find(tree->child[i], "name"),
                "the name '%s' stands twice (items %d and %d), expected a name of its own for "
                "each %s",
                list->item[i].name, j, i, registry->kind);
        }
    }
    return LS_OK;
}

ls_status ls_read_list(ls_reader *reader, const ls_option *option, const ls_tree *tree,
                       ls_component_list *list)
{
    if (tree->kind != LS_TREE_LIST) return ls_read_refuse(reader, option, tree);
    if (tree->count == 0 && !ls_option_may_be_empty(option)) {
        return ls_tree_error(reader->file, tree, "'%s' is an empty list, expected at least one %s",
                             option->key, option->registry->kind);
    }
    if (tree->count == 0) return LS_OK;
    list->item = ls_alloc((size_t)tree->count, sizeof *list->item);
    if (list->item == NULL) return LS_ERROR_MEMORY;
    list->count = tree->count;
    for (int i = 0; i < tree->count; i++) {
        LS_TRY(ls_read_component(reader, option, tree->child[i], &list->item[i]));
    }
    return check_names(reader, option->registry, tree, list);
}
