/* What the sub-commands inspect, bench and doctor are made of. Text comes line by line, without newlines. */
#ifndef LOCKSTEP_TOOLS_H
#define LOCKSTEP_TOOLS_H

#include <lockstep/context.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*ls_line_function)(void *user, const char *line);

/* Describes a recipe (layers, shapes, parameters, operations, memory), a model or a checkpoint (metadata,
 * tensors, norms). Local. */
LS_API ls_status ls_inspect(const char *path, ls_line_function line, void *user);

/* Describes where the context runs and warns of bad bindings. Collective; lines come on rank 0. */
LS_API ls_status ls_doctor(ls_context *context, ls_line_function line, void *user);

/* The phases of a step. */
typedef enum ls_phase {
    LS_PHASE_GATHER,    /* rows of the batch, into panels */
    LS_PHASE_UNITS,     /* a large first layer whose units the threads share */
    LS_PHASE_PASSES,    /* forward, loss and backward of panels */
    LS_PHASE_GRADIENTS, /* of parameters, exact sums included */
    LS_PHASE_UPDATE,
    LS_PHASE_EXCHANGE, /* with other ranks, and what thread 0 does alone */
    LS_PHASE_WAITING,  /* for the other threads and, where ranks share memory, for these */
    LS_PHASE_REST,     /* what lies between steps */
    LS_PHASE_COUNT
} ls_phase;

LS_API const char *ls_phase_name(ls_phase phase);

typedef struct ls_bench_request {
    const char *name;
    bool reduce_float; /* plain float sums instead of exact ones, for comparison */
    bool phases;       /* reads the clock within steps, which takes some 0.03 microseconds a phase */
    double sgemm_rate; /* of ls_bench_sgemm_rate */
} ls_bench_request;

typedef struct ls_bench_result {
    const char *name;   /* that of the list, or the caller's */
    double us_per_step; /* best of several repetitions */
    double us_median;
    double samples_per_s, gflops;
    double sgemm_share; /* gflops / measured matrix-product rate of the same threads and ranks, 0 to 1 */
    double flops;       /* of a step, of all ranks */
    /* That a step moves at least, of all ranks, if only panels stay in caches: weights, gradients, optimiser
       state, inputs and derivatives of layers with weights. */
    double bytes;
    /* Of a step on thread 0 of this rank, mean of all repetitions; 0 unless asked for. */
    double us_phase[LS_PHASE_COUNT];
} ls_bench_result;

LS_API int ls_bench_count(void);
LS_API const char *ls_bench_name(int index);
LS_API const char *ls_bench_describe(int index);
/* Whether there is a workload of this name: those of the list, and dense networks of any size whose layers
 * and batch stand in their name ("dense-784-512-256-10-b128": 784 inputs, batches of 128). */
LS_API bool ls_bench_knows(const char *name);
/* Collective. Errors: LS_ERROR_ARGUMENT for an unknown name. */
LS_API ls_status ls_bench_run(ls_context *context, const ls_bench_request *request, ls_bench_result *result);
/* The machine's float32 matrix-product rate with the context's threads (oneDNN), summed over ranks, in
 * GFLOP/s. Collective. */
LS_API ls_status ls_bench_sgemm_rate(ls_context *context, double *gflops);

#ifdef __cplusplus
}
#endif
#endif
