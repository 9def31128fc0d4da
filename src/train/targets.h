/* Whether the targets of a data set are in the domain of a loss. */
#ifndef LS_TRAIN_TARGETS_H
#define LS_TRAIN_TARGETS_H

#include "data/dataset.h"
#include "nn/loss.h"

/* LS_ERROR_DATA names the first row whose target values the loss is not defined for, with its file where that
 * is known; else what says which rows these are ("the training data"). Local. */
ls_status ls_targets_check(const ls_component *loss, const ls_dataset *data, const char *what);

#endif
