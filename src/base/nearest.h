/* The known word nearest to a mistyped one, for error messages. */
#ifndef LS_BASE_NEAREST_H
#define LS_BASE_NEAREST_H

/* Edits (insert, delete, replace, swap of neighbours; upper and lower case count as equal) that turn a into
   b, after Damerau (1964). Words longer than 63 characters are as far away as can be. */
int ls_edit_distance(const char *a, const char *b);

/* Remembers the best of the words shown to it. */
typedef struct ls_nearest {
    const char *word; /* what was typed */
    const char *best; /* NULL: nothing near enough so far */
    int distance;
} ls_nearest;

ls_nearest ls_nearest_start(const char *word);
void ls_nearest_show(ls_nearest *nearest, const char *known);

#endif
