/* What the columns of a CSV file are: its separator, header or count line, inputs and targets. */
#ifndef LS_DATA_CSV_LAYOUT_H
#define LS_DATA_CSV_LAYOUT_H

#include "data/csv.h"
#include "data/csv_scan.h"

enum { LS_CSV_INPUT = -1, LS_CSV_IGNORED = -2 }; /* roles; >= 0: position among the targets */

typedef struct ls_csv_layout {
    int64_t columns, inputs, targets;
    int32_t *role;      /* [columns] */
    char **column_name; /* [columns], NULL without a header */
    int64_t counted;    /* rows that the count line promises; -1 without one */
    char **class_name;  /* [classes] of the count line */
    int classes;
} ls_csv_layout;

/* Looks at the first lines; leaves the reader at the first row of data, with its separator set. The caller
 * frees the layout, also on failure. */
ls_status ls_csv_layout_find(const ls_csv_options *options, const ls_csv_model *model, ls_csv_reader *reader,
                             ls_csv_layout *layout);
void ls_csv_layout_free(ls_csv_layout *layout);

#endif
