/* The directory of a run: DIR/model.safetensors, checkpoints/, metrics.jsonl, recipe.yaml and a lock. Used by
 * rank 0 alone. */
#ifndef LS_IO_RUN_DIRECTORY_H
#define LS_IO_RUN_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

typedef struct ls_run_directory ls_run_directory;

typedef enum ls_run_state { LS_RUN_EMPTY, LS_RUN_UNFINISHED, LS_RUN_FINISHED } ls_run_state;

/* Makes the directory if needed and locks it: a file "lock" held by fcntl (an open-file-description lock),
   which the system releases when the process ends in any way, with host and process id in it. A directory in
   use is LS_ERROR_STATE with "DIR is in use by process 123 on host n1 since ...". Where the file system knows
   no locks, host, pid and process start time in the file decide. *state says what is there. */
ls_status ls_run_directory_open(const char *path, ls_run_directory **directory, ls_run_state *state);
/* Removes what an earlier run left (only files that Lockstep writes), for a fresh start. */
ls_status ls_run_directory_clear(ls_run_directory *directory);
void ls_run_directory_close(ls_run_directory *directory); /* unlocks and frees; NULL is allowed */
const char *ls_run_directory_path(const ls_run_directory *directory);

/* metrics.jsonl: one object a line, appended and flushed. keep_bytes at opening: the file is cut to so many
 * bytes first (a resumed run continues where its checkpoint was). */
ls_status ls_run_directory_metrics_open(ls_run_directory *directory, int64_t keep_bytes);
ls_status ls_run_directory_metrics_write(ls_run_directory *directory, const char *json_line);
int64_t ls_run_directory_metrics_bytes(const ls_run_directory *directory);

/* Checkpoints: checkpoints/step-000000000123.safetensors, newest kept, older removed. */
char *ls_run_directory_checkpoint_path(const ls_run_directory *directory, int64_t step); /* ls_free */
ls_status ls_run_directory_prune(ls_run_directory *directory, int64_t keep);
/* Steps of the checkpoints that are there, newest first; *steps is freed with ls_free. */
ls_status ls_run_directory_checkpoints(const ls_run_directory *directory, int64_t **steps, int *count);

#endif
