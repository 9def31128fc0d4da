/* The confusion matrix as a table. */
#ifndef LS_CLI_CONFUSION_H
#define LS_CLI_CONFUSION_H

#include <stdio.h>
#include <lockstep/metrics.h>

/* Rows of true classes, columns of predicted ones, with their names as far as they fit. */
void ls_cli_print_confusion(FILE *to, const ls_metric *metric);
/* Of all metrics that are matrices. */
void ls_cli_print_confusions(FILE *to, const ls_metrics *metrics);

#endif
