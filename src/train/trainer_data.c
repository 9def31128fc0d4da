/* The data of a trainer: loaded, or described where rows are pushed or not there. */
#include "base/hash.h"
#include "train/trainer.h"

static const ls_source_type *source_of(const ls_recipe *recipe)
{
    return (const ls_source_type *)recipe->data.type;
}

/* An error with the place of the data section in front. */
static ls_status with_place(const ls_recipe *recipe, ls_status status)
{
    return ls_error_prefix(status, "%s: ", ls_recipe_place(recipe, recipe->data.line, recipe->data.column));
}

static ls_status describe_absent(ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    ls_status status = ls_data_describe(&recipe->data, &trainer->train);
    return status == LS_ERROR_RECIPE ? with_place(recipe, status) : status;
}

ls_status ls_trainer_load_data(ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    if (source_of(recipe)->pushed) return ls_data_describe(&recipe->data, &trainer->train);
    if (trainer->described) return describe_absent(trainer);
    ls_status status = ls_data_load(&recipe->data, recipe->directory, (uint64_t)recipe->seed, &trainer->train,
                                    &trainer->test);
    /* The data and the recipe do not agree, or the recipe names a file that is not there. */
    if (status == LS_ERROR_RECIPE || status == LS_ERROR_IO) return with_place(recipe, status);
    LS_TRY(status);
    if (trainer->train.rows < 1) return ls_error(LS_ERROR_DATA, "%s: no rows to train on", recipe->file);
    uint64_t digests[2] = {ls_dataset_digest(&trainer->train), ls_dataset_digest(&trainer->test)};
    trainer->data_digest = ls_hash(digests, sizeof digests, 0);
    const ls_data_options *options = recipe->data.options;
    ls_normalise how = options == NULL ? LS_NORMALISE_NONE : (ls_normalise)options->normalise;
    return ls_normalisation_fit(how, &trainer->train, &trainer->normalisation);
}
