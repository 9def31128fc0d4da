/* What the files that read options share. */
#ifndef LS_IO_OPTIONS_READ_H
#define LS_IO_OPTIONS_READ_H

#include "base/component.h"
#include "io/tree.h"

typedef struct ls_reader {
    const char *file; /* for messages */
    bool without_paths;
    int depth; /* of nested components, against a table whose defaults contain themselves */
} ls_reader;

enum { LS_WORDS_SIZE = 1024, LS_COMPONENT_NAME_MAX = 48 };

/* The value of an option of any kind from a tree. Partly filled fields are cleaned up with the whole struct.
 */
ls_status ls_read_value(ls_reader *reader, const ls_option *option, const ls_tree *tree, void *field);

/* Of the kinds that need no other table: numbers, words and lists of them. */
ls_status ls_read_plain(const ls_reader *reader, const ls_option *option, const ls_tree *tree, void *field);
/* Of a word or a list, not a mapping. */
ls_status ls_read_strings(const ls_reader *reader, const char *key, const ls_tree *tree, ls_strings *strings);

/* A component or a list of them (options_component.c). */
ls_status ls_read_component(ls_reader *reader, const ls_option *option, const ls_tree *tree,
                            ls_component *component);
ls_status ls_read_list(ls_reader *reader, const ls_option *option, const ls_tree *tree,
                       ls_component_list *list);

/* A name: a letter or _, then letters, digits, _ . -, not too long. */
ls_status ls_read_identifier(const ls_reader *reader, const char *key, const ls_tree *tree);

/* Replaces the blocks {repeat: ..., layers: [...]} of a list of named components by what they stand for
   (options_repeat.c). Anything but a list is left alone. */
ls_status ls_tree_expand(const ls_reader *reader, const ls_registry *registry, ls_tree *list);
bool ls_tree_is_block(const ls_tree *item);

/* All options of a table from a mapping, with defaults for what it lacks. extra: keys of the mapping that are
   read elsewhere, NULL-terminated, or NULL. owner stands in messages: "layer dense". place: where to report
   missing keys; mapping may be NULL. */
typedef struct ls_read_table_call {
    const ls_option *table;
    const ls_tree *mapping, *place;
    const char *const *extra;
    const char *owner;
} ls_read_table_call;
ls_status ls_read_table(ls_reader *reader, const ls_read_table_call *call, void *options);

/* "'lr' is 'abc', expected a number": the message where a value does not fit its option. */
ls_status ls_read_refuse(const ls_reader *reader, const ls_option *option, const ls_tree *tree);

/* A node for a default as tables write it. Freed with ls_tree_free. */
ls_status ls_tree_default(const char *default_text, ls_tree **tree);

/* "optimizer.lr=0.05" changes the tree as if it had been written there (options_override.c). origin is the
   text for messages and lives as long as the tree. */
ls_status ls_tree_override(const ls_option *table, const char *setting, const char *origin, ls_tree *root);
/* Whether a setting leads into a block that is repeated ("model.stage.repeat=5"), so that it must come before
   ls_tree_expand. */
bool ls_tree_overrides_block(const ls_option *table, const char *setting, const ls_tree *root);

#endif
