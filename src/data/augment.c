#include "data/augment.h"

enum { LIST_BITS = 8 }; /* of the counter, for the place in the list */

static const ls_component_type *const types[] = {
    &ls_augment_random_crop.base,
    &ls_augment_random_flip.base,
    NULL,
};

const ls_registry ls_augment_registry = {.kind = "augmentation", .types = types};

ls_status ls_augment_check(const ls_component_list *list, const ls_dataset *data)
{
    if (list->count == 0) return LS_OK;
    if (list->count > 1 << LIST_BITS)
        return ls_error(LS_ERROR_RECIPE, "data.augment has %d items, expected at most %d", list->count,
                        1 << LIST_BITS);
    if (data->rank == 2 || data->rank == 3) return LS_OK;
    return ls_error(
        LS_ERROR_RECIPE,
        "data.augment begins with %s, but a row of the data is %lld numbers without a shape; expected "
        "an image or a signal: give data.shape, such as [1, 8, 8]",
        list->item[0].type->name, (long long)data->inputs);
}

void ls_augment_apply(const ls_component_list *list, uint64_t seed, int64_t epoch, int64_t row,
                      const ls_dataset *data, int64_t stride, float *x)
{
    const bool signal = data->rank == 2;
    const ls_augment_image image = {.channels = data->shape[0],
                                    .height = signal ? 1 : data->shape[1],
                                    .width = data->shape[data->rank - 1],
                                    .stride = stride,
                                    .signal = signal,
                                    .x = x};
    for (int i = 0; i < list->count; i++) {
        const ls_augment_type *type = (const ls_augment_type *)list->item[i].type;
        uint64_t turn = (uint64_t)epoch << LIST_BITS | (uint64_t)i;
        type->apply(list->item[i].options, ls_random(seed, LS_RANDOM_AUGMENT, turn, (uint64_t)row), &image);
    }
}
