/* oneDNN's sgemm as a yardstick: the machine's rate that bench and doctor compare with, and a second opinion
 * in tests. Not used in training. */
#ifndef LS_MATH_SGEMM_REFERENCE_H
#define LS_MATH_SGEMM_REFERENCE_H

#include <stdint.h>
#include "base/error.h"

/* C[M][N] = A[M][K] * B[K][N], row-major without gaps, with the number of threads set around the call. */
ls_status ls_sgemm_reference(int threads, int64_t M, int64_t N, int64_t K, const float *A, const float *B,
                             float *C);
/* Best rate over several sizes and repetitions on threads threads, in floating-point operations per second;
 * takes under two seconds. */
ls_status ls_sgemm_reference_rate(int threads, double *rate);
const char *ls_sgemm_reference_version(void); /* "oneDNN 2.6.3" */

#endif
