/* What must hold between ranks. Started by test_mpi.c as: mpirun -n N mpi_cases CASE... Every case runs on
   any number of ranks; exit status 0 and one line "CASE ok on N" for each if all is well. Results are
   compared by plain MPI, not by what is tested. */
#include <lockstep/mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "parallel/agree.h"
#include "parallel/build.h"
#include "parallel/comm_private.h"
#include "parallel/context.h"
#include "parallel/shared.h"
#include "parallel/team.h"

static int rank, size, failures;

#define CHECK(condition) check((condition), #condition, __LINE__)

static void check(bool fine, const char *text, int line)
{
    if (fine) return;
    if (failures < 10)
        fprintf(stderr, "mpi_cases.c:%d: rank %d of %d: %s does not hold\n", line, rank, size, text);
    failures++;
}

/* Whether all ranks have the same value, and the same last message. */
static bool same_everywhere(int value)
{
    int lowest, highest;
    char mine[LS_MESSAGE_SIZE] = "", first[LS_MESSAGE_SIZE];
    if (value != LS_OK) snprintf(mine, sizeof mine, "%s", ls_error_message());
    memcpy(first, mine, sizeof first);
    MPI_Allreduce(&value, &lowest, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(&value, &highest, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
    return lowest == highest && strcmp(first, mine) == 0;
}

static ls_comm *open_world(void)
{
    MPI_Comm world = MPI_COMM_WORLD;
    ls_comm *comm = NULL;
    CHECK(ls_comm_create(&world, &comm) == LS_OK);
    CHECK(ls_comm_rank(comm) == rank);
    CHECK(ls_comm_size(comm) == size);
    return comm;
}

static const int64_t counts[] = {0, 1, 2, 3, 7, 63, 64, 65, 1001};
static const int64_t limits[] = {1 << 28, 64, 7, 1};
enum { COUNTS = sizeof counts / sizeof counts[0], LIMITS = sizeof limits / sizeof limits[0], LONGEST = 1001 };
enum { TYPES = LS_MIN_UINT64 + 1 };

typedef union values {
    uint64_t u64[LONGEST + 1];
    int64_t i64[LONGEST + 1];
    uint32_t u32[LONGEST + 1];
    float f32[LONGEST + 1];
} values;

/* Element i of rank r: some ranks have the highest bit set, some not, since MPI libraries are known to take
   unsigned numbers for signed ones. */
static uint64_t element(int r, int64_t i)
{
    return ((uint64_t)((r + 1) % 2) << 63) + (uint64_t)(i * 1000 + (i % 3 == 0 ? size - r : r));
}

static uint32_t element32(int r, int64_t i)
{
    return (uint32_t)element(r, i) | (uint32_t)(r % 2) << 31;
}

static void fill(ls_comm_type type, values *v)
{
    for (int64_t i = 0; i <= LONGEST; i++) {
        switch (type) {
        case LS_SUM_INT64:
            v->i64[i] = (int64_t)(rank + 1) * (i - 500) * 1000000007;
            break;
        case LS_SUM_FLOAT:
            v->f32[i] = (float)((rank + 1) * (i + 1));
            break;
        case LS_MAX_UINT32:
            v->u32[i] = element32(rank, i);
            break;
        default:
            v->u64[i] = element(rank, i);
        }
    }
}

static bool holds_reduced(ls_comm_type type, const values *v, int64_t i)
{
    uint64_t sum = 0, most = 0, least = UINT64_MAX;
    uint32_t most32 = 0;
    int64_t triangle = (int64_t)size * (size + 1) / 2;
    for (int r = 0; r < size; r++) {
        uint64_t e = element(r, i);
        uint32_t e32 = element32(r, i);
        sum += e;
        if (e > most) most = e;
        if (e < least) least = e;
        if (e32 > most32) most32 = e32;
    }
    switch (type) {
    case LS_SUM_UINT64:
        return v->u64[i] == sum;
    case LS_SUM_INT64:
        return v->i64[i] == triangle * (i - 500) * 1000000007;
    case LS_SUM_FLOAT:
        return v->f32[i] == (float)(triangle * (i + 1));
    case LS_MAX_UINT32:
        return v->u32[i] == most32;
    case LS_MAX_UINT64:
        return v->u64[i] == most;
    default:
        return v->u64[i] == least;
    }
}

/* The reduced elements, and one more that must be as it was. */
static bool holds_result(ls_comm_type type, const values *v, int64_t count)
{
    static values before;
    size_t width = ls_comm_type_size(type);
    fill(type, &before);
    for (int64_t i = 0; i < count; i++)
        if (!holds_reduced(type, v, i)) return false;
    return memcmp((const char *)v + (size_t)count * width, (const char *)&before + (size_t)count * width,
                  width) == 0;
}

/* An MPI that never yields takes very long over many messages where ranks outnumber cores. */
static bool is_quick(int64_t count, int64_t limit)
{
    return count <= 16 * limit;
}

static void case_reduce(void)
{
    static values v;
    ls_comm *comm = open_world();
    for (int l = 0; l < LIMITS; l++) {
        ls_comm_chunk_limit = limits[l];
        for (int type = 0; type < TYPES; type++) {
            for (int c = 0; c < COUNTS && is_quick(counts[c], limits[l]); c++) {
                fill((ls_comm_type)type, &v);
                CHECK(ls_comm_reduce(comm, (ls_comm_type)type, &v, counts[c]) == LS_OK);
                CHECK(holds_result((ls_comm_type)type, &v, counts[c]));
            }
        }
    }
    CHECK(ls_comm_barrier(comm) == LS_OK);
    ls_comm_free(comm);
}

enum { TOGETHER = 9 };

/* Several at a time, finished in another order than started, some by test and some by wait. */
static void run_together(ls_comm *comm, int round)
{
    static values v[TOGETHER];
    ls_request *request[TOGETHER];
    for (int i = 0; i < TOGETHER; i++) {
        ls_comm_type type = (ls_comm_type)((i + round) % TYPES);
        fill(type, &v[i]);
        CHECK(ls_comm_reduce_start(comm, type, &v[i], counts[i], &request[i]) == LS_OK);
    }
    for (int i = TOGETHER - 1; i >= 0; i--) {
        bool done = false;
        if ((i + round) % 2 == 0)
            CHECK(ls_request_wait(request[i]) == LS_OK);
        else
            while (!done) CHECK(ls_request_test(request[i], &done) == LS_OK);
        CHECK(holds_result((ls_comm_type)((i + round) % TYPES), &v[i], counts[i]));
    }
}

static void case_nonblocking(void)
{
    ls_comm *comm = open_world();
    ls_request *request[LS_COMM_REQUESTS], *extra;
    uint64_t sums[LS_COMM_REQUESTS], extra_sum = 1;
    uint64_t allocations = ls_alloc_count();
    for (int round = 0; round < 40; round++) {
        ls_comm_chunk_limit = limits[round % LIMITS];
        run_together(comm, round);
    }
    for (int i = 0; i < LS_COMM_REQUESTS; i++) {
        sums[i] = (uint64_t)i;
        CHECK(ls_comm_reduce_start(comm, LS_SUM_UINT64, &sums[i], 1, &request[i]) == LS_OK);
    }
    CHECK(ls_alloc_count() == allocations);
    CHECK(ls_comm_reduce_start(comm, LS_SUM_UINT64, &extra_sum, 1, &extra) == LS_ERROR_ARGUMENT);
    for (int i = 0; i < LS_COMM_REQUESTS; i++) {
        CHECK(ls_request_wait(request[i]) == LS_OK);
        CHECK(sums[i] == (uint64_t)(i * size));
    }
    ls_comm_free(comm);
}

/* Rank r gives some bytes of its own; every third rank, and all where scale is 0, none. */
static size_t share(int r, size_t scale)
{
    return r % 3 == 1 ? 0 : scale * (size_t)(2 * r + 3);
}

static void gather_once(ls_comm *comm, size_t scale)
{
    char mine[4096], *all, *at;
    size_t *sizes;
    memset(mine, 'a' + rank, sizeof mine);
    CHECK(ls_comm_gather_all(comm, mine, share(rank, scale), &all, &sizes) == LS_OK);
    at = all;
    for (int r = 0; r < size; r++) {
        CHECK(sizes[r] == share(r, scale));
        for (size_t i = 0; i < sizes[r]; i++) CHECK(*at++ == 'a' + r);
    }
    ls_free(all);
    ls_free(sizes);
}

static void case_gather(void)
{
    ls_comm *comm = open_world();
    for (int l = 0; l < LIMITS; l++) {
        ls_comm_chunk_limit = limits[l];
        for (size_t scale = 0; scale <= 100 && is_quick((int64_t)(10 * scale), limits[l]); scale += 5)
            gather_once(comm, scale);
    }
    ls_comm_free(comm);
}

static void case_broadcast(void)
{
    unsigned char bytes[1002];
    ls_comm *comm = open_world();
    for (int l = 0; l < LIMITS; l++) {
        ls_comm_chunk_limit = limits[l];
        for (int c = 0; c < COUNTS && is_quick(counts[c], limits[l]); c++) {
            int root = c % size;
            memset(bytes, rank == root ? 100 + root : 7, sizeof bytes);
            CHECK(ls_comm_broadcast(comm, bytes, (size_t)counts[c], root) == LS_OK);
            for (int64_t i = 0; i < counts[c]; i++) CHECK(bytes[i] == 100 + root);
            CHECK(bytes[counts[c]] == (rank == root ? 100 + root : 7));
        }
    }
    ls_comm_free(comm);
}

static void case_agree(void)
{
    char expected[LS_COMM_LABEL_SIZE];
    ls_comm *comm = open_world();
    CHECK(ls_agree(comm, LS_OK) == LS_OK);
    for (int culprit = 0; culprit < size; culprit++) {
        ls_status mine = rank >= culprit ? ls_error(LS_ERROR_DATA, "row %d is wrong", rank) : LS_OK;
        ls_status status = ls_agree(comm, mine);
        CHECK(status == LS_ERROR_DATA);
        CHECK(same_everywhere(status));
        snprintf(expected, sizeof expected, "row %d is wrong", culprit);
        CHECK(strstr(ls_error_message(), expected) != NULL);
        snprintf(expected, sizeof expected, "rank %d (host %s): ", culprit, ls_comm_host(comm, culprit));
        CHECK((strncmp(ls_error_message(), expected, strlen(expected)) == 0) == (size > 1));
        /* Agreed once more on the way out, it names its rank once. */
        CHECK(ls_agree(comm, status) == LS_ERROR_DATA);
        CHECK(strstr(ls_error_message() + 1, "rank ") == NULL);
    }
    CHECK(ls_agree(comm, LS_OK) == LS_OK);
    ls_comm_free(comm);
}

static void case_same(void)
{
    char expected[64];
    ls_comm *comm = open_world();
    CHECK(ls_agree_same(comm, 0x123456789abcdef0u, LS_ERROR_RECIPE, "the recipe") == LS_OK);
    for (int culprit = 1; culprit < size; culprit++) {
        uint64_t value = rank >= culprit ? UINT64_MAX : 5;
        ls_status status = ls_agree_same(comm, value, LS_ERROR_RECIPE, "the recipe");
        CHECK(status == LS_ERROR_RECIPE);
        CHECK(same_everywhere(status));
        snprintf(expected, sizeof expected, "rank %d (host", culprit);
        CHECK(strstr(ls_error_message(), "the recipe") != NULL);
        CHECK(strstr(ls_error_message(), expected) != NULL);
    }
    ls_comm_free(comm);
}

static void case_build(void)
{
    ls_comm *comm = open_world();
    CHECK(ls_build_agree(comm, "Lockstep 1") == LS_OK);
    ls_status status = ls_build_agree(comm, rank == size - 1 ? "Lockstep 2" : "Lockstep 1");
    CHECK(status == (size > 1 ? LS_ERROR_PARALLEL : LS_OK));
    CHECK(same_everywhere(status));
    if (size > 1) CHECK(strstr(ls_error_message(), "Lockstep 2") != NULL);
    ls_comm_free(comm);
}

/* Contexts of halves of the ranks in reverse order, both at work at the same time. */
static void case_context(void)
{
    MPI_Comm half;
    ls_context *context = NULL;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, -rank, &half);
    int half_rank, half_size, flag = 0;
    MPI_Comm_rank(half, &half_rank);
    MPI_Comm_size(half, &half_size);
    CHECK(ls_context_create_mpi(half, 2, &context) == LS_OK);
    MPI_Comm_free(&half);
    CHECK(ls_context_rank(context) == half_rank);
    CHECK(ls_context_size(context) == half_size);
    CHECK(ls_context_threads(context) == 2);
    uint64_t sum = (uint64_t)rank;
    uint64_t expected = 0;
    for (int r = rank % 2; r < size; r += 2) expected += (uint64_t)r;
    CHECK(ls_comm_reduce(context->comm, LS_SUM_UINT64, &sum, 1) == LS_OK);
    CHECK(sum == expected);
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
    CHECK(!flag);
    ls_context_free(context);
}

static void case_threads(void)
{
    ls_context *context = NULL;
    char first[1024] = "", mine[1024] = "";
    /* One rank's wrong argument is an error of all. */
    ls_status status = ls_context_create_mpi(MPI_COMM_WORLD, rank == size - 1 ? -1 : 1, &context);
    CHECK(status == LS_ERROR_ARGUMENT);
    CHECK(same_everywhere(status));
    CHECK(context == NULL);
    CHECK(ls_context_create_mpi(MPI_COMM_WORLD, 0, &context) == LS_OK);
    CHECK(ls_context_threads(context) >= 1);
    ls_context_free(context);
    CHECK(ls_context_create_mpi(MPI_COMM_WORLD, 1000 + rank, &context) == LS_OK);
    CHECK(ls_context_threads(context) == 1000 + rank);
    CHECK(ls_context_warning(context) != NULL);
    if (ls_context_warning(context) != NULL) snprintf(mine, sizeof mine, "%s", ls_context_warning(context));
    memcpy(first, mine, sizeof first);
    MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
    CHECK(strcmp(first, mine) == 0);
    CHECK(strstr(mine, "srun") != NULL);
    ls_context_free(context);
    MPI_Comm nothing = MPI_COMM_NULL;
    CHECK(ls_context_create_mpi(nothing, 1, &context) == LS_ERROR_ARGUMENT);
}

/* With failures injected on one rank (LOCKSTEP_FAULT): whatever fails there fails on all ranks, with one
   message that names the rank, in the same call or in the next agreement; and the next context is as good as
   new. Prints how many failures came through. */
static void case_fault(void)
{
    int seen = 0;
    for (int round = 0; round < 30; round++) {
        ls_context *context = NULL;
        ls_status status = ls_context_create_mpi(MPI_COMM_WORLD, 1, &context);
        bool made = context != NULL;
        CHECK(made == (status == LS_OK));
        if (made) {
            uint64_t sum = 1;
            ls_request *request;
            status = ls_agree(context->comm, ls_comm_reduce(context->comm, LS_SUM_UINT64, &sum, 1));
            if (status == LS_OK)
                status = ls_comm_reduce_start(context->comm, LS_SUM_UINT64, &sum, 1, &request) == LS_OK
                             ? ls_agree(context->comm, ls_request_wait(request))
                             : LS_ERROR_ARGUMENT;
            if (status == LS_OK) status = ls_agree(context->comm, ls_comm_failure(context->comm));
            if (status == LS_OK) CHECK(sum == (uint64_t)(size * size));
        }
        CHECK(same_everywhere(status));
        if (status != LS_OK) CHECK(size == 1 || strncmp(ls_error_message(), "rank 1 (host ", 13) == 0);
        seen += status != LS_OK;
        ls_context_free(context);
    }
    if (rank == 0) printf("%d failures were agreed\n", seen);
}

static void pass_barriers(ls_team *team, int thread, void *argument)
{
    int *calls = argument;
    for (int i = 0; i < 10; i++) ls_team_barrier(team);
    if (thread < 8) calls[thread]++;
    if (thread == 0) calls[8] = team->size;
}

/* Each rank on its own, for environments that give fewer threads than asked for. */
static void case_team(void)
{
    for (int threads = 1; threads <= 8; threads++) {
        int calls[9] = {0};
        ls_team_run(threads, pass_barriers, calls);
        CHECK(calls[8] >= 1 && calls[8] <= threads);
        for (int t = 0; t < 8; t++) CHECK(calls[t] == (t < calls[8]));
    }
}

enum { SHARED_ELEMENTS = 3000, SHARED_BYTES = SHARED_ELEMENTS * 8, SHARED_ROUNDS = 300 };

static uint64_t shared_value(int of, int round, int element)
{
    return (uint64_t)of << 40 | (uint64_t)round << 20 | (uint64_t)element;
}

static bool holds(const uint64_t *array, int of, int round)
{
    for (int i = 0; i < SHARED_ELEMENTS; i++)
        if (array[i] != shared_value(of, round, i)) return false;
    return true;
}

/* What one rank writes before a barrier, all read after it; what they read stays until the next one. */
static void case_shared(void)
{
    ls_comm *comm = open_world();
    ls_shared *shared = NULL;
    CHECK(ls_shared_create(comm, SHARED_BYTES, rank == size - 1, &shared) == LS_OK && shared == NULL);
    if (rank == size - 1) setenv("LOCKSTEP_MESSAGES", "1", 1);
    CHECK(ls_shared_create(comm, SHARED_BYTES, 5, &shared) == LS_OK && shared == NULL);
    unsetenv("LOCKSTEP_MESSAGES");
    CHECK(ls_shared_create(comm, SHARED_BYTES, 5, &shared) == LS_OK && (shared != NULL) == (size > 1));
    bool fine = true;
    for (int round = 0; shared != NULL && round < SHARED_ROUNDS; round++) {
        uint64_t *own = ls_shared_of(shared, rank);
        for (int i = 0; i < SHARED_ELEMENTS; i++) fine &= round > 0 || own[i] == 0;
        for (int i = 0; i < SHARED_ELEMENTS; i++) own[i] = shared_value(rank, round, i);
        ls_shared_barrier(shared);
        for (int r = 0; r < size; r++) fine &= holds(ls_shared_of(shared, r), r, round);
        ls_shared_barrier(shared);
    }
    CHECK(fine);
    if (rank != 0) ls_shared_free(shared); /* each lets go by itself */
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(rank != 0 || shared == NULL || holds(ls_shared_of(shared, size - 1), size - 1, SHARED_ROUNDS - 1));
    if (rank == 0) ls_shared_free(shared);
    ls_comm_free(comm);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"reduce", case_reduce},   {"nonblocking", case_nonblocking},
    {"gather", case_gather},   {"broadcast", case_broadcast},
    {"agree", case_agree},     {"same", case_same},
    {"build", case_build},     {"context", case_context},
    {"threads", case_threads}, {"fault", case_fault},
    {"team", case_team},       {"shared", case_shared},
};

