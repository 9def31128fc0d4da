/* Components for tests, without a recipe: filled from the defaults of their tables. */
#ifndef TESTS_DEFAULT_COMPONENT_H
#define TESTS_DEFAULT_COMPONENT_H

#include "base/component.h"

/* A component of the registry with all options at their defaults. Required integers get the value of
 * required. The test fails if there is no such component. Free with ls_component_clear of base/options.h. */
ls_component default_component(const ls_registry *registry, const char *name, int64_t required);

/* The address of an option of the component, by its key. The test fails if there is no such key. */
void *option_of(const ls_component *component, const char *key);

/* A component as a recipe would have it: "mse", "{type: huber, delta: 2}". Freed with ls_component_clear. */
ls_component component_of(const ls_registry *registry, const char *yaml);

#endif
