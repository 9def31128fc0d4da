#include <lockstep/predictor.h>

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "parallel/agree.h"
#include "parallel/team.h"
#include "train/inputs.h"
#include "train/model_file.h"
#include "train/targets.h"

struct ls_predictor {
    ls_trainer trainer; /* with a step whose optimiser is never used */
    ls_recipe *recipe;
    char *path;         /* of the model file */
    char **output_name; /* column headers */
};

static char *model_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) return ls_path_join(path, "model.safetensors");
    return ls_strdup(path);
}

/* The header of one column; with several outputs the name of the layer is in front. */
static char *column_name(const ls_head *head, const ls_dataset *data, int64_t unit)
{
    const char *prefix = head->name == NULL ? "" : head->name, *dot = head->name == NULL ? "" : ".";
    if (head->classes > 0)
        return ls_format("%s%sp_%s", prefix, dot,
                         head->class_names[head->units == 1 ? head->classes - 1 : unit]);
    if (data->output_names != NULL && head->outputs == head->units)
        return ls_format("%s%s%s", prefix, dot,
                         data->output_names[head->column == NULL ? unit : head->column[unit]]);
    return ls_format("%s%sy%lld", prefix, dot, (long long)unit);
}

static ls_status name_outputs(ls_predictor *predictor)
{
    const ls_objective *objective = &predictor->trainer.step.objective;
    char **name = ls_alloc((size_t)ls_objective_all_units(objective), sizeof *name);
    predictor->output_name = name;
    if (name == NULL) return LS_ERROR_MEMORY;
    for (int h = 0; h < objective->head_count; h++) {
        for (int64_t u = 0; u < objective->head[h].units; u++) {
            *name = column_name(&objective->head[h], &predictor->trainer.train, u);
            if (*name++ == NULL) return LS_ERROR_MEMORY;
        }
    }
    return LS_OK;
}

static ls_status check_classes(const ls_predictor *predictor)
{
    const ls_dataset *data = &predictor->trainer.train;
    int64_t units = ls_shape_size(ls_model_output(&predictor->trainer.model));
    bool fits = data->classes == 0 || ls_recipe_loss_count(predictor->recipe) > 1 ||
                (data->class_names != NULL && (units == data->classes || (units == 1 && data->classes == 2)));
    if (fits) return LS_OK;
    return ls_error(LS_ERROR_DATA, "%s: %d classes in the metadata, but the last layer has %lld units",
                    predictor->path, data->classes, (long long)units);
}

static ls_status load(ls_predictor *predictor, const ls_safetensors *file)
{
    ls_trainer *trainer = &predictor->trainer;
    const char *json = ls_safetensors_metadata(file, LS_METADATA_MODEL);
    if (json == NULL) {
        return ls_error(LS_ERROR_DATA, "%s: not a model of Lockstep: its metadata lack %s", predictor->path,
                        LS_METADATA_MODEL);
    }
    LS_TRY(ls_recipe_parse_model(json, predictor->path, &predictor->recipe));
    trainer->recipe = predictor->recipe;
    LS_TRY(ls_model_file_read_data(file, predictor->path, &trainer->train, &trainer->normalisation));
    ls_shape input = {.rank = trainer->train.rank};
    memcpy(input.dim, trainer->train.shape, sizeof input.dim);
    LS_TRY(ls_objective_build_model(predictor->recipe, &input, predictor->path, &trainer->model));
    LS_TRY(check_classes(predictor));
    LS_TRY(ls_step_create(trainer->context->comm, trainer->context->threads, &trainer->model,
                          predictor->recipe, 64, &trainer->step));
    LS_TRY(ls_objective_bind(&trainer->step.objective, predictor->recipe, &trainer->train));
    LS_TRY(ls_content_get_arena(file, predictor->path, &trainer->model, "", trainer->step.parameters));
    return name_outputs(predictor);
}

static ls_status load_path(ls_predictor *predictor, const char *path)
{
    ls_safetensors file;
    predictor->path = model_path(path);
    if (predictor->path == NULL) return LS_ERROR_MEMORY;
    LS_TRY(ls_safetensors_read(predictor->path, &file));
    ls_status status = load(predictor, &file);
    ls_safetensors_free(&file);
    return status;
}

