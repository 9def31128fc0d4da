/* The dense layer: y = W x + b, with W as [units][inputs]. */
#include "nn/registry.h"

typedef struct dense_options {
    int64_t units;
    ls_component activation;
    bool bias;
    ls_component initializer;
    ls_component bias_initializer;
} dense_options;

static const ls_option option_table[] = {
    {.key = "units",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(dense_options, units),
     .minimum = 1,
     .maximum = 1 << 24,
     .help = "Number of outputs."},
    {.key = "activation",
     .kind = LS_OPTION_COMPONENT,
     .offset = offsetof(dense_options, activation),
     .default_text = "",
     .registry = &ls_activation_registry,
     .help = "Activation applied to the outputs; none if absent."},
    {.key = "bias",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(dense_options, bias),
     .default_text = "true",
     .help = "Whether a learned constant is added to each output."},
    {.key = "initializer",
     .kind = LS_OPTION_COMPONENT,
     .offset = offsetof(dense_options, initializer),
     .default_text = "glorot",
     .registry = &ls_initialiser_registry,
     .help = "Initial values of the weights."},
    {.key = "bias_initializer",
     .kind = LS_OPTION_COMPONENT,
     .offset = offsetof(dense_options, bias_initializer),
     .default_text = "zeros",
     .registry = &ls_initialiser_registry,
     .help = "Initial values of the biases."},
    LS_OPTION_END,
};

enum { WEIGHT, BIAS };

static int64_t inputs_of(const ls_node *node)
{
    return ls_shape_size(&node->in[0]); /* images are flattened */
}

static int64_t units_of(const ls_node *node)
{
    return node->out.dim[0];
}

static bool has_bias(const ls_node *node)
{
    return node->parameter_count > BIAS;
}

static ls_status build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    const dense_options *options = build->node->options;
    int64_t inputs = inputs_of(build->node);
    int64_t units = options->units;
    build->node->out = (ls_shape){.rank = 1, .dim = {units}};
    if (options->activation.type != NULL) build->activation = &options->activation;
    LS_TRY(ls_layer_declare(build, "weight", 2, units, inputs, inputs, units, options->initializer, true));
    if (!options->bias) return LS_OK;
    return ls_layer_declare(build, "bias", 1, 1, units, inputs, units, options->bias_initializer, false);
}

static void forward_units(const ls_layer_call *call, int64_t first, int64_t count)
{
    call->kernels->gemm(&(ls_gemm){
        .M = count,
        .N = call->lanes,
        .K = inputs_of(call->node),
        .A = call->parameter[WEIGHT] + first * call->ld[WEIGHT],
        .row_stride = call->ld[WEIGHT],
        .column_stride = 1,
        .B = call->x[0],
        .ldb = call->lanes,
        .C = call->y + first * call->lanes,
        .ldc = call->lanes,
        .bias = has_bias(call->node) ? call->parameter[BIAS] + first : NULL,
    });
}

static void forward(const ls_layer_call *call)
{
    forward_units(call, 0, units_of(call->node));
}

/* dx = W^T dy */
static void backward(const ls_layer_call *call)
{
    if (call->dx[0] == NULL) return;
    call->kernels->gemm(&(ls_gemm){
        .M = inputs_of(call->node),
        .N = call->lanes,
        .K = units_of(call->node),
        .A = call->parameter[WEIGHT],
        .row_stride = 1,
        .column_stride = call->ld[WEIGHT],
        .B = call->dy,
        .ldb = call->lanes,
        .C = call->dx[0],
        .ldc = call->lanes,
    });
}

static ls_gradient_kind gradient(const ls_node *node, int parameter)
{
    (void)node;
    return parameter == WEIGHT ? LS_GRADIENT_OUTER : LS_GRADIENT_SUM;
}

static void reference_forward(const ls_reference_call *call)
{
    int64_t inputs = inputs_of(call->node);
    for (int64_t o = 0; o < units_of(call->node); o++) {
        const double *row = call->parameter[WEIGHT] + o * inputs;
        double sum = has_bias(call->node) ? call->parameter[BIAS][o] : 0;
        for (int64_t i = 0; i < inputs; i++) sum += row[i] * call->x[0][i];
        call->y[o] = sum;
    }
}

static void reference_backward(const ls_reference_call *call)
{
    int64_t inputs = inputs_of(call->node);
    int64_t units = units_of(call->node);
    for (int64_t o = 0; o < units; o++) {
        for (int64_t i = 0; i < inputs; i++)
            call->gradient[WEIGHT][o * inputs + i] += call->dy[o] * call->x[0][i];
        if (has_bias(call->node)) call->gradient[BIAS][o] += call->dy[o];
    }
    for (int64_t i = 0; call->dx[0] != NULL && i < inputs; i++) {
        double sum = 0;
        for (int64_t o = 0; o < units; o++) sum += call->parameter[WEIGHT][o * inputs + i] * call->dy[o];
        call->dx[0][i] = sum;
    }
}

static int64_t operations(const ls_node *node)
{
    return inputs_of(node) * units_of(node);
}

const ls_layer_type ls_layer_dense = {
    .base = {.name = "dense",
             .help = "Fully connected layer: y = W x + b. Inputs of more than one dimension are flattened.",
             .options = option_table,
             .options_size = sizeof(dense_options)},
    .build = build,
    .forward = forward,
    .forward_units = forward_units,
    .backward = backward,
    .gradient = gradient,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .operations = operations,
};
