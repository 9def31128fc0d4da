/* The keys of a recipe about what is watched from epoch to epoch. */
#include "io/recipe.h"

static const char *const mode_choices[] = {"auto", "min", "max", NULL};

#define PATIENCE_LARGEST 1e9

#define MONITOR(STRUCT)                                                                                      \
    {                                                                                                        \
        .key = "monitor", .kind = LS_OPTION_STRING, .offset = offsetof(STRUCT, monitor),                     \
        .default_text = "test_loss",                                                                         \
        .help =                                                                                              \
            "What is watched after every epoch: loss, accuracy, test_loss, test_accuracy, or test_ and the " \
            "name of one of the recipe's metrics (test_f1). With `training.average` the results on the "     \
            "test "                                                                                          \
            "set are those of the averaged weights."                                                         \
    }

#define MODE(STRUCT)                                                                                         \
    {                                                                                                        \
        .key = "mode", .kind = LS_OPTION_CHOICE, .offset = offsetof(STRUCT, mode), .default_text = "auto",   \
        .choices = mode_choices,                                                                             \
        .help = "Whether lower or higher values are better. auto: higher accuracies, lower losses; for "     \
                "other metrics it must be said."                                                             \
    }

const ls_option ls_early_stopping_table[] = {
    MONITOR(ls_early_stopping_options),
    {.key = "patience",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(ls_early_stopping_options, patience),
     .minimum = 0,
     .maximum = PATIENCE_LARGEST,
     .default_text = "0",
     .help = "Stop after so many epochs in a row without an improvement. 0: never stop early."},
    {.key = "min_delta",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_early_stopping_options, min_delta),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "0",
     .help = "Only a change by more than this counts as an improvement."},
    MODE(ls_early_stopping_options),
    {.key = "restore_best",
     .kind = LS_OPTION_BOOLEAN,
     .offset = offsetof(ls_early_stopping_options, restore_best),
     .default_text = "true",
     .help = "With `patience` above 0: the model that is written at the end is that of the best epoch, "
             "whether training stopped early or not. false: that of the last epoch."},
    LS_OPTION_END};

const ls_option ls_on_plateau_table[] = {
    MONITOR(ls_on_plateau_options),
    {.key = "patience",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(ls_on_plateau_options, patience),
     .minimum = 0,
     .maximum = PATIENCE_LARGEST,
     .default_text = "0",
     .help = "Lower the learning rate after so many epochs in a row without an improvement, again and "
             "again. 0: never."},
    {.key = "factor",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_on_plateau_options, factor),
     .minimum = 1e-6,
     .maximum = 1,
     .default_text = "0.1",
     .help = "What the learning rate of the schedule is multiplied by, once more each time."},
    {.key = "threshold",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_on_plateau_options, threshold),
     .minimum = 0,
     .maximum = 1,
     .default_text = "1e-4",
     .help = "Only a change by more than this share of the best value counts as an improvement."},
    {.key = "cooldown",
     .kind = LS_OPTION_INTEGER,
     .offset = offsetof(ls_on_plateau_options, cooldown),
     .minimum = 0,
     .maximum = PATIENCE_LARGEST,
     .default_text = "0",
     .help = "Epochs after a reduction that are not counted."},
    {.key = "min_lr",
     .kind = LS_OPTION_REAL,
     .offset = offsetof(ls_on_plateau_options, min_lr),
     .minimum = 0,
     .maximum = 1e30,
     .default_text = "0",
     .help = "Reductions do not bring the learning rate below this."},
    MODE(ls_on_plateau_options),
    LS_OPTION_END};
