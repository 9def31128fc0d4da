#include "parallel/build.h"

#include <string.h>
#include "base/memory.h"
#include "parallel/agree.h"

static ls_status compare_builds(ls_comm *comm, const char *all, const size_t *sizes)
{
    const char *one = all;
    for (int rank = 0; rank < ls_comm_size(comm); one += sizes[rank], rank++) {
        if (sizes[rank] == sizes[0] && memcmp(one, all, sizes[0]) == 0) continue;
        return ls_error(LS_ERROR_PARALLEL,
                        "rank %d (host %s) computes with \"%.*s\", but rank 0 (host %s) with \"%.*s\": run "
                        "the same build "
                        "of Lockstep on all nodes, and look at `lockstep doctor` on both hosts",
                        rank, ls_comm_host(comm, rank), (int)sizes[rank], one, ls_comm_host(comm, 0),
                        (int)sizes[0], all);
    }
    return LS_OK;
}

ls_status ls_build_agree(ls_comm *comm, const char *build)
{
    char *all;
    size_t *sizes;
    LS_TRY(ls_agree(comm, ls_comm_gather_all(comm, build, strlen(build), &all, &sizes)));
    ls_status status = compare_builds(comm, all, sizes);
    ls_free(all);
    ls_free(sizes);
    return status;
}
