/* oneDNN as a yardstick: it computes the same products as the kernels, and its bits do not depend on threads
   as long as one thread is set where it is called. */
#include <dnnl.h>
#include <omp.h>
#include <stdio.h>
#include "base/error.h"
#include "math/sgemm_reference.h"
#include "support/kernels.h"

Test(onednn_rules, its_products_are_ours_up_to_rounding)
{
    const int64_t size[][3] = {{1, 16, 1}, {48, 64, 64}, {10, 32, 64}, {65, 48, 130}, {128, 64, 784}};
    for (int i = 0; i < 5; i++) {
        const int64_t M = size[i][0], N = size[i][1], K = size[i][2];
        float *A = random_floats(M * K, -1.0f, 1.0f), *B = random_floats(K * N, -1.0f, 1.0f);
        float *C = random_floats(M * N, 0.0f, 1.0f), *ours = random_floats(M * N, 0.0f, 1.0f);
        const ls_gemm gemm = {.M = M,
                              .N = N,
                              .K = K,
                              .A = A,
                              .row_stride = K,
                              .column_stride = 1,
                              .B = B,
                              .ldb = N,
                              .C = ours,
                              .ldc = N};
        ls_kernels_get()->gemm(&gemm);
        cr_assert_eq(ls_sgemm_reference(1, M, N, K, A, B, C), LS_OK, "%s", ls_error_message());
        for (int64_t j = 0; j < M * N; j++)
            cr_assert_float_eq(C[j], ours[j], 0x1p-23 * (double)(K + 1), "%g, not %g", C[j], ours[j]);
        free(A);
        free(B);
        free(C);
        free(ours);
    }
}

enum { ROWS = 64, LANES = 64, TERMS = 2000, TEAM_MAX = 8 };

/* Each thread of a team multiplies by itself, with one thread set inside; true if all got the bits of wanted.
   Without that setting oneDNN 2.6.3 gives other bits at this size to a team of one with eight threads set. */
static bool team_agrees(int team, const float *A, const float *B, const float *wanted, float *C)
{
    bool agree[TEAM_MAX] = {false};
#pragma omp parallel num_threads(team)
    {
        const int thread = omp_get_thread_num();
        float *own = C + thread * ROWS * LANES;
        omp_set_num_threads(1);
        dnnl_status_t status = dnnl_sgemm('N', 'N', ROWS, LANES, TERMS, 1, A, TERMS, B, LANES, 0, own, LANES);
        agree[thread] = status == dnnl_success && memcmp(own, wanted, ROWS * LANES * sizeof *own) == 0;
    }
    for (int i = 0; i < team; i++)
        if (!agree[i]) return false;
    return true;
}

Test(onednn_rules, with_one_thread_set_inside_any_team_gets_the_same_bits)
{
    const int threads[] = {1, 2, 3, 8}, teams[] = {1, 2, 8};
    float *A = random_floats(ROWS * TERMS, -1.0f, 1.0f), *B = random_floats(TERMS * LANES, -1.0f, 1.0f);
    float *wanted = random_floats(ROWS * LANES, 0.0f, 1.0f);
    float *C = random_floats(TEAM_MAX * ROWS * LANES, 0.0f, 1.0f);
    omp_set_dynamic(0);
    cr_assert_eq(ls_sgemm_reference(1, ROWS, LANES, TERMS, A, B, wanted), LS_OK);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++) {
            omp_set_num_threads(threads[i]);
            cr_assert(team_agrees(teams[j], A, B, wanted, C), "%d threads set, team of %d", threads[i],
                      teams[j]);
            memset(C, 0, TEAM_MAX * ROWS * LANES * sizeof *C);
        }
    free(A);
    free(B);
    free(wanted);
    free(C);
}

Test(onednn_rules, the_callers_number_of_threads_is_restored)
{
    float A[4] = {1, 2, 3, 4}, B[4] = {5, 6, 7, 8}, C[4];
    omp_set_num_threads(3);
    cr_assert_eq(ls_sgemm_reference(2, 2, 2, 2, A, B, C), LS_OK);
    cr_assert_eq(omp_get_max_threads(), 3);
    cr_assert(C[0] == 19 && C[1] == 22 && C[2] == 43 && C[3] == 50);
}

Test(onednn_rules, wrong_sizes_are_errors_and_empty_ones_are_not)
{
    float A[1] = {1}, B[1] = {1}, C[1] = {7};
    cr_assert_eq(ls_sgemm_reference(0, 1, 1, 1, A, B, C), LS_ERROR_ARGUMENT);
    cr_assert_eq(ls_sgemm_reference(1, -1, 1, 1, A, B, C), LS_ERROR_ARGUMENT);
    cr_assert_eq(ls_sgemm_reference(1, 0, 1, 1, A, B, C), LS_OK);
    cr_assert_eq(C[0], 7);
    cr_assert_eq(ls_sgemm_reference(1, 1, 1, 0, A, B, C), LS_OK);
    cr_assert_eq(C[0], 0);
}

Test(onednn_rules, the_version_is_named)
{
    int major, minor, patch;
    cr_assert_eq(sscanf(ls_sgemm_reference_version(), "oneDNN %d.%d.%d", &major, &minor, &patch), 3);
}
