#define _GNU_SOURCE
#include "parallel/agree.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "parallel/comm_private.h"

/* The key of a rank without failure; others are rank * 256 + status, so that the smallest is the lowest
 * rank's. */
#define KEY_FINE UINT64_MAX

static uint64_t key_of(const ls_comm *comm, ls_status mine)
{
    return mine == LS_OK ? KEY_FINE : (uint64_t)comm->rank << 8 | (uint64_t)mine;
}

/* A message that was agreed before names its rank already. */
static bool names_rank(const char *message)
{
    int rank, end = 0;
    return sscanf(message, "rank %d (host %n", &rank, &end) == 1 && end > 0;
}

/* While a communicator is made it has no table of hosts yet. */
static void label_self(const ls_comm *comm, char *label, size_t size)
{
    char host[LS_COMM_HOST_SIZE] = "unknown";
    if (comm->hosts != NULL)
        snprintf(host, sizeof host, "%s", ls_comm_host(comm, comm->rank));
    else
        (void)gethostname(host, sizeof host - 1);
    snprintf(label, size, "rank %d (host %s): ", comm->rank, host);
}

/* All take the message of rank root, which has it in its thread. */
static ls_status share_message(ls_comm *comm, int root, ls_status status)
{
    char message[LS_MESSAGE_SIZE] = "", label[LS_COMM_LABEL_SIZE] = "";
    if (comm->rank == root) {
        if (!names_rank(ls_error_message())) label_self(comm, label, sizeof label);
        snprintf(message, sizeof message, "%s%.*s", label, (int)(sizeof message - sizeof label),
                 ls_error_message());
    }
    LS_TRY(ls_comm_broadcast(comm, message, sizeof message, root));
    message[sizeof message - 1] = '\0';
    return ls_error(status, "%s", message);
}

ls_status ls_agree(ls_comm *comm, ls_status mine)
{
    if (ls_comm_is_solo(comm)) return mine;
    if (mine == LS_OK) mine = ls_comm_failure(comm);
    uint64_t key = key_of(comm, mine);
    char kept[LS_MESSAGE_SIZE] = "";
    if (mine != LS_OK) snprintf(kept, sizeof kept, "%s", ls_error_message());
    /* If this very exchange fails here, this rank goes on with what it got: leaving alone would let the
       others wait for ever. The communicator remembers the failure, and the next agreement tells it to all.
     */
    (void)ls_comm_reduce(comm, LS_MIN_UINT64, &key, 1);
    if (mine != LS_OK) ls_error(mine, "%s", kept);
    if (key == KEY_FINE) return LS_OK;
    int root = (int)(key >> 8);
    if (root >= comm->size) return ls_comm_failure(comm);
    return share_message(comm, root, (ls_status)(key & 255));
}

ls_status ls_agree_same(ls_comm *comm, uint64_t value, ls_status failure, const char *what)
{
    if (ls_comm_is_solo(comm)) return LS_OK;
    uint64_t first = value;
    (void)ls_comm_broadcast(comm, &first, sizeof first, 0);
    uint64_t different = value == first ? KEY_FINE : (uint64_t)comm->rank;
    (void)ls_comm_reduce(comm, LS_MIN_UINT64, &different, 1);
    if (different == KEY_FINE) return ls_agree(comm, LS_OK);
    int rank = different < (uint64_t)comm->size ? (int)different : 0;
    return ls_error(failure,
                    "%s is not the same on all ranks: rank %d (host %s) differs from rank 0 (host %s)", what,
                    rank, ls_comm_host(comm, rank), ls_comm_host(comm, 0));
}
