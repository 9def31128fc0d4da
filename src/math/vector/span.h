/* Runs of positions that see the same taps of a sliding window. */
#ifndef LS_MATH_VECTOR_SPAN_H
#define LS_MATH_VECTOR_SPAN_H

#include "math/image.h"
#include "math/vector/isa.h"

/* The source of a position under tap k, or -1 if there is none. Forward, positions are outputs and sources
   inputs; backward it is the other way round. */
LS_INLINE int64_t ls_span_source(const ls_span *span, bool backward, int64_t position, int64_t k)
{
    if (!backward) {
        int64_t in = position * span->stride - span->before + k * span->dilation;
        return in >= 0 && in < span->in ? in : -1;
    }
    int64_t scaled = position + span->before - k * span->dilation;
    if (scaled < 0 || scaled % span->stride != 0) return -1;
    return scaled / span->stride < span->out ? scaled / span->stride : -1;
}

/* count positions first, first + step, ... that see the taps tap, tap + tap_step, ... (taps of them; a
   progression, since a tap counts if its distance is a multiple of the stride and its source within bounds).
 */
typedef struct ls_run {
    int64_t first, step, count;
    int64_t tap, tap_step, taps;
    int64_t source, source_step, source_tap_step; /* of the first position under its first tap */
} ls_run;

/* Walks over all positions of a span, in runs. Start: {span, backward, 0, 0}. */
typedef struct ls_run_walk {
    const ls_span *span;
    bool backward;
    int64_t phase, position;
} ls_run_walk;

static inline ls_run ls_run_at(const ls_span *span, bool backward, int64_t position)
{
    ls_run run = {.first = position,
                  .count = 1,
                  .step = backward ? span->stride : 1,
                  .source_step = backward ? 1 : span->stride};
    int64_t previous = 0;
    for (int64_t k = 0; k < span->kernel; k++) {
        int64_t source = ls_span_source(span, backward, position, k);
        if (source < 0) continue;
        if (run.taps == 0) {
            run.tap = k;
            run.source = source;
        } else if (run.taps == 1) {
            run.tap_step = k - run.tap;
            run.source_tap_step = source - previous;
        }
        previous = source;
        run.taps++;
    }
    return run;
}

/* False behind the last run. */
static inline bool ls_run_next(ls_run_walk *walk, ls_run *run)
{
    const ls_span *span = walk->span;
    const int64_t positions = walk->backward ? span->in : span->out;
    const int64_t phases = walk->backward ? span->stride : 1;
    while (walk->position >= positions) {
        if (++walk->phase >= phases) return false;
        walk->position = walk->phase;
    }
    *run = ls_run_at(span, walk->backward, walk->position);
    for (walk->position += run->step; walk->position < positions; walk->position += run->step) {
        ls_run other = ls_run_at(span, walk->backward, walk->position);
        if (other.taps != run->taps || (run->taps > 0 && other.tap != run->tap)) break;
        run->count++;
    }
    return true;
}

#endif
