/* What training makes small: one loss on the last layer. A head is an output with its loss and the targets it
 * is compared with. */
#ifndef LS_TRAIN_OBJECTIVE_H
#define LS_TRAIN_OBJECTIVE_H

#include "io/recipe.h"
#include "nn/loss.h"
#include "nn/model.h"

enum { LS_HEADS_MAX = 8 };

typedef struct ls_head {
    const ls_component *loss; /* of the recipe */
    int tensor;               /* of the model: the output */
    int64_t units;
} ls_head;

typedef struct ls_objective {
    int head_count;
    ls_head head[LS_HEADS_MAX];
} ls_objective;

/* recipe and model must outlive it. Local. */
void ls_objective_create(const ls_recipe *recipe, const ls_model *model, ls_objective *objective);
int64_t ls_objective_units(const ls_objective *objective); /* of the widest head */

static inline const ls_loss_type *ls_head_type(const ls_head *head)
{
    return (const ls_loss_type *)head->loss->type;
}

#endif
