/* The communicator: ranks of MPI, or one process without MPI. With parallel/launcher.c the one place that
   knows mpi.h. Every function is collective over the communicator unless it says local, called by one thread
   a rank, in the same order everywhere. Counts may exceed 2^31. All return codes of MPI are checked; fault
   point "communicate". With one rank nothing is copied and MPI is not called. */
#ifndef LS_PARALLEL_COMM_H
#define LS_PARALLEL_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

typedef struct ls_comm ls_comm;

ls_status ls_comm_create_solo(ls_comm **comm);                    /* local */
ls_status ls_comm_create(void *mpi_communicator, ls_comm **comm); /* pointer to an MPI_Comm, which is
                                                                     duplicated */
void ls_comm_free(ls_comm *comm);

int ls_comm_rank(const ls_comm *comm);  /* local */
int ls_comm_size(const ls_comm *comm);  /* local */
int ls_comm_nodes(const ls_comm *comm); /* number of distinct hosts; found at creation; local */
const char *ls_comm_host(const ls_comm *comm, int rank); /* name of a rank's host; local */

typedef enum ls_comm_type {
    LS_SUM_UINT64,
    LS_SUM_INT64,
    LS_SUM_FLOAT,
    LS_MAX_UINT32,
    LS_MAX_UINT64,
    LS_MIN_UINT64
} ls_comm_type;

/* In place on every rank. */
ls_status ls_comm_reduce(ls_comm *comm, ls_comm_type type, void *values, int64_t count);

/* Non-blocking: start, then test until done (progress happens only in test and wait), at most
 * LS_COMM_REQUESTS at a time. */
typedef struct ls_request ls_request;
enum { LS_COMM_REQUESTS = 64 };
ls_status ls_comm_reduce_start(ls_comm *comm, ls_comm_type type, void *values, int64_t count,
                               ls_request **request);
ls_status ls_request_test(ls_request *request, bool *done); /* local; after done == true the request is gone,
                                                               do not use it again */
ls_status ls_request_wait(ls_request *request);             /* local */
/* A failure of MPI is reported by test or wait, not by start; the request is gone then, too. */

ls_status ls_comm_broadcast(ls_comm *comm, void *bytes, size_t size, int root);
/* Each rank gives size bytes (may differ, may be 0); all get all, in the order of ranks; *all and *sizes (one
 * a rank) are freed with ls_free. */
ls_status ls_comm_gather_all(ls_comm *comm, const void *bytes, size_t size, char **all, size_t **sizes);
ls_status ls_comm_barrier(ls_comm *comm);
void ls_comm_progress(ls_comm *comm); /* lets messages that are under way move; local */

/* LS_OK, or the first failure that a call of this communicator met on this rank, with its message. ls_agree
 * takes it along, so that a failure on one rank becomes known to all at the next agreement. Local. */
ls_status ls_comm_failure(const ls_comm *comm);

double ls_comm_time(void); /* seconds from a monotonic clock; local */

#endif
