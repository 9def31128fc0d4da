#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/help.h"
#include "cli/nearest.h"

typedef struct scan {
    const ls_cli *cli;
    const ls_cli_option *options;
    int count, next; /* words, and the one to look at */
    char **words;
} scan;

static int refuse_option(const scan *in, const char *word, size_t length)
{
    char given[64];
    const char *best = NULL;
    if (length >= sizeof given) length = sizeof given - 1;
    memcpy(given, word, length);
    given[length] = '\0';
    for (const ls_cli_option *option = in->options; option->name; option++) {
        best = ls_cli_nearer(given, option->name, best);
    }
    best = ls_cli_nearer(given, "--help", best);
    if (best) return ls_cli_misuse(in->cli, "unknown option '%s'; did you mean '%s'?", given, best);
    return ls_cli_misuse(in->cli, "unknown option '%s'", given);
}

static const ls_cli_option *find(const scan *in, const char *word, size_t length)
{
    for (const ls_cli_option *option = in->options; option->name; option++) {
        if (strlen(option->name) == length && memcmp(option->name, word, length) == 0) return option;
    }
    return NULL;
}

static int store_number(const scan *in, const ls_cli_option *option, const char *value)
{
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || number < option->minimum || number > option->maximum) {
        return ls_cli_misuse(in->cli, "%s takes a whole number from %d to %d, not '%s'", option->name,
                             option->minimum, option->maximum, value);
    }
    *(int *)option->target = (int)number;
    return LS_EXIT_OK;
}

static int store(const scan *in, const ls_cli_option *option, const char *value)
{
    ls_cli_texts *texts = option->target;
    switch (option->kind) {
    case LS_CLI_FLAG:
        *(bool *)option->target = true;
        break;
    case LS_CLI_NUMBER:
        return store_number(in, option, value);
    case LS_CLI_TEXT:
        *(const char **)option->target = value;
        break;
    case LS_CLI_TEXTS:
        texts->text[texts->count++] = value;
        break;
    }
    return LS_EXIT_OK;
}

/* The value of an option that is a word of its own, NULL if there is none. What begins with "--" is the next
   option; who means such a value writes --run=--odd. */
static const char *next_value(scan *in)
{
    if (in->next >= in->count || strncmp(in->words[in->next], "--", 2) == 0) return NULL;
    return in->words[in->next++];
}

/* One word that begins with "--", and the next one where it holds the value. */
static int take_option(scan *in, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const ls_cli_option *option = find(in, word, length);
    if (!option) return refuse_option(in, word, length);
    if (option->kind == LS_CLI_FLAG) {
        if (equals) return ls_cli_misuse(in->cli, "%s takes no value", option->name);
        return store(in, option, NULL);
    }
    const char *value = equals ? equals + 1 : next_value(in);
    if (!value || (*value == '\0' && option->kind != LS_CLI_TEXTS)) {
        return ls_cli_misuse(in->cli, "%s needs a value", option->name);
    }
    return store(in, option, value);
}

static bool asks_for_help(int count, char **words)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) return true;
    }
    return false;
}

static int check_count(const scan *in, const char *operands, int minimum, int maximum, int count)
{
    if (count < minimum) return ls_cli_misuse(in->cli, "too few operands, expected: %s", operands);
    if (count <= maximum) return LS_EXIT_OK;
    if (maximum == 0) return ls_cli_misuse(in->cli, "unexpected '%s'", in->words[0]);
    return ls_cli_misuse(in->cli, "unexpected '%s', expected only: %s", in->words[maximum], operands);
}

bool ls_cli_options_parse(const ls_cli *cli, const ls_cli_option *options, const char *operands, int minimum,
                          int maximum, int *count, char **words, int *code)
{
    scan in = {.cli = cli, .options = options, .count = *count, .words = words};
    int kept = 0;
    bool ended = false;
    *code = LS_EXIT_OK;
    if (asks_for_help(*count, words)) {
        *code = ls_cli_help_print(cli, cli->command);
        return false;
    }
    while (in.next < in.count && *code == LS_EXIT_OK) {
        char *word = words[in.next++];
        if (ended || word[0] != '-' || word[1] == '\0') {
            words[kept++] = word;
        } else if (strcmp(word, "--") == 0) {
            ended = true;
        } else {
            *code = take_option(&in, word);
        }
    }
    if (*code == LS_EXIT_OK) *code = check_count(&in, operands, minimum, maximum, kept);
    *count = kept;
    return *code == LS_EXIT_OK;
}
