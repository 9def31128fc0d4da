#include "base/options.h"

#include <string.h>
#include "base/memory.h"

const ls_option *ls_option_find(const ls_option *table, const char *key)
{
    for (const ls_option *option = table; option != NULL && option->key != NULL; option++) {
        if (strcmp(option->key, key) == 0) return option;
    }
    return NULL;
}

const ls_component_type *ls_registry_find(const ls_registry *registry, const char *name)
{
    for (int i = 0; registry->types[i] != NULL; i++) {
        if (strcmp(registry->types[i]->name, name) == 0) return registry->types[i];
    }
    return NULL;
}

bool ls_option_may_be_absent(const ls_option *option)
{
    return option->default_text != NULL && option->default_text[0] == '\0';
}

bool ls_option_may_be_empty(const ls_option *option)
{
    return ls_option_may_be_absent(option) ||
           (option->default_text != NULL && strcmp(option->default_text, "[]") == 0);
}

void ls_strings_clear(ls_strings *strings)
{
    for (int i = 0; i < strings->count; i++) ls_free(strings->value[i]);
    ls_free(strings->value);
    *strings = (ls_strings){0};
}

void ls_component_clear(ls_component *component)
{
    if (component->type != NULL && component->options != NULL) {
        ls_options_clear(component->type->options, component->options);
    }
    ls_free(component->options);
    ls_free(component->name);
    ls_strings_clear(&component->inputs);
    *component = (ls_component){0};
}

void ls_component_list_clear(ls_component_list *list)
{
    for (int i = 0; i < list->count; i++) ls_component_clear(&list->item[i]);
    ls_free(list->item);
    *list = (ls_component_list){0};
}

static void clear_field(const ls_option *option, void *field)
{
    switch (option->kind) {
    case LS_OPTION_STRING:
    case LS_OPTION_PATH:
        ls_free(*(char **)field);
        *(char **)field = NULL;
        break;
    case LS_OPTION_REALS:
        ls_free(((ls_reals *)field)->value);
        *(ls_reals *)field = (ls_reals){0};
        break;
    case LS_OPTION_STRINGS:
        ls_strings_clear(field);
        break;
    case LS_OPTION_COMPONENT:
        ls_component_clear(field);
        break;
    case LS_OPTION_LIST:
        ls_component_list_clear(field);
        break;
    case LS_OPTION_GROUP:
        ls_options_clear(option->group, field);
        break;
    case LS_OPTION_INTEGER:
    case LS_OPTION_REAL:
    case LS_OPTION_BOOLEAN:
    case LS_OPTION_CHOICE:
    case LS_OPTION_INTEGERS:
        break;
    }
}

void ls_options_clear(const ls_option *table, void *options)
{
    for (const ls_option *option = table; option != NULL && option->key != NULL; option++) {
        clear_field(option, ls_option_field(option, options));
    }
}
