/* The inside of ls_comm, for the files that implement it. */
#ifndef LS_PARALLEL_COMM_PRIVATE_H
#define LS_PARALLEL_COMM_PRIVATE_H

#include <mpi.h>
#include "parallel/comm.h"

enum {
    LS_COMM_HOST_SIZE = 128, /* bytes of a host's name with its NUL */
    LS_COMM_CHUNKS = 64,     /* pieces of one non-blocking reduction at most */
    LS_COMM_LABEL_SIZE = 192 /* bytes of "rank 12 (host n1): " */
};

struct ls_request {
    ls_comm *comm;
    bool used;
    bool fault; /* this passage was told to fail */
    int next;   /* first piece that is not known to be complete */
    int count;  /* pieces */
    int code;   /* first MPI code that was not MPI_SUCCESS */
    ls_comm_type type;
    void *values;
    int64_t elements;
    MPI_Request piece[LS_COMM_CHUNKS];
};

struct ls_comm {
    MPI_Comm mpi; /* the duplicate; MPI_COMM_NULL without MPI */
    int rank, size, nodes;
    char *hosts;       /* [size][LS_COMM_HOST_SIZE] */
    ls_status failure; /* the first failure of a call of MPI on this rank */
    char failure_message[LS_MESSAGE_SIZE];
    ls_request request[LS_COMM_REQUESTS];
};

/* Elements (bytes where bytes are moved) that one call of MPI gets at most, although its int could hold more:
   some MPI libraries count bytes in an int inside. The same on all ranks; tests lower it. */
extern int64_t ls_comm_chunk_limit;

/* LS_OK if code is MPI_SUCCESS and fault is false; else remembers the failure and returns LS_ERROR_PARALLEL
   with a message that names the call and what MPI says of it. */
ls_status ls_comm_check(ls_comm *comm, int code, bool fault, const char *call);

/* Whether there is nobody to talk to. */
static inline bool ls_comm_is_solo(const ls_comm *comm)
{
    return comm->size == 1;
}

size_t ls_comm_type_size(ls_comm_type type);

#endif
