/* The sources of data; listed in source_registry.c. */
#ifndef LS_DATA_SOURCES_H
#define LS_DATA_SOURCES_H

#include "data/dataset.h"

extern const ls_source_type ls_source_cifar;
extern const ls_source_type ls_source_csv;
extern const ls_source_type ls_source_idx;
extern const ls_source_type ls_source_push;
extern const ls_source_type ls_source_xor;

/* Rows of a CSV file of inputs, with or without targets after them, for models whose own data are no files.
   Arguments as in ls_source_type.load_file; outputs: values a row, where classes is 0. */
ls_status ls_source_read_table(const char *path, int64_t inputs, int64_t outputs,
                               const char *const *class_names, int classes, ls_dataset *dataset);

#endif
