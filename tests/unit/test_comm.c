/* The communicator of one process, which must not need MPI. (Of several: test_mpi.c.) */
#include <criterion/criterion.h>
#include <string.h>
#include "base/memory.h"
#include "parallel/agree.h"
#include "parallel/comm.h"

static ls_comm *comm;

static void open_comm(void)
{
    cr_assert_eq(ls_comm_create_solo(&comm), LS_OK);
}

static void close_comm(void)
{
    ls_comm_free(comm);
}

TestSuite(comm, .init = open_comm, .fini = close_comm);

Test(comm, one_rank_on_one_node)
{
    cr_assert_eq(ls_comm_rank(comm), 0);
    cr_assert_eq(ls_comm_size(comm), 1);
    cr_assert_eq(ls_comm_nodes(comm), 1);
    cr_assert(ls_comm_host(comm, 0)[0] != '\0');
    cr_assert_str_eq(ls_comm_host(comm, 1), "unknown");
    ls_comm_free(NULL);
}

Test(comm, reductions_leave_values_as_they_are)
{
    uint64_t values[3] = {1, UINT64_MAX, 1ull << 63}, before[3];
    memcpy(before, values, sizeof values);
    uint64_t allocations = ls_alloc_count();
    for (int type = LS_SUM_UINT64; type <= LS_MIN_UINT64; type++) {
        ls_request *request;
        bool done = false;
        cr_assert_eq(ls_comm_reduce(comm, (ls_comm_type)type, values, 3), LS_OK);
        cr_assert_eq(ls_comm_reduce_start(comm, (ls_comm_type)type, values, 3, &request), LS_OK);
        cr_assert_eq(ls_request_test(request, &done), LS_OK);
        cr_assert(done);
        cr_assert_eq(ls_comm_reduce_start(comm, (ls_comm_type)type, values, 3, &request), LS_OK);
        cr_assert_eq(ls_request_wait(request), LS_OK);
    }
    cr_assert_eq(ls_alloc_count(), allocations);
    cr_assert_arr_eq(values, before, sizeof values);
}

Test(comm, requests_are_limited_and_come_back)
{
    ls_request *request[LS_COMM_REQUESTS], *extra;
    uint64_t value = 1;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < LS_COMM_REQUESTS; i++)
            cr_assert_eq(ls_comm_reduce_start(comm, LS_SUM_UINT64, &value, 1, &request[i]), LS_OK);
        cr_assert_eq(ls_comm_reduce_start(comm, LS_SUM_UINT64, &value, 1, &extra), LS_ERROR_ARGUMENT);
        cr_assert_null(extra);
        for (int i = 0; i < LS_COMM_REQUESTS; i++) cr_assert_eq(ls_request_wait(request[i]), LS_OK);
    }
    cr_assert_eq(ls_comm_reduce_start(comm, LS_SUM_UINT64, &value, INT64_MAX, &extra), LS_ERROR_ARGUMENT);
}

Test(comm, gather_all_gives_a_copy)
{
    char *all;
    size_t *sizes;
    cr_assert_eq(ls_comm_gather_all(comm, "abc", 3, &all, &sizes), LS_OK);
    cr_assert_eq(sizes[0], 3);
    cr_assert_eq(memcmp(all, "abc", 3), 0);
    ls_free(all);
    ls_free(sizes);
    cr_assert_eq(ls_comm_gather_all(comm, NULL, 0, &all, &sizes), LS_OK);
    cr_assert_eq(sizes[0], 0);
    cr_assert_not_null(all);
    ls_free(all);
    ls_free(sizes);
}

Test(comm, the_rest)
{
    int value = 7;
    cr_assert_eq(ls_comm_broadcast(comm, &value, sizeof value, 0), LS_OK);
    cr_assert_eq(value, 7);
    cr_assert_eq(ls_comm_barrier(comm), LS_OK);
    cr_assert_eq(ls_comm_failure(comm), LS_OK);
    double before = ls_comm_time();
    cr_assert(ls_comm_time() >= before);
}

Test(comm, agreement_of_one)
{
    cr_assert_eq(ls_agree(comm, LS_OK), LS_OK);
    cr_assert_eq(ls_agree(comm, ls_error(LS_ERROR_IO, "cannot open x")), LS_ERROR_IO);
    cr_assert_str_eq(ls_error_message(), "cannot open x");
    cr_assert_eq(ls_agree_same(comm, 5, LS_ERROR_RECIPE, "the recipe"), LS_OK);
}

Test(comm, no_communicator_without_mpi)
{
    ls_comm *made = comm;
    int nothing = 0;
    cr_assert_eq(ls_comm_create(&nothing, &made), LS_ERROR_ARGUMENT);
    cr_assert_null(made);
    cr_assert_not_null(strstr(ls_error_message(), "MPI_Init"));
}
