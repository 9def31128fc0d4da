/* Copies of what other cores use too (kernels.h). */
#include <stdatomic.h>
#include <string.h>
#include "math/vector/isa.h"
#if LS_LEVEL == 2
#include <cpuid.h>
#endif

#if LS_LEVEL == 0

void LS_VARIANT(ls_stream)(const float *from, float *to, int64_t count)
{
    memcpy(to, from, (size_t)count * sizeof *to);
}

#else

#include "math/vector/simd.h"

#if LS_LEVEL == 2
#define STREAM(p, v) _mm512_stream_ps(p, v)
#else
#define STREAM(p, v) _mm256_stream_ps(p, v)
#endif

/* Stores of this kind are not in the order of others, hence the fence. */
void LS_VARIANT(ls_stream)(const float *from, float *to, int64_t count)
{
    for (int64_t i = 0; i < count; i += WIDTH) STREAM(to + i, LOAD(from + i));
    _mm_sfence();
}

#endif

#if LS_LEVEL == 2

/* Not every compiler's list of features has it. */
static bool can_flush(void)
{
    enum { UNKNOWN, NO, YES };
    static atomic_int found;
    int now = atomic_load_explicit(&found, memory_order_relaxed);
    if (now == UNKNOWN) {
        unsigned a, b, c, d;
        now = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_CLFLUSHOPT) ? YES : NO;
        atomic_store_explicit(&found, now, memory_order_relaxed);
    }
    return now == YES;
}

static const int64_t ahead = 512; /* floats: fetched while a line is copied */

static void take_line(const float *from, float *to)
{
    _mm_prefetch((const char *)(from + ahead), _MM_HINT_NTA);
    STORE(to, LOAD(from));
}

__attribute__((target("clflushopt"))) void LS_VARIANT(ls_take)(const float *from, float *to, int64_t count,
                                                               bool give_up)
{
    const bool flushes = give_up && can_flush();
    for (int64_t i = 0; i < count; i += LS_LANES) {
        take_line(from + i, to + i);
        if (flushes) _mm_clflushopt((void *)(uintptr_t)(from + i)); /* gcc 12 wants it without const */
    }
}

#else

void LS_VARIANT(ls_take)(const float *from, float *to, int64_t count, bool give_up)
{
    (void)give_up;
    memcpy(to, from, (size_t)count * sizeof *to);
}

#endif
