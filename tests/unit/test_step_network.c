/* Whole steps of networks that have convolutions of every kind, layers at which all panels meet, and a first
   layer whose units threads share: no bit depends on the threads, and no step gets memory. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/memory.h"
#include "support/run.h"
#include "support/training.h"

/* 359 rows in batches of 288, which are 18 panels: the last batch of an epoch is not full. */
#define DIGITS(LAYERS, TRAINING)                                                                             \
    "seed: 3\ndata: {type: csv, train: digits.csv.gz, shape: [1, 8, 8], test_fraction: 0.8}\n"               \
    "model:\n" LAYERS "  - {type: dense, units: 10}\n"                                                       \
    "loss: softmax_cross_entropy\noptimizer: {type: sgd, lr: 0.05, momentum: 0.9}\n"                         \
    "training: {batch: 288, grain: 16, " TRAINING "}\n"

/* Direct sums, then Winograd's algorithm for both sizes of windows. */
#define CONVOLUTIONS(STATISTICS)                                                                             \
    "  - {type: conv2d, filters: 8, kernel: 3, padding: same, activation: relu, algorithm: direct}\n"        \
    "  - {type: conv2d, filters: 17, kernel: 3, padding: same, bias: false, algorithm: winograd}\n"          \
    "  - {type: batch_norm, statistics: " STATISTICS "}\n  - relu\n"                                         \
    "  - {type: conv2d, filters: 18, kernel: 5, padding: same, algorithm: winograd}\n"                       \
    "  - {type: batch_norm, statistics: " STATISTICS "}\n"                                                   \
    "  - {type: max_pool, kernel: 2}\n  - {type: dropout, rate: 0.3}\n"                                      \
    "  - {type: dense, units: 40, activation: tanh}\n"
#define WIDE "  - {type: dense, units: 600, activation: relu}\n  - {type: dense, units: 20}\n"

enum { EPOCH = 2 }; /* steps */

static const struct network {
    const char *recipe;
    bool opens;
} networks[] = {
    {DIGITS(CONVOLUTIONS("batch"), "clip_norm: 1"), false},
    {DIGITS(CONVOLUTIONS("grain"), "accumulate: 3"), false},
    {DIGITS(WIDE, "clip_norm: 1"), true},
    {DIGITS(WIDE "  - batch_norm\n", "accumulate: 3"), true},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static training *begin(int threads, const struct network *network)
{
    training *t = training_begin(threads, network->recipe);
    cr_assert_eq(t->trainer.train.rows, 359, "%d rows", (int)t->trainer.train.rows);
    cr_assert_eq(t->trainer.step.plan.threads, threads);
    cr_assert_eq(t->trainer.step.plan.opens, network->opens && threads > 1);
    return t;
}

/* Valgrind runs one thread at a time, so that others wait long; it sees the layers in tests of their own. */
static void wake_all_threads(void)
{
    if (ls_test_in_valgrind()) cr_skip_test("takes long under valgrind");
    cr_assert_eq(setenv("LOCKSTEP_ALL_THREADS", "1", 1), 0);
}

TestSuite(step_network, .init = wake_all_threads);

Test(step_network, threads_do_not_change_bits)
{
    const int threads[] = {2, 3, 16};
    for (int n = 0; n < NETWORKS; n++) {
        training *one = begin(1, &networks[n]);
        training_steps(one, EPOCH + 1);
        for (int i = 0; i < 3; i++) {
            training *many = begin(threads[i], &networks[n]);
            training_steps(many, EPOCH + 1);
            cr_expect(training_same(one, many), "network %d, %d threads", n, threads[i]);
            training_end(many);
        }
        training_end(one);
    }
}

Test(step_network, no_memory_is_allocated_within_a_step)
{
    for (int n = 0; n < NETWORKS; n++) {
        training *t = begin(2, &networks[n]);
        training_steps(t, 1);
        uint64_t before = ls_alloc_count();
        training_steps(t, EPOCH + 2);
        cr_expect_eq(ls_alloc_count(), before, "network %d", n);
        training_end(t);
    }
}
