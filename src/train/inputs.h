/* Whether the inputs of a data set are what the layers of a model take. */
#ifndef LS_TRAIN_INPUTS_H
#define LS_TRAIN_INPUTS_H

#include "data/dataset.h"
#include "nn/model.h"

/* The layer that wants whole numbers from 0 to *values - 1, the fewest if there are several; NULL: none does.
 */
const ls_node *ls_inputs_whole(const ls_model *model, int64_t *values);
/* LS_ERROR_DATA names the first row and column that is no such number, with the file where that is known;
 * else what says which rows these are ("the training data"). Local. */
ls_status ls_inputs_check(const ls_model *model, const ls_dataset *data, const char *what);

#endif
