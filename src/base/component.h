/* Components (layers, losses, optimisers, ...) and their options. One table of options per component serves
   the recipe's parser, its error messages, the resolved recipe, the comparison on resume and docs/recipe.md.
 */
#ifndef LS_BASE_COMPONENT_H
#define LS_BASE_COMPONENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ls_option_kind {
    LS_OPTION_INTEGER,   /* int64_t */
    LS_OPTION_REAL,      /* double */
    LS_OPTION_BOOLEAN,   /* bool */
    LS_OPTION_CHOICE,    /* int: index into choices */
    LS_OPTION_STRING,    /* char *, NULL where absent */
    LS_OPTION_PATH,      /* char *, as written; relative to the recipe's directory */
    LS_OPTION_INTEGERS,  /* ls_integers; a single integer is a list of one; with choices also one of these
                            words */
    LS_OPTION_REALS,     /* ls_reals; a single number is a list of one */
    LS_OPTION_STRINGS,   /* ls_strings; a single string is a list of one */
    LS_OPTION_COMPONENT, /* ls_component of a registry; a plain string is a component without options */
    LS_OPTION_LIST,      /* ls_component_list of a registry */
    LS_OPTION_GROUP      /* a nested struct with a table of its own */
} ls_option_kind;

enum { LS_INTEGERS_MAX = 16 };
typedef struct ls_integers {
    int count;
    int word; /* instead of numbers: 1 + index into choices; else 0 */
    int64_t value[LS_INTEGERS_MAX];
} ls_integers;
typedef struct ls_reals {
    int count;
    double *value;
} ls_reals;
typedef struct ls_strings {
    int count;
    char **value;
} ls_strings;

typedef struct ls_place { /* in the recipe, 1-based; 0 where it does not stand there */
    int line, column;
} ls_place;

typedef struct ls_registry ls_registry;

typedef struct ls_option {
    const char *key;
    ls_option_kind kind;
    size_t offset;               /* in the struct of options */
    double minimum, maximum;     /* of integers and reals, also of each of a list; ignored if equal */
    const char *default_text;    /* in YAML's form ("0.9", "he", "[1, 1]"); NULL: required; "" : absent (NULL,
                                    empty, type NULL) */
    const char *const *choices;  /* NULL-terminated, for LS_OPTION_CHOICE and some LS_OPTION_INTEGERS */
    const ls_registry *registry; /* for components and lists */
    const struct ls_option *group; /* for groups: a table ended by a NULL key */
    const char *help;              /* one or two plain sentences for docs/recipe.md */
    size_t place; /* of an ls_place in the struct of options, for messages of later phases: where the key
                     stands; 0: not kept */
    bool may_change_on_resume;
} ls_option;

/* First member of every table of functions: a const ls_layer_type begins with one, and so on. */
typedef struct ls_component_type {
    const char *name; /* as written after "type:" */
    const char *help;
    const ls_option *options; /* ended by a NULL key; NULL if none */
    size_t options_size;      /* bytes of the struct of options */
    /* Conditions across keys, which the table cannot express: NULL if all is well, else a message such as
     * "nesterov needs momentum above 0". NULL: no such conditions. */
    const char *(*check)(const void *options);
} ls_component_type;

struct ls_registry {
    const char *kind;                      /* "layer", for messages */
    const ls_component_type *const *types; /* NULL-terminated */
    bool named;                            /* its components may carry name and inputs (layers) */
    const ls_component_type *implied; /* the type of a mapping that names none; NULL: one must be named */
};

typedef struct ls_component {
    const ls_component_type *type; /* NULL: absent */
    void *options;                 /* of type->options_size bytes, owned; NULL if the size is 0 */
    char *name;                    /* of named components, NULL where not given */
    ls_strings inputs;             /* of named components: names of the inputs, empty for the one before */
    int line, column;              /* where it stands in the recipe, 1-based; 0 where it does not */
} ls_component;

typedef struct ls_component_list {
    int count;
    ls_component *item;
} ls_component_list;

#define LS_OPTION_END                                                                                        \
    {                                                                                                        \
        .key = NULL                                                                                          \
    }

#endif