ls_status ls_predictor_load(ls_context *context, const char *path, ls_predictor **predictor)
{
    *predictor = NULL;
    ls_predictor *made = ls_alloc(1, sizeof *made);
    ls_status status = LS_ERROR_MEMORY;
    if (made != NULL) {
        made->trainer.context = context;
        uint32_t saved = ls_float_state_enter();
        status = load_path(made, path);
        ls_float_state_leave(saved);
    }
    status = ls_agree(context->comm, status);
    if (status == LS_OK)
        *predictor = made;
    else
        ls_predictor_free(made);
    return status;
}

void ls_predictor_free(ls_predictor *predictor)
{
    if (predictor == NULL) return;
    int64_t units = predictor->output_name == NULL ? 0 : ls_predictor_outputs(predictor);
    for (int64_t u = 0; u < units; u++) ls_free(predictor->output_name[u]);
    ls_free(predictor->output_name);
    ls_trainer_clear(&predictor->trainer);
    ls_recipe_free(predictor->recipe);
    ls_free(predictor->path);
    ls_free(predictor);
}

int64_t ls_predictor_inputs(const ls_predictor *predictor)
{
    return predictor->trainer.train.inputs;
}

int64_t ls_predictor_outputs(const ls_predictor *predictor)
{
    return ls_objective_all_units(&predictor->trainer.step.objective);
}

int ls_predictor_classes(const ls_predictor *predictor)
{
    return predictor->trainer.train.classes;
}

const char *ls_predictor_class_name(const ls_predictor *predictor, int index)
{
    const ls_dataset *data = &predictor->trainer.train;
    return index >= 0 && index < data->classes ? data->class_names[index] : "";
}

const char *ls_predictor_output_name(const ls_predictor *predictor, int64_t output)
{
    return predictor->output_name[output];
}

int ls_predictor_head_count(const ls_predictor *predictor)
{
    return predictor->trainer.step.objective.head_count;
}

ls_predictor_head ls_predictor_get_head(const ls_predictor *predictor, int index)
{
    const ls_objective *objective = &predictor->trainer.step.objective;
    const ls_head *head = &objective->head[index];
    ls_predictor_head description = {.name = head->name, .columns = head->units};
    for (int h = 0; h < index; h++) description.first += objective->head[h].units;
    if (ls_head_classifies(head)) {
        description.classes = head->classes;
        description.class_names = head->class_names;
    }
    return description;
}

ls_status ls_predictor_predict(ls_predictor *predictor, int64_t rows, const float *inputs, float *outputs,
                               int32_t *classes)
{
    if (rows < 0 || (rows > 0 && (inputs == NULL || outputs == NULL))) {
        return ls_error(LS_ERROR_ARGUMENT, "ls_predictor_predict: inputs and outputs must be given");
    }
    ls_dataset data = {.rows = rows, .inputs = predictor->trainer.train.inputs, .floats = (float *)inputs};
    LS_TRY(ls_inputs_check(&predictor->trainer.model, &data, "ls_predictor_predict"));
    ls_rows run = {.data = &data, .normalisation = &predictor->trainer.normalisation, .count = rows};
    ls_step_predict(&predictor->trainer.step, &run, outputs, classes);
    return LS_OK;
}

static ls_status read_file(const ls_predictor *predictor, const char *path, ls_dataset *dataset)
{
    const ls_component *source = &predictor->recipe->data;
    const ls_source_type *type = (const ls_source_type *)source->type;
    const ls_dataset *known = &predictor->trainer.train;
    if (type == NULL || type->load_file == NULL) {
        return ls_error(LS_ERROR_DATA, "%s: the model was trained on data of type %s, which has no files",
                        path, type == NULL ? "push" : type->base.name);
    }
    if (type->load_like != NULL)
        LS_TRY(type->load_like(source->options, path, known, dataset));
    else
        LS_TRY(type->load_file(source->options, path, known->inputs, (const char *const *)known->class_names,
                               known->classes, dataset));
    if (dataset->inputs == known->inputs) return LS_OK;
    return ls_error(LS_ERROR_DATA, "%s: %lld inputs a row, but the model has %lld", path,
                    (long long)dataset->inputs, (long long)known->inputs);
}

