/* What training makes small: the weighted sum of the losses of one or several outputs of the model. A head is
 * such an output with its loss and the targets it is compared with. */
#ifndef LS_TRAIN_OBJECTIVE_H
#define LS_TRAIN_OBJECTIVE_H

#include "data/dataset.h"
#include "io/recipe.h"
#include "nn/loss.h"
#include "nn/model.h"

enum { LS_HEADS_MAX = LS_OUTPUTS_MAX };

typedef struct ls_head {
    const ls_component *loss; /* of the recipe */
    const char *name;         /* of the layer; NULL where there is one head alone */
    int tensor;               /* of the model: the output */
    const ls_shape *shape;    /* of the output, in the model */
    int64_t units;
    double weight; /* of its loss in the sum */
    /* Its part of the targets of a data set. */
    int32_t *column; /* [outputs], or [1] of a class, in the target values; NULL: labels or all values */
    int classes;     /* 0: values */
    const char *const *class_names; /* [classes] */
    int64_t outputs;                /* target values; 0 with classes */
} ls_head;

typedef struct ls_objective {
    int head_count;
    ls_head head[LS_HEADS_MAX];
} ls_objective;

/* Heads that take all targets of their data. recipe and model must outlive it. Local. */
void ls_objective_create(const ls_recipe *recipe, const ls_model *model, ls_objective *objective);
/* Gives each head its part of the targets of data, which must outlive it, and checks that its loss fits.
 * Local. Errors: LS_ERROR_RECIPE with the place of the loss, LS_ERROR_DATA for target values that a loss is
 * not defined for, LS_ERROR_MEMORY. */
ls_status ls_objective_bind(ls_objective *objective, const ls_recipe *recipe, const ls_dataset *data);
void ls_objective_free(ls_objective *objective);

/* A remark for the user where the layer in front of a head's loss does what the loss does already; NULL where
 * all is well (or there is no memory). Freed with ls_free. Local. */
char *ls_objective_remark(const ls_objective *objective, int head, const ls_recipe *recipe,
                          const ls_model *model);

int64_t ls_objective_units(const ls_objective *objective);     /* of the widest head */
int64_t ls_objective_all_units(const ls_objective *objective); /* of all heads together */

bool ls_objective_has_classes(const ls_objective *objective); /* whether some head predicts classes */

/* Builds the model of a recipe with the outputs that its losses name. Errors as ls_model_build. Local. */
ls_status ls_objective_build_model(const ls_recipe *recipe, const ls_shape *input, const char *file,
                                   ls_model *model);

static inline const ls_loss_type *ls_head_type(const ls_head *head)
{
    return (const ls_loss_type *)head->loss->type;
}

static inline bool ls_head_classifies(const ls_head *head)
{
    return head->classes > 0 && ls_head_type(head)->classify != NULL;
}

static inline const ls_loss_options *ls_head_options(const ls_head *head)
{
    return head->loss->options;
}

#endif
