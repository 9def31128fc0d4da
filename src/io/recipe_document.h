/* The example of docs/recipe.md, for the test that reads it. */
#ifndef LS_IO_RECIPE_DOCUMENT_H
#define LS_IO_RECIPE_DOCUMENT_H

extern const char ls_recipe_example[];

#endif
