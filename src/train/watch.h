/* A number that should improve from epoch to epoch, and for how long it has not. */
#ifndef LS_TRAIN_WATCH_H
#define LS_TRAIN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ls_watch_rule {
    bool larger;     /* larger values are better */
    double absolute; /* an improvement is more than this ... */
    double relative; /* ... plus this share of the best value so far */
} ls_watch_rule;

typedef struct ls_watch { /* part of checkpoints: members of 8 bytes */
    double best;          /* the last value that was an improvement; NaN: none yet */
    int64_t waited;       /* values since */
} ls_watch;

void ls_watch_start(ls_watch *watch);

/* Takes the next value; whether it is an improvement. NaN and infinity never are. */
bool ls_watch_show(ls_watch *watch, const ls_watch_rule *rule, double value);

#endif
