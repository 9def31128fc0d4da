#include "math/sgemm_reference.h"
#include <dnnl.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/memory.h"

ls_status ls_sgemm_reference(int threads, int64_t M, int64_t N, int64_t K, const float *A, const float *B,
                             float *C)
{
    if (threads < 1 || M < 0 || N < 0 || K < 0)
        return ls_error(LS_ERROR_ARGUMENT,
                        "a matrix product with %d threads of %lld x %lld x %lld: one thread or more and no "
                        "negative size were expected",
                        threads, (long long)M, (long long)N, (long long)K);
    if (M == 0 || N == 0) return LS_OK;
    if (K == 0) { /* oneDNN would leave C as it is */
        memset(C, 0, (size_t)(M * N) * sizeof *C);
        return LS_OK;
    }
    const int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    dnnl_status_t status = dnnl_sgemm('N', 'N', M, N, K, 1.0f, A, K, B, N, 0.0f, C, N);
    omp_set_num_threads(before);
    if (status == dnnl_success) return LS_OK;
    return ls_error(status == dnnl_out_of_memory ? LS_ERROR_MEMORY : LS_ERROR_ARGUMENT,
                    "oneDNN refused a matrix product of %lld x %lld x %lld (its status %d)", (long long)M,
                    (long long)N, (long long)K, (int)status);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The best rate at one size: at least two calls (the first makes oneDNN generate code), then until time is
 * up. */
static ls_status rate_of(int threads, int64_t M, int64_t N, int64_t K, double *rate)
{
    const double budget = 0.2, operations = 2.0 * (double)M * (double)N * (double)K;
    float *A = ls_alloc((size_t)(M * K), sizeof *A), *B = ls_alloc((size_t)(K * N), sizeof *B);
    float *C = ls_alloc((size_t)(M * N), sizeof *C);
    ls_status status = A && B && C ? LS_OK : LS_ERROR_MEMORY;
    const double start = seconds_now();
    double end = start;
    for (int64_t i = 0; status == LS_OK && i < M * K; i++) A[i] = (float)(i % 17) - 8.0f;
    for (int64_t i = 0; status == LS_OK && i < K * N; i++) B[i] = (float)(i % 13) - 6.0f;
    for (int call = 0; status == LS_OK && (call < 2 || end - start < budget); call++) {
        const double before = seconds_now();
        status = ls_sgemm_reference(threads, M, N, K, A, B, C);
        end = seconds_now();
        if (status == LS_OK && end > before && operations / (end - before) > *rate)
            *rate = operations / (end - before);
    }
    ls_free(A);
    ls_free(B);
    ls_free(C);
    return status;
}

ls_status ls_sgemm_reference_rate(int threads, double *rate)
{
    static const int64_t size[][3] = {{128, 512, 784}, {1024, 1024, 1024}, {2048, 2048, 512}};
    *rate = 0.0;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        LS_TRY(rate_of(threads, size[i][0], size[i][1], size[i][2], rate));
    return LS_OK;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char version[64];

static void make_version(void)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(version, sizeof version, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
}

const char *ls_sgemm_reference_version(void)
{
    pthread_once(&once, make_version);
    return version;
}
