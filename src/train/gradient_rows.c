/* Gradients of tables whose rows are picked by whole numbers (LS_GRADIENT_ROWS): each pick adds a column of
 * dy to a row. Every addend is rounded by itself, so the sum is exact whatever the grains. */
#include <string.h>

#include "train/gradient.h"

typedef struct picks {
    const float *x, *dy; /* of the panel at hand: [positions][lanes], [columns][positions][lanes] */
    int64_t positions, lanes, count;
} picks;

static picks picks_of(const ls_gradient_job *job, const ls_tile_task *task, const ls_sample_part *part)
{
    const ls_plan *plan = job->plan;
    const ls_slot *in = &plan->slot[plan->model->node[task->node].input[0]];
    const ls_slot *out = &plan->slot[task->node + 1];
    return (picks){
        .x = part->at + in->value * plan->lanes,
        .dy = part->at + (out->delta + task->first_column * in->units) * plan->lanes,
        .positions = in->units,
        .lanes = plan->lanes,
        .count = part->count,
    };
}

static bool has_row(const ls_tile_task *task, int64_t row)
{
    return row >= task->first_row && row < task->first_row + task->rows;
}

/* Every grain counts as one term of each element, so that the sum reads like all others. */
static void start_sums(const ls_gradient_job *job, const ls_tile_task *task, uint64_t *sum, int64_t ld)
{
    int64_t width = ls_gradient_width(job, task);
    uint64_t grains = (uint64_t)((job->rows + job->plan->grain - 1) / job->plan->grain);
    uint64_t nothing = grains * job->scale[task->parameter].magic_bits;
    for (int64_t row = task->first_row; row < task->first_row + task->rows; row++) {
        for (int64_t c = 0; c < width; c++) sum[row * ld + c] = nothing;
    }
}

static void add_exact(const ls_gradient_job *job, const ls_tile_task *task, const picks *from, uint64_t *sum,
                      int64_t ld)
{
    ls_exact_scale scale = job->scale[task->parameter];
    for (int64_t p = 0; p < from->positions; p++) {
        for (int64_t n = 0; n < from->count; n++) {
            int64_t index = (int64_t)from->x[p * from->lanes + n];
            if (!has_row(task, index)) continue;
            uint64_t *row = sum + index * ld;
            const float *dy = from->dy + p * from->lanes + n;
            for (int64_t c = 0; c < task->columns; c++) {
                double term = (double)dy[c * from->positions * from->lanes];
                row[c] += ls_exact_term(scale, term) - scale.magic_bits;
            }
        }
    }
}

static void add_float(const ls_tile_task *task, const picks *from, float *gradient, int64_t ld)
{
    for (int64_t p = 0; p < from->positions; p++) {
        for (int64_t n = 0; n < from->count; n++) {
            int64_t index = (int64_t)from->x[p * from->lanes + n];
            if (!has_row(task, index)) continue;
            float *row = gradient + index * ld;
            const float *dy = from->dy + p * from->lanes + n;
            for (int64_t c = 0; c < task->columns; c++) row[c] += dy[c * from->positions * from->lanes];
        }
    }
}

void ls_gradient_run_rows(const ls_gradient_job *job, const ls_tile_task *task)
{
    const ls_parameter *parameter = &job->plan->model->parameter[task->parameter];
    int64_t place = parameter->offset + task->first_column, ld = parameter->ld;
    if (job->exact) {
        start_sums(job, task, job->sums + place, ld);
    } else {
        for (int64_t row = task->first_row; row < task->first_row + task->rows; row++)
            memset(job->gradient + place + row * ld, 0, (size_t)task->columns * sizeof *job->gradient);
    }
    for (int64_t p = 0; p < job->parts; p++) {
        picks from = picks_of(job, task, &job->part[p]);
        if (job->exact)
            add_exact(job, task, &from, job->sums + place, ld);
        else
            add_float(task, &from, job->gradient + place, ld);
    }
}
