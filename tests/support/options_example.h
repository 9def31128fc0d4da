/* A table of options with every kind in it, for the tests of what reads and writes tables. */
#ifndef LS_TESTS_SUPPORT_OPTIONS_EXAMPLE_H
#define LS_TESTS_SUPPORT_OPTIONS_EXAMPLE_H

#include "base/component.h"
#include "base/error.h"

typedef struct ls_example_deep {
    double level;
} ls_example_deep;

typedef struct ls_example_inner {
    int64_t depth;
    ls_example_deep deep;
} ls_example_inner;

typedef struct ls_example {
    int64_t count;
    double rate, any;
    bool flag;
    int mode;
    char *title, *file;
    ls_integers kernel;
    ls_reals levels;
    ls_integers margin;
    ls_strings words;
    ls_component shape, lid;
    ls_component_list parts;
    ls_example_inner inner;
} ls_example;

typedef struct ls_example_wheel {
    int64_t size, spokes;
    ls_component shape;
} ls_example_wheel; /* of a part "wheel" */

typedef struct ls_example_round {
    double radius;
} ls_example_round; /* of a shape "round" */

extern const ls_option ls_example_table[];

/* Reads text, named t.yaml in messages, with up to overrides (ended by NULL, or NULL). */
ls_status ls_example_read(const char *text, const char *const *overrides, ls_example *example);
/* The same where it must succeed. */
void ls_example_read_good(const char *text, ls_example *example);
void ls_example_clear(ls_example *example);

#endif
