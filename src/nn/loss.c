#include "nn/loss_common.h"

const char *const ls_reduction_choices[] = {"mean", "sum", NULL};

const ls_option ls_loss_option_table[] = {LS_LOSS_COMMON_OPTIONS, LS_OPTION_END};

static ls_status not_one_a_class(const char *name, bool single, int64_t units, int64_t classes)
{
    return ls_error(LS_ERROR_RECIPE,
                    "its output has %lld unit%s, but the data have %lld classes: %s needs %s%lld units",
                    (long long)units, ls_plural(units), (long long)classes, name,
                    single && classes == 2 ? "1 or " : "", (long long)classes);
}

ls_status ls_loss_check_values(const char *name, int64_t units, int64_t classes, int64_t outputs)
{
    if (classes == 2 && units == 1) return LS_OK;
    if (classes > 0) return units == classes ? LS_OK : not_one_a_class(name, true, units, classes);
    if (outputs == 0)
        return ls_error(LS_ERROR_RECIPE, "the data have neither classes nor target values to train on");
    if (units != outputs)
        return ls_error(
            LS_ERROR_RECIPE,
            "its output has %lld unit%s, but the data have %lld target value%s a row: give it as many",
            (long long)units, ls_plural(units), (long long)outputs, ls_plural(outputs));
    return LS_OK;
}

ls_status ls_loss_check_labels(const char *name, bool single, const char *advice, int64_t units,
                               int64_t classes, int64_t outputs)
{
    if (classes == 0)
        return ls_error(LS_ERROR_RECIPE,
                        "%s needs classes, but the data have none (%lld target value%s a row): use %s", name,
                        (long long)outputs, ls_plural(outputs), advice);
    if (classes == 1) return ls_error(LS_ERROR_RECIPE, "the data have 1 class: %s needs at least 2", name);
    if (units == classes || (single && classes == 2 && units == 1)) return LS_OK;
    return not_one_a_class(name, single, units, classes);
}

ls_status ls_loss_check_list(const char *key, const ls_reals *list, bool single, int64_t count,
                             const char *of)
{
    if (list->count == 0 || list->count == count || (single && list->count == 1)) return LS_OK;
    return ls_error(LS_ERROR_RECIPE, "%s has %d number%s, expected %s%lld: one for each %s", key, list->count,
                    ls_plural(list->count), single ? "1 or " : "", (long long)count, of);
}

void ls_loss_predict_values(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                            const float *x, float *y)
{
    (void)options;
    kernels->activation_forward(LS_ACTIVATION_IDENTITY, 0, x, y, units * lanes);
}

void ls_loss_predict_sigmoid(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                             const float *x, float *y)
{
    (void)options;
    kernels->activation_forward(LS_ACTIVATION_SIGMOID, 0, x, y, units * lanes);
}

void ls_loss_predict_softmax(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                             const float *x, float *y)
{
    (void)options;
    kernels->softmax(units, lanes, x, y);
}

static void classify_at(float limit, const ls_kernels *kernels, int64_t units, int64_t lanes, const float *x,
                        int32_t *index)
{
    if (units > 1) {
        kernels->argmax(units, lanes, x, index);
        return;
    }
    for (int64_t begin = 0; begin < lanes; begin += LS_LANES)
        for (int n = 0; n < LS_LANES; n++) index[begin + n] = x[begin + n] >= limit;
}

void ls_loss_classify_middle(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                             const float *x, int32_t *index)
{
    (void)options;
    classify_at(0.5F, kernels, units, lanes, x, index);
}

void ls_loss_classify_sign(const void *options, const ls_kernels *kernels, int64_t units, int64_t lanes,
                           const float *x, int32_t *index)
{
    (void)options;
    classify_at(0, kernels, units, lanes, x, index);
}
