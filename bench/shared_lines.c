/* What it costs that two cores use the same lines of memory, in microseconds a megabyte: the ways in which
   new weights of one thread come to be read by another. Cores with a last-level cache in common and cores
   without one differ by a factor, and virtual machines change from one to the other.

   make -C build bench/shared_lines && build/bench/shared_lines */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/memory.h"
#include "math/kernels.h"

enum { FLOATS = 1 << 18, REPETITIONS = 200 };

static const ls_kernels *kernels;
static float *theirs, *copy, sink;

/* One number of each line. */
static void read_all(const float *array)
{
    float sum[4] = {0};
    for (int64_t i = 0; i < FLOATS; i += 4 * LS_LANES)
        for (int64_t line = 0; line < 4; line++) sum[line] += array[i + line * LS_LANES];
    for (int64_t line = 0; line < 4; line++) sink += sum[line];
}

static void write_all(float *array)
{
    for (int64_t i = 0; i < FLOATS; i++) array[i] = array[i] * 0.5F + 1;
}

static void stream_all(float *array)
{
    enum { TOGETHER = 4096 };
    float made[TOGETHER] __attribute__((aligned(64)));
    for (int64_t i = 0; i < FLOATS; i += TOGETHER) {
        for (int64_t j = 0; j < TOGETHER; j++) made[j] = array[i + j] * 0.5F + 1;
        kernels->stream(made, array + i, TOGETHER);
    }
}

typedef enum use { READ, COPY, TAKE } use; /* TAKE: a copy that gives the lines up */

typedef struct pattern {
    const char *name;
    bool stream, shared;
    use use;
} pattern;

static void use_all(use how)
{
    if (how == READ)
        read_all(theirs);
    else
        kernels->take(theirs, copy, FLOATS, how == TAKE);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times)
{
    qsort(times, REPETITIONS, sizeof *times, compare);
    return times[REPETITIONS / 2];
}

/* Thread 0 writes, then thread 1 (or, not shared, thread 0 as well) reads; the median of each, as the least
   may come from two threads on one core. */
static void measure(const pattern *p)
{
    double write[REPETITIONS], read[REPETITIONS];
#pragma omp parallel num_threads(2)
    for (int r = 0; r < REPETITIONS; r++) {
        double begin;
#pragma omp barrier
        if (omp_get_thread_num() == 0) {
            begin = omp_get_wtime();
            if (p->stream)
                stream_all(theirs);
            else
                write_all(theirs);
            write[r] = omp_get_wtime() - begin;
        }
#pragma omp barrier
        if (omp_get_thread_num() == (p->shared ? 1 : 0)) {
            begin = omp_get_wtime();
            use_all(p->use);
            read[r] = omp_get_wtime() - begin;
        }
    }
    double megabytes = FLOATS * sizeof(float) / 1e6;
    printf("%-52s %8.1f %8.1f\n", p->name, median(write) * 1e6 / megabytes, median(read) * 1e6 / megabytes);
}

int main(void)
{
    static const pattern patterns[] = {
        {"one core writes and reads", false, false, READ},
        {"one core writes past its caches and reads", true, false, READ},
        {"one writes, the other reads", false, true, READ},
        {"one writes past its caches, the other reads", true, true, READ},
        {"one writes, the other copies", false, true, COPY},
        {"one writes, the other copies and gives up", false, true, TAKE},
    };
    kernels = ls_kernels_get();
    theirs = ls_alloc(FLOATS, sizeof *theirs);
    copy = ls_alloc(FLOATS, sizeof *copy);
    if (theirs == NULL || copy == NULL) return 1;
    int threads = 1;
#pragma omp parallel num_threads(2)
#pragma omp single
    threads = omp_get_num_threads();
    if (threads < 2) {
        fputs("shared_lines: two threads are needed\n", stderr);
        return 1;
    }
    printf("%-52s %8s %8s   us a MB\n", "", "write", "read");
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) measure(&patterns[i]);
    ls_free(theirs);
    ls_free(copy);
    return sink == 1 ? 1 : 0;
}
