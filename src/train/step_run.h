/* The inside of a step that is being run: shared by its phases (step.c) and the small exchanges between them
 * (step_exchange.c). */
#ifndef LS_TRAIN_STEP_RUN_H
#define LS_TRAIN_STEP_RUN_H

#include <stdatomic.h>

#include "train/step.h"
#include "train/update.h"

enum { LS_SEGMENTS_MAX = 64 };

/* What is taken of a home's work. */
typedef struct ls_home_counter {
    _Alignas(64) atomic_int taken;
} ls_home_counter;

typedef struct ls_step_run_state {
    ls_step *step;
    ls_step_call *call;
    int64_t rows;   /* of the part of the batch at hand; all of them without training.accumulate */
    bool last;      /* part of the batch */
    ls_rows local;  /* the share of this rank in it */
    int64_t first;  /* place of its first row in the batch */
    int64_t panels; /* that hold it */
    double factor;
    float scale[LS_HEADS_MAX]; /* of the derivatives of each head */
    uint64_t terms;
    ls_gradient_job gradient;
    ls_update_job update;
    /* The work that is handed out, one counter a phase. */
    _Alignas(64) atomic_int next_node;
    atomic_int next_sum;
    /* written by thread 0 between barriers */
    _Alignas(64) ls_status status; /* of the communicator */
    bool leave;                    /* some rank failed before the step */
    int bad_tensor;                /* first tensor that is not finite, -1: none */
    int bad_parameter;             /* first parameter whose sum may not be finite, -1: none */
    bool bad_delta;
    int posted; /* reductions that may need progress: segments >= posted */
    /* Messages under way, NULL: none, as before and after every step. From here on nothing is cleared. */
    ls_request *exchange[LS_SEGMENTS_MAX];
    ls_request *reduction[LS_SEGMENTS_MAX];
    /* Cleared before they are used: in turn; before the gradients of a segment. */
    ls_home_counter next_panel[2][LS_HOMES_MAX], next_unit[LS_HOMES_MAX];
    ls_home_counter next_task[LS_HOMES_MAX], next_range[LS_HOMES_MAX];
} ls_step_run_state;

/* Where a thread takes its work from: its home, then the others. */
typedef struct ls_home {
    int home, homes, seen;
} ls_home;

static inline ls_home ls_home_of(int homes, const ls_team *team, int thread)
{
    return (ls_home){.home = team->size > 1 ? thread * homes / team->size : 0, .homes = homes};
}

/* All of the work of so many homes is to be taken again. */
static inline void ls_home_clear(ls_home_counter *next, int homes)
{
    for (int h = 0; h < homes; h++) atomic_store_explicit(&next[h].taken, 0, memory_order_relaxed);
}

/* The number of the next piece of work, where those of home h are first[h] .. first[h + 1] - 1; -1: all is
 * taken. */
static inline int ls_home_take(ls_home *at, const ls_team *team, ls_home_counter *next, const int *first)
{
    for (; at->seen < at->homes; at->seen++) {
        int index = first[at->home] + ls_team_take(team, &next[at->home].taken);
        if (index < first[at->home + 1]) return index;
        at->home = at->home + 1 < at->homes ? at->home + 1 : 0;
    }
    return -1;
}

/* One stretch of the passes for all panels: nodes between two places where all panels must meet. */
typedef struct ls_stretch {
    bool backward, with_loss; /* with_loss: the forward pass ends and the backward pass begins */
    bool opened;              /* the first node has run, but for its end */
    bool turn;                /* which counters of panels it uses */
    int first, end;           /* nodes of the forward pass */
    int back_first, back_end; /* of the backward pass */
    int meeting;              /* node that needs sums over the batch next, -1: none */
    const double *sums;       /* that were found before this stretch, NULL: none */
} ls_stretch;

/* Forward, the loss, and backward through the last segment; backward through one segment. By all threads.
 * part begins as {.meeting = -1} (step_passes.c). */
void ls_passes_forward(ls_step_run_state *run, ls_team *team, int thread, ls_stretch *part);
void ls_passes_backward(ls_step_run_state *run, ls_team *team, int thread, int segment, ls_stretch *part);

/* Whether the step ends without an update. */
static inline bool ls_step_given_up(const ls_step_run_state *run)
{
    return run->status != LS_OK || run->leave || run->bad_tensor >= 0 || run->bad_parameter >= 0;
}

/* The first words of the exchange. */
enum { LS_STATUS_WORD, LS_WISH_WORD, LS_FIRST_LARGEST };

/* The plan and all that depends on it anew, for another batch or other panels (step->lanes, step->panels);
 * not while ranks share memory. Local. Errors: LS_ERROR_MEMORY. */
ls_status ls_step_plan_again(ls_step *step, int64_t batch);

/* Where the bounds of the parameters' gradients come from; part of ls_step_create. */
void ls_exchange_prepare(ls_step *step);

/* Posts the small exchange of a segment (status and all largest values with the first one, largest deltas and
 * gradients of samples with each), and takes what came of it: bad values, rounding steps. Thread 0. */
void ls_exchange_start(ls_step_run_state *run, int segment);
void ls_exchange_finish(ls_step_run_state *run, int segment);

/* The sums over the batch that a node needs, from what all panels gathered in step->lane_sums; by all threads
 * of all ranks (train/step_meeting.c). What is returned is valid until the next meeting. */
const double *ls_meeting_run(ls_step_run_state *run, ls_team *team, int thread, int node);

/* After a step whose update is done: the health of its layers into step->health. Collective. */
ls_status ls_step_measure(ls_step_run_state *run);

/* The error of a step that met infinity or NaN: the layer or parameter, and what to do. */
ls_status ls_step_numeric_error(const ls_step_run_state *run);

#endif
