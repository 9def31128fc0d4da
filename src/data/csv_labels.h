/* The target column of a CSV file while it is not yet known what it holds: every different text once, and for
 * each row which it was. */
#ifndef LS_DATA_CSV_LABELS_H
#define LS_DATA_CSV_LABELS_H

#include "data/csv.h"
#include "data/csv_scan.h"

enum { LS_CSV_LABELS_MAX = 10000 }; /* different labels of one file */

typedef struct ls_csv_label {
    ls_csv_field field; /* where it came first */
    int64_t row;        /* from 1 */
    float value;
    bool number;
} ls_csv_label;

typedef struct ls_csv_labels {
    bool may_be_values;
    bool are_values; /* too many different numbers for classes */
    int32_t count;
    size_t capacity, slots;
    ls_csv_label *label;
    int32_t *slot;    /* hash table of indices + 1 */
    int32_t *of_row;  /* [rows] */
    float *row_value; /* [rows], if may_be_values */
} ls_csv_labels;

/* rows: at most so many are added. The caller frees labels, also on failure. */
ls_status ls_csv_labels_create(int64_t rows, bool may_be_values, ls_csv_labels *labels);
void ls_csv_labels_free(ls_csv_labels *labels);

/* The field of row row (from 0, ascending). */
ls_status ls_csv_labels_add(ls_csv_labels *labels, const ls_csv_reader *reader, const ls_csv_field *field,
                            int64_t row);

/* Sets labels and class names of dataset, or its targets. class_name [classes]: the known names; 0: found
   from the labels. */
ls_status ls_csv_labels_resolve(ls_csv_labels *labels, const ls_csv_reader *reader,
                                const char *const *class_name, int classes, ls_dataset *dataset);

#endif
