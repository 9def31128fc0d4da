/* XOR with FANN's batch training, the same network and batch as xor-b4-sgd: prints name and microseconds an epoch of one step
 * (minimum, median). Compile: cc -O2 bench/fann_peer.c -o fann_peer -lfann -lm */
#include <fann.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPETITIONS = 7, STEPS = 200000 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void row(unsigned int number, unsigned int inputs, unsigned int outputs, fann_type *input, fann_type *output)
{
    (void)inputs, (void)outputs;
    input[0] = (fann_type)(number & 1);
    input[1] = (fann_type)(number >> 1);
    output[0] = (fann_type)((number & 1) != number >> 1);
}

int main(void)
{
    struct fann *network = fann_create_standard(3, 2, 3, 1);
    struct fann_train_data *data = fann_create_train_from_callback(4, 2, 1, row);
    double times[REPETITIONS];
    fann_set_activation_function_hidden(network, FANN_SIGMOID);
    fann_set_activation_function_output(network, FANN_SIGMOID);
    fann_set_training_algorithm(network, FANN_TRAIN_BATCH);
    for (int r = 0; r < REPETITIONS; r++) {
        double begin = seconds();
        for (int s = 0; s < STEPS; s++) fann_train_epoch(network, data);
        times[r] = (seconds() - begin) / STEPS * 1e6;
    }
    qsort(times, REPETITIONS, sizeof *times, ascending);
    printf("xor-b4-sgd %.3f %.3f\n", times[0], times[REPETITIONS / 2]);
    fann_destroy_train(data);
    fann_destroy(network);
    return 0;
}
