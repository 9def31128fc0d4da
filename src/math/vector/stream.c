/* A copy that leaves the caches out (kernels.h). */
#include <string.h>
#include "math/vector/isa.h"

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
