/* Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, 2nd edition, 2006, algorithms 7.4 and 7.5)
   with a line search for the strong Wolfe conditions. */
#ifndef LS_OPTIM_LBFGS_H
#define LS_OPTIM_LBFGS_H

#include "optim/function.h"

enum { LS_LBFGS_HISTORY_MAX = 100 };

typedef struct ls_lbfgs_rule {
    int64_t history;     /* pairs of steps and changes of the gradient that are kept */
    int64_t evaluations; /* of one line search, at most */
    double tolerance_gradient, tolerance_change;
} ls_lbfgs_rule;

/* Arrays of the state, and all that a step needs. */
int ls_lbfgs_states(const ls_lbfgs_rule *rule);
int ls_lbfgs_vectors(const ls_lbfgs_rule *rule);

/* One iteration: a direction and a line search along it. Sums run in double precision in one fixed order.
 * Errors: those of evaluate; LS_ERROR_NUMERIC where the value or gradient at w is not finite. */
ls_status ls_lbfgs_iterate(const ls_lbfgs_rule *rule, ls_iteration *iteration);

#endif
