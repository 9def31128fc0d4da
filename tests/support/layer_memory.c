#include "support/layer_memory.h"
#include <criterion/criterion.h>
#include "base/memory.h"

static float *floats(int64_t count)
{
    float *array = ls_alloc((size_t)count, sizeof *array);
    cr_assert_not_null(array);
    return array;
}

layer_memory layer_memory_make(const ls_model *model, const ls_node *node, int64_t lanes)
{
    const ls_layer_type *type = node->type;
    layer_memory memory = {.pass = {.training = true, .seed = 5, .step = 3, .grain = lanes, .count = lanes}};
    memory.saved = floats(type->saved == NULL ? 0 : type->saved(node) * lanes);
    memory.scratch = floats(type->scratch == NULL ? 0 : type->scratch(node, lanes));
    cr_assert_leq(node->parameter_count, LAYER_PARAMETERS_MAX);
    for (int p = 0; p < node->parameter_count; p++) {
        if (type->gradient(node, p) == LS_GRADIENT_SAMPLES)
            memory.sample_gradient[p] = floats(model->parameter[node->first_parameter + p].columns * lanes);
    }
    return memory;
}

void layer_memory_free(layer_memory *memory)
{
    ls_free(memory->saved);
    ls_free(memory->scratch);
    for (int p = 0; p < LAYER_PARAMETERS_MAX; p++) ls_free(memory->sample_gradient[p]);
}

void layer_memory_use(const layer_memory *memory, ls_layer_call *call)
{
    call->pass = &memory->pass;
    call->saved = memory->saved;
    call->scratch = memory->scratch;
    call->sample_gradient = memory->sample_gradient;
}

double layer_gradient(const ls_node *node, int parameter, const layer_gradient_source *from, int64_t row,
                      int64_t column)
{
    ls_gradient_kind kind = node->type->gradient(node, parameter);
    int64_t lanes = from->lanes, positions = from->positions;
    double sum = 0;
    for (int64_t n = 0; n < lanes; n++) {
        if (kind == LS_GRADIENT_OUTER)
            sum += (double)from->dy[row * lanes + n] * (double)from->x[column * lanes + n];
        else if (kind == LS_GRADIENT_SUM)
            sum += from->dy[column * lanes + n];
        else if (kind == LS_GRADIENT_SAMPLES)
            sum += from->sample_gradient[column * lanes + n];
        for (int64_t q = 0; kind == LS_GRADIENT_ROWS && q < positions; q++)
            if ((int64_t)from->x[q * lanes + n] == row) sum += from->dy[(column * positions + q) * lanes + n];
    }
    return sum;
}

void layer_tiles(const ls_model *model, const ls_node *node, int parameter, int64_t lanes, const float *x,
                 const float *dy, float *gradient)
{
    const ls_layer_type *type = node->type;
    const ls_parameter *view = &model->parameter[node->first_parameter + parameter];
    int64_t rows = LS_TILE_ROWS, columns = LS_BLOCK;
    if (type->tile_size != NULL) type->tile_size(node, parameter, &rows, &columns);
    cr_assert(rows >= 1 && rows <= LS_TILE_ROWS && columns >= 1);
    const int64_t ld = columns + 1;
    ls_grain_part part = {.x = x, .dy = dy, .lane = 0, .count = lanes};
    float *scratch = floats(type->tile_scratch == NULL ? 0 : type->tile_scratch(node));
    float *tile = floats(rows * ld);
    for (int64_t r = 0; r < view->rows; r += rows) {
        for (int64_t c = 0; c < view->columns; c += columns) {
            ls_tile_call call = {.kernels = ls_kernels_get(),
                                 .node = node,
                                 .parameter = parameter,
                                 .lanes = lanes,
                                 .part_count = 1,
                                 .part = &part,
                                 .first_row = r,
                                 .rows = view->rows - r < rows ? view->rows - r : rows,
                                 .first_column = c,
                                 .columns = view->columns - c < columns ? view->columns - c : columns,
                                 .tile = tile,
                                 .ld = ld,
                                 .scratch = scratch};
            type->gradient_tile(&call);
            for (int64_t i = 0; i < call.rows; i++)
                for (int64_t j = 0; j < call.columns; j++)
                    gradient[(r + i) * view->columns + c + j] = tile[i * ld + j];
        }
    }
    ls_free(scratch);
    ls_free(tile);
}
