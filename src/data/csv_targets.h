/* Several target columns of a CSV file of which some are classes. */
#ifndef LS_DATA_CSV_TARGETS_H
#define LS_DATA_CSV_TARGETS_H

#include "data/csv_labels.h"

typedef struct ls_csv_targets {
    int64_t count;         /* of targets; 0: none is a class */
    bool *is_class;        /* [count] */
    ls_csv_labels *labels; /* [count], those of classes are in use */
} ls_csv_targets;

/* rows: at most so many are added. The caller frees it, also on failure. */
ls_status ls_csv_targets_create(const ls_csv_options *options, int64_t targets, int64_t rows,
                                ls_csv_targets *made);
void ls_csv_targets_free(ls_csv_targets *made);

typedef struct ls_csv_names {
    const char *const *name;
    int count;
} ls_csv_names;

/* Puts the classes of all rows as numbers into the targets of dataset, and their names beside them. known: of
 * the model, labels are mapped to its classes; NULL: to those of names, or where there are none they are
 * found from the labels. */
ls_status ls_csv_targets_resolve(ls_csv_targets *made, const ls_csv_reader *reader, const ls_dataset *known,
                                 const ls_csv_names *names, ls_dataset *dataset);

/* What is wrong with the option class_targets; NULL: nothing. */
const char *ls_csv_targets_check(const ls_csv_options *options);

#endif
