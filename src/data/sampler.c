#include "data/dataset.h"

#include "base/random.h"

void ls_sampler_order(uint64_t seed, int64_t epoch, bool shuffle, uint32_t *order, int64_t rows)
{
    if (shuffle) {
        ls_random_permutation(seed, LS_RANDOM_SHUFFLE, (uint64_t)epoch, order, (size_t)rows);
        return;
    }
    for (int64_t i = 0; i < rows; i++) order[i] = (uint32_t)i;
}
