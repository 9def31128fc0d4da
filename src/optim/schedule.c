#include "optim/registry.h"

const char *const ls_schedule_units[] = {"epochs", "steps", NULL};

const ls_option ls_warmup_option_table[] = {
    {.key = "length",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_warmup_options, length),
     .minimum = 0,
     .maximum = 1e9,
     .default_text = "0",
     .help = "How long the warm-up takes; the schedule begins when it is over. 0: no warm-up."},
    {.key = "unit",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(ls_warmup_options, unit),
     .default_text = "epochs",
     .choices = ls_schedule_units,
     .help = "What `length` counts."},
    {.key = "start_factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_warmup_options, start_factor),
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.1",
     .help = "What `lr` is multiplied by in the first step."},
    LS_OPTION_END};

static bool has_end(const ls_component *schedule)
{
    const ls_schedule_type *type = (const ls_schedule_type *)schedule->type;
    return type != NULL && type->ends != NULL && type->ends(schedule->options);
}

const char *ls_schedule_resolve(const ls_component *schedule, const ls_warmup_options *warmup, int64_t epochs,
                                int64_t steps)
{
    if (!has_end(schedule)) return NULL;
    ls_schedule_options *options = schedule->options;
    if (options->length == 0) options->length = (double)(options->unit == LS_UNIT_EPOCHS ? epochs : steps);
    if (options->length == 0) return "a length in steps is needed (length, or training.steps)";
    if (options->unit == warmup->unit && options->length <= warmup->length)
        return "the warm-up takes the whole length, expected a smaller warmup.length";
    return NULL;
}

bool ls_schedule_counts_epochs(const ls_component *schedule, const ls_warmup_options *warmup)
{
    const ls_schedule_options *options = schedule->options;
    return (warmup->length > 0 && warmup->unit == LS_UNIT_EPOCHS) ||
           (schedule->type != NULL && options != NULL && options->unit == LS_UNIT_EPOCHS);
}

static double steps_per(int unit, const ls_schedule_time *time)
{
    return unit == LS_UNIT_STEPS || time->steps_per_epoch < 1 ? 1 : (double)time->steps_per_epoch;
}

double ls_schedule_factor(const ls_component *schedule, const ls_warmup_options *warmup,
                          const ls_schedule_time *time)
{
    const ls_schedule_type *type = (const ls_schedule_type *)schedule->type;
    int64_t rising = (int64_t)(warmup->length * steps_per(warmup->unit, time) + 0.5);
    if (time->step < rising) {
        double share = (double)time->step / (double)rising;
        return warmup->start_factor + (1 - warmup->start_factor) * share;
    }
    if (type == NULL) return 1;
    ls_schedule_point point = {.step = time->step - rising, .steps_per_unit = 1};
    if (schedule->options != NULL) {
        const ls_schedule_options *options = schedule->options;
        point.steps_per_unit = steps_per(options->unit, time);
        if (options->length > 0) point.length = options->length * point.steps_per_unit - (double)rising;
    }
    return type->factor(schedule->options, &point);
}
