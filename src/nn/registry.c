#include "nn/registry.h"

#define LAYER_ENTRY(NAME)       &ls_layer_##NAME.base,
#define LOSS_ENTRY(NAME)        &ls_loss_##NAME.base,
#define METRIC_ENTRY(NAME)      &ls_metric_##NAME.base,
#define INITIALISER_ENTRY(NAME) &ls_initialiser_##NAME.base,

static const ls_component_type *const layers[] = {LS_LAYER_LIST(LAYER_ENTRY) LS_ACTIVATION_LIST(LAYER_ENTRY)
                                                      NULL};
static const ls_component_type *const activations[] = {LS_ACTIVATION_LIST(LAYER_ENTRY) NULL};
static const ls_component_type *const losses[] = {LS_LOSS_LIST(LOSS_ENTRY) NULL};
static const ls_component_type *const metrics[] = {LS_METRIC_LIST(METRIC_ENTRY) NULL};
static const ls_component_type *const initialisers[] = {LS_INITIALISER_LIST(INITIALISER_ENTRY) NULL};

const ls_registry ls_layer_registry = {.kind = "layer", .types = layers, .named = true};
const ls_registry ls_activation_registry = {.kind = "activation", .types = activations};
const ls_registry ls_loss_registry = {.kind = "loss", .types = losses};
const ls_registry ls_metric_registry = {.kind = "metric", .types = metrics};
const ls_registry ls_initialiser_registry = {.kind = "initialiser", .types = initialisers};
