#include "train/objective.h"

void ls_objective_create(const ls_recipe *recipe, const ls_model *model, ls_objective *objective)
{
    *objective = (ls_objective){.head_count = 1};
    objective->head[0] = (ls_head){
        .loss = &recipe->loss, .tensor = model->node_count, .units = ls_shape_size(ls_model_output(model))};
}

int64_t ls_objective_units(const ls_objective *objective)
{
    int64_t most = 1;
    for (int h = 0; h < objective->head_count; h++)
        if (objective->head[h].units > most) most = objective->head[h].units;
    return most;
}
