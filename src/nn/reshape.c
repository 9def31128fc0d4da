/* The same numbers under another shape. One dimension may be left to be worked out. */
#include <stdio.h>
#include <string.h>
#include "nn/layer_view.h"
#include "nn/registry.h"

typedef struct reshape_options {
    ls_integers shape;
} reshape_options;

enum { RANK_MAX = sizeof((ls_shape *)0)->dim / sizeof((ls_shape *)0)->dim[0] };

static const ls_option option_table[] = {
    {.key = "shape",
     .kind = LS_OPTION_INTEGERS,
     .offset = offsetof(reshape_options, shape),
     .minimum = -1,
     .maximum = 1 << 24,
     .help = "The dimensions of the output, at most 4: `[units]`, `[channels, length]`, `[channels, height, "
             "width]`. One may be -1: what is left for it."},
    LS_OPTION_END,
};

static const char *check(const void *options)
{
    const ls_integers *shape = &((const reshape_options *)options)->shape;
    int open = 0;
    double product = 1;
    if (shape->count > RANK_MAX) return "shape has more than 4 dimensions";
    for (int d = 0; d < shape->count; d++) {
        if (shape->value[d] == 0) return "a dimension of shape is 0, expected a positive number or -1";
        open += shape->value[d] < 0;
        product *= (double)shape->value[d];
    }
    if (product > 0x1p53 || product < -0x1p53) return "shape has too many numbers";
    return open > 1 ? "only one dimension of shape can be -1" : NULL;
}

/* "4 x 7 = 28" */
static void product_text(const ls_shape *shape, char *text, size_t size)
{
    ls_shape_text(shape, text, size);
    size_t length = strlen(text);
    if (shape->rank > 1) snprintf(text + length, size - length, " = %lld", (long long)ls_shape_size(shape));
}

static ls_status refuse(const ls_layer_build *build, const ls_shape *known, bool open)
{
    char in[LS_SHAPE_TEXT + 24], wanted[LS_SHAPE_TEXT + 24];
    product_text(&build->node->in[0], in, sizeof in);
    product_text(known, wanted, sizeof wanted);
    if (open)
        return ls_layer_error(
            build, "%s numbers come in, which cannot be divided by the known dimensions of shape, %s", in,
            wanted);
    return ls_layer_error(build, "%s numbers come in, but shape asks for %s", in, wanted);
}

static ls_status build(ls_layer_build *build)
{
    LS_TRY(ls_layer_takes(build, 1));
    const ls_integers *wanted = &((const reshape_options *)build->node->options)->shape;
    int64_t count = ls_shape_size(&build->node->in[0]);
    ls_shape known = {.rank = 0}, *out = &build->node->out;
    *out = (ls_shape){.rank = wanted->count};
    int open = -1;
    for (int d = 0; d < wanted->count; d++) {
        out->dim[d] = wanted->value[d];
        if (wanted->value[d] < 0)
            open = d;
        else
            known.dim[known.rank++] = wanted->value[d];
    }
    int64_t product = ls_shape_size(&known);
    if (open < 0 ? product != count : count % product != 0) return refuse(build, &known, open >= 0);
    if (open >= 0) out->dim[open] = count / product;
    return LS_OK;
}

const ls_layer_type ls_layer_reshape = {
    .base = {.name = "reshape",
             .help = "The same numbers in the same order under another shape.",
             .options = option_table,
             .options_size = sizeof(reshape_options),
             .check = check},
    .in_place = true,
    .view = true,
    .build = build,
    .forward = ls_view_forward,
    .backward = ls_view_backward,
    .reference_forward = ls_view_reference_forward,
    .reference_backward = ls_view_reference_backward,
};
