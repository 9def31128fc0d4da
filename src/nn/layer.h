/* What a layer is. One file a layer with one static const table, one line in nn/registry.c. */
#ifndef LS_NN_LAYER_H
#define LS_NN_LAYER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/component.h"
#include "base/error.h"
#include "math/kernels.h"

enum { LS_INPUTS_MAX = 8, LS_NAME_SIZE = 64 };

typedef struct ls_shape {
    int rank;
    int64_t dim[4];
} ls_shape; /* of one sample: {units} or {channels, height, width} */
int64_t ls_shape_size(const ls_shape *shape);
bool ls_shape_equal(const ls_shape *a, const ls_shape *b);
enum { LS_SHAPE_TEXT = 96 };
void ls_shape_text(const ls_shape *shape, char *text, size_t size); /* "64", "3 x 32 x 32" */

/* A named view of the arena: a matrix [rows][columns] with leading dimension ld. Gradients, exact sums and
   the optimiser's state lie in arenas of the same layout. What lies between columns and ld is zero and stays
   zero. Vectors (biases) are one row. */
typedef struct ls_parameter {
    char name[LS_NAME_SIZE + 16]; /* "dense_0.weight" */
    int64_t rows, columns, ld, offset;
    int dims;                 /* 1 or 2, how it is written to files: [columns] or [rows, columns] */
    int64_t fan_in, fan_out;  /* for initialisers */
    ls_component initialiser; /* not owned */
    bool decay;               /* weight decay applies (weights yes, biases no) */
} ls_parameter;

typedef struct ls_node ls_node;
typedef struct ls_layer_type ls_layer_type;

struct ls_node {
    const ls_layer_type *type;
    const void *options; /* owned by the recipe, or by the model for nodes it adds */
    char name[LS_NAME_SIZE];
    int line, column; /* place in the recipe, 0 if unknown */
    int input_count;
    int input[LS_INPUTS_MAX]; /* tensor indices: 0 is the model's input, i + 1 the output of node i */
    ls_shape in[LS_INPUTS_MAX], out;
    int first_parameter, parameter_count;
};

/* While the model is built: the layer looks at node->in and options, sets node->out and declares its
 * parameters. */
typedef struct ls_layer_build {
    ls_node *node;
    const char *file; /* the recipe, for messages */
    struct ls_model *model;
    const ls_component *activation; /* set by the layer if an activation follows it */
} ls_layer_build;

/* Adds a parameter to the node being built (name: "weight"). */
ls_status ls_layer_declare(ls_layer_build *build, const char *name, int dims, int64_t rows, int64_t columns,
                           int64_t fan_in, int64_t fan_out, ls_component initialiser, bool decay);
/* Fails unless the node being built has so many inputs. */
ls_status ls_layer_takes(const ls_layer_build *build, int inputs);
/* Fails unless it has at least two. */
ls_status ls_layer_takes_several(const ls_layer_build *build);
/* The name of the layer an input comes from, or "input" for the model's, for messages. */
const char *ls_layer_input_name(const ls_layer_build *build, int input);
/* An error with the place of the layer in front: "file:line:column: layer dense_1: ..." */
ls_status ls_layer_error(const ls_layer_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One panel through one layer. All tensors are [units][lanes] (math/kernels.h). Called by one thread; other
 * panels run at the same time. */
typedef struct ls_layer_call {
    const ls_kernels *kernels;
    const ls_node *node;
    int64_t lanes;
    const float *const *parameter; /* of this node, in order of declaration */
    const int64_t *ld;             /* their leading dimensions */
    const float *x[LS_INPUTS_MAX]; /* inputs (overwritten by y if the layer works in place) */
    float *y;                      /* output */
    const float *dy;               /* backward: derivative by y */
    float *dx[LS_INPUTS_MAX]; /* backward: derivative by x, to be stored; NULL where not wanted; may be dy if
                                 the layer works in place */
} ls_layer_call;

/* The same for one sample in double precision, written for clarity alone: the finite-difference check and the
 * tests compare with it. */
typedef struct ls_reference_call {
    const ls_node *node;
    const double *const *parameter; /* without padding: [rows][columns] */
    const double *x[LS_INPUTS_MAX];
    double *y;
    const double *dy;
    double *dx[LS_INPUTS_MAX]; /* stored */
    double *const *gradient;   /* one a parameter, added to */
} ls_reference_call;

/* How the gradient of a parameter comes about: for each sample the outer product of the derivative by the
 * node's output (rows) and an activation (columns). */
typedef enum ls_gradient_kind {
    LS_GRADIENT_NONE,
    LS_GRADIENT_OUTER, /* dW[o][i] = sum over samples of dy[o] x[i] */
    LS_GRADIENT_SUM    /* db[o] = sum over samples of dy[o] (stored as one row) */
} ls_gradient_kind;

struct ls_layer_type {
    ls_component_type base;
    bool in_place; /* y may overwrite x, dx may overwrite dy: backward needs neither x nor what overwrote it,
                      only y */
    ls_status (*build)(ls_layer_build *build);
    void (*forward)(const ls_layer_call *call);
    void (*backward)(const ls_layer_call *call);
    ls_gradient_kind (*gradient)(const ls_node *node, int parameter); /* NULL if the layer has no parameters
                                                                       */
    void (*reference_forward)(const ls_reference_call *call);
    void (*reference_backward)(const ls_reference_call *call);
    /* Multiply-adds of one sample, forward (backward costs twice that). NULL: none worth counting. */
    int64_t (*operations)(const ls_node *node);
    /* For the tests: distance of x to the nearest point where the derivative jumps (a kink), for filtering
     * finite differences. NULL: none. */
    double (*kink)(const ls_node *node, const double *x);
    bool (*works_in_place)(const ls_node *node); /* overrides in_place where it depends on options; NULL:
                                                    in_place holds */
};

extern const ls_registry ls_layer_registry;      /* all layers, activations among them */
extern const ls_registry ls_activation_registry; /* the layers that may be named as "activation:" of another
                                                  */

#endif
