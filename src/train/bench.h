/* A workload of "lockstep bench": its model, random data of its shape, and steps on them. */
#ifndef LS_TRAIN_BENCH_H
#define LS_TRAIN_BENCH_H

#include "train/bench_workloads.h"
#include "train/trainer.h"

typedef struct ls_bench {
    const ls_workload *work;
    ls_recipe *recipe;
    ls_dataset data;
    ls_model model;
    ls_step step;
} ls_bench;

/* reduce_float: plain float sums. Nothing is left to free on errors. Collective. */
ls_status ls_bench_open(ls_bench *bench, ls_context *context, const ls_workload *work, bool reduce_float);
void ls_bench_close(ls_bench *bench);

/* Optimiser steps on whole batches. Collective. */
ls_status ls_bench_steps(ls_bench *bench, int64_t count);

#endif
