/* Augmentation: images are changed at random where they are trained on, never where they are evaluated. What
   happens to a row is a function of seed, epoch and row alone, so that neither layout nor resume matters. */
#ifndef LS_DATA_AUGMENT_H
#define LS_DATA_AUGMENT_H

#include "base/component.h"
#include "base/random.h"
#include "data/dataset.h"

/* An image, or a signal of height 1, that lies in memory with a distance between neighbours: element (c, h,
   w) at x[((c * height + h) * width + w) * stride]. */
typedef struct ls_augment_image {
    int64_t channels, height, width, stride;
    bool signal; /* has no height that could change */
    float *x;
} ls_augment_image;

typedef struct ls_augment_type {
    ls_component_type base;
    /* Changes the image in place. random: its own for each row, epoch and place in the list. */
    void (*apply)(const void *options, ls_random_words random, const ls_augment_image *image);
} ls_augment_type;

/* The types; listed in augment.c. */
extern const ls_augment_type ls_augment_random_crop, ls_augment_random_flip;

/* Whether rows of the data can be augmented. Errors: LS_ERROR_RECIPE. */
ls_status ls_augment_check(const ls_component_list *list, const ls_dataset *data);

/* Goes through the list for one row of the data, whose normalised inputs are at x[input * stride]. */
void ls_augment_apply(const ls_component_list *list, uint64_t seed, int64_t epoch, int64_t row,
                      const ls_dataset *data, int64_t stride, float *x);

#endif
