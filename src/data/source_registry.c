#include "data/sources.h"

static const ls_component_type *const types[] = {
    &ls_source_csv.base,  &ls_source_idx.base, &ls_source_cifar.base,
    &ls_source_push.base, &ls_source_xor.base, NULL,
};

const ls_registry ls_source_registry = {.kind = "data source", .types = types};
