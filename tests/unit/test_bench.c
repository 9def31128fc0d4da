/* Every workload of "lockstep bench" is the network that its name promises, and can be trained. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/bench.h"

/* Trained parameters, worked out by hand or given where the networks were published. */
static const struct known {
    const char *name;
    int64_t parameters;
    int batch;
} known[] = {
    {"xor-b4-sgd", 2 * 3 + 3 + 3 + 1, 4},
    {"digits-b32-sgdm", 65 * 128 + 129 * 10, 32},
    {"mnist-mlp-b32-sgdm", 535818, 32},
    {"mnist-mlp-b128-sgdm", 535818, 128},
    {"mnist-mlp-b512-sgdm", 535818, 512},
    {"mnist-mlp-b128-adam", 535818, 128},
    {"wide-mlp-b512-sgdm", 1025 * 2048 + 2 * 2049 * 2048 + 2049 * 10, 512},
    {"lenet-b64-sgdm", 431080, 64},
    {"lenet-b128-sgdm", 431080, 128},
    {"resnet20-b128-sgdm", 272474, 128},
};
enum { KNOWN = sizeof known / sizeof *known };

static int64_t trained_elements(const ls_model *model)
{
    int64_t count = 0;
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        if (!parameter->untrained) count += parameter->rows * parameter->columns;
    }
    return count;
}

/* A step moves every parameter: the whole network takes part. */
static void expect_step(ls_bench *bench, int classes)
{
    const ls_model *model = &bench->model;
    const size_t bytes = (size_t)model->arena_size * sizeof(float);
    float *before = memcpy(malloc(bytes), bench->step.parameters, bytes);
    ls_score score;
    cr_assert_eq(ls_bench_steps(bench, 1), LS_OK, "%s: %s", bench->work->name, ls_error_message());
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        cr_expect(memcmp(before + parameter->offset, bench->step.parameters + parameter->offset,
                         (size_t)(parameter->rows * parameter->ld) * sizeof(float)) != 0,
                  "%s: %s stays as it was", bench->work->name, parameter->name);
    }
    cr_assert_eq(ls_step_score(&bench->step, &score), LS_OK);
    double loss = ls_score_loss(&score, bench->recipe, 1), guess = log(classes);
    cr_expect(loss > 0.5 * guess && loss < 3 * guess, "%s: the loss is %g, that of guessing %g",
              bench->work->name, loss, guess);
    free(before);
}

Test(bench, every_workload_is_what_its_name_says_and_trains)
{
    ls_context *context;
    cr_assert_eq(ls_context_create(2, &context), LS_OK);
    cr_assert_eq(ls_workload_count, KNOWN);
    for (int i = 0; i < KNOWN; i++) {
        const ls_workload *work = &ls_workloads[i];
        ls_bench bench;
        cr_expect_str_eq(work->name, known[i].name);
        cr_expect_eq(work->batch, known[i].batch, "%s", work->name);
        if (getenv("LOCKSTEP_SANITIZER") != NULL && known[i].parameters > 10000) continue; /* takes long */
        cr_assert_eq(ls_bench_open(&bench, context, work, false), LS_OK, "%s: %s", work->name,
                     ls_error_message());
        cr_expect_eq(trained_elements(&bench.model), known[i].parameters, "%s: %d parameters", work->name,
                     (int)trained_elements(&bench.model));
        cr_expect_eq(bench.data.rows, work->batch);
        expect_step(&bench, bench.data.classes);
        ls_bench_close(&bench);
    }
    ls_context_free(context);
}
