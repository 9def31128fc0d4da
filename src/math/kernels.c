/* The choice of the table of kernels. */
#include "math/kernels.h"
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

extern const ls_kernels ls_kernels_generic;
#if defined(__x86_64__)
extern const ls_kernels ls_kernels_avx2, ls_kernels_avx512;
#endif

static bool runs_always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool runs_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool runs_avx512(void)
{
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#endif

/* From the smallest to the largest set; each runs wherever one behind it runs. */
static const struct variant {
    const ls_kernels *kernels;
    bool (*runs)(void);
} variants[] = {
    {&ls_kernels_generic, runs_always},
#if defined(__x86_64__)
    {&ls_kernels_avx2, runs_avx2},
    {&ls_kernels_avx512, runs_avx512},
#endif
};

enum { VARIANTS = sizeof variants / sizeof *variants };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const ls_kernels *chosen;

/* The index of a name, or VARIANTS. */
static int variant_named(const char *name)
{
    int index = 0;
    while (index < VARIANTS && strcmp(variants[index].kernels->name, name) != 0) index++;
    return index;
}

static void choose(void)
{
    const char *cap = getenv("LOCKSTEP_ISA");
    int last = VARIANTS - 1;
    if (cap && *cap) {
        int index = variant_named(cap);
        if (index < VARIANTS)
            last = index;
        else
            ls_log(LS_LOG_WARNING, "LOCKSTEP_ISA=%s is ignored: generic, avx2 or avx512 was expected", cap);
    }
    while (!variants[last].runs()) last--;
    chosen = variants[last].kernels;
}

const ls_kernels *ls_kernels_get(void)
{
    pthread_once(&once, choose);
    return chosen;
}

const ls_kernels *ls_kernels_named(const char *name)
{
    int index = variant_named(name);
    return index < VARIANTS && variants[index].runs() ? variants[index].kernels : NULL;
}

bool ls_activation_from_output(ls_activation which)
{
    static const bool from_output[LS_ACTIVATION_COUNT] = {
        [LS_ACTIVATION_IDENTITY] = true, [LS_ACTIVATION_SIGMOID] = true,     [LS_ACTIVATION_TANH] = true,
        [LS_ACTIVATION_RELU] = true,     [LS_ACTIVATION_ELU] = true,         [LS_ACTIVATION_SELU] = true,
        [LS_ACTIVATION_SOFTPLUS] = true, [LS_ACTIVATION_HARD_SIGMOID] = true};
    return from_output[which];
}
