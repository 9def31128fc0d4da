/* Models of one layer: every type on every tuple of shapes that it accepts, with its options varied. */
#ifndef TESTS_LAYER_CASES_H
#define TESTS_LAYER_CASES_H

#include "nn/model.h"

typedef void (*layer_check)(const ls_model *model, ls_node *node);

/* All layers of the registry, each with odd sizes, with each of its switches flipped and each of its choices
 * taken, and with one to three inputs. A type that accepts none of the shapes fails the test. */
void for_each_layer(layer_check check);

/* A model of one node with these inputs, which come from nowhere: node.input is 0 for all of them. False if
 * the layer refuses the shapes. Freed with ls_model_free; options belong to the component. */
bool build_alone(const ls_component *component, const ls_shape *in, int inputs, ls_model *model);

#endif
