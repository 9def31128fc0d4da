/* The source "idx": images and labels in the format of MNIST (http://yann.lecun.com/exdb/mnist/). */
#ifndef LS_DATA_IDX_H
#define LS_DATA_IDX_H

#include "data/dataset.h"

typedef struct ls_idx_options {
    ls_data_options common;
    char *train_images, *train_labels, *test_images, *test_labels;
    int64_t classes; /* 0: the largest label of the training rows and one */
} ls_idx_options;

/* Sets rows, inputs, shape and bytes or floats from an IDX file of rank 2 to 4, unsigned bytes or floats.
   content comes from path and from ls_alloc; it is taken over, also on failure. Errors: LS_ERROR_DATA with
   path and byte, LS_ERROR_MEMORY. */
ls_status ls_idx_parse_images(const char *path, char *content, size_t size, ls_dataset *dataset);

/* Sets labels of a dataset whose rows are known from an IDX file of rank 1, unsigned bytes. classes: 0 sets
   dataset->classes from the labels; otherwise labels beyond are errors. content as above. */
ls_status ls_idx_parse_labels(const char *path, char *content, size_t size, int classes, ls_dataset *dataset);

/* The usual name of the labels beside images: "images" becomes "labels", "idx3" becomes "idx1" in the last
   part of the path. NULL in *labels if the name has no "images". Freed with ls_free. */
ls_status ls_idx_labels_name(const char *images, char **labels);

#endif
