/* Random numbers as a pure function of (seed, purpose, a, b): Philox4x32-10 (Salmon et al., SC 2011) of
   Random123. No state is carried, so any thread of any rank can compute any number of the run. Key: seed;
   counter: purpose, a, b. Different (purpose, a, b) give different counters while a and b are below 2^56.
   Normal numbers use sine and cosine of our own (polynomials), not the mathematics library. */
#ifndef LS_BASE_RANDOM_H
#define LS_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef enum ls_random_purpose {
    LS_RANDOM_INITIALISE = 1, /* a = index of the parameter, b = index of the element */
    LS_RANDOM_SPLIT,          /* training and test rows */
    LS_RANDOM_SHUFFLE,        /* a = epoch */
    LS_RANDOM_DROPOUT,        /* a = layer << 40 | step, b = position in the batch << 32 | element / 4 */
    LS_RANDOM_AUGMENT,
    LS_RANDOM_BENCH
} ls_random_purpose;

typedef struct ls_random_words {
    uint32_t word[4];
} ls_random_words;

ls_random_words ls_random(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b);
/* What ls_random makes of purpose and a, for kernels that compute many numbers at once (math/kernels.h). */
uint64_t ls_random_counter(ls_random_purpose purpose, uint64_t a);
double ls_random_uniform(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b); /* [0, 1), 53 bits
                                                                                             */
double ls_random_normal(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b); /* mean 0, variance
                                                                                              1 (Box, Muller
                                                                                              1958) */
uint64_t ls_random_below(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint64_t b,
                         uint64_t n); /* uniform in [0, n), n > 0, without bias */
/* Fills order[0..n-1] with a permutation of 0..n-1 (Fisher-Yates; element i uses word i % 4 of counter b = i
   / 4). n < 2^32. Fast: 60,000 elements in well under a millisecond. */
void ls_random_permutation(uint64_t seed, ls_random_purpose purpose, uint64_t a, uint32_t *order, size_t n);

#endif
