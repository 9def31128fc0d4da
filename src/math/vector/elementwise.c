/* Sums of tensors. Each element by itself. */
#include "math/vector/isa.h"

void LS_VARIANT(ls_add)(const float *a, const float *b, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i += LS_LANES) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) y[i + n] = a[i + n] + b[i + n];
    }
}
