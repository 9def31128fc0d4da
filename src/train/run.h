/* The inside of ls_train: what run.c (the loop), run_begin.c, run_save.c and run_report.c share. Rank 0
 * writes; every decision is made by all ranks alike. */
#ifndef LS_TRAIN_RUN_H
#define LS_TRAIN_RUN_H

#include "io/run_directory.h"
#include "train/trainer.h"

typedef struct ls_run {
    ls_trainer trainer;
    const ls_run_options *options;
    ls_run_directory *directory; /* rank 0 only, NULL without one */
    bool writes;                 /* rank 0 */
    ls_progress progress;
    double started, last_progress, last_checkpoint;
    int64_t samples; /* trained on since the start of this process */
    int64_t report_every;
    int64_t health_every; /* epochs; 0: never */
    bool best_is_new;     /* trainer.best is not written yet */
    int64_t kept_bytes;   /* of metrics.jsonl, for the checkpoint; -1: all */
    ls_status pending;    /* of rank 0's writing, brought into the next agreement */
} ls_run;

bool ls_run_is_over(const ls_run *r);
double ls_run_wall(const ls_run *r); /* seconds, those before a resume among them */
ls_comm *ls_run_comm(const ls_run *r);
void ls_run_note(const ls_run *r, const char *message); /* a remark for the user, from rank 0 */

/* run_begin.c */
typedef enum ls_run_beginning {
    LS_RUN_BEGIN_ANEW,
    LS_RUN_BEGIN_RESUMED,
    LS_RUN_BEGIN_FINISHED
} ls_run_beginning;
/* Opens the run directory and takes up the newest usable checkpoint where that is wanted. Collective. */
ls_status ls_run_begin(ls_run *r, ls_run_beginning *how);
void ls_run_warn_of_idle_ranks(const ls_run *r);
void ls_run_warn_of_model(const ls_run *r);

/* run_save.c */
/* A checkpoint; the score of the epoch so far is put together first. Collective. A failure of writing goes to
 * r->pending. */
ls_status ls_run_save(ls_run *r);
/* The last checkpoint, the model, the record "done". Collective. */
ls_status ls_run_finish(ls_run *r);
/* The weights of a finished training into trainer.step.parameters (after the last checkpoint), and their
 * results into r->progress; measured: those of the last weights stand there already. Collective. */
ls_status ls_run_settle(ls_run *r, bool measured);

/* run_report.c */
void ls_run_fill_progress(ls_run *r);
void ls_run_tell(ls_run *r, bool epoch_end);
void ls_run_write_record(ls_run *r, const char *event);
/* Results of weights on the test set into r->progress. Collective. */
ls_status ls_run_evaluate(ls_run *r, float *weights);
/* Everything known about the epoch so far into r->progress: score, over batches steps, and the results on the
 * test set. Collective. */
ls_status ls_run_measure(ls_run *r, const ls_score *score, int64_t batches);
/* What follows from it for the training, with remarks. */
void ls_run_decide(ls_run *r, bool record_due);
/* What is wrong with the training, in words. */
void ls_run_diagnose(const ls_run *r);
void ls_run_record(ls_run *r); /* into metrics.jsonl and to the caller */

#endif
