/* Whole optimiser steps on random data of the shape of well-known workloads. */
#include <lockstep/tools.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "math/sgemm_reference.h"
#include "parallel/agree.h"
#include "train/bench.h"

enum { REPETITIONS = 7, SEED = 1 };
static const double SECONDS_A_REPETITION = 0.15;

int ls_bench_count(void)
{
    return ls_workload_count;
}

const char *ls_bench_name(int index)
{
    return index >= 0 && index < ls_workload_count ? ls_workloads[index].name : "";
}

const char *ls_bench_describe(int index)
{
    return index >= 0 && index < ls_workload_count ? ls_workloads[index].describe : "";
}

static ls_status make_recipe(ls_bench *b, bool reduce_float)
{
    const ls_workload *work = b->work;
    char *text =
        ls_format("data: {type: push, inputs: %d, classes: %d}\nmodel:\n%sloss: %s\noptimizer: %s\n"
                  "training: {batch: %d, reduce: %s}\n",
                  (int)ls_shape_size(&work->input), work->classes == 1 ? 2 : work->classes, work->model,
                  work->loss, work->optimizer, work->batch, reduce_float ? "float32" : "exact");
    if (text == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_recipe_parse(text, work->name, NULL, NULL, 0, &b->recipe);
    ls_free(text);
    return status;
}

static ls_status make_data(ls_bench *b)
{
    const ls_workload *work = b->work;
    ls_dataset *data = &b->data;
    *data = (ls_dataset){.rows = work->batch,
                         .inputs = ls_shape_size(&work->input),
                         .rank = work->input.rank,
                         .classes = work->classes == 1 ? 2 : work->classes};
    memcpy(data->shape, work->input.dim, sizeof data->shape);
    data->floats = ls_alloc((size_t)(data->rows * data->inputs), sizeof(float));
    data->labels = ls_alloc((size_t)data->rows, sizeof(int32_t));
    if (data->floats == NULL || data->labels == NULL) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < data->rows * data->inputs; i++) {
        data->floats[i] = (float)ls_random_normal(SEED, LS_RANDOM_BENCH, 0, (uint64_t)i);
    }
    uint64_t classes = work->classes == 1 ? 2 : (uint64_t)work->classes;
    for (int64_t row = 0; row < data->rows; row++) {
        data->labels[row] = (int32_t)ls_random_below(SEED, LS_RANDOM_BENCH, 1, (uint64_t)row, classes);
    }
    return LS_OK;
}

static ls_status set_up(ls_bench *b, ls_context *context, bool reduce_float)
{
    LS_TRY(make_recipe(b, reduce_float));
    LS_TRY(make_data(b));
    LS_TRY(ls_model_build(&b->recipe->model, &b->work->input, b->work->name, &b->model));
    return ls_step_create(context->comm, context->threads, &b->model, b->recipe, b->work->batch, &b->step);
}

ls_status ls_bench_open(ls_bench *b, ls_context *context, const ls_workload *work, bool reduce_float)
{
    *b = (ls_bench){.work = work};
    ls_status status = ls_agree(context->comm, set_up(b, context, reduce_float));
    if (status == LS_OK) status = ls_step_connect(&b->step);
    if (status != LS_OK) ls_bench_close(b);
    return status;
}

void ls_bench_close(ls_bench *b)
{
    ls_step_free(&b->step);
    ls_model_free(&b->model);
    ls_dataset_free(&b->data);
    ls_recipe_free(b->recipe);
}

ls_status ls_bench_steps(ls_bench *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        ls_step_call call = {.rows = {.data = &b->data, .count = b->data.rows}, .learning_rate = 0.001};
        LS_TRY(ls_step_run(&b->step, &call));
    }
    return LS_OK;
}

