/* The source "csv": tables as text. */
#ifndef LS_DATA_CSV_H
#define LS_DATA_CSV_H

#include "data/dataset.h"

typedef enum ls_csv_task { LS_CSV_TASK_AUTO, LS_CSV_TASK_CLASSES, LS_CSV_TASK_VALUES } ls_csv_task;
typedef enum ls_csv_header { LS_CSV_HEADER_AUTO, LS_CSV_HEADER_YES, LS_CSV_HEADER_NO } ls_csv_header;

typedef struct ls_csv_options {
    ls_data_options common;
    char *train, *test;
    ls_strings target;        /* "last", "first", names or 1-based numbers of columns */
    int task;                 /* ls_csv_task */
    int header;               /* ls_csv_header */
    int separator;            /* 0: found by looking; see csv.c */
    ls_strings classes;       /* names in the order of the model's outputs */
    ls_strings class_targets; /* those of several targets that are classes */
    ls_strings ignore;        /* names or numbers of columns */
} ls_csv_options;

/* What is known of the model when a file is read that is not the training file. */
typedef struct ls_csv_model {
    int64_t inputs; /* 0: not known */
    const char *const *class_names;
    int classes;             /* 0: targets are values */
    bool needs_targets;      /* false: the file may come without them */
    const ls_dataset *known; /* the classes of several targets; NULL: there are none */
} ls_csv_model;

/* Reads text (followed by a 0 byte) that came from path. model NULL: a training file. On failure dataset may
   hold parts, which the caller frees. Local. Errors: LS_ERROR_DATA with path:line:column, LS_ERROR_MEMORY. */
ls_status ls_csv_parse(const ls_csv_options *options, const ls_csv_model *model, const char *path,
                       const char *text, size_t size, ls_dataset *dataset);

/* The same from a file, plain or gzipped. */
ls_status ls_csv_read(const ls_csv_options *options, const ls_csv_model *model, const char *path,
                      ls_dataset *dataset);

#endif
