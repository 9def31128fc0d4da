/* Embedding: each whole number of the input picks a row of a table, y[d][p] = W[x[p]][d] (Bengio et al., JMLR
 * 2003, section 2). The output [units][length] has the rows as channels, so that conv1d can follow. */
#include <math.h>
#include "nn/model.h"
#include "nn/registry.h"

typedef struct embedding_options {
    int64_t values, units;
    ls_component initializer;
} embedding_options;

static int64_t values_of(const ls_node *node)
{
    return ((const embedding_options *)node->options)->values;
}

static int64_t units_of(const ls_node *node)
{
    return node->out.dim[0];
}

static int64_t length_of(const ls_node *node)
{
    return node->out.dim[1];
}

/* Numbers that another layer has computed are no whole numbers; layers that change the shape may come
 * between. */
static ls_status check_source(const ls_layer_build *build)
{
    int tensor = build->node->input[0];
    while (tensor > 0 && build->model->node[tensor - 1].type->view)
        tensor = build->model->node[tensor - 1].input[0];
    if (tensor == 0) return LS_OK;
    return ls_layer_error(build, "it takes whole numbers from the data, but its input is the output of %s",
                          build->model->node[tensor - 1].name);
}

static ls_status build(ls_layer_build *build)
{
    const embedding_options *options = build->node->options;
    const ls_shape *in = &build->node->in[0];
    LS_TRY(ls_layer_takes(build, 1));
    LS_TRY(check_source(build));
    if (in->rank != 1) {
        char shape[LS_SHAPE_TEXT];
        ls_shape_text(in, shape, sizeof shape);
        return ls_layer_error(build, "%s comes in, expected a row of whole numbers; put flatten before it",
                              shape);
    }
    build->node->out = (ls_shape){.rank = 2, .dim = {options->units, in->dim[0]}};
    return ls_layer_declare(build, "weight", 2, options->values, options->units, options->values,
                            options->units, options->initializer, true);
}

/* What is no number of a row gives NaN, which the step reports; the data were checked when they were loaded.
 */
static const float *row_of(const ls_layer_call *call, float x)
{
    bool good = x >= 0 && x < (float)values_of(call->node) && x == truncf(x);
    return good ? call->parameter[0] + (int64_t)x * call->ld[0] : NULL;
}

static void forward(const ls_layer_call *call)
{
    int64_t units = units_of(call->node), length = length_of(call->node), lanes = call->lanes;
    for (int64_t p = 0; p < length; p++)
        for (int64_t n = 0; n < lanes; n++) {
            const float *row = row_of(call, call->x[0][p * lanes + n]);
            float *y = call->y + p * lanes + n;
            for (int64_t d = 0; d < units; d++) y[d * length * lanes] = row == NULL ? NAN : row[d];
        }
}

/* There is no derivative by whole numbers. The gradient of the table is made from x and dy. */
static void backward(const ls_layer_call *call)
{
    if (call->dx[0] == NULL) return;
    for (int64_t i = 0; i < length_of(call->node) * call->lanes; i++) call->dx[0][i] = 0;
}

static ls_gradient_kind gradient(const ls_node *node, int parameter)
{
    (void)node, (void)parameter;
    return LS_GRADIENT_ROWS;
}

static void reference_forward(const ls_reference_call *call)
{
    int64_t units = units_of(call->node), length = length_of(call->node);
    for (int64_t d = 0; d < units; d++)
        for (int64_t p = 0; p < length; p++)
            call->y[d * length + p] = call->parameter[0][(int64_t)call->x[0][p] * units + d];
}

static void reference_backward(const ls_reference_call *call)
{
    int64_t units = units_of(call->node), length = length_of(call->node);
    for (int64_t d = 0; d < units; d++)
        for (int64_t p = 0; p < length; p++)
            call->gradient[0][(int64_t)call->x[0][p] * units + d] += call->dy[d * length + p];
    for (int64_t p = 0; p < length; p++) call->dx[0][p] = 0;
}

static const ls_option option_table[] = {
    {.key = "values",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(embedding_options, values),
     .minimum = 1,
     .maximum = 1 << 24,
     .help = "How many different whole numbers there are: 0 to values - 1, the rows of the table."},
    {.key = "units",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(embedding_options, units),
     .minimum = 1,
     .maximum = 1 << 24,
     .help = "Numbers of a row of the table."},
    {.key = "initializer",
     .kind = LS_OPTION_COMPONENT,
     .offset = offsetof(embedding_options, initializer),
     .default_text = "uniform",
     .registry = &ls_initialiser_registry,
     .help = "Initial values of the table."},
    LS_OPTION_END,
};

const ls_layer_type ls_layer_embedding = {
    .base = {.name = "embedding",
             .help =
                 "A learned row of a table for each whole number of the input: a row of `length` numbers "
                 "becomes `units` x `length`, with the rows as channels. Its input are the data themselves, "
                 "with `normalise: none`.",
             .options = option_table,
             .options_size = sizeof(embedding_options)},
    .build = build,
    .forward = forward,
    .backward = backward,
    .gradient = gradient,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .whole_numbers = values_of,
};