static int run_case(const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(cases[i].name, name) != 0) continue;
        int all = 0;
        failures = 0;
        cases[i].run();
        ls_comm_chunk_limit = limits[0];
        MPI_Allreduce(&failures, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        if (rank == 0) printf("%s %s on %d\n", name, all == 0 ? "ok" : "FAILED", size);
        return all;
    }
    if (rank == 0) printf("there is no case %s\n", name);
    return 1;
}

/* The level "single" instead of a case: Lockstep must refuse more than one thread then. */
static int refuse_threads(void)
{
    ls_context *context = NULL;
    ls_status status = ls_context_create_mpi(MPI_COMM_WORLD, 2, &context);
    int level;
    MPI_Query_thread(&level);
    bool refused = level >= MPI_THREAD_FUNNELED || size == 1 ? status == LS_OK : status == LS_ERROR_ARGUMENT;
    if (rank == 0) printf("single %s on %d\n", refused ? "ok" : "FAILED", size);
    ls_context_free(context);
    return !refused;
}

int main(int argc, char **argv)
{
    int level, failed = 0;
    ls_comm *comm = NULL;
    bool single = argc > 1 && strcmp(argv[1], "single") == 0;
    MPI_Comm world = MPI_COMM_WORLD;
    /* Before MPI_Init there is a message, not a crash. */
    if (ls_comm_create(&world, &comm) != LS_ERROR_ARGUMENT) return 1;
    if (MPI_Init_thread(&argc, &argv, single ? MPI_THREAD_SINGLE : MPI_THREAD_FUNNELED, &level) !=
        MPI_SUCCESS)
        return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (single) failed = refuse_threads();
    for (int i = 1; i < argc && !single; i++) failed += run_case(argv[i]);
    MPI_Finalize();
    return failed != 0 || argc < 2;
}
