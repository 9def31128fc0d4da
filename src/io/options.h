/* Structs of options, as tables (base/component.h) describe them: read from YAML, written, compared and
   documented. The recipe is one such table; nothing here knows what it means. */
#ifndef LS_IO_OPTIONS_H
#define LS_IO_OPTIONS_H

#include "base/component.h"
#include "base/error.h"
#include "io/text.h"

typedef struct ls_options_input {
    const char *text; /* YAML */
    size_t size;
    const char *name;             /* file name for messages */
    const char *what;             /* what the text is, for messages: "the recipe" */
    const char *const *overrides; /* "optimizer.lr=0.05" */
    int override_count;
    bool without_paths; /* options of kind path may be missing even where they are required */
} ls_options_input;

/* Fills options (zeros before) from the text and the defaults. On failure options is zeros again. Errors:
   LS_ERROR_RECIPE with the place, LS_ERROR_MEMORY. */
ls_status ls_options_read(const ls_option *table, const ls_options_input *input, void *options);

/* All keys in the order of the table. directory: relative paths are joined to it; NULL: as they are. */
void ls_options_yaml(ls_text *text, const ls_option *table, const void *options, const char *directory);

/* Canonical JSON: the order of the table, no spaces; only options that keep accepts. */
typedef bool (*ls_option_filter)(const ls_option *option);
void ls_options_json(ls_text *text, const ls_option *table, const void *options, ls_option_filter keep);
/* The value of one option, without its key. */
void ls_option_json(ls_text *text, const ls_option *option, const void *options, ls_option_filter keep);

/* The first option in which two structs differ, as a dotted key in key[size]; false if there is none. Options
   that may change on resume are left out. Paths are equal if they lead to the same content; the directories
   are where they start. */
typedef struct ls_options_pair {
    const void *a, *b;
    const char *directory_a, *directory_b;
} ls_options_pair;
bool ls_options_differ(const ls_option *table, const ls_options_pair *pair, char *key, size_t size);

/* What an option accepts, in words: "an integer, 1 to 16", "one of mean, sum". Appended to words[size]. */
void ls_option_accepts(const ls_option *option, char *words, size_t size);

/* Markdown: the keys of a table, then the groups and the types of each registry that it leads to. */
ls_status ls_options_document(ls_text *text, const ls_option *table);

/* path as seen from directory, absolute. NULL if there is no memory. Freed with ls_free. */
char *ls_path_absolute(const char *directory, const char *path);

#endif
