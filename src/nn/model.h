/* The model: a list of nodes in an order in which each comes after its inputs, and the layout of the
 * parameters' arena. */
#ifndef LS_NN_MODEL_H
#define LS_NN_MODEL_H

#include "nn/layer.h"

typedef struct ls_model {
    ls_shape input;
    int node_count, node_capacity;
    ls_node *node;
    int parameter_count, parameter_capacity;
    ls_parameter *parameter;
    int64_t arena_size;         /* floats, a multiple of 16 */
    int64_t parameter_elements; /* without padding */
} ls_model;

/* Builds the model from a recipe's list. file is for messages. layers must outlive the model. Errors:
 * LS_ERROR_RECIPE with the place, LS_ERROR_MEMORY. Local. */
ls_status ls_model_build(const ls_component_list *layers, const ls_shape *input, const char *file,
                         ls_model *model);
void ls_model_free(ls_model *model);

/* Initial values of all parameters into an arena of arena_size floats (zeroed). Errors: LS_ERROR_MEMORY. */
ls_status ls_model_initialise(const ls_model *model, uint64_t seed, float *arena);

const ls_parameter *ls_model_find(const ls_model *model, const char *name); /* NULL if there is none */
int64_t ls_model_operations(const ls_model *model); /* multiply-adds of one sample, forward */
const ls_shape *ls_model_output(const ls_model *model);

#endif
