#include "train/gradient.h"

#include <string.h>

#include "base/memory.h"

ls_status ls_gradient_scratch_create(int64_t rows, ls_gradient_scratch *scratch)
{
    int64_t padded = (rows + LS_LANES - 1) / LS_LANES * LS_LANES;
    scratch->packed = ls_alloc((size_t)(padded * LS_BLOCK), sizeof *scratch->packed);
    scratch->tile = ls_alloc(LS_TILE_ROWS * LS_BLOCK, sizeof *scratch->tile);
    scratch->sum = ls_alloc(LS_TILE_ROWS * LS_BLOCK, sizeof *scratch->sum);
    return scratch->packed && scratch->tile && scratch->sum ? LS_OK : LS_ERROR_MEMORY;
}

void ls_gradient_scratch_free(ls_gradient_scratch *scratch)
{
    ls_free(scratch->packed);
    ls_free(scratch->tile);
    ls_free(scratch->sum);
    *scratch = (ls_gradient_scratch){0};
}

/* The operands of the products of one task: sum over rows of delta[m][row] * B[row][n]. */
typedef struct operands {
    const float *delta; /* of the task's first output in panel 0 */
    int64_t panel_floats;
    const float *b;
    int64_t ldb;   /* 0: the same row of ones for every sample */
    int64_t width; /* a multiple of LS_LANES */
} operands;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* C[0..count)[0..width) = the products of outputs first.. over rows begin..end, one chain in the order of
 * rows although it may span panels. */
static void multiply(const ls_gradient_job *job, const operands *from, int64_t first, int64_t count,
                     int64_t begin, int64_t end, float *c, int64_t ldc)
{
    int64_t lanes = job->plan->lanes;
    ls_gemm gemm = {.M = count,
                    .N = from->width,
                    .row_stride = lanes,
                    .column_stride = 1,
                    .ldb = from->ldb,
                    .C = c,
                    .ldc = ldc,
                    .accumulate = false};
    do {
        int64_t panel = begin / lanes, lane = begin % lanes;
        gemm.K = least(end - begin, lanes - lane);
        gemm.A = from->delta + panel * from->panel_floats + first * lanes + lane;
        gemm.B = from->b + begin * from->ldb;
        job->kernels->gemm(&gemm);
        gemm.accumulate = true;
        begin += gemm.K;
    } while (begin < end);
}

/* Adds the grains of outputs first.. into sum (leading dimension lds). For vectors the tile has one useful
 * column, which is turned into a row. */
static void add_grains(const ls_gradient_job *job, const ls_tile_task *task, const operands *from,
                       int64_t first, int64_t count, ls_gradient_scratch *scratch, uint64_t *sum, int64_t lds)
{
    int64_t grain = job->plan->grain;
    ls_exact_scale scale = job->scale[task->parameter];
    bool vector = task->kind == LS_GRADIENT_SUM;
    float row[LS_TILE_ROWS] = {0};
    for (int64_t begin = 0; begin < job->rows; begin += grain) {
        multiply(job, from, first, count, begin, least(begin + grain, job->rows), scratch->tile, LS_BLOCK);
        const float *terms = scratch->tile;
        int64_t rows = count, columns = from->width;
        if (vector) {
            for (int64_t m = 0; m < count; m++) row[m] = scratch->tile[m * LS_BLOCK];
            terms = row;
            rows = 1;
            columns = (count + LS_LANES - 1) / LS_LANES * LS_LANES;
        }
        if (begin == 0)
            job->kernels->exact_store(scale, rows, columns, terms, LS_BLOCK, sum, lds);
        else
            job->kernels->exact_add(scale, rows, columns, terms, LS_BLOCK, sum, lds);
    }
}

static void run_exact(const ls_gradient_job *job, const ls_tile_task *task, const operands *from,
                      ls_gradient_scratch *scratch)
{
    const ls_parameter *parameter = &job->plan->model->parameter[task->parameter];
    bool vector = task->kind == LS_GRADIENT_SUM;
    int64_t outputs = vector ? task->columns : task->rows;
    for (int64_t first = 0; first < outputs; first += LS_TILE_ROWS) {
        int64_t count = least(LS_TILE_ROWS, outputs - first);
        int64_t rows = vector ? 1 : count;
        int64_t width = vector ? (count + LS_LANES - 1) / LS_LANES * LS_LANES : from->width;
        int64_t place = parameter->offset +
                        (vector ? first : (task->first_row + first) * parameter->ld + task->first_column);
        if (job->sums == NULL) {
            add_grains(job, task, from, first, count, scratch, scratch->sum, LS_BLOCK);
            job->kernels->exact_finish(job->scale[task->parameter], job->terms, job->factor, rows, width,
                                       scratch->sum, LS_BLOCK, job->gradient + place, parameter->ld);
        } else if (job->rows > 0) {
            add_grains(job, task, from, first, count, scratch, job->sums + place, parameter->ld);
        } else { /* a rank without samples adds nothing */
            for (int64_t row = 0; row < rows; row++) {
                memset(job->sums + place + row * parameter->ld, 0, (size_t)width * sizeof *job->sums);
            }
        }
    }
}

static void run_float(const ls_gradient_job *job, const ls_tile_task *task, const operands *from,
                      ls_gradient_scratch *scratch)
{
    const ls_parameter *parameter = &job->plan->model->parameter[task->parameter];
    if (task->kind == LS_GRADIENT_OUTER) {
        float *c = job->gradient + parameter->offset + task->first_row * parameter->ld + task->first_column;
        multiply(job, from, 0, task->rows, 0, job->rows, c, parameter->ld);
        return;
    }
    float *c = job->gradient + parameter->offset;
    for (int64_t first = 0; first < task->columns; first += LS_TILE_ROWS) {
        int64_t count = least(LS_TILE_ROWS, task->columns - first);
        multiply(job, from, first, count, 0, job->rows, scratch->tile, LS_BLOCK);
        for (int64_t m = 0; m < count; m++) c[first + m] = scratch->tile[m * LS_BLOCK];
    }
}

/* The activations of the task's columns with samples as rows. */
static void pack(const ls_gradient_job *job, const ls_tile_task *task, int64_t panel_floats, float *packed)
{
    const ls_plan *plan = job->plan;
    int tensor = plan->model->node[task->node].input[0];
    const float *value = job->memory + (plan->slot[tensor].value + task->first_column) * plan->lanes;
    for (int64_t begin = 0; begin < job->rows; begin += plan->lanes) {
        int64_t count = least(plan->lanes, job->rows - begin);
        job->kernels->pack_block(value, plan->lanes, task->columns, count, packed + begin * LS_BLOCK);
        value += panel_floats;
    }
}

void ls_gradient_run(const ls_gradient_job *job, const ls_tile_task *task, ls_gradient_scratch *scratch)
{
    static const _Alignas(64) float ones[LS_LANES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const ls_plan *plan = job->plan;
    const ls_slot *out = &plan->slot[task->node + 1];
    operands from = {.panel_floats = plan->panel_units * plan->lanes, .b = ones, .ldb = 0, .width = LS_LANES};
    from.delta = job->memory + (out->delta + task->first_row) * plan->lanes;
    if (task->kind == LS_GRADIENT_OUTER) {
        pack(job, task, from.panel_floats, scratch->packed);
        from.b = scratch->packed;
        from.ldb = LS_BLOCK;
        from.width = (task->columns + LS_LANES - 1) / LS_LANES * LS_LANES;
    }
    if (job->exact)
        run_exact(job, task, &from, scratch);
    else
        run_float(job, task, &from, scratch);
}
