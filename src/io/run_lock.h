/* The lock of a run directory: the file DIR/lock, with the process that holds it written in it. */
#ifndef LS_IO_RUN_LOCK_H
#define LS_IO_RUN_LOCK_H

#include <stdbool.h>
#include "base/error.h"

typedef struct ls_run_lock {
    int file;   /* -1: not held */
    char *path; /* DIR/lock */
} ls_run_lock;

/* Takes the lock of directory. use_system: by an open-file-description lock, which the system releases when
   its holder ends in any way; where the file system knows none, or if false, the file decides by its very
   existence, together with the host, process id and start time in it. LS_ERROR_STATE where another process
   has the lock. */
ls_status ls_run_lock_take(const char *directory, bool use_system, ls_run_lock *lock);
/* Removes the file and releases the lock. Harmless where it is not held. */
void ls_run_lock_release(ls_run_lock *lock);

#endif
