#include "data/dataset.h"

#include <inttypes.h>
#include "base/memory.h"
#include "base/random.h"
#include "data/augment.h"

/* How many rows are set apart: at least one is tested and one trained on, where there are two. */
static int64_t test_rows(double fraction, int64_t rows)
{
    if (!(fraction > 0) || rows < 2) return 0;
    int64_t count = (int64_t)(fraction * (double)rows + 0.5);
    if (count < 1) return 1;
    return count < rows ? count : rows - 1;
}

/* The first count of the shuffled rows are for testing. Both sets keep the order of the file: order gets the
   training rows, then the test rows. */
static void partition(uint64_t seed, int64_t count, uint8_t *tested, uint32_t *order, int64_t rows)
{
    ls_random_permutation(seed, LS_RANDOM_SPLIT, 0, order, (size_t)rows);
    for (int64_t i = 0; i < count; i++) tested[order[i]] = 1;
    int64_t next_train = 0, next_test = rows - count;
    for (int64_t row = 0; row < rows; row++) {
        int64_t position = tested[row] ? next_test++ : next_train++;
        order[position] = (uint32_t)row;
    }
}

static ls_status split(double fraction, uint64_t seed, ls_dataset *train, ls_dataset *test)
{
    int64_t rows = train->rows, count = test_rows(fraction, rows);
    if (count == 0) return LS_OK;
    uint32_t *order = ls_alloc((size_t)rows, sizeof *order);
    uint8_t *tested = ls_alloc((size_t)rows, sizeof *tested);
    ls_dataset rest = {0};
    ls_status status = order && tested ? LS_OK : LS_ERROR_MEMORY;
    if (status == LS_OK) {
        partition(seed, count, tested, order, rows);
        status = ls_dataset_take(train, order, rows - count, &rest);
    }
    if (status == LS_OK) status = ls_dataset_take(train, order + rows - count, count, test);
    if (status == LS_OK) {
        ls_dataset_free(train);
        *train = rest;
    } else {
        ls_dataset_free(&rest);
    }
    ls_free(order);
    ls_free(tested);
    return status;
}

static ls_status load(const ls_component *source, const char *directory, uint64_t seed, ls_dataset *train,
                      ls_dataset *test)
{
    const ls_source_type *type = (const ls_source_type *)source->type;
    const ls_data_options *options = source->options;
    if (type->pushed)
        return ls_error(
            LS_ERROR_RECIPE,
            "data of type %s come from a program that calls the library, not from a file; expected "
            "a source that can be read",
            type->base.name);
    LS_TRY(type->load(source->options, directory, train, test));
    if (train->rows == 0) return ls_error(LS_ERROR_DATA, "the training data have no rows");
    LS_TRY(ls_dataset_give_shape(&options->shape, train));
    if (test->inputs > 0) LS_TRY(ls_dataset_give_shape(&options->shape, test));
    LS_TRY(ls_augment_check(&options->augment, train));
    if (train->rows > UINT32_MAX || test->rows > UINT32_MAX)
        return ls_error(LS_ERROR_DATA, "%" PRId64 " rows, expected at most %" PRIu32,
                        train->rows > test->rows ? train->rows : test->rows, UINT32_MAX);
    /* A source that wants no test set at all says so by an empty one of known shape. */
    if (test->inputs > 0) return LS_OK;
    return split(options->test_fraction, seed, train, test);
}

ls_status ls_data_load(const ls_component *source, const char *directory, uint64_t seed, ls_dataset *train,
                       ls_dataset *test)
{
    *train = (ls_dataset){0};
    *test = (ls_dataset){0};
    ls_status status = load(source, directory, seed, train, test);
    if (status == LS_OK) return LS_OK;
    ls_dataset_free(train);
    ls_dataset_free(test);
    return status;
}

static ls_status describe(const ls_component *source, ls_dataset *dataset)
{
    const ls_source_type *type = (const ls_source_type *)source->type;
    const ls_data_options *options = source->options;
    if (type->describe == NULL)
        return ls_error(LS_ERROR_RECIPE, "nothing is known of data of type %s without them", type->base.name);
    LS_TRY(type->describe(options, dataset));
    LS_TRY(ls_dataset_give_shape(&options->shape, dataset));
    LS_TRY(ls_augment_check(&options->augment, dataset));
    return dataset->class_names || dataset->classes == 0 ? LS_OK : ls_dataset_name_classes(NULL, dataset);
}

ls_status ls_data_describe(const ls_component *source, ls_dataset *dataset)
{
    *dataset = (ls_dataset){0};
    ls_status status = describe(source, dataset);
    if (status != LS_OK) ls_dataset_free(dataset);
    return status;
}
