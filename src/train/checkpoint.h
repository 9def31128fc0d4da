/* Checkpoints: everything that the next step depends on, in a safetensors file with checksums. */
#ifndef LS_TRAIN_CHECKPOINT_H
#define LS_TRAIN_CHECKPOINT_H

#include "train/trainer.h"

/* What a checkpoint knows besides the trainer. */
typedef struct ls_checkpoint_extra {
    int64_t metrics_bytes; /* of metrics.jsonl that belong to it */
    double wall_s;         /* spent so far */
    double loss, accuracy; /* of the last epoch that was reported; NaN: none */
} ls_checkpoint_extra;

/* Written by rank 0 alone; trainer->carried must hold the whole score of the epoch so far. Local. */
ls_status ls_checkpoint_write(const char *path, const ls_trainer *trainer, const ls_checkpoint_extra *extra);

/* Reads and checks everything before anything of the trainer changes: checksums, shapes, fingerprint, the
 * recipe (an error names the key that differs) and the data. Local. */
ls_status ls_checkpoint_read(const char *path, ls_trainer *trainer, ls_checkpoint_extra *extra);

/* Gives all ranks what rank 0 read. Collective. */
ls_status ls_checkpoint_share(ls_trainer *trainer, ls_checkpoint_extra *extra);

#endif
