/* The plan: what a step of a model does, worked out once. Slots of a panel's memory, the tasks of the weight
 * gradients, the pieces of the update. The plan knows how many ranks and threads there are, and uses it for
 * speed alone: no bit depends on its choices except the grain, which comes from the recipe. */
#ifndef LS_NN_PLAN_H
#define LS_NN_PLAN_H

#include "nn/loss.h"
#include "nn/model.h"

enum { LS_HOMES_MAX = 8, LS_SECTIONS = 2 };

typedef struct ls_plan_request {
    const ls_model *model;
    int64_t batch; /* rows of the global batch, >= 1 */
    int64_t grain; /* rows of a grain; 0: chosen from the model and the batch */
    int ranks;
    int threads;      /* at most so many */
    bool all_threads; /* wake them all, however little there is to do (for tests) */
    int64_t lanes;    /* of a panel; 0: chosen */
    int64_t panels;   /* at least; 0: as many as are needed */
    int segments;     /* wanted; fewer where the model has fewer layers with parameters */
    bool by_samples;  /* sums may be put together from several groups of samples: they are exact */
} ls_plan_request;

/* Where a tensor lies in the memory of a panel: offset in units, to be multiplied by the number of lanes. */
typedef struct ls_slot {
    int64_t units;
    int64_t value;  /* activation */
    int64_t delta;  /* derivative of the loss by it; -1 if nobody wants it */
    int64_t packed; /* the activation again, [blocks][lanes][LS_BLOCK]: samples as rows, for the gradient of a
                       weight; -1 if no gradient wants it. Blocks are filled up with zeros. */
} ls_slot;

/* One task of the weight-gradient phase: columns [first_column, first_column + columns) of rows [first_row,
 * first_row + rows) of a parameter. columns <= plan.tile_columns. */
typedef struct ls_tile_task {
    int parameter;
    int node;
    ls_gradient_kind kind;
    int64_t first_row, rows, first_column, columns;
    int64_t work; /* multiply-adds of a sample */
    /* Number split of splits groups of the samples. The tasks of a tile, number tile, have a counter in
       common if there are several. */
    int split, splits, tile;
} ls_tile_task;

/* One piece of the update: whole rows of one parameter, and elements [first, first + count) of the arena. */
typedef struct ls_piece {
    int parameter;
    int64_t first, count;
    int64_t rows;
} ls_piece;

