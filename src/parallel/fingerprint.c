/* The fingerprint: the version of the numerics and a hash of what the kernels in use give on a small example.
   It is the same on all processors where additions, multiplications, fused multiply-adds, square roots,
   conversions and subnormal numbers are as IEEE 754 says, since everything else follows from them. */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/hash.h"
#include "math/kernels.h"
#include "parallel/context.h"
#include "parallel/team.h"

enum { UNITS = 5, TERMS = 7, COUNT = UNITS * LS_LANES };

typedef struct example {
    _Alignas(64) float x[COUNT];
    _Alignas(64) float y[COUNT];
    _Alignas(64) float z[COUNT];
    _Alignas(64) float terms[TERMS * LS_LANES];
    _Alignas(64) uint64_t sum[COUNT];
    _Alignas(64) float weight[LS_LANES];
    _Alignas(64) float loss[LS_LANES];
    _Alignas(64) int32_t label[LS_LANES];
    uint64_t hash;
} example;

/* Numbers between -2 and 2 with full mantissas, the same everywhere: only integers and exact steps. */
static void fill(float *x, int count, uint32_t seed)
{
    for (int i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)((int32_t)(seed >> 8) - (1 << 23)) * 0x1p-22f;
    }
}

static void note(example *e, const void *bytes, size_t size)
{
    e->hash = ls_hash(bytes, size, e->hash);
}

/* What the compiler and the library of mathematics make of single operations; volatile, so that it is done
   here and not by the compiler. */
static void check_operations(example *e)
{
    volatile float third = 1.0f / 3.0f, tiny = 0x1p-140f;
    volatile double tenth = 0.1, large = 0x1p53;
    const float single[] = {fmaf(third, third, -third / 3.0f),
                            sqrtf(third),
                            third / 7.0f,
                            tiny * 0.75f,
                            third * tiny,
                            (float)(tenth * tenth),
                            rintf(third * 7.5f)};
    const double twice[] = {fma(tenth, tenth, -tenth * tenth),
                            sqrt(tenth),
                            tenth / 7.0,
                            large + 1.0,
                            large + 3.0,
                            rint(tenth * 25.0),
                            (double)third * tenth};
    note(e, single, sizeof single);
    note(e, twice, sizeof twice);
}

static void check_products(example *e, const ls_kernels *kernels)
{
    ls_gemm gemm = {.M = UNITS,
                    .N = LS_LANES,
                    .K = TERMS,
                    .A = e->x,
                    .row_stride = TERMS,
                    .column_stride = 1,
                    .B = e->terms,
                    .ldb = LS_LANES,
                    .C = e->y,
                    .ldc = LS_LANES,
                    .bias = e->weight};
    kernels->gemm(&gemm);
    note(e, e->y, sizeof e->y);
    gemm.accumulate = true;
    kernels->gemm(&gemm);
    note(e, e->y, sizeof e->y);
}

static void check_functions(example *e, const ls_kernels *kernels)
{
    for (int which = 0; which < LS_ACTIVATION_COUNT; which++) {
        const float *saved = ls_activation_from_output((ls_activation)which) ? e->y : e->x;
        kernels->activation_forward((ls_activation)which, 0.01f, e->x, e->y, COUNT);
        kernels->activation_backward((ls_activation)which, 0.01f, saved, e->x, e->z, COUNT);
        note(e, e->y, sizeof e->y);
        note(e, e->z, sizeof e->z);
    }
    kernels->softmax_entropy(UNITS, LS_LANES, e->x, e->label, e->weight, e->z, e->loss);
    note(e, e->z, sizeof e->z);
    note(e, e->loss, sizeof e->loss);
}

static void check_sums(example *e, const ls_kernels *kernels)
{
    const ls_sgd_step step = {.rule = {.learning_rate = 0.1f, .weight_decay = 1e-4f, .gradient_scale = 0.7f},
                              .momentum = 0.9f,
                              .nesterov = true};
    ls_exact_scale scale = ls_exact_scale_for(4.0 * COUNT);
    kernels->exact_store(scale, UNITS, LS_LANES, e->x, LS_LANES, e->sum, LS_LANES);
    kernels->exact_add(scale, UNITS, LS_LANES, e->z, LS_LANES, e->sum, LS_LANES);
    kernels->exact_finish(scale, 2, 1.0 / 3.0, UNITS, LS_LANES, e->sum, LS_LANES, e->y, LS_LANES);
    note(e, e->sum, sizeof e->sum);
    note(e, e->y, sizeof e->y);
    kernels->sgd(&step, COUNT, e->x, e->y, e->z);
    note(e, e->x, sizeof e->x);
    note(e, e->z, sizeof e->z);
}

static uint64_t check_all(const ls_kernels *kernels)
{
    static const float weight = 0.25f;
    example e;
    memset(&e, 0, sizeof e);
    fill(e.x, COUNT, 1);
    fill(e.terms, TERMS * LS_LANES, 2);
    for (int lane = 0; lane < LS_LANES; lane++) {
        e.weight[lane] = weight * (float)(lane + 1);
        e.label[lane] = lane % UNITS;
    }
    uint32_t saved = ls_float_state_enter();
    check_operations(&e);
    check_products(&e, kernels);
    check_functions(&e, kernels);
    check_sums(&e, kernels);
    ls_float_state_leave(saved);
    return e.hash;
}

static char text[128];

static void write_text(void)
{
    snprintf(text, sizeof text,
             "lockstep numerics %d, IEEE 754 binary32 with fused multiply-add, check %016llx",
             LS_NUMERICS_VERSION, (unsigned long long)check_all(ls_kernels_get()));
}

const char *ls_fingerprint(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_text);
    return text;
}
