#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "nn/model.h"

void ls_shape_text(const ls_shape *shape, char *text, size_t size)
{
    if (size == 0) return;
    text[0] = '\0';
    size_t length = 0;
    for (int d = 0; d < shape->rank && length < size; d++) {
        const char *between = d > 0 ? " x " : "";
        length += (size_t)snprintf(text + length, size - length, "%s%lld", between, (long long)shape->dim[d]);
    }
}

bool ls_shape_equal(const ls_shape *a, const ls_shape *b)
{
    bool equal = a->rank == b->rank;
    for (int d = 0; equal && d < a->rank; d++) equal = a->dim[d] == b->dim[d];
    return equal;
}

ls_status ls_layer_error(const ls_layer_build *build, const char *format, ...)
{
    char what[LS_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);

    const ls_node *node = build->node;
    ls_error(LS_ERROR_RECIPE, "layer %s: %s", node->name, what);
    if (node->line > 0) ls_error_prefix(LS_ERROR_RECIPE, "%d:%d: ", node->line, node->column);
    if (build->file == NULL) return LS_ERROR_RECIPE;
    return ls_error_prefix(LS_ERROR_RECIPE, node->line > 0 ? "%s:" : "%s: ", build->file);
}

ls_status ls_layer_takes(const ls_layer_build *build, int inputs)
{
    const ls_node *node = build->node;
    if (node->input_count == inputs) return LS_OK;
    return ls_layer_error(build, "%d inputs are given, but a layer of type %s takes %d", node->input_count,
                          node->type->base.name, inputs);
}

ls_status ls_layer_takes_several(const ls_layer_build *build)
{
    if (build->node->input_count > 1) return LS_OK;
    return ls_layer_error(
        build, "one input is given, but a layer of type %s takes 2 to %d; name them as in inputs: [a, b]",
        build->node->type->base.name, LS_INPUTS_MAX);
}

const char *ls_layer_input_name(const ls_layer_build *build, int input)
{
    int tensor = build->node->input[input];
    return tensor == 0 ? "input" : build->model->node[tensor - 1].name;
}

static int64_t round_up(int64_t number)
{
    return (number + LS_LANES - 1) / LS_LANES * LS_LANES;
}

/* Rows a large power of two apart would share few sets of the caches, so such a distance gets 16 floats more.
 */
static int64_t leading_dimension(int64_t columns)
{
    int64_t ld = round_up(columns);
    return ld >= 256 && ld % 64 == 0 ? ld + LS_LANES : ld;
}

static ls_parameter *append_parameter(ls_model *model)
{
    size_t capacity = (size_t)model->parameter_capacity;
    ls_parameter *grown =
        ls_grow(model->parameter, &capacity, (size_t)model->parameter_count + 1, sizeof *model->parameter);
    if (grown == NULL) return NULL;
    model->parameter = grown;
    model->parameter_capacity = (int)capacity;
    return &model->parameter[model->parameter_count];
}

ls_status ls_layer_declare(ls_layer_build *build, const char *name, int dims, int64_t rows, int64_t columns,
                           int64_t fan_in, int64_t fan_out, ls_component initialiser, bool decay)
{
    assert(rows > 0 && columns > 0 && (dims == 2 || (dims == 1 && rows == 1)) && initialiser.type != NULL);
    ls_model *model = build->model;
    ls_node *node = build->node;
    int64_t ld = leading_dimension(columns);
    int64_t size, end;
    if (__builtin_mul_overflow(rows, ld, &size) || __builtin_add_overflow(model->arena_size, size, &end))
        return ls_layer_error(build, "%s of %lld x %lld numbers is too large", name, (long long)rows,
                              (long long)columns);
    ls_parameter *parameter = append_parameter(model);
    if (parameter == NULL) return LS_ERROR_MEMORY;
    *parameter = (ls_parameter){
        .rows = rows,
        .columns = columns,
        .ld = ld,
        .offset = model->arena_size, /* a multiple of 16, as all sizes are */
        .dims = dims,
        .dim = {dims == 1 ? columns : rows, dims == 1 ? 0 : columns},
        .fan_in = fan_in,
        .fan_out = fan_out,
        .initialiser = initialiser,
        .decay = decay,
    };
    int length = snprintf(parameter->name, sizeof parameter->name, "%s.%s", node->name, name);
    assert(length > 0 && (size_t)length < sizeof parameter->name);
    (void)length;
    if (node->parameter_count == 0) node->first_parameter = model->parameter_count;
    node->parameter_count++;
    model->parameter_count++;
    model->parameter_elements += rows * columns;
    model->arena_size = end;
    return LS_OK;
}

void ls_layer_dimensions(const ls_layer_build *build, int dims, const int64_t *dim)
{
    ls_parameter *parameter = &build->model->parameter[build->model->parameter_count - 1];
    int64_t size = 1;
    assert(build->node->parameter_count > 0 && dims >= 1 && dims <= 4);
    for (int d = 0; d < dims; d++) size *= parameter->dim[d] = dim[d];
    assert(size == parameter->rows * parameter->columns);
    (void)size;
    parameter->dims = dims;
}

void ls_layer_keep(const ls_layer_build *build)
{
    assert(build->node->parameter_count > 0);
    build->model->parameter[build->model->parameter_count - 1].untrained = true;
}
