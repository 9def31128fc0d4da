/* What the losses share. */
#ifndef LS_NN_LOSS_COMMON_H
#define LS_NN_LOSS_COMMON_H

#include "nn/registry.h"

extern const ls_option ls_loss_option_table[]; /* of ls_loss_options alone: reduction */

/* Whether the output fits a loss on values: one unit a target value or a class, or one unit for two classes.
 */
ls_status ls_loss_check_values(const char *name, int64_t units, int64_t classes, int64_t outputs);

#endif
