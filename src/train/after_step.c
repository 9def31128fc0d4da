/* What layers keep up themselves: running statistics, from means over the batch. */
#include "train/host.h"
#include "train/update.h"

enum { PARAMETERS_MAX = 8 };

/* The mean in the place of the parameter's gradient. With float sums, or one rank, it is there already, but
 * for the factor. */
const float *ls_update_mean(const ls_update_job *job, int index)
{
    const ls_step *step = job->step;
    const ls_parameter *parameter = &step->model->parameter[index];
    float *mean = step->gradient + parameter->offset;
    double factor = 1.0 / (double)job->rows;
    if (step->sums != NULL) {
        step->kernels->exact_finish(step->scale[index], job->terms, factor, 1, parameter->columns,
                                    step->sums + parameter->offset, parameter->ld, mean, parameter->ld);
    } else if (step->recipe->training.reduce != 0) {
        for (int64_t i = 0; i < parameter->columns; i++) mean[i] = (float)((double)mean[i] * factor);
    }
    return mean;
}

bool ls_update_is_mean(const ls_step *step, int parameter)
{
    return step->model->parameter[parameter].untrained && step->plan.kind[parameter] == LS_GRADIENT_SAMPLES;
}

static const float *mean_of(const ls_update_job *job, int parameter)
{
    if (job->total != NULL) return job->total + job->step->model->parameter[parameter].offset;
    return ls_update_mean(job, parameter);
}

void ls_update_node(const ls_update_job *job, int index)
{
    const ls_step *step = job->step;
    const ls_node *node = &step->model->node[index];
    if (node->type->after_step == NULL || !ls_host_has_node(step, index)) return;
    float *parameter[PARAMETERS_MAX];
    const float *mean[PARAMETERS_MAX];
    for (int p = 0; p < node->parameter_count; p++) {
        const ls_parameter *view = &step->model->parameter[node->first_parameter + p];
        parameter[p] = step->parameters + view->offset;
        bool is_mean = ls_update_is_mean(step, node->first_parameter + p);
        mean[p] = is_mean ? mean_of(job, node->first_parameter + p) : NULL;
    }
    node->type->after_step(
        &(ls_layer_update){.node = node, .parameter = parameter, .mean = mean, .rows = job->rows});
}
