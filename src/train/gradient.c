#include "train/gradient.h"

#include <string.h>

#include "base/memory.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t round_up(int64_t value)
{
    return (value + LS_LANES - 1) / LS_LANES * LS_LANES;
}

ls_status ls_gradient_scratch_create(const ls_plan *plan, int64_t parts, ls_gradient_scratch *scratch)
{
    scratch->ld = plan->tile_columns + LS_LANES;
    size_t tile = LS_TILE_ROWS * (size_t)scratch->ld;
    scratch->tile = ls_alloc(tile, sizeof *scratch->tile);
    scratch->sum = ls_alloc(tile, sizeof *scratch->sum);
    scratch->part = ls_alloc((size_t)parts, sizeof *scratch->part);
    scratch->layer = ls_alloc(parts > 0 ? (size_t)plan->tile_scratch : 0, sizeof *scratch->layer);
    bool complete = scratch->tile && scratch->sum && scratch->part && scratch->layer;
    return complete ? LS_OK : LS_ERROR_MEMORY;
}

void ls_gradient_scratch_free(ls_gradient_scratch *scratch)
{
    ls_free(scratch->tile);
    ls_free(scratch->sum);
    ls_free(scratch->part);
    ls_free(scratch->layer);
    *scratch = (ls_gradient_scratch){0};
}

ls_status ls_gradient_splits_create(const ls_plan *plan, ls_gradient_splits *splits)
{
    const size_t tiles = (size_t)plan->tile_count;
    splits->sum = ls_alloc((size_t)(plan->splits * plan->split_elements), sizeof *splits->sum);
    splits->left = ls_alloc(tiles, sizeof *splits->left);
    if (splits->sum == NULL || splits->left == NULL) return LS_ERROR_MEMORY;
    for (int t = 0; t < plan->task_count; t++)
        if (plan->task[t].splits > 1) atomic_init(&splits->left[plan->task[t].tile], plan->task[t].splits);
    return LS_OK;
}

void ls_gradient_splits_free(ls_gradient_splits *splits)
{
    ls_free(splits->sum);
    ls_free(splits->left);
    *splits = (ls_gradient_splits){NULL, NULL};
}

double ls_gradient_factor(const ls_gradient_job *job, int parameter)
{
    return job->plan->model->parameter[parameter].untrained ? job->mean_factor : job->factor;
}

int64_t ls_gradient_width(const ls_gradient_job *job, const ls_tile_task *task)
{
    const ls_parameter *parameter = &job->plan->model->parameter[task->parameter];
    int64_t end = task->first_column + task->columns;
    return (end == parameter->columns ? round_up(end) : end) - task->first_column;
}

/* What a task works on: the sum over rows of delta[m][row] * b[row][n], or of delta[m][row] alone. */
typedef struct operands {
    int64_t delta; /* place of the task's first output in a panel */
    int64_t b;     /* of the packed rows */
    int64_t width; /* columns of a tile, padding included */
    int64_t ld;    /* of a tile */
    bool vector;   /* of delta alone: a column, which is stored as a row */
} operands;

/* Parts begin..end of the rows: a grain, or all of them. */
typedef struct span {
    int64_t begin, end;
} span;

/* C[0..count)[0..width) = the products of outputs first.. over some rows, one chain in the order of rows
 * although it may span panels. No rows: zeros. */
static void multiply(const ls_gradient_job *job, const operands *from, int64_t first, int64_t count,
                     span rows, float *c, int64_t ldc)
{
    int64_t lanes = job->plan->lanes;
    ls_gemm gemm = {.M = count,
                    .N = from->width,
                    .row_stride = lanes,
                    .column_stride = 1,
                    .ldb = LS_BLOCK,
                    .C = c,
                    .ldc = ldc,
                    .accumulate = false};
    if (rows.begin == rows.end) job->kernels->gemm(&gemm);
    for (int64_t p = rows.begin; p < rows.end; p++) {
        const ls_sample_part *part = &job->part[p];
        gemm.K = part->count;
        gemm.A = part->at + from->delta + first * lanes;
        gemm.B = ls_part_row(part, from->b);
        job->kernels->gemm(&gemm);
        gemm.accumulate = true;
    }
}

