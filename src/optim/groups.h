/* Groups of parameters: settings of the optimiser by patterns of names. */
#ifndef LS_OPTIM_GROUPS_H
#define LS_OPTIM_GROUPS_H

#include "nn/layer.h"
#include "optim/optimizer.h"

typedef struct ls_group_options {
    ls_strings match;
    double lr_factor;
    double weight_decay, l1, max_norm; /* below 0: as the optimiser */
    int decay_on;
} ls_group_options;

/* What holds for each of count parameters, into rule[count]. file is for messages. Local. Errors:
   LS_ERROR_RECIPE with the place of the group, if one of its patterns matches no parameter (the message names
   the nearest), or if groups before it have taken all that it matches. */
ls_status ls_groups_resolve(const ls_optimizer_options *options, const ls_parameter *parameter, int count,
                            const char *file, ls_parameter_rule *rule);

/* Whether pattern matches the whole of name: * is any text, ? any character. */
bool ls_pattern_matches(const char *pattern, const char *name);

/* The fewest edits (insert, delete, replace) after which the pattern matches; names of up to LS_NAME_SIZE +
 * 16 characters. */
int ls_pattern_distance(const char *pattern, const char *name);

#endif
