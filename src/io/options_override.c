/* Settings of the command line: "optimizer.lr=0.05" changes the tree before it is read, so that the same
   checks apply. What stands there only as a default is put into the tree first. */
#include "io/options_read.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/nearest.h"
#include "base/options.h"
#include "io/text.h"

/* Where a setting has got to: a node and what may be in it. All are NULL under a key that no table knows; the
   key itself is then refused when the tree is read. */
typedef struct cursor {
    const char *origin;
    ls_tree *node;
    const ls_option *table;       /* a group or the root */
    const ls_registry *component; /* a component of this registry */
    const ls_registry *list;      /* a list of them */
    const ls_registry *block;     /* a block of such a list */
    const char *name;             /* of the node, for messages */
} cursor;

static ls_status refuse(const cursor *at, const char *what, const char *expected)
{
    return ls_error(LS_ERROR_RECIPE, "%.400s: '%.60s' %s, expected %s", at->origin, at->name, what, expected);
}

/* A word becomes the type of a mapping, and nothing becomes an empty mapping, so that keys can be set. */
static ls_status make_mapping(cursor *at)
{
    ls_tree *node = at->node;
    if (node->kind == LS_TREE_MAPPING) return LS_OK;
    bool null = ls_tree_is_null(node);
    if (node->kind != LS_TREE_SCALAR || (!null && at->component == NULL)) {
        return refuse(at, "is not a mapping", "a key that leads to one value");
    }
    if (!null) {
        ls_tree *type = ls_tree_new(LS_TREE_SCALAR);
        if (type == NULL) return LS_ERROR_MEMORY;
        type->plain = node->plain;
        type->line = node->line;
        type->column = node->column;
        type->origin = node->origin;
        type->text = ls_strdup(node->text);
        if (type->text == NULL || ls_tree_set_key(type, "type") != LS_OK) {
            ls_tree_free(type);
            return LS_ERROR_MEMORY;
        }
        LS_TRY(ls_tree_append(node, type));
    }
    ls_free(node->text);
    node->text = NULL;
    node->kind = LS_TREE_MAPPING;
    return LS_OK;
}

static const ls_option *option_at(const cursor *at, const char *key)
{
    if (at->component == NULL) return ls_option_find(at->table, key);
    const ls_tree *type = ls_tree_find(at->node, "type");
    if (type != NULL && type->kind != LS_TREE_SCALAR) return NULL;
    const ls_component_type *known =
        type == NULL ? at->component->implied : ls_registry_find(at->component, type->text);
    return known == NULL ? NULL : ls_option_find(known->options, key);
}

/* A child for a key that the mapping lacks: the default, if it may have keys of its own, or nothing. */
static ls_status add_child(const cursor *at, const ls_option *option, const char *key, ls_tree **child)
{
    bool component = option != NULL && option->kind == LS_OPTION_COMPONENT;
    const char *text = component && option->default_text != NULL ? option->default_text : "null";
    LS_TRY(ls_tree_default(text, child));
    if (*child == NULL) LS_TRY(ls_tree_default("null", child)); /* a default in braces may be empty */
    if (*child == NULL) return LS_ERROR_MEMORY;
    (*child)->origin = at->origin;
    if (ls_tree_set_key(*child, key) != LS_OK) {
        ls_tree_free(*child);
        return LS_ERROR_MEMORY;
    }
    return ls_tree_append(at->node, *child);
}

static ls_status enter_key(cursor *at, const char *key)
{
    LS_TRY(make_mapping(at));
    const ls_option *option = option_at(at, key);
    ls_tree *child = ls_tree_find(at->node, key);
    if (child == NULL) LS_TRY(add_child(at, option, key, &child));
    at->node = child;
    at->name = child->key;
    at->table = option != NULL && option->kind == LS_OPTION_GROUP ? option->group : NULL;
    at->component = option != NULL && option->kind == LS_OPTION_COMPONENT ? option->registry : NULL;
    at->list = option != NULL && option->kind == LS_OPTION_LIST ? option->registry : NULL;
    if (at->block != NULL && strcmp(key, "layers") == 0) at->list = at->block;
    at->block = NULL;
    return LS_OK;
}

static bool begins_with_key(const char *path, const char *key)
{
    size_t length = strlen(key);
    return length > 0 && strncmp(path, key, length) == 0 && (path[length] == '.' || path[length] == '\0');
}

static const char *item_name(const ls_tree *item)
{
    const ls_tree *name = ls_tree_find(item, "name");
    return name != NULL && name->kind == LS_TREE_SCALAR ? name->text : NULL;
}

/* The item that path begins with, by number or name (names may hold points: the longest wins); -1 if there is
   none. */
