/* Recipes: what to train, on what, how. The keys are described in docs/recipe.md. */
#ifndef LOCKSTEP_RECIPE_H
#define LOCKSTEP_RECIPE_H

#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ls_recipe ls_recipe;

/* Reads a recipe (YAML) and applies override_count settings of the form "optimizer.lr=0.05" (list elements by
   index or name: "model.0.units=32", "model.hidden.units=32"). All keys, types and ranges are checked. The
   caller frees *recipe with ls_recipe_free. Local; inside a training all ranks compare their recipes. Errors:
   LS_ERROR_RECIPE ("file:line:column: what, what was expected"), LS_ERROR_IO, LS_ERROR_MEMORY. */
LS_API ls_status ls_recipe_load(const char *path, const char *const *overrides, int override_count,
                                ls_recipe **recipe);

/* The same from text; name stands in messages instead of a file name, directory is where relative paths start
 * (NULL: the current one). */
LS_API ls_status ls_recipe_parse(const char *text, const char *name, const char *directory,
                                 const char *const *overrides, int override_count, ls_recipe **recipe);

LS_API void ls_recipe_free(ls_recipe *recipe); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
