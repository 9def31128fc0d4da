/* The data of a trainer: loaded, or described where rows are pushed or not there. */
#include "base/hash.h"
#include "base/memory.h"
#include "train/trainer.h"

static const ls_source_type *source_of(const ls_recipe *recipe)
{
    return (const ls_source_type *)recipe->data.type;
}

static ls_status describe_pushed(ls_trainer *trainer)
{
    const ls_push_options *options = trainer->recipe->data.options;
    ls_dataset *train = &trainer->train;
    train->inputs = options->inputs;
    train->rank = 1;
    train->shape[0] = options->inputs;
    LS_TRY(ls_dataset_give_shape(&options->common.shape, train));
    train->outputs = options->outputs;
    train->classes = (int)options->classes;
    if (train->classes > 0) return ls_dataset_name_classes(NULL, train);
    if (options->target_classes.count == 0) return LS_OK;
    train->output_classes = ls_alloc((size_t)train->outputs, sizeof *train->output_classes);
    train->output_class_names = ls_alloc((size_t)train->outputs, sizeof *train->output_class_names);
    if (train->output_classes == NULL || train->output_class_names == NULL) return LS_ERROR_MEMORY;
    for (int i = 0; i < options->target_classes.count; i++) {
        int64_t classes = options->target_classes.value[i];
        train->output_classes[i] = (int)classes;
        if (classes > 0) LS_TRY(ls_names_number(classes, &train->output_class_names[i]));
    }
    return LS_OK;
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
    if (source_of(recipe)->pushed) return describe_pushed(trainer);
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
