#include "support/default_component.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "io/options.h"

static int choice_index(const ls_option *option)
{
    int index = 0;
    while (option->choices[index] != NULL && strcmp(option->choices[index], option->default_text) != 0)
        index++;
    cr_assert_not_null(option->choices[index], "%s: the default %s is not among its choices", option->key,
                       option->default_text);
    return index;
}

/* "[1, 1]", "3", or one required number. */
static ls_integers integers(const char *text, int64_t required)
{
    ls_integers list = {.count = text == NULL, .value = {required}};
    while (text != NULL && *text != '\0') {
        char *end;
        long long number = strtoll(text, &end, 10);
        if (end != text) list.value[list.count++] = number;
        text = end != text ? end : text + 1;
    }
    return list;
}

static void fill_table(const ls_option *table, void *options, int64_t required);

static void fill(const ls_option *option, void *value, int64_t required)
{
    const char *text = option->default_text;
    switch (option->kind) {
    case LS_OPTION_INTEGER:
        *(int64_t *)value = text == NULL ? required : strtoll(text, NULL, 10);
        return;
    case LS_OPTION_REAL:
        *(double *)value = text == NULL ? 1 : strtod(text, NULL);
        return;
    case LS_OPTION_BOOLEAN:
        *(bool *)value = text != NULL && strcmp(text, "true") == 0;
        return;
    case LS_OPTION_CHOICE:
        *(int *)value = text == NULL ? 0 : choice_index(option);
        return;
    case LS_OPTION_INTEGERS:
        *(ls_integers *)value = integers(text, required);
        if (text != NULL && option->choices != NULL && ((ls_integers *)value)->count == 0)
            ((ls_integers *)value)->word = 1 + choice_index(option);
        return;
    case LS_OPTION_COMPONENT:
        if (text != NULL && text[0] == '{')
            *(ls_component *)value = component_of(option->registry, text);
        else if (text != NULL && text[0] != '\0')
            *(ls_component *)value = default_component(option->registry, text, required);
        return;
    case LS_OPTION_GROUP:
        fill_table(option->group, value, required);
        return;
    default:
        cr_assert(text != NULL && text[0] == '\0', "%s: no default for tests of this kind", option->key);
    }
}

static void fill_table(const ls_option *table, void *options, int64_t required)
{
    for (const ls_option *option = table; option->key != NULL; option++)
        fill(option, ls_option_field(option, options), required);
}

ls_component default_component(const ls_registry *registry, const char *name, int64_t required)
{
    ls_component component = {.type = ls_registry_find(registry, name)};
    cr_assert_not_null(component.type, "there is no %s of type %s", registry->kind, name);
    if (component.type->options_size == 0) return component;
    component.options = ls_alloc(1, component.type->options_size);
    cr_assert_not_null(component.options);
    fill_table(component.type->options, component.options, required);
    return component;
}

void *option_of(const ls_component *component, const char *key)
{
    const ls_option *option = ls_option_find(component->type->options, key);
    cr_assert_not_null(option, "%s has no option %s", component->type->name, key);
    return ls_option_field(option, component->options);
}

ls_component component_of(const ls_registry *registry, const char *yaml)
{
    const ls_option table[] = {{.key = "it", .kind = LS_OPTION_COMPONENT, .offset = 0, .registry = registry},
                               LS_OPTION_END};
    char *text = ls_format("it: %s", yaml);
    cr_assert_not_null(text);
    ls_component component = {0};
    ls_options_input input = {.text = text, .size = strlen(text), .name = "test", .what = "the test"};
    ls_status status = ls_options_read(table, &input, &component);
    cr_assert_eq(status, LS_OK, "%s: %s", text, ls_error_message());
    ls_free(text);
    return component;
}
