#include "optim/registry.h"

#define OPTIMIZER_ENTRY(NAME) &ls_optimizer_##NAME.base,
#define SCHEDULE_ENTRY(NAME)  &ls_schedule_##NAME.base,

static const ls_component_type *const optimizers[] = {LS_OPTIMIZER_LIST(OPTIMIZER_ENTRY) NULL};
static const ls_component_type *const schedules[] = {LS_SCHEDULE_LIST(SCHEDULE_ENTRY) NULL};

const ls_registry ls_optimizer_registry = {.kind = "optimizer", .types = optimizers};
const ls_registry ls_schedule_registry = {.kind = "schedule", .types = schedules};
