/* Where the ranks run, for choosing numbers of threads and for warning of bad bindings. */
#ifndef LS_PARALLEL_PLACEMENT_H
#define LS_PARALLEL_PLACEMENT_H

#include "parallel/comm.h"
#include "parallel/cores.h"

enum { LS_THREADS_MAX = 1024 };

typedef struct ls_place {
    int rank;
    int threads;      /* given, or chosen: the rank's share of the cores that it may use */
    int cores;        /* that the rank may use, alone or with others */
    int online;       /* cores of its machine that could be used */
    int missed_tasks; /* of an srun whose tasks do not know of each other; 0: all is well */
    int allotted;     /* cores that the launcher set aside for the rank; 0: unknown, or threads were given */
    const char *host;
    const uint64_t *word; /* the set of cores, without the zeros at the end */
    size_t words;
} ls_place;

typedef struct ls_placement {
    int size;
    ls_place *place;   /* [size], by rank */
    ls_place **sorted; /* [size], by host, set of cores, rank */
    char *bytes;
    size_t *sizes;
} ls_placement;

/* threads: of this rank, 0 to choose. Collective. Freed with ls_placement_free, also after an error. */
ls_status ls_placement_gather(ls_comm *comm, int threads, ls_placement *placement);
void ls_placement_free(ls_placement *placement);

void ls_place_cores(const ls_place *place, ls_cores *cores);

/* Whether threads outnumber cores somewhere. Local, with the same answer on all ranks. */
bool ls_placement_is_crowded(const ls_placement *placement);

/* The same one line on all ranks if threads outnumber cores, cores that were set aside
   lie idle, or the ranks did not find each other, *warning =
   NULL if all is well. Freed with ls_free. Local. launched: by mpirun or srun. */
ls_status ls_placement_warn(const ls_placement *placement, bool launched, char **warning);

#endif
