/* All numbers of a sample as one vector, in the order in which they lie: channel, row, column. */
#include "nn/layer_view.h"
#include "nn/registry.h"

static ls_status build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    build->node->out = (ls_shape){.rank = 1, .dim = {ls_shape_size(&build->node->in[0])}};
    return LS_OK;
}

const ls_layer_type ls_layer_flatten = {
    .base = {.name = "flatten",
             .help = "The numbers of a sample as one vector: channel after channel, each row by row."},
    .in_place = true,
    .view = true,
    .build = build,
    .forward = ls_view_forward,
    .backward = ls_view_backward,
    .reference_forward = ls_view_reference_forward,
    .reference_backward = ls_view_reference_backward,
};
