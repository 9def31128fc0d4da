#include "optim/groups.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { NAMES_SHOWN = 3, FREE = -1 };

static const char *const group_decay_choices[] = {"weights", "all", "same", NULL};

static const ls_option option_table[] = {
    {.key = "match",
     .kind = LS_OPTION_STRINGS,
     .offset = offsetof(ls_group_options, match),
     .help = "Names of the parameters, such as `dense_0.weight`, or patterns of them: `*` stands for any "
             "text, `?` "
             "for any character."},
    {.key = "lr_factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_group_options, lr_factor),
     .minimum = 0,
     .maximum = 1e6,
     .default_text = "1",
     .help = "What the learning rate is multiplied by. 0: these parameters stay as they are."},
    {.key = "weight_decay",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_group_options, weight_decay),
     .minimum = -1,
     .maximum = 1e30,
     .default_text = "-1",
     .help = "In place of the optimizer's. -1: the same."},
    {.key = "l1",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_group_options, l1),
     .minimum = -1,
     .maximum = 1e30,
     .default_text = "-1",
     .help = "In place of the optimizer's. -1: the same."},
    {.key = "decay_on",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(ls_group_options, decay_on),
     .default_text = "same",
     .choices = group_decay_choices,
     .help = "In place of the optimizer's. same: as there."},
    {.key = "max_norm",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_group_options, max_norm),
     .minimum = -1,
     .maximum = 1e30,
     .default_text = "-1",
     .help = "In place of the optimizer's. -1: the same."},
    LS_OPTION_END,
};

static bool is_between(double value)
{
    return value < 0 && value != -1;
}

static const char *check(const void *options)
{
    const ls_group_options *group = options;
    if (is_between(group->weight_decay)) return "weight_decay must be -1 or at least 0";
    if (is_between(group->l1)) return "l1 must be -1 or at least 0";
    if (is_between(group->max_norm)) return "max_norm must be -1 or at least 0";
    return NULL;
}

static const ls_component_type parameters = {
    .name = "parameters",
    .help = "Parameters whose names match a pattern. `type` may be left out.",
    .options = option_table,
    .options_size = sizeof(ls_group_options),
    .check = check,
};

static const ls_component_type *const types[] = {&parameters, NULL};

const ls_registry ls_group_registry = {.kind = "parameter group", .types = types, .implied = &parameters};

/* Goes back to the last star where the text after it does not fit. */
bool ls_pattern_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;
    while (*name != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star + 1;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == '\0';
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* One row a character of the pattern: row[j] is the distance of the pattern so far from the first j
   characters of the name (Levenshtein 1966, where a star passes over characters for nothing). */
int ls_pattern_distance(const char *pattern, const char *name)
{
    enum { LONGEST = LS_NAME_SIZE + 16 };
    int row[LONGEST + 1], length = 0;
    for (; length < LONGEST && name[length] != '\0'; length++) row[length] = length;
    row[length] = length;
    for (; *pattern != '\0'; pattern++) {
        bool star = *pattern == '*';
        int diagonal = row[0];
        if (!star) row[0]++;
        for (int j = 1; j <= length; j++) {
            int above = row[j];
            if (star) {
                row[j] = least(above, row[j - 1]);
            } else {
                int other = *pattern != '?' && *pattern != name[j - 1];
                row[j] = least(diagonal + other, least(above, row[j - 1]) + 1);
            }
            diagonal = above;
        }
    }
    return row[length];
}

/* The names nearest to a pattern, the nearest first. */
static void append_nearest(const char *pattern, const ls_parameter *parameter, int count, char *words,
                           size_t size)
{
    int shown = 0;
    for (int distance = 0; shown < NAMES_SHOWN && shown < count; distance++) {
        for (int p = 0; p < count && shown < NAMES_SHOWN; p++) {
            if (ls_pattern_distance(pattern, parameter[p].name) != distance) continue;
            size_t used = strlen(words);
            snprintf(words + used, size - used, "%s%s", shown > 0 ? ", " : "", parameter[p].name);
            shown++;
        }
    }
}

static ls_status no_match(const ls_component *component, const char *pattern, const ls_parameter *parameter,
                          int count, const char *file)
{
    char words[3 * sizeof parameter->name + 8] = "";
    append_nearest(pattern, parameter, count, words, sizeof words);
    return ls_error(
        LS_ERROR_RECIPE,
        "%s:%d:%d: parameter group: the pattern '%.100s' matches no parameter, the nearest names are: %s",
        file, component->line, component->column, pattern, words);
}

/* Marks what a group takes of what is free. */
static ls_status take(const ls_component *component, int group, const ls_parameter *parameter, int count,
                      const char *file, int *taken)
{
    const ls_group_options *options = component->options;
    bool any = false;
    for (int m = 0; m < options->match.count; m++) {
        const char *pattern = options->match.value[m];
        bool matched = false;
        for (int p = 0; p < count; p++) {
            if (!ls_pattern_matches(pattern, parameter[p].name)) continue;
            matched = true;
            if (taken[p] == FREE) taken[p] = group;
            if (taken[p] == group) any = true;
        }
        if (!matched) return no_match(component, pattern, parameter, count, file);
    }
    if (any) return LS_OK;
    return ls_error(
        LS_ERROR_RECIPE,
        "%s:%d:%d: parameter group: groups before it have taken all parameters that it matches (the first "
        "match counts), expected it before them",
        file, component->line, component->column);
}

static double own_or(double own, double general)
{
    return own < 0 ? general : own;
}

static ls_parameter_rule rule_of(const ls_optimizer_options *options, const ls_group_options *group,
                                 const ls_parameter *parameter)
{
    ls_parameter_rule rule = {.lr_factor = 1,
                              .weight_decay = options->weight_decay,
                              .l1 = options->l1,
                              .max_norm = options->max_norm};
    int decay_on = options->decay_on;
    if (group != NULL) {
        rule.lr_factor = group->lr_factor;
        rule.weight_decay = own_or(group->weight_decay, rule.weight_decay);
        rule.l1 = own_or(group->l1, rule.l1);
        rule.max_norm = own_or(group->max_norm, rule.max_norm);
        if (group->decay_on != LS_DECAY_SAME) decay_on = group->decay_on;
    }
    rule.decays = decay_on == LS_DECAY_ALL || parameter->decay;
    if (!rule.decays) rule.weight_decay = rule.l1 = 0;
    if (parameter->dims < 2) rule.max_norm = 0;
    return rule;
}

ls_status ls_groups_resolve(const ls_optimizer_options *options, const ls_parameter *parameter, int count,
                            const char *file, ls_parameter_rule *rule)
{
    const ls_component_list *groups = &options->groups;
    int *taken = ls_alloc((size_t)count, sizeof *taken);
    if (taken == NULL) return LS_ERROR_MEMORY;
    ls_status status = LS_OK;
    for (int p = 0; p < count; p++) taken[p] = FREE;
    for (int g = 0; g < groups->count && status == LS_OK; g++) {
        status = take(&groups->item[g], g, parameter, count, file, taken);
    }
    for (int p = 0; p < count; p++) {
        rule[p] = rule_of(options, taken[p] == FREE ? NULL : groups->item[taken[p]].options, &parameter[p]);
    }
    ls_free(taken);
    return status;
}
