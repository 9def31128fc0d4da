/* What a layer needs to run outside of a plan: memory that it keeps, scratch, gradients of samples. */
#ifndef TESTS_SUPPORT_LAYER_MEMORY_H
#define TESTS_SUPPORT_LAYER_MEMORY_H

#include "nn/model.h"

enum { LAYER_PARAMETERS_MAX = 8 };

typedef struct layer_memory {
    ls_pass pass; /* training, a seed, all lanes are samples of one grain */
    float *saved, *scratch;
    float *sample_gradient[LAYER_PARAMETERS_MAX]; /* NULL where a parameter is of another kind */
} layer_memory;

layer_memory layer_memory_make(const ls_model *model, const ls_node *node, int64_t lanes);
void layer_memory_free(layer_memory *memory);
/* Puts the memory into a call. */
void layer_memory_use(const layer_memory *memory, ls_layer_call *call);

/* An element of the gradient that the step makes (nn/layer.h), here in double, of all kinds but tiles. */
typedef struct layer_gradient_source {
    int64_t lanes, positions; /* positions: units of x, for LS_GRADIENT_ROWS */
    const float *x, *dy, *sample_gradient;
} layer_gradient_source;
double layer_gradient(const ls_node *node, int parameter, const layer_gradient_source *from, int64_t row,
                      int64_t column);

/* The gradient of a parameter of kind LS_GRADIENT_TILE over all lanes as one grain, made in tiles of the
 * layer's size: gradient [rows][columns]. */
void layer_tiles(const ls_model *model, const ls_node *node, int parameter, int64_t lanes, const float *x,
                 const float *dy, float *gradient);

#endif
