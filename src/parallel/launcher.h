/* What the environment says of how this process was started (with lockstep/context.h: ls_launcher_present).
 */
#ifndef LS_PARALLEL_LAUNCHER_H
#define LS_PARALLEL_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>

/* Tasks of the srun that started this process as one of several without the means to find the others, so that
   each is alone in its MPI_COMM_WORLD and trains by itself; 0 if all is well. Only a process that finds
   itself alone may ask. */
int ls_launcher_missed_tasks(void);

/* Cores that Slurm set aside for each task of the step that this process belongs to, 0 if it does not say or
   mpirun placed the ranks. srun may have bound the task to fewer (22.05 and later forget what sbatch was told
   of --cpus-per-task). */
int ls_launcher_allotted_cores(void);

/* Which MPI this library was built with: the words that its launcher understands differ. */
bool ls_launcher_is_open_mpi(void);

/* Version of the MPI library, one line, e.g. "Open MPI v4.1.4". Needs no MPI_Init. */
void ls_launcher_library(char *text, size_t size);

#endif
