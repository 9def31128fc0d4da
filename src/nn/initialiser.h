/* Initial values of parameters. One table a kind in nn/initialiser_*.c or, with its kin, in
 * nn/initialisers_*.c, one line in nn/registry.h. Each element is computed in double precision and rounded
 * once to float, so the arena's layout has no influence. The square root, which IEEE 754 rounds correctly, is
 * the only function of the mathematics library. */
#ifndef LS_NN_INITIALISER_H
#define LS_NN_INITIALISER_H

#include "nn/layer.h"

typedef struct ls_initialiser_type {
    ls_component_type base;
    /* Fills the view's elements in place: values[r*ld + c]; element (r, c) draws number b = r*columns + c of
     * (seed, LS_RANDOM_INITIALISE, a = index). Errors: LS_ERROR_MEMORY. */
    ls_status (*fill)(const void *options, const ls_parameter *parameter, uint64_t seed, int index,
                      float *values);
} ls_initialiser_type;

extern const ls_registry ls_initialiser_registry;

/* For initialisers whose elements are drawn one by one: a number of mean 0 or so for an element. */
typedef double (*ls_element_draw)(const void *options, uint64_t seed, uint64_t index, uint64_t element);
void ls_initialise_elements(ls_element_draw draw, const void *options, const ls_parameter *parameter,
                            uint64_t seed, int index, float *values);

#endif