ls_status ls_predictor_read(ls_predictor *predictor, const char *path, int64_t *rows, float **inputs)
{
    ls_dataset data = {0};
    uint32_t saved = ls_float_state_enter();
    ls_status status = read_file(predictor, path, &data);
    ls_float_state_leave(saved);
    if (status == LS_OK) status = ls_inputs_check(&predictor->trainer.model, &data, path);
    if (status == LS_OK && data.bytes != NULL) {
        int64_t count = data.rows * data.inputs;
        data.floats = ls_alloc((size_t)count, sizeof(float));
        if (data.floats == NULL) status = LS_ERROR_MEMORY;
        for (int64_t i = 0; status == LS_OK && i < count; i++) data.floats[i] = (float)data.bytes[i];
    }
    if (status == LS_OK) {
        *rows = data.rows;
        *inputs = data.floats;
        data.floats = NULL;
    }
    ls_dataset_free(&data);
    return status;
}

void ls_predictor_free_rows(float *inputs)
{
    ls_free(inputs);
}

/* The test set of the resolved recipe beside the model; the training set where there is no test set. */
static ls_status read_beside(const ls_predictor *predictor, ls_dataset *dataset)
{
    ls_recipe *recipe = NULL;
    ls_dataset train = {0};
    char *directory = ls_path_directory(predictor->path), *path = NULL;
    if (directory != NULL) path = ls_path_join(directory, "recipe.yaml");
    ls_status status = path == NULL ? LS_ERROR_MEMORY : LS_OK;
    if (status == LS_OK && !ls_file_exists(path)) {
        status = ls_error(LS_ERROR_ARGUMENT, "there is no %s beside the model; name a data file", path);
    }
    if (status == LS_OK) status = ls_recipe_load(path, NULL, 0, &recipe);
    if (status == LS_OK) {
        status = ls_data_load(&recipe->data, recipe->directory, (uint64_t)recipe->seed, &train, dataset);
    }
    if (status == LS_OK && dataset->rows == 0) {
        ls_dataset_free(dataset);
        *dataset = train;
        train = (ls_dataset){0};
    }
    ls_dataset_free(&train);
    ls_recipe_free(recipe);
    ls_free(directory);
    ls_free(path);
    return status;
}

static ls_status read_labelled(const ls_predictor *predictor, const char *path, ls_dataset *dataset)
{
    const ls_objective *objective = &predictor->trainer.step.objective;
    if (path == NULL) {
        LS_TRY(read_beside(predictor, dataset));
        return ls_targets_check(objective, dataset, "the test data");
    }
    LS_TRY(read_file(predictor, path, dataset));
    bool labelled = predictor->trainer.train.classes > 0 ? dataset->labels != NULL : dataset->targets != NULL;
    if (labelled && dataset->rows > 0) return ls_targets_check(objective, dataset, path);
    return ls_error(LS_ERROR_DATA, "%s: %s to evaluate on", path,
                    labelled ? "no rows" : "there are no targets");
}

static void fill_evaluation(const ls_trainer *trainer, const ls_score *score, ls_evaluation *evaluation)
{
    *evaluation = (ls_evaluation){.rows = score->samples,
                                  .loss = ls_score_loss(score, trainer->recipe, 1),
                                  .accuracy = ls_score_accuracy(score, trainer),
                                  .rmse = NAN};
    ls_trainer_metrics(trainer, score, &evaluation->metrics);
    for (int i = 0; i < evaluation->metrics.count; i++) {
        const ls_metric *metric = &evaluation->metrics.item[i];
        if (strcmp(metric->name, "rmse") == 0) evaluation->rmse = metric->value;
    }
}

static ls_status evaluate(ls_predictor *predictor, const char *path, ls_evaluation *evaluation)
{
    ls_trainer *trainer = &predictor->trainer;
    ls_dataset data = {0};
    ls_score score;
    ls_status status = read_labelled(predictor, path, &data);
    if (status == LS_OK)
        status = ls_inputs_check(&trainer->model, &data, path != NULL ? path : "the test data");
    if (status == LS_OK) status = ls_trainer_make_metrics(trainer, &data);
    status = ls_agree(trainer->context->comm, status);
    ls_rows rows = {.data = &data, .normalisation = &trainer->normalisation, .count = data.rows};
    if (status == LS_OK) status = ls_step_evaluate(&trainer->step, &rows, &score);
    if (status == LS_OK) fill_evaluation(trainer, &score, evaluation);
    ls_dataset_free(&data);
    return status;
}

ls_status ls_predictor_evaluate(ls_predictor *predictor, const char *path, ls_evaluation *evaluation)
{
    uint32_t saved = ls_float_state_enter();
    ls_status status = evaluate(predictor, path, evaluation);
    ls_float_state_leave(saved);
    return status;
}
