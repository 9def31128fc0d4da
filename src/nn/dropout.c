/* Dropout (Srivastava et al., JMLR 2014): in training each number is set to zero with probability rate and
 * divided by 1 - rate otherwise, so that its expectation stays ("inverted" dropout, section 10). Spatial
 * dropout (Tompson et al., CVPR 2015, section 3.2) does so with whole channels. The mask is a function of
 * seed, layer, step, position in the batch and element, computed once more in the backward pass. */
#include <math.h>
#include "base/random.h"
#include "nn/layer_view.h"
#include "nn/registry.h"

typedef struct dropout_options {
    double rate;
} dropout_options;

/* The probability is a multiple of 2^-32, and the scale its inverse. */
static ls_dropout mask_of(const ls_layer_call *call)
{
    const ls_pass *pass = call->pass;
    double keep = 1 - ((const dropout_options *)call->node->options)->rate;
    double threshold = fmax(1, floor(keep * 0x1p32));
    return (ls_dropout){
        .key = pass->seed,
        .counter = ls_random_counter(LS_RANDOM_DROPOUT, (uint64_t)call->index << 40 | (uint64_t)pass->step),
        .first = pass->first,
        .count = pass->count,
        .threshold = (uint32_t)threshold,
        .scale = (float)(0x1p32 / threshold),
    };
}

static bool drops(const ls_layer_call *call)
{
    return call->pass->training && ((const dropout_options *)call->node->options)->rate > 0;
}

/* elements [group] rows each */
static void run(const ls_layer_call *call, int64_t elements, const float *x, float *y)
{
    ls_dropout mask = mask_of(call);
    mask.group = ls_shape_size(&call->node->out) / elements;
    call->kernels->dropout(&mask, elements, call->lanes, x, y);
}

static ls_status build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    build->node->out = build->node->in[0];
    return LS_OK;
}

static void forward(const ls_layer_call *call)
{
    if (drops(call))
        run(call, ls_shape_size(&call->node->out), call->x[0], call->y);
    else
        ls_view_forward(call);
}

static void backward(const ls_layer_call *call)
{
    if (call->dx[0] == NULL) return;
    if (drops(call))
        run(call, ls_shape_size(&call->node->out), call->dy, call->dx[0]);
    else
        ls_view_backward(call);
}

static ls_status spatial_build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    const ls_shape *in = &build->node->in[0];
    if (in->rank < 2)
        return ls_layer_error(
            build,
            "vectors of %lld numbers come in, but spatial_dropout drops channels of images or "
            "series; use dropout",
            (long long)in->dim[0]);
    build->node->out = *in;
    return LS_OK;
}

static void spatial_forward(const ls_layer_call *call)
{
    if (drops(call))
        run(call, call->node->out.dim[0], call->x[0], call->y);
    else
        ls_view_forward(call);
}

static void spatial_backward(const ls_layer_call *call)
{
    if (call->dx[0] == NULL) return;
    if (drops(call))
        run(call, call->node->out.dim[0], call->dy, call->dx[0]);
    else
        ls_view_backward(call);
}

static const ls_option option_table[] = {
    {.key = "rate",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(dropout_options, rate),
     .minimum = 0,
     .maximum = 0.999,
     .default_text = "0.5",
     .help = "The probability of zero."},
    LS_OPTION_END,
};

const ls_layer_type ls_layer_dropout = {
    .base =
        {.name = "dropout",
         .help =
             "In training sets numbers to zero at random and scales the others up, so that the expectation "
             "stays; otherwise y = x (Srivastava et al. 2014).",
         .options = option_table,
         .options_size = sizeof(dropout_options)},
    .in_place = true,
    .random = true,
    .build = build,
    .forward = forward,
    .backward = backward,
    .reference_forward = ls_view_reference_forward,
    .reference_backward = ls_view_reference_backward,
};

const ls_layer_type ls_layer_spatial_dropout = {
    .base = {.name = "spatial_dropout",
             .help =
                 "Like dropout, but with whole channels of images or series at a time (Tompson et al. 2015).",
             .options = option_table,
             .options_size = sizeof(dropout_options)},
    .in_place = true,
    .random = true,
    .build = spatial_build,
    .forward = spatial_forward,
    .backward = spatial_backward,
    .reference_forward = ls_view_reference_forward,
    .reference_backward = ls_view_reference_backward,
};
