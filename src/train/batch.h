/* Rows of a data set as panels, and the loss on them. */
#ifndef LS_TRAIN_BATCH_H
#define LS_TRAIN_BATCH_H

#include "base/wide.h"
#include "data/dataset.h"
#include "nn/panel.h"
#include "train/metric_set.h"
#include "train/objective.h"

typedef struct ls_rows { /* a run of rows of a data set in some order */
    const ls_dataset *data;
    const ls_normalisation *normalisation;
    const uint32_t *order;            /* NULL: as they are */
    int64_t first, count;             /* positions in the order */
    const ls_component_list *augment; /* data/augment.h, with seed and epoch; NULL: rows as they are */
    uint64_t seed;
    int64_t epoch;
} ls_rows;

typedef struct ls_head_score { /* of one output */
    ls_wide loss;
    ls_wide weight;           /* that the mean loss is divided by, where samples have weights of their own */
    int64_t counted, correct; /* with a class that the loss does not ignore; predicted right */
} ls_head_score;

typedef struct ls_score { /* sums over samples; exact, so that they do not depend on who summed them */
    int64_t samples;
    ls_head_score head[LS_HEADS_MAX];
} ls_score;

typedef struct ls_batch_scratch { /* of one thread: what the rows in its panel are to become */
    float *values;                /* [units][lanes] targets, of the widest head */
    float *predicted;             /* [units][lanes] */
    _Alignas(64) float weight[LS_PANEL_LANES_MAX]; /* 1 for samples, 0 for the rest and for ignored ones */
    _Alignas(64) float loss[LS_PANEL_LANES_MAX];
    _Alignas(64) int32_t label[LS_PANEL_LANES_MAX];
    _Alignas(64) int32_t index[LS_PANEL_LANES_MAX]; /* class that is predicted */
} ls_batch_scratch;

/* Puts rows[begin .. begin + count) into the input tensor of the panel; count is 1 to panel->lanes.
 * past_caches: for other threads (math/kernels.h). */
void ls_batch_gather(const ls_panel *panel, const ls_rows *rows, int64_t begin, int64_t count,
                     bool past_caches);

/* The targets of the rows that are in the panel, for one head: values, label and weight of the scratch. */
void ls_batch_targets(const ls_panel *panel, const ls_head *head, const ls_rows *rows, int64_t begin,
                      int64_t count, ls_batch_scratch *scratch);

/* Loss of the rows that are in the panel, after ls_panel_forward and ls_batch_targets. Adds to score; delta
 * (may be NULL) gets the derivative of the loss by the head's tensor. */
void ls_batch_loss(const ls_panel *panel, const ls_head *head, const ls_rows *rows, int64_t count,
                   float *delta, ls_batch_scratch *scratch, ls_head_score *score);

/* The same rows for the metrics, after ls_batch_loss; the first is row first of this rank. */
void ls_batch_metrics(const ls_panel *panel, const ls_head *head, int64_t first, int64_t count,
                      ls_batch_scratch *scratch, int thread, ls_metric_set *set);

/* The factor of the whole gradient of a batch; scale [heads] gets by what the derivatives of each head are
 * multiplied before. Together they are the weight of the head's loss over what the sum of its losses is
 * divided by: the sum of the weights of samples (their number unless the loss has weights), or 1 where the
 * loss is a sum. 0 where nothing counts. The same on all ranks, as all have the rows of the global batch. */
double ls_batch_factor(const ls_objective *objective, const ls_rows *rows, float *scale);
/* delta = scale * from, or delta += scale * from. */
void ls_batch_put_delta(const float *from, float scale, bool add, int64_t count, float *delta);

/* The mean loss of one head: over samples by their weights (or, for losses summed over the batch, over
 * batches). NaN where nothing counts. */
double ls_score_head_loss(const ls_score *score, const ls_recipe *recipe, int head, int64_t batches);
/* The weighted sum of those of all heads. */
double ls_score_loss(const ls_score *score, const ls_recipe *recipe, int64_t batches);

void ls_score_clear(ls_score *score);
/* Adds other to score, which has scores of the first heads alone. */
void ls_score_merge(ls_score *score, const ls_score *other, int heads);

#endif
