/* The source "cifar": the binary format of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one label
   byte (CIFAR-100: a coarse and a fine one) and 3072 bytes of an image, red, green and blue planes of 32
   rows. */
#ifndef LS_DATA_CIFAR_H
#define LS_DATA_CIFAR_H

#include "data/dataset.h"

typedef enum ls_cifar_labels { LS_CIFAR_10, LS_CIFAR_100_COARSE, LS_CIFAR_100_FINE } ls_cifar_labels;

typedef struct ls_cifar_options {
    ls_data_options common;
    char *train, *test; /* patterns of file names (glob) */
    int labels;         /* ls_cifar_labels */
    char *names;        /* a text file with a name a line, or NULL */
} ls_cifar_options;

/* Adds the records of a file's content to the rows of dataset, whose images and labels grow. path stands in
   messages. Errors: LS_ERROR_DATA with path and record (from 1), LS_ERROR_MEMORY. */
ls_status ls_cifar_add(const char *path, const char *content, size_t size, ls_cifar_labels labels,
                       ls_dataset *dataset);

int ls_cifar_classes(ls_cifar_labels labels);

#endif
