/* XXH64 by its library. */
#include <xxhash.h>
#include "base/hash.h"

uint64_t ls_hash(const void *bytes, size_t size, uint64_t seed)
{
    return XXH64(bytes, size, seed);
}
