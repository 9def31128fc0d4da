/* Options as YAML that a person can read and edit. */
#include "io/options.h"

#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "io/decimal.h"
#include "io/text.h"

typedef struct writer {
    ls_text *text;
    const char *directory;
} writer;

/* Words that some reader of YAML takes for something else. */
static bool is_reserved(const char *word)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *known = words[i], *c = word;
        while (*known != '\0' && (*c | 0x20) == *known) known++, c++;
        if (*known == '\0' && *c == '\0') return true;
    }
    return false;
}

static bool is_plain_word(const char *word)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/";
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/0123456789.-+";
    const char *start = word;
    while (*start == '.') start++; /* "../data.csv" */
    if (start > word && *start != '/') return false;
    if (*start == '\0' || strchr(letters, *start) == NULL) return false;
    return start[strspn(start, others)] == '\0' && !is_reserved(word);
}

static void write_string(ls_text *text, const char *string)
{
    if (is_plain_word(string)) {
        ls_text_add(text, "%s", string);
    } else {
        ls_text_quote(text, string);
    }
}

static void write_strings(ls_text *text, const ls_strings *strings)
{
    ls_text_add(text, "[");
    for (int i = 0; i < strings->count; i++) {
        if (i > 0) ls_text_add(text, ", ");
        write_string(text, strings->value[i]);
    }
    ls_text_add(text, "]");
}

static void write_reals(ls_text *text, const ls_reals *reals)
{
    ls_text_add(text, "[");
    for (int i = 0; i < reals->count; i++) {
        char number[LS_DECIMAL_SIZE];
        ls_decimal_format(reals->value[i], number);
        ls_text_add(text, "%s%s", i > 0 ? ", " : "", number);
    }
    ls_text_add(text, "]");
}

static void write_integers(ls_text *text, const ls_option *option, const ls_integers *integers)
{
    if (integers->word > 0) {
        write_string(text, option->choices[integers->word - 1]);
        return;
    }
    ls_text_add(text, "[");
    for (int i = 0; i < integers->count; i++) {
        ls_text_add(text, "%s%lld", i > 0 ? ", " : "", (long long)integers->value[i]);
    }
    ls_text_add(text, "]");
}

static void write_path(const writer *w, const char *path)
{
    if (w->directory == NULL) {
        write_string(w->text, path);
        return;
    }
    char *absolute = ls_path_absolute(w->directory, path);
    if (absolute == NULL) {
        w->text->failed = true;
        return;
    }
    write_string(w->text, absolute);
    ls_free(absolute);
}

static void write_table(const writer *w, const ls_option *table, const void *options, int indent);

static bool is_short(const ls_component *component)
{
    const ls_option *table = component->type->options;
    return component->name == NULL && component->inputs.count == 0 && (table == NULL || table->key == NULL);
}

/* The lines of a component; the first goes on where the text is. */
static void write_component(const writer *w, const ls_component *component, int indent)
{
    ls_text_add(w->text, "type: %s\n", component->type->name);
    if (component->name != NULL) {
        ls_text_spaces(w->text, indent);
        ls_text_add(w->text, "name: ");
        write_string(w->text, component->name);
        ls_text_add(w->text, "\n");
    }
    if (component->inputs.count > 0) {
        ls_text_spaces(w->text, indent);
        ls_text_add(w->text, "inputs: ");
        write_strings(w->text, &component->inputs);
        ls_text_add(w->text, "\n");
    }
    write_table(w, component->type->options, component->options, indent);
}

static void write_list(const writer *w, const ls_component_list *list, int indent)
{
    if (list->count == 0) {
        ls_text_add(w->text, " []\n");
        return;
    }
    ls_text_add(w->text, "\n");
    for (int i = 0; i < list->count; i++) {
        ls_text_spaces(w->text, indent);
        ls_text_add(w->text, "- ");
        if (is_short(&list->item[i])) {
            ls_text_add(w->text, "%s\n", list->item[i].type->name);
        } else {
            write_component(w, &list->item[i], indent + 2);
        }
    }
}

/* What stands under or behind a key. True: lines of its own were written, with their ends. */
static bool write_nested(const writer *w, const ls_option *option, const void *value, int indent)
{
    if (option->kind == LS_OPTION_LIST) {
        write_list(w, value, indent);
        return true;
    }
    if (option->kind == LS_OPTION_GROUP) {
        ls_text_add(w->text, "\n");
        write_table(w, option->group, value, indent);
        return true;
    }
    if (option->kind != LS_OPTION_COMPONENT) return false;
    const ls_component *component = value;
    if (component->type == NULL) {
        ls_text_add(w->text, " null\n");
    } else if (is_short(component)) {
        ls_text_add(w->text, " %s\n", component->type->name);
    } else {
        ls_text_add(w->text, "\n");
        ls_text_spaces(w->text, indent);
        write_component(w, component, indent);
    }
    return true;
}

static void write_number(ls_text *text, const ls_option *option, double value)
{
    char number[LS_DECIMAL_SIZE];
    bool outside = option->minimum != option->maximum && (value < option->minimum || value > option->maximum);
    if (outside && ls_option_may_be_absent(option)) {
        ls_text_add(text, "null");
        return;
    }
    ls_decimal_format(value, number);
    ls_text_add(text, "%s", number);
}

static void write_value(const writer *w, const ls_option *option, const void *value)
{
    const char *string;
    switch (option->kind) {
    case LS_OPTION_INTEGER:
        if (*(const int64_t *)value == 0) {
            write_number(w->text, option, 0);
        } else {
            ls_text_add(w->text, "%lld", (long long)*(const int64_t *)value);
        }
        break;
    case LS_OPTION_REAL:
        write_number(w->text, option, *(const double *)value);
        break;
    case LS_OPTION_BOOLEAN:
        ls_text_add(w->text, "%s", *(const bool *)value ? "true" : "false");
        break;
    case LS_OPTION_CHOICE:
        write_string(w->text, option->choices[*(const int *)value]);
        break;
    case LS_OPTION_STRING:
    case LS_OPTION_PATH:
        string = *(char *const *)value;
        if (string == NULL) {
            ls_text_add(w->text, "null");
        } else if (option->kind == LS_OPTION_PATH) {
            write_path(w, string);
        } else {
            write_string(w->text, string);
        }
        break;
    case LS_OPTION_INTEGERS:
        write_integers(w->text, option, value);
        break;
    case LS_OPTION_REALS:
        write_reals(w->text, value);
        break;
    case LS_OPTION_STRINGS:
        write_strings(w->text, value);
        break;
    case LS_OPTION_COMPONENT:
    case LS_OPTION_LIST:
    case LS_OPTION_GROUP:
        break;
    }
}

static void write_table(const writer *w, const ls_option *table, const void *options, int indent)
{
    for (const ls_option *option = table; option != NULL && option->key != NULL; option++) {
        const void *value = ls_option_value(option, options);
        ls_text_spaces(w->text, indent);
        ls_text_add(w->text, "%s:", option->key);
        if (write_nested(w, option, value, indent + 2)) continue;
        ls_text_add(w->text, " ");
        write_value(w, option, value);
        ls_text_add(w->text, "\n");
    }
}

void ls_options_yaml(ls_text *text, const ls_option *table, const void *options, const char *directory)
{
    writer w = {.text = text, .directory = directory};
    write_table(&w, table, options, 0);
}
