/* The matrix products: every table gives the bits of the definition, whatever the shape. */
#include "support/kernels.h"

typedef struct problem {
    ls_gemm gemm; /* C is a copy of start */
    float *A, *B, *start, *bias;
    int64_t size; /* elements of C with what lies between and behind its rows */
} problem;

typedef enum stride_kind { ALONG_ROWS, ALONG_COLUMNS, WITH_GAPS } stride_kind;

static problem problem_make(int64_t M, int64_t N, int64_t K, stride_kind order)
{
    problem p = {.gemm = {.M = M, .N = N, .K = K}};
    const int64_t gap = random_below(20);
    p.gemm.row_stride = order == ALONG_ROWS ? K + gap : order == ALONG_COLUMNS ? 1 : 2;
    p.gemm.column_stride = order == ALONG_ROWS ? 1 : order == ALONG_COLUMNS ? M + gap : 2 * M + gap;
    p.gemm.ldb = N + LS_LANES * random_below(3);
    p.gemm.ldc = N + LS_LANES * random_below(3);
    p.size = (M + 1) * p.gemm.ldc;
    int64_t last = M > 0 && K > 0 ? (M - 1) * p.gemm.row_stride + (K - 1) * p.gemm.column_stride : 0;
    p.A = random_floats(last + 1, -1.0f, 1.0f);
    p.B = random_floats(K * p.gemm.ldb, -1.0f, 1.0f);
    p.start = random_floats(p.size, -1.0f, 1.0f);
    p.bias = random_floats(M, -1.0f, 1.0f);
    p.gemm.A = p.A;
    p.gemm.B = p.B;
    p.gemm.bias = random_below(2) ? p.bias : NULL;
    p.gemm.accumulate = random_below(2);
    return p;
}

static void problem_free(problem *p)
{
    free(p->A);
    free(p->B);
    free(p->start);
    free(p->bias);
}

/* C as the table makes it from start. */
static float *product(const problem *p, const ls_kernels *kernels)
{
    ls_gemm gemm = p->gemm;
    gemm.C = copy_floats(p->start, p->size);
    kernels->gemm(&gemm);
    return gemm.C;
}

/* C by the words of the definition. */
static float *chains(const problem *p)
{
    const ls_gemm *g = &p->gemm;
    float *C = copy_floats(p->start, p->size);
    for (int64_t m = 0; m < g->M; m++)
        for (int64_t n = 0; n < g->N; n++) {
            float sum = g->accumulate ? C[m * g->ldc + n] : g->bias ? g->bias[m] : 0.0f;
            for (int64_t k = 0; k < g->K; k++)
                sum = fmaf(g->A[m * g->row_stride + k * g->column_stride], g->B[k * g->ldb + n], sum);
            C[m * g->ldc + n] = sum;
        }
    return C;
}

static void check_all_tables(problem *p)
{
    float *wanted = chains(p);
    for (int i = 0; table(i); i++) {
        float *got = product(p, table(i));
        int64_t where = first_difference(got, wanted, p->size);
        cr_assert(where < 0, "%s: M %d N %d K %d strides %d %d ldb %d ldc %d: row %d lane %d differs",
                  table(i)->name, (int)p->gemm.M, (int)p->gemm.N, (int)p->gemm.K, (int)p->gemm.row_stride,
                  (int)p->gemm.column_stride, (int)p->gemm.ldb, (int)p->gemm.ldc, (int)(where / p->gemm.ldc),
                  (int)(where % p->gemm.ldc));
        free(got);
    }
    free(wanted);
}

Test(kernels_gemm, every_table_gives_the_bits_of_the_definition)
{
    for (int i = 0; i < 400; i++) {
        problem p = problem_make(random_below(70), LS_LANES * (1 + random_below(9)), random_below(40),
                                 (stride_kind)random_below(3));
        check_all_tables(&p);
        problem_free(&p);
    }
}