static int find_item(const ls_tree *list, const char *path, size_t *length)
{
    int found = -1;
    *length = 0;
    for (int i = 0; i < list->count; i++) {
        const char *name = item_name(list->child[i]);
        if (name == NULL || !begins_with_key(path, name) || strlen(name) <= *length) continue;
        found = i;
        *length = strlen(name);
    }
    size_t digits = strspn(path, "0123456789");
    if (found >= 0 || digits == 0 || digits > 9 || (path[digits] != '.' && path[digits] != '\0'))
        return found;
    long index = strtol(path, NULL, 10);
    *length = digits;
    return index < list->count ? (int)index : -1;
}

static ls_status no_item(const cursor *at, const char *path)
{
    char wanted[64] = "";
    ls_append(wanted, sizeof wanted, "%.*s", (int)(strcspn(path, ".") < 60 ? strcspn(path, ".") : 60), path);
    ls_nearest nearest = ls_nearest_start(wanted);
    for (int i = 0; i < at->node->count; i++) {
        const char *name = item_name(at->node->child[i]);
        if (name != NULL) ls_nearest_show(&nearest, name);
    }
    if (nearest.best != NULL) {
        return ls_error(LS_ERROR_RECIPE, "%.400s: '%.60s' has no item '%s', did you mean '%s'?", at->origin,
                        at->name, wanted, nearest.best);
    }
    return ls_error(LS_ERROR_RECIPE, "%.400s: '%.60s' has no item '%s', expected 0 to %d or the name of one",
                    at->origin, at->name, wanted, at->node->count - 1);
}

static ls_status enter_item(cursor *at, const char *path, size_t *length)
{
    if (at->node->kind != LS_TREE_LIST || at->node->count == 0) {
        return refuse(at, "is not a list with items", "items before one is changed");
    }
    int index = find_item(at->node, path, length);
    if (index < 0) return no_item(at, path);
    at->node = at->node->child[index];
    bool block = at->list->named && ls_tree_is_block(at->node);
    at->component = block ? NULL : at->list;
    at->block = block ? at->list : NULL;
    at->list = NULL;
    return LS_OK;
}

bool ls_tree_overrides_block(const ls_option *table, const char *setting, const ls_tree *root)
{
    char key[64] = "";
    size_t length = strcspn(setting, ".=");
    if (setting[length] != '.' || length >= sizeof key) return false;
    memcpy(key, setting, length);
    const ls_option *option = ls_option_find(table, key);
    const ls_tree *list = ls_tree_find(root, key);
    if (option == NULL || option->kind != LS_OPTION_LIST || !option->registry->named) return false;
    if (list == NULL || list->kind != LS_TREE_LIST) return false;
    const char *path = setting + length + 1;
    for (int i = 0; i < list->count; i++) {
        const char *name = item_name(list->child[i]);
        size_t size = name == NULL ? 0 : strlen(name);
        if (size == 0 || !ls_tree_is_block(list->child[i]) || strncmp(path, name, size) != 0) continue;
        if (path[size] == '.' || path[size] == '=') return true;
    }
    return false;
}

/* Puts the content of value into node, which keeps its key. */
static void replace(ls_tree *node, ls_tree *value)
{
    ls_tree old = *node;
    *node = *value;
    node->key = old.key;
    node->key_line = old.key_line;
    node->key_column = old.key_column;
    *value = old;
    value->key = NULL;
}

static ls_status descend(cursor *at, char *path)
{
    while (path != NULL) {
        size_t length = strcspn(path, ".");
        if (at->list != NULL) {
            LS_TRY(enter_item(at, path, &length));
        } else {
            if (length == 0) {
                return ls_error(LS_ERROR_RECIPE, "%.400s: expected a key such as optimizer.lr before '='",
                                at->origin);
            }
            char end = path[length];
            path[length] = '\0';
            LS_TRY(enter_key(at, path));
            path[length] = end;
        }
        path = path[length] == '.' ? path + length + 1 : NULL;
    }
    return LS_OK;
}

static ls_status parse_value(const char *value, const char *origin, ls_tree **tree)
{
    LS_TRY(ls_tree_parse(value, strlen(value), origin, origin, tree));
    if (*tree != NULL) return LS_OK;
    LS_TRY(ls_tree_default("null", tree));
    if (*tree == NULL) return LS_ERROR_MEMORY;
    (*tree)->origin = origin;
    return LS_OK;
}

ls_status ls_tree_override(const ls_option *table, const char *setting, const char *origin, ls_tree *root)
{
    const char *equals = strchr(setting, '=');
    if (equals == NULL || equals == setting) {
        return ls_error(LS_ERROR_RECIPE, "%.400s: expected KEY=VALUE, such as optimizer.lr=0.05", origin);
    }
    ls_tree *value = NULL;
    char *path = ls_strdup(setting);
    if (path == NULL) return LS_ERROR_MEMORY;
    path[equals - setting] = '\0';
    cursor at = {.origin = origin, .node = root, .table = table, .name = "the recipe"};
    ls_status status = parse_value(equals + 1, origin, &value);
    if (status == LS_OK) status = descend(&at, path);
    if (status == LS_OK) replace(at.node, value);
    ls_tree_free(value);
    ls_free(path);
    return status;
}
