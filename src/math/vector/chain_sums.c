/* Sums over samples of panel rows (kernels.h): bits do not depend on how many rows are added at a time, as
   each has a chain of its own. Samples are turned into the vectors of a square, a lane for each row. */
#include <string.h>
#include "math/vector/turn.h"

/* LS_LANES samples of up to LS_LANES rows, added to sum. */
static void add_square(const float *from, int64_t lanes, int64_t rows, float sum[LS_LANES])
{
    float square[LS_LANES][LS_LANES] __attribute__((aligned(64)));
    ls_turn(from, lanes, rows, square[0], LS_LANES);
    for (int64_t s = 0; s < LS_LANES; s++) {
        LS_INDEPENDENT for (int n = 0; n < LS_LANES; n++) sum[n] += square[s][n];
    }
}

void LS_VARIANT(ls_chain_sums)(const float *from, int64_t lanes, int64_t rows, int64_t samples,
                               bool accumulate, float *sum)
{
    for (int64_t m = 0; m < rows; m += LS_LANES, from += LS_LANES * lanes, sum += LS_LANES) {
        const int64_t count = rows - m < LS_LANES ? rows - m : LS_LANES;
        float chain[LS_LANES] __attribute__((aligned(64))) = {0};
        if (accumulate) memcpy(chain, sum, (size_t)count * sizeof *sum);
        int64_t s = 0;
        for (; s + LS_LANES <= samples; s += LS_LANES) add_square(from + s, lanes, count, chain);
        for (; s < samples; s++)
            for (int64_t n = 0; n < count; n++) chain[n] += from[n * lanes + s];
        memcpy(sum, chain, (size_t)count * sizeof *sum);
    }
}