/* Steps that take about a repetition's time, the same number on all ranks. */
static ls_status choose_count(ls_bench *b, int64_t *count)
{
    double seconds = 0;
    for (*count = 1;; *count *= 2) {
        double begin = ls_comm_time();
        LS_TRY(ls_bench_steps(b, *count));
        seconds = ls_comm_time() - begin;
        uint64_t long_enough = seconds > SECONDS_A_REPETITION;
        LS_TRY(ls_comm_reduce(b->step.comm, LS_MAX_UINT64, &long_enough, 1));
        if (long_enough) return LS_OK;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What layers with weights read again for their gradients, the rows, and all that there is of every weight.
 */
static double least_bytes(const ls_bench *b)
{
    const ls_model *model = &b->model;
    double units = (double)ls_shape_size(&b->work->input);
    for (int n = 0; n < model->node_count; n++) {
        const ls_node *node = &model->node[n];
        if (node->parameter_count > 0)
            units += 2.0 * (double)(ls_shape_size(&node->in[0]) + ls_shape_size(&node->out));
    }
    const int ranks = ls_comm_size(b->step.comm), copies = b->step.host == NULL ? ranks : 1;
    const double passes = 2 * ranks, gradient = 2 * copies, update = 2 * copies * (1 + b->step.state_count);
    return sizeof(float) *
           (units * b->work->batch + (passes + gradient + update) * (double)model->parameter_elements);
}

const char *ls_phase_name(ls_phase phase)
{
    static const char *const name[LS_PHASE_COUNT] = {
        [LS_PHASE_GATHER] = "gather",       [LS_PHASE_UNITS] = "units",   [LS_PHASE_PASSES] = "passes",
        [LS_PHASE_GRADIENTS] = "gradients", [LS_PHASE_UPDATE] = "update", [LS_PHASE_EXCHANGE] = "exchange",
        [LS_PHASE_WAITING] = "waiting",     [LS_PHASE_REST] = "rest",
    };
    return phase >= 0 && phase < LS_PHASE_COUNT ? name[phase] : "";
}

static void begin_phases(ls_bench *b, ls_phase_clock *clock)
{
    *clock = (ls_phase_clock){.last = ls_comm_time()};
    b->step.clock = clock;
}

static ls_status measure(ls_bench *b, const ls_bench_request *request, ls_bench_result *result)
{
    int64_t count;
    ls_phase_clock clock = {0};
    double seconds[REPETITIONS];
    LS_TRY(choose_count(b, &count));
    if (request->phases) begin_phases(b, &clock);
    for (int r = 0; r < REPETITIONS; r++) {
        double begin = ls_comm_time();
        LS_TRY(ls_bench_steps(b, count));
        seconds[r] = (ls_comm_time() - begin) / (double)count;
    }
    qsort(seconds, REPETITIONS, sizeof *seconds, ascending);
    /* The first layer needs no derivative by its input. */
    const ls_node *first = &b->model.node[0];
    int64_t skipped = first->type->operations != NULL ? first->type->operations(first) : 0;
    double flops =
        2.0 * (3.0 * (double)ls_model_operations(&b->model) - (double)skipped) * (double)b->work->batch;
    *result = (ls_bench_result){
        .name = b->work->name,
        .us_per_step = seconds[0] * 1e6,
        .us_median = seconds[REPETITIONS / 2] * 1e6,
        .samples_per_s = b->work->batch / seconds[0],
        .gflops = flops / seconds[0] * 1e-9,
        .flops = flops,
        .bytes = least_bytes(b),
    };
    result->sgemm_share = request->sgemm_rate > 0 ? result->gflops / request->sgemm_rate : 0;
    for (int p = 0; p < LS_PHASE_COUNT; p++)
        result->us_phase[p] = clock.seconds[p] * 1e6 / (double)(REPETITIONS * count);
    return LS_OK;
}

/* custom and text: for one that is made up from its name. */
static const ls_workload *find(const char *name, ls_workload *custom, char text[LS_WORKLOAD_TEXT])
{
    for (int w = 0; w < ls_workload_count; w++) {
        if (strcmp(ls_workloads[w].name, name) == 0) return &ls_workloads[w];
    }
    return ls_workload_from_name(name, custom, text) ? custom : NULL;
}

bool ls_bench_knows(const char *name)
{
    char text[LS_WORKLOAD_TEXT];
    ls_workload custom;
    return find(name, &custom, text) != NULL;
}

ls_status ls_bench_run(ls_context *context, const ls_bench_request *request, ls_bench_result *result)
{
    char text[LS_WORKLOAD_TEXT];
    ls_workload custom;
    ls_bench b;
    const ls_workload *work = find(request->name, &custom, text);
    if (work == NULL)
        return ls_error(LS_ERROR_ARGUMENT, "there is no workload '%s'; lockstep bench --list names them",
                        request->name);
    LS_TRY(ls_bench_open(&b, context, work, request->reduce_float));
    ls_status status = measure(&b, request, result);
    ls_bench_close(&b);
    return status;
}

ls_status ls_bench_sgemm_rate(ls_context *context, double *gflops)
{
    double rate = 0;
    LS_TRY(ls_agree(context->comm, ls_sgemm_reference_rate(context->threads, &rate)));
    uint64_t megaflops = (uint64_t)(rate * 1e-6);
    LS_TRY(ls_comm_reduce(context->comm, LS_SUM_UINT64, &megaflops, 1));
    *gflops = (double)megaflops * 1e-3;
    return LS_OK;
}
