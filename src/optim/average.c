#include "optim/average.h"

#define AVERAGE_LIST(ENTRY)                                                                                  \
    ENTRY(ema)                                                                                               \
    ENTRY(swa)

#define DECLARE_AVERAGE(NAME) extern const ls_average_type ls_average_##NAME;
#define AVERAGE_ENTRY(NAME)   &ls_average_##NAME.base,
AVERAGE_LIST(DECLARE_AVERAGE)

static const ls_component_type *const averages[] = {AVERAGE_LIST(AVERAGE_ENTRY) NULL};

const ls_registry ls_average_registry = {.kind = "average", .types = averages};

double ls_average_share(const ls_component *average, const ls_average_moment *moment)
{
    const ls_average_type *type = (const ls_average_type *)average->type;
    return type == NULL ? 0 : type->share(average->options, moment);
}
