/* The model: a list of nodes in an order in which each comes after its inputs, and the layout of the
 * parameters' arena. */
#ifndef LS_NN_MODEL_H
#define LS_NN_MODEL_H

#include "nn/layer.h"

enum { LS_OUTPUTS_MAX = 8 };

typedef struct ls_model {
    ls_shape input;
    int output_count;
    int output[LS_OUTPUTS_MAX]; /* tensors that losses look at: that of the last layer unless told otherwise
                                 */
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
/* An output of a model with several: the layer (NULL: the last one) and who names it, for messages. */
typedef struct ls_output_request {
    const char *layer;
    const char *owner; /* "loss mse" */
    int line, column;  /* 0 where unknown */
} ls_output_request;
/* The same with outputs of any layers, at most LS_OUTPUTS_MAX; the same layer may be named again. */
ls_status ls_model_build_outputs(const ls_component_list *layers, const ls_shape *input, const char *file,
                                 const ls_output_request *outputs, int output_count, ls_model *model);
void ls_model_free(ls_model *model);

/* Initial values of all parameters into an arena of arena_size floats (zeroed). Errors: LS_ERROR_MEMORY. */
ls_status ls_model_initialise(const ls_model *model, uint64_t seed, float *arena);

const ls_parameter *ls_model_find(const ls_model *model, const char *name); /* NULL if there is none */
int64_t ls_model_operations(const ls_model *model);     /* multiply-adds of one sample, forward */
const ls_shape *ls_model_output(const ls_model *model); /* of the last layer */
bool ls_model_is_output(const ls_model *model, int tensor);

#endif
