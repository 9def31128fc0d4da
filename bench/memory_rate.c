/* The rate at which threads move memory, each its own: weights, velocity and gradient of an SGD update with
   momentum (three numbers read and two written for each parameter), in GB/s, where these lie in the
   last-level cache and where they do not fit there.

   make -C build bench/memory_rate && build/bench/memory_rate [THREADS] */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/memory.h"
#include "math/kernels.h"

enum { IN_CACHE = 1 << 18, IN_MEMORY = 1 << 24, REPETITIONS = 15, BYTES = 20 };

typedef struct arrays {
    float *w, *gradient, *velocity;
} arrays;

static bool get(arrays *a)
{
    a->w = ls_alloc(IN_MEMORY, sizeof(float));
    a->gradient = ls_alloc(IN_MEMORY, sizeof(float));
    a->velocity = ls_alloc(IN_MEMORY, sizeof(float));
    return a->w && a->gradient && a->velocity;
}

static void update(const arrays *a, int64_t count)
{
    const ls_sgd_step step = {.rule = {.learning_rate = 0.001F, .gradient_scale = 1}, .momentum = 0.9F};
    ls_kernels_get()->sgd(&step, count, a->w, a->gradient, a->velocity);
}

/* The least time that all threads take for one update each, again and again. */
static double measure(int threads, const arrays *all, int64_t count)
{
    double least = 1e9;
#pragma omp parallel num_threads(threads)
    for (int r = 0; r < REPETITIONS; r++) {
        const arrays *own = &all[omp_get_thread_num()];
        int64_t times = IN_MEMORY / count;
#pragma omp barrier
        double begin = omp_get_wtime();
        for (int64_t t = 0; t < times; t++) update(own, count);
#pragma omp barrier
        double seconds = (omp_get_wtime() - begin) / (double)times;
#pragma omp single
        if (r > 0 && seconds < least) least = seconds;
    }
    return least;
}

int main(int count, char **words)
{
    int threads = count > 1 ? atoi(words[1]) : omp_get_max_threads();
    if (threads < 1 || threads > 256 || count > 2) {
        fputs("Usage: memory_rate [THREADS]\n", stderr);
        return 2;
    }
    arrays *all = calloc((size_t)threads, sizeof *all);
    bool complete = all != NULL;
    for (int t = 0; complete && t < threads; t++) complete = get(&all[t]);
    if (!complete) {
        fputs("memory_rate: out of memory\n", stderr);
        return 1;
    }
    const int64_t size[] = {IN_CACHE, IN_MEMORY};
    for (int i = 0; i < 2; i++) {
        double rate = BYTES * (double)size[i] * threads / measure(threads, all, size[i]) * 1e-9;
        printf("%-10s %8.1f GB/s, %d thread%s\n", i == 0 ? "cache" : "memory", rate, threads,
               threads == 1 ? "" : "s");
    }
    for (int t = 0; t < threads; t++) {
        ls_free(all[t].w);
        ls_free(all[t].gradient);
        ls_free(all[t].velocity);
    }
    free(all);
    return 0;
}
