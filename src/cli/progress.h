/* What a user sees of a training: on a terminal a bar, into a file some lines. All on standard error. */
#ifndef LS_CLI_PROGRESS_H
#define LS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <lockstep/trainer.h>

typedef struct ls_cli_progress {
    bool terminal, drawn;   /* whether there is a bar, and whether one stands on the screen */
    double last_draw;       /* seconds */
    double first_time;      /* of the first report, where the estimate of the time left begins */
    int64_t first_step;     /* -1: no report yet */
    double last_epoch_time; /* of the last finished epoch */
    int64_t last_epoch;     /* the last finished epoch that was seen */
    int64_t last_part;      /* how many parts of the run the lines so far stand for */
} ls_cli_progress;

void ls_cli_progress_start(ls_cli_progress *progress);
/* Functions for ls_run_options; user is an ls_cli_progress. */
void ls_cli_progress_show(void *user, const ls_progress *now);
void ls_cli_progress_note(void *user, const char *message);
/* Takes the bar off the screen. */
void ls_cli_progress_end(ls_cli_progress *progress);

/* "12,345" without places for large numbers, "1.23" with some for small ones. */
void ls_cli_format_rate(double rate, char *text, int size);
/* "0.8 s", "1:05", "2:03:04". */
void ls_cli_format_time(double seconds, char *text, int size);
/* Adds what is known of loss and accuracies to text: "loss 0.12  accuracy 95.1 %  test loss ...". */
void ls_cli_format_results(const ls_progress *now, char *text, int size);
/* "test rmse 0.5  test r2 0.9": what format_results does not say; may be empty. */
void ls_cli_format_metrics(const ls_metrics *metrics, char *text, int size);

#endif