Test(kernels_gemm, every_height_and_width_of_tile)
{
    for (int64_t M = 0; M <= 15; M++)
        for (int64_t N = LS_LANES; N <= 5 * LS_LANES; N += LS_LANES) {
            problem p = problem_make(M, N, 1 + random_below(9), (stride_kind)random_below(2));
            check_all_tables(&p);
            problem_free(&p);
        }
}

Test(kernels_gemm, long_chains)
{
    const int64_t K[] = {127, 129, 191, 192, 193, 255, 256, 257, 512, 513, 800};
    for (int i = 0; i < 11; i++)
        for (int order = 0; order < 3; order++) {
            problem p = problem_make(45 + random_below(60), LS_LANES * (1 + random_below(6)), K[i],
                                     (stride_kind)order);
            check_all_tables(&p);
            problem_free(&p);
        }
}

Test(kernels_gemm, no_terms_leave_the_start)
{
    for (int i = 0; i < 8; i++) {
        problem p = problem_make(7, 48, 0, ALONG_ROWS);
        check_all_tables(&p);
        problem_free(&p);
    }
}

Test(kernels_gemm, pieces_of_the_chain_give_the_same_bits)
{
    for (int t = 0; table(t); t++)
        for (int order = 0; order < 3; order++) {
            problem p = problem_make(29, 80, 210, (stride_kind)order);
            float *whole = product(&p, table(t));
            ls_gemm piece = p.gemm;
            piece.C = copy_floats(p.start, p.size);
            for (int64_t k = 0; k < p.gemm.K; k += piece.K) {
                piece.A = p.A + k * p.gemm.column_stride;
                piece.B = p.B + k * p.gemm.ldb;
                piece.K = 1 + random_below(p.gemm.K - k);
                table(t)->gemm(&piece);
                piece.accumulate = true;
            }
            cr_assert(first_difference(piece.C, whole, p.size) < 0, "%s", table(t)->name);
            free(piece.C);
            free(whole);
            problem_free(&p);
        }
}

/* The shape of a batch does not change bits: any lanes and rows of a product are what they are alone. */
Test(kernels_gemm, a_part_alone_equals_the_part_of_the_whole)
{
    for (int t = 0; table(t); t++)
        for (int i = 0; i < 60; i++) {
            problem p = problem_make(50, 128, 1 + random_below(220), (stride_kind)(i % 3));
            float *whole = product(&p, table(t));
            const int64_t n = i < 2 ? 64 * i : LS_LANES * random_below(8), m = random_below(50);
            ls_gemm part = p.gemm;
            part.N = i < 2 ? 64 : LS_LANES * (1 + random_below(8 - n / LS_LANES));
            part.M = 1 + random_below(50 - m);
            part.A = p.A + m * p.gemm.row_stride;
            part.B = p.B + n;
            part.bias = p.gemm.bias ? p.bias + m : NULL;
            float *C = copy_floats(p.start, p.size);
            part.C = C + m * p.gemm.ldc + n;
            table(t)->gemm(&part);
            for (int64_t r = 0; r < part.M; r++)
                cr_assert(first_difference(part.C + r * part.ldc, whole + (m + r) * part.ldc + n, part.N) < 0,
                          "%s: row %d of %d, %d lanes from %d", table(t)->name, (int)r, (int)part.M,
                          (int)part.N, (int)n);
            free(C);
            free(whole);
            problem_free(&p);
        }
}

Test(kernels_gemm, infinity_and_nan_stay_in_their_lane_and_row)
{
    for (int t = 0; table(t); t++) {
        problem p = problem_make(20, 64, 30, ALONG_ROWS);
        p.gemm.accumulate = false;
        p.gemm.bias = NULL;
        p.B[5 * p.gemm.ldb + 17] = INFINITY;
        p.A[11 * p.gemm.row_stride + 4] = NAN;
        float *C = product(&p, table(t));
        for (int64_t m = 0; m < 20; m++)
            for (int64_t n = 0; n < 64; n++) {
                float x = C[m * p.gemm.ldc + n];
                cr_assert_eq(isnan(x) != 0, m == 11);
                cr_assert(m == 11 || (isinf(x) != 0) == (n == 17));
            }
        free(C);
        problem_free(&p);
    }
}
