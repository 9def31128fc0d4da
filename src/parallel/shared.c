/* One object of POSIX shared memory a rank, which loses its name as soon as all ranks have it: nothing is
   left behind whatever happens to the processes later. */
#include "parallel/shared.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/memory.h"
#include "parallel/team.h"

enum {
    HEAD_BYTES = 4096, /* in front of the array, which then begins with a page */
    NAME_SIZE = 64,
    SPINS_A_LOOK = 64 /* looks at the others between two calls that let messages move */
};

typedef struct head {
    uint64_t token;                       /* tells an object from another of the same name on another host */
    _Alignas(64) _Atomic uint64_t passed; /* barriers that its rank has reached */
} head;

typedef struct offer {    /* what a rank tells the others */
    char name[NAME_SIZE]; /* empty: it has none */
    uint64_t token, layout;
} offer;

struct ls_shared {
    ls_comm *comm;
    size_t bytes; /* of an object */
    int spins;
    uint64_t passed;
    head **of; /* [ranks], mapped; NULL: not */
};

static head *map(int descriptor, size_t bytes)
{
    void *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    return place == MAP_FAILED ? NULL : place;
}

static bool random_token(uint64_t *token)
{
    return getrandom(token, sizeof *token, GRND_NONBLOCK) == (ssize_t)sizeof *token;
}

/* Room is taken at once: a page that cannot be had later would end the process with a signal. */
static head *make(size_t bytes, offer *mine)
{
    head *made = NULL;
    if (ls_fault("shared") || !random_token(&mine->token)) return NULL;
    snprintf(mine->name, sizeof mine->name, "/lockstep-%ld-%016llx", (long)getpid(),
             (unsigned long long)mine->token);
    int descriptor = shm_open(mine->name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
        if (posix_fallocate(descriptor, 0, (off_t)bytes) == 0) made = map(descriptor, bytes);
        if (made == NULL) shm_unlink(mine->name);
        close(descriptor);
    }
    if (made == NULL)
        mine->name[0] = '\0';
    else
        made->token = mine->token;
    return made;
}

static head *take(size_t bytes, const offer *theirs)
{
    if (theirs->name[0] == '\0') return NULL;
    int descriptor = shm_open(theirs->name, O_RDWR | O_CLOEXEC, 0);
    if (descriptor < 0) return NULL;
    off_t size = lseek(descriptor, 0, SEEK_END);
    head *taken = size == (off_t)bytes ? map(descriptor, bytes) : NULL;
    close(descriptor);
    if (taken != NULL && taken->token != theirs->token) {
        munmap(taken, bytes);
        return NULL;
    }
    return taken;
}

void ls_shared_free(ls_shared *shared)
{
    if (shared == NULL) return;
    for (int r = 0; shared->of != NULL && r < ls_comm_size(shared->comm); r++)
        if (shared->of[r] != NULL) munmap(shared->of[r], shared->bytes);
    ls_free(shared->of);
    ls_free(shared);
}

static ls_shared *begin(ls_comm *comm, size_t bytes)
{
    ls_shared *made = ls_alloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->comm = comm;
    made->bytes = HEAD_BYTES + bytes;
    made->spins = ls_team_spins(ls_comm_size(comm));
    made->of = ls_alloc((size_t)ls_comm_size(comm), sizeof *made->of);
    if (made->of != NULL) return made;
    ls_shared_free(made);
    return NULL;
}

/* Every rank's object on every rank; *complete on all of them or on none. */
static ls_status connect(ls_comm *comm, uint64_t layout, ls_shared *made, bool *complete)
{
    int rank = ls_comm_rank(comm);
    offer mine;
    char *all = NULL;
    size_t *sizes = NULL;
    memset(&mine, 0, sizeof mine);
    mine.layout = layout;
    if (made != NULL) made->of[rank] = make(made->bytes, &mine);
    ls_status status = ls_comm_gather_all(comm, &mine, sizeof mine, &all, &sizes);
    uint64_t here = status == LS_OK && made != NULL && made->of[rank] != NULL;
    for (int r = 0; r < ls_comm_size(comm) && here; r++) {
        offer theirs;
        memcpy(&theirs, all + (size_t)r * sizeof theirs, sizeof theirs);
        if (r != rank) made->of[r] = theirs.layout == layout ? take(made->bytes, &theirs) : NULL;
        here = made->of[r] != NULL;
    }
    if (status == LS_OK) status = ls_comm_reduce(comm, LS_MIN_UINT64, &here, 1);
    if (mine.name[0] != '\0') shm_unlink(mine.name);
    ls_free(all);
    ls_free(sizes);
    *complete = status == LS_OK && here;
    return status;
}

ls_status ls_shared_create(ls_comm *comm, size_t bytes, uint64_t layout, ls_shared **shared)
{
    *shared = NULL;
    if (ls_comm_size(comm) == 1 || ls_comm_nodes(comm) > 1) return LS_OK;
    bool wanted = getenv("LOCKSTEP_MESSAGES") == NULL, complete = false;
    ls_shared *made = wanted ? begin(comm, bytes) : NULL;
    ls_status status = connect(comm, layout, made, &complete);
    if (!complete) {
        ls_shared_free(made);
        return status;
    }
    *shared = made;
    return LS_OK;
}

void *ls_shared_of(const ls_shared *shared, int rank)
{
    return (char *)shared->of[rank] + HEAD_BYTES;
}

size_t ls_shared_bytes(const ls_shared *shared)
{
    return shared->bytes - HEAD_BYTES;
}

/* A rank that is here first may still have messages to pass on. */
static void wait_for(ls_shared *shared, int rank)
{
    head *other = shared->of[rank];
    int looks = 0;
    while (atomic_load_explicit(&other->passed, memory_order_acquire) < shared->passed) {
        looks++;
        if (looks % SPINS_A_LOOK == 0) ls_comm_progress(shared->comm);
        if (looks < shared->spins)
            ls_team_pause();
        else
            sched_yield();
    }
}

void ls_shared_barrier(ls_shared *shared)
{
    head *mine = shared->of[ls_comm_rank(shared->comm)];
    shared->passed++;
    atomic_store_explicit(&mine->passed, shared->passed, memory_order_release);
    for (int r = 0; r < ls_comm_size(shared->comm); r++) wait_for(shared, r);
}
