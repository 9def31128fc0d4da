/* Options as canonical JSON: equal options give equal bytes. */
#include "io/options.h"

#include "base/options.h"
#include "io/decimal.h"
#include "io/text.h"

static void write_strings(ls_text *text, const ls_strings *strings)
{
    ls_text_add(text, "[");
    for (int i = 0; i < strings->count; i++) {
        if (i > 0) ls_text_add(text, ",");
        ls_text_quote(text, strings->value[i]);
    }
    ls_text_add(text, "]");
}

static void write_reals(ls_text *text, const ls_reals *reals)
{
    ls_text_add(text, "[");
    for (int i = 0; i < reals->count; i++) {
        char number[LS_DECIMAL_SIZE];
        ls_decimal_format(reals->value[i], number);
        ls_text_add(text, "%s%s", i > 0 ? "," : "", number);
    }
    ls_text_add(text, "]");
}

static void write_integers(ls_text *text, const ls_option *option, const ls_integers *integers)
{
    if (integers->word > 0) {
        ls_text_quote(text, option->choices[integers->word - 1]);
        return;
    }
    ls_text_add(text, "[");
    for (int i = 0; i < integers->count; i++) {
        ls_text_add(text, "%s%lld", i > 0 ? "," : "", (long long)integers->value[i]);
    }
    ls_text_add(text, "]");
}

static void write_string(ls_text *text, const char *string)
{
    if (string == NULL) {
        ls_text_add(text, "null");
    } else {
        ls_text_quote(text, string);
    }
}

static void write_number(ls_text *text, const ls_option *option, double value)
{
    char number[LS_DECIMAL_SIZE];
    bool outside = option->minimum != option->maximum && (value < option->minimum || value > option->maximum);
    ls_decimal_format(value, number);
    ls_text_add(text, "%s", outside && ls_option_may_be_absent(option) ? "null" : number);
}

/* Members after the first, or all if first is true. */
static void write_members(ls_text *text, const ls_option *table, const void *options, ls_option_filter keep,
                          bool first)
{
    for (const ls_option *option = table; option != NULL && option->key != NULL; option++) {
        if (!keep(option)) continue;
        ls_text_add(text, "%s\"%s\":", first ? "" : ",", option->key);
        ls_option_json(text, option, options, keep);
        first = false;
    }
}

static void write_component(ls_text *text, const ls_component *component, ls_option_filter keep)
{
    if (component->type == NULL) {
        ls_text_add(text, "null");
        return;
    }
    ls_text_add(text, "{\"type\":\"%s\"", component->type->name);
    if (component->name != NULL) {
        ls_text_add(text, ",\"name\":");
        ls_text_quote(text, component->name);
    }
    if (component->inputs.count > 0) {
        ls_text_add(text, ",\"inputs\":");
        write_strings(text, &component->inputs);
    }
    write_members(text, component->type->options, component->options, keep, false);
    ls_text_add(text, "}");
}

static void write_list(ls_text *text, const ls_component_list *list, ls_option_filter keep)
{
    ls_text_add(text, "[");
    for (int i = 0; i < list->count; i++) {
        if (i > 0) ls_text_add(text, ",");
        write_component(text, &list->item[i], keep);
    }
    ls_text_add(text, "]");
}

void ls_option_json(ls_text *text, const ls_option *option, const void *options, ls_option_filter keep)
{
    const void *value = ls_option_value(option, options);
    switch (option->kind) {
    case LS_OPTION_INTEGER:
        if (*(const int64_t *)value == 0) {
            write_number(text, option, 0);
        } else {
            ls_text_add(text, "%lld", (long long)*(const int64_t *)value);
        }
        break;
    case LS_OPTION_REAL:
        write_number(text, option, *(const double *)value);
        break;
    case LS_OPTION_BOOLEAN:
        ls_text_add(text, "%s", *(const bool *)value ? "true" : "false");
        break;
    case LS_OPTION_CHOICE:
        ls_text_quote(text, option->choices[*(const int *)value]);
        break;
    case LS_OPTION_STRING:
    case LS_OPTION_PATH:
        write_string(text, *(char *const *)value);
        break;
    case LS_OPTION_INTEGERS:
        write_integers(text, option, value);
        break;
    case LS_OPTION_REALS:
        write_reals(text, value);
        break;
    case LS_OPTION_STRINGS:
        write_strings(text, value);
        break;
    case LS_OPTION_COMPONENT:
        write_component(text, value, keep);
        break;
    case LS_OPTION_LIST:
        write_list(text, value, keep);
        break;
    case LS_OPTION_GROUP:
        ls_options_json(text, option->group, value, keep);
        break;
    }
}

void ls_options_json(ls_text *text, const ls_option *table, const void *options, ls_option_filter keep)
{
    ls_text_add(text, "{");
    write_members(text, table, options, keep, true);
    ls_text_add(text, "}");
}
