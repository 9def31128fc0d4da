#include "train/watch.h"

#include <math.h>

void ls_watch_start(ls_watch *watch)
{
    *watch = (ls_watch){.best = NAN};
}

static bool improves(const ls_watch *watch, const ls_watch_rule *rule, double value)
{
    if (!isfinite(value)) return false;
    if (isnan(watch->best)) return true;
    double margin = rule->absolute + rule->relative * fabs(watch->best);
    return rule->larger ? value > watch->best + margin : value < watch->best - margin;
}

bool ls_watch_show(ls_watch *watch, const ls_watch_rule *rule, double value)
{
    bool better = improves(watch, rule, value);
    if (better) {
        watch->best = value;
        watch->waited = 0;
    } else {
        watch->waited++;
    }
    return better;
}
