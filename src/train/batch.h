/* Rows of a data set as panels, and the loss on them. */
#ifndef LS_TRAIN_BATCH_H
#define LS_TRAIN_BATCH_H

#include "base/wide.h"
#include "data/dataset.h"
#include "nn/loss.h"
#include "nn/panel.h"

typedef struct ls_rows { /* a run of rows of a data set in some order */
    const ls_dataset *data;
    const ls_normalisation *normalisation;
    const uint32_t *order; /* NULL: as they are */
    int64_t first, count;  /* positions in the order */
} ls_rows;

typedef struct ls_score { /* sums over samples; exact, so that they do not depend on who summed them */
    ls_wide loss;
    ls_wide weight;           /* that the mean loss is divided by, where samples have weights of their own */
    int64_t samples;          /* all of them */
    int64_t counted, correct; /* with a class that the loss does not ignore; predicted right */
    ls_wide squares;          /* of the errors of values, for the RMSE */
} ls_score;

typedef struct ls_batch_scratch {
    float *values;
} ls_batch_scratch; /* [units][lanes] of targets, of one thread */

/* Puts rows[begin .. begin + count) into the input tensor of the panel; count is 1 to panel->lanes. */
void ls_batch_gather(const ls_panel *panel, const ls_rows *rows, int64_t begin, int64_t count);

/* Loss of the rows that are in the panel, after ls_panel_forward. Adds to score; with_delta stores the
 * derivative of the loss in the delta of the last tensor. */
void ls_batch_loss(const ls_panel *panel, const ls_component *loss, const ls_rows *rows, int64_t begin,
                   int64_t count, bool with_delta, ls_batch_scratch *scratch, ls_score *score);

/* What the sum of the losses of rows is divided by for their mean: the sum of their weights, which is their
 * number unless the loss has weights. The same on all ranks, as all have the rows of the global batch. */
double ls_batch_weight(const ls_component *loss, const ls_rows *rows);

/* The mean loss: over samples by their weights (or, for losses summed over the batch, over batches). NaN
 * where nothing counts. */
double ls_score_loss(const ls_score *score, const ls_component *loss, int64_t batches);

void ls_score_clear(ls_score *score);
void ls_score_merge(ls_score *score, const ls_score *other);

#endif
