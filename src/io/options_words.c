/* Options in words, for messages and the documentation. */
#include "io/options.h"

#include "io/decimal.h"
#include "io/text.h"

static void append_number(const ls_option *option, double value, char *words, size_t size)
{
    bool whole = option->kind == LS_OPTION_INTEGER || option->kind == LS_OPTION_INTEGERS;
    char number[LS_DECIMAL_SIZE];
    ls_decimal_format(value, number);
    if (whole && value > -1e16 && value < 1e16) {
        ls_append(words, size, "%.0f", value);
    } else {
        ls_append(words, size, "%s", number);
    }
}

static void append_range(const ls_option *option, char *words, size_t size)
{
    const double unlimited = 1e30;
    if (option->minimum == option->maximum) return;
    bool below = option->minimum > -unlimited, above = option->maximum < unlimited;
    if (!below && !above) return;
    ls_append(words, size, ", ");
    if (below && !above) ls_append(words, size, "at least ");
    if (above && !below) ls_append(words, size, "at most ");
    if (below) append_number(option, option->minimum, words, size);
    if (below && above) ls_append(words, size, " to ");
    if (above) append_number(option, option->maximum, words, size);
}

static void append_choices(const ls_option *option, char *words, size_t size)
{
    ls_append(words, size, "one of ");
    for (int i = 0; option->choices[i] != NULL; i++) {
        ls_append(words, size, "%s%s", i > 0 ? ", " : "", option->choices[i]);
    }
}

void ls_option_accepts(const ls_option *option, char *words, size_t size)
{
    switch (option->kind) {
    case LS_OPTION_INTEGER:
        ls_append(words, size, "an integer");
        append_range(option, words, size);
        break;
    case LS_OPTION_REAL:
        ls_append(words, size, "a number");
        append_range(option, words, size);
        break;
    case LS_OPTION_BOOLEAN:
        ls_append(words, size, "true or false");
        break;
    case LS_OPTION_CHOICE:
        append_choices(option, words, size);
        break;
    case LS_OPTION_STRING:
        ls_append(words, size, "a text");
        break;
    case LS_OPTION_PATH:
        ls_append(words, size, "a path");
        break;
    case LS_OPTION_INTEGERS:
        ls_append(words, size, "an integer or a list of at most %d", LS_INTEGERS_MAX);
        append_range(option, words, size);
        if (option->choices != NULL) {
            ls_append(words, size, ", or ");
            append_choices(option, words, size);
        }
        break;
    case LS_OPTION_REALS:
        ls_append(words, size, "a number or a list of numbers");
        append_range(option, words, size);
        break;
    case LS_OPTION_STRINGS:
        ls_append(words, size, "a text or a list of texts");
        break;
    case LS_OPTION_COMPONENT:
        ls_append(words, size, "the type of the %s or a mapping with 'type' and its options",
                  option->registry->kind);
        break;
    case LS_OPTION_LIST:
        ls_append(words, size, "a list, each item the type of %s %s or a mapping with 'type' and its options",
                  ls_article(option->registry->kind), option->registry->kind);
        break;
    case LS_OPTION_GROUP:
        ls_append(words, size, "a mapping");
        break;
    }
}
