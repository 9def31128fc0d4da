/* A YAML document as a tree that keeps the place of everything, for messages. */
#ifndef LS_IO_TREE_H
#define LS_IO_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

/* More is no recipe but an accident; the limits keep hostile files from costing time and memory. */
enum { LS_TREE_DEPTH = 32, LS_TREE_NODES = 30000, LS_TREE_KEYS = 1000, LS_TREE_BYTES = 16 << 20 };

typedef enum ls_tree_kind { LS_TREE_SCALAR, LS_TREE_LIST, LS_TREE_MAPPING } ls_tree_kind;

typedef struct ls_tree ls_tree;
struct ls_tree {
    ls_tree_kind kind;
    bool plain;               /* a scalar without quotes */
    char *text;               /* of a scalar, never NULL there */
    char *key;                /* of a value in a mapping, else NULL */
    int key_line, key_column; /* 1-based */
    int line, column;         /* 1-based; 0: of a default */
    const char *origin;       /* stands instead of file and place ("--set loss=mse"), not owned; NULL: file */
    int count;
    size_t capacity;
    ls_tree **child;
};

/* Parses one document. name is the file in messages, origin (kept, may be NULL) replaces it and the places.
   *tree is NULL if there is no document or nothing in it. Errors: LS_ERROR_RECIPE with the place,
   LS_ERROR_MEMORY. */
ls_status ls_tree_parse(const char *text, size_t size, const char *name, const char *origin, ls_tree **tree);

void ls_tree_free(ls_tree *tree); /* NULL is allowed */

ls_tree *ls_tree_new(ls_tree_kind kind);                        /* NULL if there is no memory */
ls_status ls_tree_append(ls_tree *parent, ls_tree *child);      /* takes the child, even on failure */
ls_status ls_tree_set_key(ls_tree *tree, const char *key);      /* at the place of the value */
ls_tree *ls_tree_find(const ls_tree *mapping, const char *key); /* NULL if there is none or no mapping */
/* A copy with everything in it. *nodes is lowered by its number of nodes; below zero is an error without
 * place. */
ls_status ls_tree_copy(const ls_tree *from, int *nodes, ls_tree **copy);

/* Whether it is an empty value: nothing, ~ or null without quotes. */
bool ls_tree_is_null(const ls_tree *tree);

/* An error of the recipe with the place in front: "file:line:column: ..." or "--set ...: ...". */
ls_status ls_tree_error(const char *file, const ls_tree *tree, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same at the key of a value. */
ls_status ls_tree_key_error(const char *file, const ls_tree *tree, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
ls_status ls_place_error(const char *file, const char *origin, int line, int column, const char *message);

/* What is there, for messages: "'abc'", "nothing", "a list". At most size bytes. */
void ls_tree_describe(const ls_tree *tree, char *text, size_t size);

#endif