/* row[0..count) = the sums of outputs first.., likewise. */
static void add_up(const ls_gradient_job *job, const operands *from, int64_t first, int64_t count, span rows,
                   float *row)
{
    const int64_t lanes = job->plan->lanes;
    if (rows.begin == rows.end) memset(row, 0, (size_t)count * sizeof *row);
    for (int64_t p = rows.begin; p < rows.end; p++) {
        const ls_sample_part *part = &job->part[p];
        job->kernels->chain_sums(part->at + from->delta + first * lanes, lanes, count, part->count,
                                 p > rows.begin, row);
    }
}

/* A product by the layer itself. */
static void ask_layer(const ls_gradient_job *job, const ls_tile_task *task, span rows,
                      ls_gradient_scratch *scratch, float *c, int64_t ldc)
{
    const ls_plan *plan = job->plan;
    const ls_node *node = &plan->model->node[task->node];
    int64_t lanes = plan->lanes;
    const ls_slot *in = &plan->slot[node->input[0]], *out = &plan->slot[task->node + 1];
    ls_tile_call call = {
        .kernels = job->kernels,
        .node = node,
        .parameter = task->parameter - node->first_parameter,
        .lanes = lanes,
        .part = scratch->part,
        .first_row = task->first_row,
        .rows = task->rows,
        .first_column = task->first_column,
        .columns = task->columns,
        .tile = c,
        .ld = ldc,
        .scratch = scratch->layer,
    };
    for (int64_t p = rows.begin; p < rows.end; p++) {
        const ls_sample_part *from = &job->part[p];
        const float *panel = ls_part_panel(from);
        scratch->part[call.part_count++] = (ls_grain_part){.x = panel + in->value * lanes,
                                                           .dy = panel + out->delta * lanes,
                                                           .lane = from->lane,
                                                           .count = from->count};
    }
    node->type->gradient_tile(&call);
}

/* The float sum of some rows: outputs first.. of the task into c. */
static void make_tile(const ls_gradient_job *job, const ls_tile_task *task, const operands *from,
                      int64_t first, int64_t count, span rows, ls_gradient_scratch *scratch, float *c,
                      int64_t ldc)
{
    if (task->kind != LS_GRADIENT_TILE) {
        multiply(job, from, first, count, rows, c, ldc);
        return;
    }
    ask_layer(job, task, rows, scratch, c, ldc);
    for (int64_t row = 0; row < count && task->columns < from->width; row++)
        memset(c + row * ldc + task->columns, 0, (size_t)(from->width - task->columns) * sizeof *c);
}

/* Adds the grains of some parts, for outputs first.., into sum (leading dimension lds); gradient not NULL:
 * where the sum over all of them goes in the end (leading dimension ldg). */
static void add_grains(const ls_gradient_job *job, const ls_tile_task *task, const operands *from, span parts,
                       int64_t first, int64_t count, ls_gradient_scratch *scratch, uint64_t *sum, int64_t lds,
                       float *gradient, int64_t ldg)
{
    double factor = ls_gradient_factor(job, task->parameter);
    ls_exact_scale scale = job->scale[task->parameter];
    float row[LS_TILE_ROWS] = {0};
    for (span grain = {parts.begin, parts.begin}; grain.end < parts.end;) {
        grain = (span){grain.end, ls_grain_end(job->part, grain.end)};
        const float *terms = from->vector ? row : scratch->tile;
        const int64_t rows = from->vector ? 1 : count;
        const int64_t columns = from->vector ? round_up(count) : from->width;
        if (from->vector)
            add_up(job, from, first, count, grain, row);
        else
            make_tile(job, task, from, first, count, grain, scratch, scratch->tile, from->ld);
        if (gradient != NULL && grain.end == parts.end)
            job->kernels->exact_close(scale, job->terms, factor, rows, columns, terms, from->ld,
                                      grain.begin == parts.begin ? NULL : sum, lds, gradient, ldg);
        else if (grain.begin == parts.begin)
            job->kernels->exact_store(scale, rows, columns, terms, from->ld, sum, lds);
        else
            job->kernels->exact_add(scale, rows, columns, terms, from->ld, sum, lds);
    }
}

/* Weights of dense layers: rounding beside the products. */
static void run_product(const ls_gradient_job *job, const ls_tile_task *task, const operands *from)
{
    const ls_parameter *parameter = &job->plan->model->parameter[task->parameter];
    const int64_t place = parameter->offset + task->first_row * parameter->ld + task->first_column;
    ls_exact_product product = {
        .M = task->rows,
        .N = from->width,
        .part = job->part,
        .parts = job->parts,
        .left = from->delta,
        .lanes = job->plan->lanes,
        .right = from->b,
        .scale = job->scale[task->parameter],
        .terms = job->terms,
        .factor = ls_gradient_factor(job, task->parameter),
        .sum = job->sums == NULL ? NULL : job->sums + place,
        .lds = parameter->ld,
        .gradient = job->gradient + place,
        .ldg = parameter->ld,
    };
    job->kernels->exact_product(&product);
}

