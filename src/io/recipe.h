/* The inside of a recipe: structs filled from the tables. */
#ifndef LS_IO_RECIPE_H
#define LS_IO_RECIPE_H

#include <lockstep/recipe.h>
#include "base/component.h"

typedef struct ls_checkpoint_options {
    int64_t every_epochs; /* 0: by time (seconds), and at the end */
    int64_t every_steps;  /* 0: not by steps */
    double every_seconds; /* default 300 */
    int64_t keep;         /* how many of the newest are kept, default 3 */
} ls_checkpoint_options;

typedef enum ls_mode { LS_MODE_AUTO, LS_MODE_MIN, LS_MODE_MAX } ls_mode; /* what counts as better */

typedef struct ls_early_stopping_options {
    char *monitor; /* "test_loss": a number of the records */
    int mode;
    int64_t patience; /* epochs without improvement after which training stops; 0 (default): never */
    double min_delta;
    bool restore_best;
} ls_early_stopping_options;

typedef struct ls_on_plateau_options {
    char *monitor; /* "test_loss": a number of the records */
    int mode;
    int64_t patience; /* epochs without improvement after which the learning rate is lowered; 0 (default):
                         never */
    double factor, threshold, min_lr;
    int64_t cooldown;
} ls_on_plateau_options;

typedef struct ls_training_options {
    int64_t epochs;          /* default 10; may change on resume */
    int64_t steps;           /* 0: no limit; stop after so many steps in all */
    int64_t batch;           /* of the whole machine, default 64; 0: all rows */
    int64_t accumulate;      /* parts that a batch is gone through in; default 1 */
    int64_t grain;           /* samples a grain; 0: chosen from the model and batch */
    bool shuffle;            /* default true */
    int reduce;              /* 0 exact, 1 float32 */
    int64_t segments;        /* default 1 */
    double clip_norm;        /* 0: none */
    double clip_value;       /* 0: none */
    int nonfinite;           /* 0 stop, 1 skip: a step with infinity or NaN is left out and counted */
    int64_t nonfinite_limit; /* steps in a row that may be skipped; 0: any number */
    int64_t replica_check;   /* every so many steps; 0 (default): once an epoch; -1 never */
    int64_t health; /* measure the health of the layers for every so many records; 0 (default): for about 10;
                       -1: never */
    int64_t report; /* evaluate and write a metrics record every so many epochs; 0 (default): at most about
                       1,000 records a run */
    char *initial;  /* path of a safetensors file of initial weights */
    ls_early_stopping_options early_stopping;
    ls_on_plateau_options on_plateau;
    ls_component average; /* optim/average.h; absent: none */
    ls_checkpoint_options checkpoint;
    ls_place grain_place, accumulate_place, early_stopping_place, on_plateau_place;
} ls_training_options;

struct ls_recipe {
    char *file;      /* for messages; NULL or the name given for text */
    char *directory; /* paths in the recipe are relative to it; "." for text */
    int64_t seed;    /* 0 .. 2^53 */
    ls_component data;
    ls_component_list model;
    ls_component loss;         /* of one output; type NULL: there are several */
    ls_component_list losses;  /* of several outputs */
    ls_component_list metrics; /* empty: those of the kind of targets */
    ls_component optimizer;
    ls_training_options training;
};

extern const ls_option ls_recipe_options[]; /* the root table; offsets in struct ls_recipe */
extern const ls_option ls_training_option_table[];
extern const ls_option ls_early_stopping_table[], ls_on_plateau_table[]; /* io/recipe_watch.c */

/* The losses, be there one or several. */
int ls_recipe_loss_count(const ls_recipe *recipe);
const ls_component *ls_recipe_loss(const ls_recipe *recipe, int index);

/* The resolved recipe as YAML (all keys, defaults filled in, paths as absolute where absolute_paths) in a
 * stable order. *text is freed with ls_free. */
ls_status ls_recipe_to_yaml(const ls_recipe *recipe, bool absolute_paths, char **text);
/* Canonical JSON of all that predict needs: {"model": [...], "loss": {...}, "losses": [...], "metrics":
 * [...], "data": {"type": ..., "normalise": ...}} without paths, places, layout or training. It can be read
 * by ls_recipe_parse_model. */
ls_status ls_recipe_model_json(const ls_recipe *recipe, char **text);
/* A recipe with only data (options without files), model and loss from that JSON; the rest has defaults. name
 * is for messages. */
ls_status ls_recipe_parse_model(const char *json, const char *name, ls_recipe **recipe);
/* Names the first key (dotted: "optimizer.lr") in which two recipes differ, other than those marked
 * may_change_on_resume and paths that point to the same data; NULL if none. Freed with ls_free. */
char *ls_recipe_difference(const ls_recipe *a, const ls_recipe *b);
/* Hash of everything that fixes the bits (no paths, no outputs); 0 if there is no memory to find it. */
uint64_t ls_recipe_digest(const ls_recipe *recipe);
/* docs/recipe.md from the tables and registries. *text is freed with ls_free. */
ls_status ls_recipe_document(char **text);
/* "file:line:column" of a component, for messages of later phases; in a static thread-local buffer. */
const char *ls_recipe_place(const ls_recipe *recipe, int line, int column);
const char *ls_recipe_key_place(const ls_recipe *recipe, const ls_place *place); /* the same of a key */

#endif
