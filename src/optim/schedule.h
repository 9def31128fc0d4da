/* Learning-rate schedules: the learning rate as a function of the step alone, so that a resumed training goes
   on with the same bits. One file each, one line in optim/registry.h. */
#ifndef LS_OPTIM_SCHEDULE_H
#define LS_OPTIM_SCHEDULE_H

#include "base/component.h"

typedef enum ls_schedule_unit { LS_UNIT_EPOCHS, LS_UNIT_STEPS } ls_schedule_unit;

/* The options of every schedule that has any begin with it. */
typedef struct ls_schedule_options {
    int unit;      /* ls_schedule_unit, of all lengths among the options; key "unit" */
    double length; /* key "length", where a schedule has an end: of the training from its first step, warm-up
                      among it. 0 until ls_schedule_resolve has put in that of the training. */
} ls_schedule_options;

typedef struct ls_warmup_options { /* the group "warmup" of an optimiser */
    double length;                 /* 0: none */
    int unit;
    double start_factor;
} ls_warmup_options;

/* Where a training is. */
typedef struct ls_schedule_time {
    int64_t step;            /* steps before this one, skipped ones among them */
    int64_t steps_per_epoch; /* 0: rows are pushed, there are no epochs */
} ls_schedule_time;

/* What a schedule sees of it: steps since the warm-up ended. */
typedef struct ls_schedule_point {
    int64_t step;          /* 0 for the first */
    double steps_per_unit; /* above 0 */
    double length; /* in steps, 0 where the schedule has no end; may be a fraction, may be negative if the
                      warm-up is longer than the training */
} ls_schedule_point;

typedef struct ls_schedule_type {
    ls_component_type base;
    /* What the recipe's learning rate is multiplied by. Must not use the mathematics library
       (base/elementary.h has the functions). */
    double (*factor)(const void *options, const ls_schedule_point *point);
    /* Whether, with these options, it is laid out for the length of a training. NULL: never. */
    bool (*ends)(const void *options);
} ls_schedule_type;

extern const ls_registry ls_schedule_registry;
extern const ls_option ls_warmup_option_table[];
extern const char *const ls_schedule_units[];

/* Fills in the default length: epochs or, of schedules that count steps, steps of the training (0: no limit).
   NULL, or what is wrong: a length that is needed, or a warm-up that leaves nothing. The string is static. */
const char *ls_schedule_resolve(const ls_component *schedule, const ls_warmup_options *warmup, int64_t epochs,
                                int64_t steps);

/* Whether schedule or warm-up count epochs, so that steps_per_epoch must not be 0. */
bool ls_schedule_counts_epochs(const ls_component *schedule, const ls_warmup_options *warmup);

/* What the learning rate is multiplied by in a step. An absent schedule is a constant one. */
double ls_schedule_factor(const ls_component *schedule, const ls_warmup_options *warmup,
                          const ls_schedule_time *time);

/* The point in units. Whole numbers of units are exact. */
static inline double ls_schedule_position(const ls_schedule_point *point)
{
    return (double)point->step / point->steps_per_unit;
}

/* The share of the length that has passed, from 0 to 1. */
static inline double ls_schedule_progress(const ls_schedule_point *point)
{
    return (double)point->step < point->length ? (double)point->step / point->length : 1;
}

/* Rows that tables of schedules share; STRUCT begins with the member "common". */
#define LS_SCHEDULE_UNIT(STRUCT)                                                                             \
    {                                                                                                        \
        .key = "unit", .kind = LS_OPTION_CHOICE, .offset = offsetof(STRUCT, common.unit),                    \
        .default_text = "epochs", .choices = ls_schedule_units,                                              \
        .help = "What the numbers of this schedule count."                                                   \
    }

#define LS_SCHEDULE_LENGTH(STRUCT)                                                                           \
    {                                                                                                        \
        .key = "length", .kind = LS_OPTION_REAL, .offset = offsetof(STRUCT, common.length), .minimum = 0,    \
        .maximum = 0x1p53, .default_text = "0",                                                              \
        .help =                                                                                              \
            "When the schedule ends, counted from the first step of the training (warm-up included). 0: "    \
            "`training.epochs`, or `training.steps` where `unit` is steps; more of them on resume are then " \
            "another schedule, which is refused."                                                            \
    }

#define LS_SCHEDULE_END_FACTOR(STRUCT, MEMBER)                                                               \
    {                                                                                                        \
        .key = "end_factor", .kind = LS_OPTION_REAL, .offset = offsetof(STRUCT, MEMBER), .minimum = 0,       \
        .maximum = 1e6, .default_text = "0",                                                                 \
        .help = "What `lr` is multiplied by at the end and from then on."                                    \
    }

#endif
