/* Initial values of parameters. One table a kind in nn/initialiser_*.c or nn/initialisers.c, one line in
 * nn/registry.c. */
#ifndef LS_NN_INITIALISER_H
#define LS_NN_INITIALISER_H

#include "nn/layer.h"

typedef struct ls_initialiser_type {
    ls_component_type base;
    /* Fills the view's elements in place: values[r*ld + c]; element (r, c) draws number b = r*columns + c of
     * (seed, LS_RANDOM_INITIALISE, a = index). */
    void (*fill)(const void *options, const ls_parameter *parameter, uint64_t seed, int index, float *values);
} ls_initialiser_type;

extern const ls_registry ls_initialiser_registry;

#endif
