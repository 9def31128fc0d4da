/* The one way to get memory: aligned to 64 bytes, zeroed, counted, checked for overflow. */
#ifndef LS_BASE_MEMORY_H
#define LS_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* count elements of size bytes, zeroed (count 0 gives a valid pointer). NULL with a message (LS_ERROR_MEMORY;
   "cannot get 12.3 MB of memory") if refused. Free with ls_free. Fault point "memory". */
void *ls_alloc(size_t count, size_t size);
void ls_free(void *pointer);       /* NULL is allowed */
char *ls_strdup(const char *text); /* as ls_alloc; NULL text gives NULL */
char *ls_format(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a new string, as ls_alloc
                                                                                 */
/* Grows an array obtained from ls_alloc to at least needed elements (doubling). Returns the array or NULL
 * (the old one stays valid). */
void *ls_grow(void *array, size_t *capacity, size_t needed, size_t size);
uint64_t ls_alloc_count(void); /* allocations so far in this process, for the test of steps without any */

#endif
