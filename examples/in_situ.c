/* A program that trains while it computes. Every rank of a simulation (here: points on a wave) makes a
 * different number of samples in each round, one makes none; Lockstep learns from all of them through a
 * communicator of the program's own.
 *
 *   cc in_situ.c $(pkg-config --cflags --libs lockstep) -lm -o in_situ
 *   mpirun -n 3 ./in_situ [THREADS [DIRECTORY]]     or without mpirun
 *
 * Prints the loss, a few predictions and a hash of all predictions, which is the same for every number of
 * threads. */
#include <lockstep/lockstep.h>
#include <lockstep/mpi.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 400, ROWS_MAX = 40, PROBES = 5 };

static const char recipe_text[] = "seed: 7\n"
                                  "data: {type: push, inputs: 2, outputs: 1}\n"
                                  "model:\n"
                                  "  - {type: dense, units: 32, activation: tanh}\n"
                                  "  - {type: dense, units: 32, activation: tanh}\n"
                                  "  - {type: dense, units: 1}\n"
                                  "loss: mse\n"
                                  "optimizer: {type: sgd, lr: 0.05, momentum: 0.9}\n"
                                  "training: {batch: 64, clip_norm: 1.0}\n";

static void require(ls_status status, const char *what)
{
    if (status == LS_OK) return;
    fprintf(stderr, "in_situ: %s: %s: %s\n", what, ls_status_name(status), ls_error_message());
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static float wave(float x, float t)
{
    return sinf(3 * x) * cosf(2 * t);
}

/* The samples of one round: rank r has (r * 7 + round) % 13 of them, rank 1 none. A small generator of the
 * program's own. */
static int64_t simulate(int rank, int round, float *inputs, float *targets)
{
    int64_t rows = rank == 1 ? 0 : (rank * 7 + round) % 13 + 20;
    uint32_t state = (uint32_t)(round * 7919 + rank * 104729 + 1);
    for (int64_t row = 0; row < rows; row++) {
        for (int i = 0; i < 2; i++) {
            state = state * 1664525u + 1013904223u;
            inputs[2 * row + i] = (float)(state >> 8) / 16777216.0f * 2 - 1;
        }
        targets[row] = wave(inputs[2 * row], inputs[2 * row + 1]);
    }
    return rows;
}

static void report(ls_trainer *trainer, int rank, double loss)
{
    const float probe[2 * PROBES] = {0, 0, 0.5f, 0, -0.5f, 0.25f, 0.9f, -0.9f, 0.1f, 0.7f};
    float answer[PROBES];
    require(ls_trainer_predict(trainer, PROBES, probe, answer), "predict");
    if (rank != 0) return;
    uint64_t hash = 14695981039346656037u;
    for (int p = 0; p < PROBES; p++) {
        uint32_t bits;
        memcpy(&bits, &answer[p], sizeof bits);
        hash = (hash ^ bits) * 1099511628211u;
        printf("wave(%5.2f, %5.2f) = %6.3f, learnt %6.3f\n", (double)probe[2 * p], (double)probe[2 * p + 1],
               (double)wave(probe[2 * p], probe[2 * p + 1]), (double)answer[p]);
    }
    printf("steps %lld, loss %.6f, predictions %016llx\n", (long long)ls_trainer_steps(trainer), loss,
           (unsigned long long)hash);
}

static void train(ls_context *context, const ls_recipe *recipe, const char *directory)
{
    float inputs[2 * ROWS_MAX], targets[ROWS_MAX];
    double loss = 0;
    ls_trainer *trainer;
    int rank = ls_context_rank(context);
    require(ls_trainer_create(context, recipe, &trainer), "trainer");
    for (int round = 0; round < ROUNDS; round++) {
        int64_t rows = simulate(rank, round, inputs, targets);
        require(ls_trainer_step(trainer, rows, inputs, targets, NULL, &loss), "step");
    }
    report(trainer, rank, loss);
    if (directory != NULL) {
        char path[4096];
        snprintf(path, sizeof path, "%s/wave-checkpoint.safetensors", directory);
        require(ls_trainer_save_checkpoint(trainer, path), "checkpoint");
        require(ls_trainer_load_checkpoint(trainer, path), "reading the checkpoint");
        snprintf(path, sizeof path, "%s/wave.safetensors", directory);
        require(ls_trainer_save_model(trainer, path), "model");
    }
    ls_trainer_free(trainer);
}

int main(int count, char **arguments)
{
    int provided, rank, threads = count > 1 ? atoi(arguments[1]) : 1;
    MPI_Comm mine;
    ls_context *context;
    ls_recipe *recipe;
    MPI_Init_thread(&count, &arguments, MPI_THREAD_FUNNELED, &provided);
    /* A communicator of its own, in the opposite order of ranks. */
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, 0, -rank, &mine);
    require(ls_context_create_mpi(mine, threads, &context), "context");
    MPI_Comm_free(&mine);
    require(ls_recipe_parse(recipe_text, "in_situ", NULL, NULL, 0, &recipe), "recipe");
    train(context, recipe, count > 2 ? arguments[2] : NULL);
    ls_recipe_free(recipe);
    ls_context_free(context);
    MPI_Finalize();
    return 0;
}
