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
static inline int64_t ls_shape_size(const ls_shape *shape)
{
    int64_t size = 1;
    for (int d = 0; d < shape->rank; d++) size *= shape->dim[d];
    return size;
}
bool ls_shape_equal(const ls_shape *a, const ls_shape *b);
enum { LS_SHAPE_TEXT = 96 };
void ls_shape_text(const ls_shape *shape, char *text, size_t size); /* "64", "3 x 32 x 32" */

/* A named view of the arena: a matrix [rows][columns] with leading dimension ld. Gradients, exact sums and
   the optimiser's state lie in arenas of the same layout. What lies between columns and ld is zero and stays
   zero. Vectors (biases) are one row. */
typedef struct ls_parameter {
    char name[LS_NAME_SIZE + 16]; /* "dense_0.weight" */
    int64_t rows, columns, ld, offset;
    int dims;                 /* how it is written to files: 1 is [columns], 2 is [rows, columns]; */
    int64_t dim[4];           /* or what the layer says: filters are [rows, channels, height, width] */
    int64_t fan_in, fan_out;  /* for initialisers */
    ls_component initialiser; /* not owned */
    bool decay;               /* weight decay applies (weights yes, biases no) */
    bool untrained;           /* kept up by the layer itself (running statistics), not by the optimiser */
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
/* How the parameter declared last is written to files: dims (1 to 4) dimensions of rows * columns numbers. */
void ls_layer_dimensions(const ls_layer_build *build, int dims, const int64_t *dim);
/* Makes the parameter declared last one that the layer keeps up itself, in after_step. */
void ls_layer_keep(const ls_layer_build *build);
/* Fails unless the node being built has so many inputs. */
ls_status ls_layer_takes(const ls_layer_build *build, int inputs);
/* Fails unless it has at least two. */
ls_status ls_layer_takes_several(const ls_layer_build *build);
/* The name of the layer an input comes from, or "input" for the model's, for messages. */
const char *ls_layer_input_name(const ls_layer_build *build, int input);
/* An error with the place of the layer in front: "file:line:column: layer dense_1: ..." */
ls_status ls_layer_error(const ls_layer_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Where and when a panel runs: all that a layer may depend on beyond its numbers. It follows from the recipe,
   so it is the same for a sample on every layout. */
typedef struct ls_pass {
    bool training; /* false: prediction and evaluation */
    uint64_t seed;
    int64_t step;  /* steps before this one */
    int64_t grain; /* samples a grain; 0 outside of training */
    int64_t first; /* position of the sample in lane 0 in the batch of the whole machine */
    int64_t count; /* lanes 0 .. count - 1 hold samples. The lanes after them repeat lane 0, and must go on
                      doing so in the forward pass (bounds are taken over all lanes); their dy is 0. */
} ls_pass;

/* One panel through one layer. All tensors are [units][lanes] (math/kernels.h). Called by one thread; other
 * panels run at the same time. */
typedef struct ls_layer_call {
    const ls_kernels *kernels;
    const ls_pass *pass;
    const ls_node *node;
    int index; /* of the node in the model, for random numbers */
    int64_t lanes;
    const float *const *parameter; /* of this node, in order of declaration */
    const int64_t *ld;             /* their leading dimensions */
    const float *x[LS_INPUTS_MAX]; /* inputs (overwritten by y if the layer works in place) */
    float *y;                      /* output */
    const float *dy;               /* backward: derivative by y */
    float *dx[LS_INPUTS_MAX]; /* backward: derivative by x, to be stored; NULL where not wanted; may be dy if
                                 the layer works in place */
    float *saved;             /* [saved(node)][lanes]: from the forward to the backward pass of the panel */
    float *const *sample_gradient; /* one a parameter; for LS_GRADIENT_SAMPLES [columns][lanes], to be stored
                                      by the forward or the backward pass; otherwise NULL */
    float *scratch;                /* [scratch(node, lanes)]: for the duration of the call */
    double *lane_sums;             /* gather: [batch_sums(node)][lanes], to be stored */
    const double *batch_sums;      /* [batch_sums(node)] over all samples of the batch, else NULL */
} ls_layer_call;

/* The same for one sample in double precision, written for clarity alone: the finite-difference check and the
 * tests compare with it. Layers that couple samples get several at once, one after the other in x, y, dy and
 * dx: the grain, or the batch, over which they take statistics. */
typedef struct ls_reference_call {
    const ls_node *node;
    int64_t samples;                /* 1 unless the layer couples samples */
    const double *const *parameter; /* without padding: [rows][columns] */
    const double *x[LS_INPUTS_MAX];
    double *y;
    const double *dy;
    double *dx[LS_INPUTS_MAX]; /* stored */
    double *const *gradient;   /* one a parameter, added to */
} ls_reference_call;

/* How the gradient of a parameter comes about, summed over samples s. */
typedef enum ls_gradient_kind {
    LS_GRADIENT_NONE,
    LS_GRADIENT_OUTER,   /* dW[o][i] = sum of dy[o][s] x[i][s]: rows are outputs, columns are inputs */
    LS_GRADIENT_SUM,     /* db[o] = sum of dy[o][s] (one row) */
    LS_GRADIENT_SAMPLES, /* dp[i] = sum of sample_gradient[i][s], which the layer stores (one row, small). An
                            untrained parameter gets the mean instead, for after_step. */
    LS_GRADIENT_TILE,    /* dW[o][i] = sum over samples and positions of a product of an element of dy and one
                            of x; the layer makes tiles of it (gradient_tile) */
    LS_GRADIENT_ROWS     /* dW[v][d] = sum of dy[d][position][s] where x[position][s] = v: rows are picked by
                            whole numbers */
} ls_gradient_kind;

/* A tile of the gradient of a parameter of kind LS_GRADIENT_TILE over the samples of one grain, in float:
   tile[r * ld + c] for rows first_row + r and columns first_column + c. The order of additions must follow
   from the places of samples within the grain, never from lanes or parts. All parts but the last end at the
   last lane of a panel. */
typedef struct ls_tile_call {
    const ls_kernels *kernels;
    const ls_node *node;
    int parameter; /* of this node */
    int64_t lanes;
    int part_count;
    const ls_grain_part *part;
    int64_t first_row, rows, first_column, columns;
    float *tile;
    int64_t ld;
    float *scratch; /* [tile_scratch(node)] */
} ls_tile_call;

/* What a layer sees after a step: its parameters, and for each untrained one of kind LS_GRADIENT_SAMPLES the
 * mean over the batch's samples of what it stored. */
typedef struct ls_layer_update {
    const ls_node *node;
    float *const *parameter;
    const float *const *mean; /* NULL for other parameters */
    int64_t rows;             /* samples of the batch */
} ls_layer_update;

/* What a layer asks of the grains of a model (training.grain). */
typedef enum ls_grain_rule {
    LS_GRAIN_ANY,
    LS_GRAIN_ALIGNED, /* a multiple of 16 or 1, 2, 4, 8: samples of a grain never straddle vectors */
    LS_GRAIN_WHOLE    /* the same, and a panel holds whole grains (at most LS_PANEL_LANES_MAX samples) */
} ls_grain_rule;

struct ls_layer_type {
    ls_component_type base;
    bool in_place; /* y may overwrite x, dx may overwrite dy: backward needs neither x nor what overwrote it,
                      only y */
    bool random;   /* in training it depends on random numbers; the reference is that of prediction */
    bool view;     /* y is x and dx is dy, under another shape */
    bool reads_output; /* backward looks at y, so nothing may overwrite it (in place implies it) */
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
    /* For a layer whose input are whole numbers from 0: how many there are. NULL: it takes any numbers. */
    int64_t (*whole_numbers)(const ls_node *node);
    ls_grain_rule (*grain_rule)(const ls_node *node); /* NULL: any */
    bool couples_samples; /* the output for a sample depends on others of its grain or batch */
    /* Sums over the whole batch that the layer needs in the middle of a pass: how many (NULL or 0: none).
       gather stores the addends of each lane before forward, gather_back before backward; both then find the
       exact sums of all ranks. Only when training. */
    int (*batch_sums)(const ls_node *node);
    void (*gather)(const ls_layer_call *call);
    void (*gather_back)(const ls_layer_call *call);
    /* Units first .. first + count - 1 of the output alone, with the bits of forward, without scratch: lets
       threads share a first layer. Unit u reads row u of the first parameter. NULL: the layer has no such
       rows. */
    void (*forward_units)(const ls_layer_call *call, int64_t first, int64_t count);
    /* Memory; NULL: none. Units (times lanes) kept from forward to backward, floats of a call, of a tile. */
    int64_t (*saved)(const ls_node *node);
    int64_t (*scratch)(const ls_node *node, int64_t lanes);
    int64_t (*tile_scratch)(const ls_node *node);
    /* For LS_GRADIENT_TILE: how large tiles should be, at most LS_TILE_ROWS rows, and one of them. */
    void (*tile_size)(const ls_node *node, int parameter, int64_t *rows, int64_t *columns);
    void (*gradient_tile)(const ls_tile_call *call);
    /* After the parameters changed; for layers with untrained parameters. One thread a node. */
    void (*after_step)(const ls_layer_update *update);
};

enum { LS_TILE_ROWS = 48 }; /* of a tile of a gradient */

extern const ls_registry ls_layer_registry;      /* all layers, activations among them */
extern const ls_registry ls_activation_registry; /* the layers that may be named as "activation:" of another
                                                  */

#endif