/* Sums of no grains. */
static void clear_sums(uint64_t *sum, int64_t rows, int64_t columns, int64_t lds)
{
    for (int64_t row = 0; row < rows; row++) memset(sum + row * lds, 0, (size_t)columns * sizeof *sum);
}

/* The parts of group number split of splits: whole grains, none where there are fewer grains than groups. */
static span parts_of(const ls_gradient_job *job, int split, int splits)
{
    const int64_t grains = ls_grain_count(job->part, job->parts);
    int64_t begin = 0, end;
    const int64_t first = grains * split / splits, last = grains * (split + 1) / splits;
    for (int64_t g = 0; g < first; g++) begin = ls_grain_end(job->part, begin);
    end = begin;
    for (int64_t g = first; g < last; g++) end = ls_grain_end(job->part, end);
    return (span){begin, end};
}

/* Whoever is the last to finish a group of a tile's samples adds up the sums of all: integers, so that the
 * order does not matter. */
static void join_splits(const ls_gradient_job *job, const ls_tile_task *task, int64_t width)
{
    const ls_plan *plan = job->plan;
    const ls_parameter *parameter = &plan->model->parameter[task->parameter];
    const int64_t ld = parameter->ld, begin = task->first_row * ld + task->first_column;
    const int64_t place = parameter->offset + begin;
    uint64_t *sum = job->splits->sum + plan->split_place[task->parameter] + begin;
    for (int s = 1; s < task->splits; s++)
        for (int64_t row = 0; row < task->rows; row++)
            job->kernels->add_integers(sum + s * plan->split_elements + row * ld, sum + row * ld, width);
    if (job->sums == NULL) {
        job->kernels->exact_finish(job->scale[task->parameter], job->terms,
                                   ls_gradient_factor(job, task->parameter), task->rows, width, sum, ld,
                                   job->gradient + place, ld);
        return;
    }
    for (int64_t row = 0; row < task->rows; row++)
        memcpy(job->sums + place + row * ld, sum + row * ld, (size_t)width * sizeof *sum);
}

static void run_split(const ls_gradient_job *job, const ls_tile_task *task, const operands *from,
                      ls_gradient_scratch *scratch)
{
    const ls_plan *plan = job->plan;
    const int64_t ld = plan->model->parameter[task->parameter].ld;
    const span parts = parts_of(job, task->split, task->splits);
    uint64_t *sum = job->splits->sum + task->split * plan->split_elements +
                    plan->split_place[task->parameter] + task->first_row * ld + task->first_column;
    if (parts.begin == parts.end) clear_sums(sum, task->rows, from->width, ld);
    add_grains(job, task, from, parts, 0, task->rows, scratch, sum, ld, NULL, 0);
    atomic_int *left = &job->splits->left[task->tile];
    if (atomic_fetch_sub_explicit(left, 1, memory_order_acq_rel) > 1) return;
    join_splits(job, task, from->width);
    atomic_store_explicit(left, task->splits, memory_order_relaxed); /* for the next step */
}

static void run_exact(const ls_gradient_job *job, const ls_tile_task *task, const operands *from,
                      ls_gradient_scratch *scratch)
{
    if (task->kind == LS_GRADIENT_OUTER && job->rows > 0) {
        run_product(job, task, from);
        return;
    }
    if (task->splits > 1) {
        run_split(job, task, from, scratch);
        return;
    }
    const ls_parameter *parameter = &job->plan->model->parameter[task->parameter];
    const span all = {0, job->parts};
    bool vector = from->vector;
    int64_t outputs = vector ? task->columns : task->rows;
    for (int64_t first = 0; first < outputs; first += LS_TILE_ROWS) {
        int64_t count = least(LS_TILE_ROWS, outputs - first);
        int64_t rows = vector ? 1 : count;
        int64_t width = vector ? round_up(count) : from->width;
        int64_t place = parameter->offset +
                        (vector ? first : (task->first_row + first) * parameter->ld + task->first_column);
        if (job->sums == NULL) {
            add_grains(job, task, from, all, first, count, scratch, scratch->sum, scratch->ld,
                       job->gradient + place, parameter->ld);
        } else if (job->rows > 0) {
            add_grains(job, task, from, all, first, count, scratch, job->sums + place, parameter->ld, NULL,
                       0);
        } else { /* a rank without samples adds nothing */
            clear_sums(job->sums + place, rows, width, parameter->ld);
        }
    }
}

