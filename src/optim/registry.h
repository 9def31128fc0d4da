/* The lists of optimisers and schedules: one line each. A line NAME stands for a table in a file of its own:
 * ls_optimizer_NAME, ls_schedule_NAME. */
#ifndef LS_OPTIM_REGISTRY_H
#define LS_OPTIM_REGISTRY_H

#include "optim/optimizer.h"

#define LS_OPTIMIZER_LIST(ENTRY)                                                                             \
    ENTRY(sgd)                                                                                               \
    ENTRY(rmsprop)                                                                                           \
    ENTRY(adagrad)                                                                                           \
    ENTRY(adam)                                                                                              \
    ENTRY(adamw)                                                                                             \
    ENTRY(lars)                                                                                              \
    ENTRY(lamb)                                                                                              \
    ENTRY(rprop)                                                                                             \
    ENTRY(lbfgs)

#define LS_SCHEDULE_LIST(ENTRY)                                                                              \
    ENTRY(constant)                                                                                          \
    ENTRY(step)                                                                                              \
    ENTRY(multi_step)                                                                                        \
    ENTRY(exponential)                                                                                       \
    ENTRY(linear)                                                                                            \
    ENTRY(polynomial)                                                                                        \
    ENTRY(cosine)                                                                                            \
    ENTRY(inverse_sqrt)                                                                                      \
    ENTRY(one_cycle)

#define LS_DECLARE_OPTIMIZER(NAME) extern const ls_optimizer_type ls_optimizer_##NAME;
#define LS_DECLARE_SCHEDULE(NAME)  extern const ls_schedule_type ls_schedule_##NAME;

LS_OPTIMIZER_LIST(LS_DECLARE_OPTIMIZER)
LS_SCHEDULE_LIST(LS_DECLARE_SCHEDULE)

#endif
