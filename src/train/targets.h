/* Whether the targets of a data set are in the domain of the losses. */
#ifndef LS_TRAIN_TARGETS_H
#define LS_TRAIN_TARGETS_H

#include "train/objective.h"

/* LS_ERROR_DATA names the first row whose target values a loss is not defined for, with its file where that
 * is known; else what says which rows these are ("the training data"). The objective is bound. Local. */
ls_status ls_targets_check(const ls_objective *objective, const ls_dataset *data, const char *what);

#endif
