#include "nn/loss_common.h"

const char *const ls_reduction_choices[] = {"mean", "sum", NULL};

const ls_option ls_loss_option_table[] = {
    {.key = "reduction",
     .kind = LS_OPTION_CHOICE,
     .offset = offsetof(ls_loss_options, reduction),
     .default_text = "mean",
     .choices = ls_reduction_choices,
     .help = "Whether the loss of a batch is the mean or the sum over its samples."},
    LS_OPTION_END,
};

ls_status ls_loss_check_values(const char *name, int64_t units, int64_t classes, int64_t outputs)
{
    if (classes == 2 && units == 1) return LS_OK;
    if (classes > 0 && units != classes)
        return ls_error(
            LS_ERROR_RECIPE,
            "the last layer has %lld unit%s, but the data have %lld classes: %s needs %s%lld units",
            (long long)units, units == 1 ? "" : "s", (long long)classes, name, classes == 2 ? "1 or " : "",
            (long long)classes);
    if (classes > 0) return LS_OK;
    if (outputs == 0)
        return ls_error(LS_ERROR_RECIPE, "the data have neither classes nor target values to train on");
    if (units != outputs)
        return ls_error(
            LS_ERROR_RECIPE,
            "the last layer has %lld unit%s, but the data have %lld target value%s a row: give it as many",
            (long long)units, units == 1 ? "" : "s", (long long)outputs, outputs == 1 ? "" : "s");
    return LS_OK;
}
