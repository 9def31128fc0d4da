#include "train/update.h"

#include <math.h>

const float *ls_update_gradient(const ls_update_job *job, const ls_piece *piece, float *to)
{
    const ls_step *step = job->step;
    if (step->sums == NULL) return step->gradient + piece->first;
    const ls_parameter *parameter = &step->model->parameter[piece->parameter];
    int64_t columns = (parameter->columns + LS_LANES - 1) / LS_LANES * LS_LANES;
    step->kernels->exact_finish(step->scale[piece->parameter], job->terms, job->factor, piece->rows, columns,
                                step->sums + piece->first, parameter->ld, to, parameter->ld);
    for (int64_t row = 0; row < piece->rows; row++) {
        for (int64_t c = columns; c < parameter->ld; c++) to[row * parameter->ld + c] = 0;
    }
    return to;
}

/* Sums of floats still lack the factor, which the exact ones got when they were rounded. */
static double pending_factor(const ls_update_job *job)
{
    return job->step->recipe->training.reduce == 0 ? 1.0 : job->factor;
}

double ls_update_norm_part(const ls_update_job *job, const ls_piece *piece, const float *gradient)
{
    double sum = 0, factor = pending_factor(job);
    for (int64_t i = 0; i < piece->count; i++) {
        double g = (double)gradient[i] * factor;
        sum += g * g;
    }
    return sum;
}

void ls_update_piece(const ls_update_job *job, const ls_piece *piece, const float *gradient, double scale)
{
    const ls_step *step = job->step;
    const ls_component *optimizer = &step->recipe->optimizer;
    ls_update update = {
        .kernels = step->kernels,
        .count = piece->count,
        .w = step->parameters + piece->first,
        .gradient = gradient,
        .learning_rate = job->learning_rate,
        .gradient_scale = scale * pending_factor(job),
        .decay = step->model->parameter[piece->parameter].decay,
        .step = step->steps - step->skipped + 1,
    };
    for (int s = 0; s < step->state_count; s++) update.state[s] = step->state[s] + piece->first;
    ((const ls_optimizer_type *)optimizer->type)->update(optimizer->options, &update);
}
