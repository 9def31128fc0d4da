/* Ranks of one host that work on a step together, as the threads of a rank do. Their activations and deltas
   lie in shared memory, so each rank makes the whole gradient of one slice of the parameters from the rows of
   all, and updates that slice alone; then everybody copies the new weights of the other slices. Gradients and
   optimiser state never leave a rank. */
#ifndef LS_TRAIN_HOST_H
#define LS_TRAIN_HOST_H

#include "train/step.h"

typedef struct ls_host {
    ls_shared *shared;
    int rank, ranks;
    int64_t *element;   /* [ranks + 1]: slices of the arenas */
    int64_t *piece;     /* [ranks + 1]: and the pieces of the update in them */
    uint32_t *words[2]; /* what this rank tells the others in the exchange; used in turns, as a rank may begin
                           a step while others still read the words of the last one */
    int turn;
    bool apart; /* not all cores of the ranks are known to share a cache, so that a rank would wait for its
                   lines */
} ls_host;

/* All threads of all ranks wait for each other; what they wrote before is visible after. */
void ls_host_meet(const ls_step *step, ls_team *team, int thread);

/* Copies what other ranks have in their slices of an array of the shared memory into the same places here.
 * size: bytes of an element; slices: host->element or host->piece. By all threads of the team; others must be
 * done with writing (ls_host_meet), and must not write again before they meet this rank. */
void ls_host_gather(const ls_step *step, const ls_team *team, int thread, void *array, size_t size,
                    const int64_t *slices);

/* The same for the slices of an arena, which the other ranks write again in every step: they need not wait
 * for this one to give up their lines (kernels.h, take). */
void ls_host_take(const ls_step *step, const ls_team *team, int thread, float *arena);

/* The words of another rank in the turn at hand, [count of the exchange]. */
const uint32_t *ls_host_words(const ls_step *step, int rank);

/* Memory of the panels of a rank. */
const float *ls_host_memory(const ls_step *step, int rank);

/* Whether the update of a node's own parameters (running statistics) is this rank's. */
bool ls_host_has_node(const ls_step *step, int node);

/* Frees a host with its shared memory; what lies there is gone from the step. Local. */
void ls_host_free(ls_step *step);

#endif
