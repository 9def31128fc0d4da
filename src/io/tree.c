#include "io/tree.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "io/text.h"
#include "io/utf8.h"

ls_tree *ls_tree_new(ls_tree_kind kind)
{
    ls_tree *tree = ls_alloc(1, sizeof *tree);
    if (tree != NULL) tree->kind = kind;
    return tree;
}

void ls_tree_free(ls_tree *tree)
{
    if (tree == NULL) return;
    for (int i = 0; i < tree->count; i++) ls_tree_free(tree->child[i]);
    ls_free(tree->child);
    ls_free(tree->text);
    ls_free(tree->key);
    ls_free(tree);
}

ls_status ls_tree_append(ls_tree *parent, ls_tree *child)
{
    size_t needed = (size_t)parent->count + 1;
    ls_tree **grown = parent->child;
    if (needed > parent->capacity) {
        if (grown == NULL) {
            grown = ls_alloc(4, sizeof *grown);
            if (grown != NULL) parent->capacity = 4;
        } else {
            grown = ls_grow(grown, &parent->capacity, needed, sizeof *grown);
        }
        if (grown == NULL) {
            ls_tree_free(child);
            return LS_ERROR_MEMORY;
        }
        parent->child = grown;
    }
    parent->child[parent->count++] = child;
    return LS_OK;
}

ls_status ls_tree_set_key(ls_tree *tree, const char *key)
{
    tree->key = ls_strdup(key);
    if (tree->key == NULL) return LS_ERROR_MEMORY;
    tree->key_line = tree->line;
    tree->key_column = tree->column;
    return LS_OK;
}

ls_tree *ls_tree_find(const ls_tree *mapping, const char *key)
{
    if (mapping == NULL || mapping->kind != LS_TREE_MAPPING) return NULL;
    for (int i = 0; i < mapping->count; i++) {
        if (strcmp(mapping->child[i]->key, key) == 0) return mapping->child[i];
    }
    return NULL;
}

static ls_status copy_into(const ls_tree *from, int *nodes, ls_tree *to)
{
    to->plain = from->plain;
    to->line = from->line;
    to->column = from->column;
    to->origin = from->origin;
    to->key_line = from->key_line;
    to->key_column = from->key_column;
    to->text = ls_strdup(from->text);
    to->key = ls_strdup(from->key);
    if ((from->text != NULL && to->text == NULL) || (from->key != NULL && to->key == NULL)) {
        return LS_ERROR_MEMORY;
    }
    for (int i = 0; i < from->count; i++) {
        ls_tree *child;
        LS_TRY(ls_tree_copy(from->child[i], nodes, &child));
        LS_TRY(ls_tree_append(to, child));
    }
    return LS_OK;
}

ls_status ls_tree_copy(const ls_tree *from, int *nodes, ls_tree **copy)
{
    *copy = NULL;
    if (--*nodes < 0) return ls_error(LS_ERROR_RECIPE, "more than %d values", LS_TREE_NODES);
    ls_tree *to = ls_tree_new(from->kind);
    if (to == NULL) return LS_ERROR_MEMORY;
    ls_status status = copy_into(from, nodes, to);
    if (status != LS_OK) {
        ls_tree_free(to);
        return status;
    }
    *copy = to;
    return LS_OK;
}

bool ls_tree_is_null(const ls_tree *tree)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (tree->kind != LS_TREE_SCALAR || !tree->plain) return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(tree->text, words[i]) == 0) return true;
    }
    return false;
}

ls_status ls_place_error(const char *file, const char *origin, int line, int column, const char *message)
{
    if (origin != NULL) return ls_error(LS_ERROR_RECIPE, "%.400s: %s", origin, message);
    if (line == 0) return ls_error(LS_ERROR_RECIPE, "%s: %s", file, message);
    return ls_error(LS_ERROR_RECIPE, "%s:%d:%d: %s", file, line, column, message);
}

ls_status ls_tree_error(const char *file, const ls_tree *tree, const char *format, ...)
{
    char message[LS_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return ls_place_error(file, tree->origin, tree->line, tree->column, message);
}

ls_status ls_tree_key_error(const char *file, const ls_tree *tree, const char *format, ...)
{
    char message[LS_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return ls_place_error(file, tree->origin, tree->key_line, tree->key_column, message);
}

/* The beginning of a text on one line. */
static void excerpt(const char *text, char *shown, size_t size)
{
    size_t used = 0, left = strlen(text);
    while (left > 0) {
        uint32_t code = 0;
        size_t length = ls_utf8_decode(text, left, &code);
        bool good = length > 0 && code >= 0x20 && ls_utf8_is_text(code);
        if (length == 0) length = 1;
        if (used + length + 4 > size) break;
        if (good) {
            memcpy(shown + used, text, length);
            used += length;
        } else {
            shown[used++] = '?';
        }
        text += length;
        left -= length;
    }
    shown[used] = '\0';
    if (left > 0) ls_append(shown, size, "...");
}

void ls_tree_describe(const ls_tree *tree, char *text, size_t size)
{
    char shown[64];
    text[0] = '\0';
    if (tree->kind == LS_TREE_LIST) {
        ls_append(text, size, "a list");
    } else if (tree->kind == LS_TREE_MAPPING) {
        ls_append(text, size, "a mapping");
    } else if (ls_tree_is_null(tree)) {
        ls_append(text, size, "nothing");
    } else {
        excerpt(tree->text, shown, sizeof shown);
        ls_append(text, size, tree->plain ? "'%s'" : "the quoted string \"%s\"", shown);
    }
}