/* One float sum over all rows of the rank. */
static void run_float(const ls_gradient_job *job, const ls_tile_task *task, const operands *from,
                      ls_gradient_scratch *scratch)
{
    const span all = {0, job->parts};
    const ls_parameter *parameter = &job->plan->model->parameter[task->parameter];
    if (!from->vector) {
        float *c = job->gradient + parameter->offset + task->first_row * parameter->ld + task->first_column;
        make_tile(job, task, from, 0, task->rows, all, scratch, c, parameter->ld);
        return;
    }
    add_up(job, from, 0, task->columns, all, job->gradient + parameter->offset);
}

static operands operands_of(const ls_gradient_job *job, const ls_tile_task *task,
                            ls_gradient_scratch *scratch)
{
    const ls_plan *plan = job->plan;
    bool samples = task->kind == LS_GRADIENT_SAMPLES;
    int64_t slot = samples ? plan->sample_slot[task->parameter] : plan->slot[task->node + 1].delta;
    operands from = {
        .delta = (slot + task->first_row) * plan->lanes,
        .width = LS_LANES,
        .ld = LS_BLOCK,
        .vector = samples || task->kind == LS_GRADIENT_SUM,
    };
    if (task->kind == LS_GRADIENT_OUTER) {
        const ls_slot *in = &plan->slot[plan->model->node[task->node].input[0]];
        from.b = (in->packed + task->first_column) * plan->lanes;
        from.width = round_up(task->columns);
    } else if (task->kind == LS_GRADIENT_TILE) {
        from.width = ls_gradient_width(job, task);
        from.ld = scratch->ld;
    }
    return from;
}

void ls_gradient_prepare_small(const ls_plan *plan, const float *memory, float *gradient,
                               ls_small_outer *small)
{
    for (int t = 0; t < plan->task_count; t++) {
        const ls_tile_task *task = &plan->task[t];
        const ls_parameter *parameter = &plan->model->parameter[task->parameter];
        bool sum = task->kind == LS_GRADIENT_SUM, outer = task->kind == LS_GRADIENT_OUTER;
        small[t] = (ls_small_outer){0};
        if ((!sum && !outer) || parameter->columns > LS_LANES) continue;
        const float *delta = memory + (plan->slot[task->node + 1].delta + task->first_row) * plan->lanes;
        int input = plan->model->node[task->node].input[0];
        small[t] = (ls_small_outer){
            .M = task->rows,
            .N = parameter->columns,
            .grain = plan->grain,
            .left = sum ? NULL : delta,
            .right = sum ? delta : memory + plan->slot[input].value * plan->lanes,
            .lanes = plan->lanes,
            .gradient = gradient + parameter->offset + task->first_row * parameter->ld,
            .ld = parameter->ld,
        };
    }
}

bool ls_gradient_is_small(const ls_gradient_job *job)
{
    return job->exact && job->sums == NULL && job->rows >= 1 &&
           job->rows <= least(job->plan->lanes, LS_BLOCK);
}

/* Parameters with few columns, where one rank has all samples in one panel: no tiles, no sums in memory. */
static void run_small(const ls_gradient_job *job, const ls_tile_task *task, ls_small_outer *outer)
{
    outer->rows = job->rows;
    outer->terms = job->terms;
    outer->scale = job->scale[task->parameter];
    outer->factor = job->factor;
    job->kernels->exact_outer(outer);
}

/* Apart, so that small parameters need not make room for what it keeps. */
static __attribute__((noinline)) void run_task(const ls_gradient_job *job, const ls_tile_task *task,
                                               ls_gradient_scratch *scratch)
{
    if (task->kind == LS_GRADIENT_ROWS) {
        ls_gradient_run_rows(job, task);
        return;
    }
    operands from = operands_of(job, task, scratch);
    if (job->exact)
        run_exact(job, task, &from, scratch);
    else
        run_float(job, task, &from, scratch);
}

void ls_gradient_run(const ls_gradient_job *job, int index, ls_gradient_scratch *scratch)
{
    const ls_tile_task *task = &job->plan->task[index];
    if (job->small != NULL && job->small[index].M > 0)
        run_small(job, task, &job->small[index]);
    else
        run_task(job, task, scratch);
}
