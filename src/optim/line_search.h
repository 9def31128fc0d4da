/* A step along a direction that meets the strong Wolfe conditions (Nocedal and Wright, Numerical
   Optimization, 2nd edition, 2006, eq. 3.7): value(step) <= value(0) + decrease step slope(0)   and
   |slope(step)| <= curvature |slope(0)| Decisions are made in double precision from values that are the same
   on all ranks. */
#ifndef LS_OPTIM_LINE_SEARCH_H
#define LS_OPTIM_LINE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

typedef struct ls_line_point {
    double step, value, slope; /* value INFINITY: nothing can be said here, the step is too long */
} ls_line_point;

typedef struct ls_line_search {
    /* Value and slope at a step. What it leaves behind (weights, gradients) is that of the last step asked
     * for. */
    ls_status (*evaluate)(void *user, ls_line_point *point);
    void *user;
    ls_line_point start;        /* step 0; slope < 0 */
    double first;               /* step to try first, > 0 */
    double decrease, curvature; /* 0 < decrease < curvature < 1 */
    double noise;               /* values are uncertain by this share of them; 0: they are precise */
    int64_t evaluations;        /* at most so many */
    /* results */
    ls_line_point end; /* the step that was found and evaluated last */
    bool found;        /* false: no step lowers the value enough */
    bool strong;       /* the second condition holds as well; it may not where evaluations ran out */
    int64_t used;      /* evaluations */
} ls_line_search;

/* Algorithms 3.5 and 3.6 with cubic interpolation (eq. 3.59) kept away from the ends of the interval. Errors:
 * those of evaluate. */
ls_status ls_line_search_run(ls_line_search *search);

#endif