typedef struct ls_plan {
    const ls_model *model;
    int64_t batch, grain;
    int threads;    /* that are worth waking for this model and batch */
    int64_t lanes;  /* of a panel */
    int64_t panels; /* that the largest share of a rank needs, at least the number of threads */
    int tensor_count;
    ls_slot *slot;       /* [tensor_count] */
    bool *in_place;      /* [node_count] */
    int64_t *saved_slot; /* [node_count] like the slots, what a layer keeps for its backward pass; -1: nothing
                          */
    int64_t *sample_slot;  /* [parameter_count] gradients of single samples (LS_GRADIENT_SAMPLES); -1: none */
    int64_t *add_slot;     /* [node_count * LS_INPUTS_MAX] where the derivative by an input goes before it is
                              added    to the delta that a later reader of the tensor has stored; -1: it is stored
                              there */
    int64_t panel_units;   /* memory of a panel: panel_units * lanes floats */
    int64_t scratch;       /* floats of a call, the most that a layer asks for */
    int64_t tile_scratch;  /* floats for tiles of gradients */
    int64_t tile_columns;  /* of the widest tile, at least LS_BLOCK */
    bool integer_sums;     /* an arena of integer sums is needed even by one rank */
    bool keeps_parameters; /* some layer keeps parameters itself (after_step) */
    int meeting_count;     /* nodes that need sums over the batch in the middle of a pass, */
    int *meeting;          /* [node_count], ascending */
    int meeting_sums;      /* the most that one of them needs */
    int *exchange_word; /* [node_count] first of 1 + parameter_count words of a node in the exchange: largest
                           delta, then largest sample gradients. The last node comes first. */
    int exchange_words;
    int *segment_word;   /* [segment_count + 1] descending: those of segment s go from segment_word[s + 1] to
                            segment_word[s] - 1 */
    int *node_segment;   /* [node_count], 0 for the first layers */
    int *parameter_node; /* [parameter_count] */
    ls_gradient_kind *kind; /* [parameter_count] */
    int segment_count;
    int *first_node;        /* [segment_count + 1] */
    int *first_task;        /* [segment_count + 1] */
    int64_t *first_element; /* [segment_count + 1] of the arena */
    int task_count;
    ls_tile_task *task; /* by segment and home, the most work first */
    /* Tiles that layers make themselves are as few as weights of convolutions are, and read activations and
       deltas, which are many: threads share the samples of each instead. */
    bool by_samples;
    int splits;             /* most groups of samples of a tile */
    int tile_count;         /* tiles with several */
    int64_t *split_place;   /* [parameter_count] of the sums of one group */
    int64_t split_elements; /* of all these sums */
    /* Homes: slices of the elements that have tasks. A thread does the tasks of its home and updates its
       elements, which so stay in the caches of its core, before it helps with others. A home has a slice of
       each of two sections: the weights of the first node where the plan opens with it (empty otherwise), all
       the rest. 1 where there are segments. */
    int home_count;
    int home_task[LS_HOMES_MAX + 1];
    int64_t home_element[LS_SECTIONS][LS_HOMES_MAX + 1], home_piece[LS_SECTIONS][LS_HOMES_MAX + 1];
    /* Groups of threads, each of which begins with panels of its own; as many as homes but where there are
     * segments. */
    int groups;
    /* The first node runs by units instead of panels: a group has some units of all panels. They are those
       whose weights it updates, where it updates all of them and groups are homes, so that no other core
       reads or waits for these weights. Group h has units group_unit[h] .. group_unit[h + 1] - 1 and takes
       them in blocks of unit_block, numbers group_block[h] .. group_block[h + 1] - 1. */
    bool opens;
    int64_t unit_block, group_unit[LS_HOMES_MAX + 1];
    int group_block[LS_HOMES_MAX + 1];
    int piece_count;
    ls_piece *piece;        /* ascending; the same for every layout */
    int64_t piece_elements; /* of the largest */
} ls_plan;

/* Local. Errors: LS_ERROR_MEMORY; LS_ERROR_RECIPE for a grain that a layer cannot work with. */
ls_status ls_plan_create(const ls_plan_request *request, ls_plan *plan);
void ls_plan_free(ls_plan *plan);

/* Leaves tasks for elements [first, end) of the arena alone: whole rows of parameters. Local. Errors:
 * LS_ERROR_MEMORY. */
ls_status ls_plan_keep(ls_plan *plan, int64_t first, int64_t end);

/* One segment of all, before ls_plan_keep. Local. */
void ls_plan_join_segments(ls_plan *plan);

/* Cuts elements [first, end) of the arena into slices of whole pieces with about the same work, in gradients
 * and update: slice i has elements element[i] .. element[i + 1] - 1 and pieces piece[i] .. piece[i + 1] - 1
 * [slices + 1]. A node that keeps parameters itself is not cut. of_threads: of one rank, which share the
 * samples of some gradients instead (nn/plan_slices.c). Local. */
void ls_plan_cut(const ls_plan *plan, int64_t first, int64_t end, int slices, bool of_threads,
                 int64_t *element, int64_t *piece);

/* Groups of samples whose sums of a parameter's gradient are made apart. */
int ls_plan_splits(const ls_plan *plan, int parameter);

/* Slots of the memory of a panel; part of ls_plan_create (nn/plan_memory.c). Errors: LS_ERROR_MEMORY. */
ls_status ls_plan_assign_memory(ls_plan *plan);

/* The grain that a recipe without one gets: the smallest power of two >= 8 for which rows times multiply-adds
 * per parameter reaches 64, at most half the batch (rounded up), at least 1; where a layer wants aligned
 * grains, at least 16 or the whole batch. */
int64_t ls_plan_default_grain(const ls_model *model, int64_t batch);

/* The rows of rank of a batch of rows rows: whole grains, in order. A rank may get none. */
void ls_plan_share(int64_t rows, int64_t grain, int rank, int ranks, int64_t *first, int64_t *count);

#endif
