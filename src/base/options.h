/* Looking up and freeing what tables of options describe; reading and writing are in io/options.h. */
#ifndef LS_BASE_OPTIONS_H
#define LS_BASE_OPTIONS_H

#include "base/component.h"

/* The option of that key; NULL if there is none (table may be NULL). */
const ls_option *ls_option_find(const ls_option *table, const char *key);
/* The type of that name; NULL if there is none. */
const ls_component_type *ls_registry_find(const ls_registry *registry, const char *name);

/* Whether an option may be left without a value ("absent"). */
bool ls_option_may_be_absent(const ls_option *option);
/* Whether a list may have no elements. */
bool ls_option_may_be_empty(const ls_option *option);

/* Where the field of an option lies in a struct of options. */
static inline void *ls_option_field(const ls_option *option, void *options)
{
    return (char *)options + option->offset;
}
static inline const void *ls_option_value(const ls_option *option, const void *options)
{
    return (const char *)options + option->offset;
}

/* Free what the fields own and set them to zero; the struct itself stays. Fields of zeros are allowed, so a
   struct that was filled in part can be cleared. */
void ls_options_clear(const ls_option *table, void *options);
void ls_component_clear(ls_component *component);
void ls_component_list_clear(ls_component_list *list);
void ls_strings_clear(ls_strings *strings);

#endif
