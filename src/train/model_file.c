#include "train/model_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"

void ls_content_free(ls_content *content)
{
    for (int t = 0; t < content->file.tensor_count; t++) {
        ls_free(content->file.tensor[t].name);
        ls_free((void *)content->file.tensor[t].data);
    }
    for (int m = 0; m < content->file.metadata_count; m++) {
        ls_free(content->file.metadata[m].key);
        ls_free(content->file.metadata[m].value);
    }
    ls_free(content->file.tensor);
    ls_free(content->file.metadata);
    *content = (ls_content){0};
}

ls_status ls_content_add_metadata(ls_content *content, const char *key, const char *value)
{
    ls_safetensors *file = &content->file;
    void *grown = ls_grow(file->metadata, &content->metadata_capacity, (size_t)file->metadata_count + 1,
                          sizeof *file->metadata);
    if (grown == NULL) return LS_ERROR_MEMORY;
    file->metadata = grown;
    ls_metadata *entry = &file->metadata[file->metadata_count++];
    *entry = (ls_metadata){.key = ls_strdup(key), .value = ls_strdup(value)};
    return entry->key && entry->value ? LS_OK : LS_ERROR_MEMORY;
}

ls_status ls_content_add_number(ls_content *content, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return ls_content_add_metadata(content, key, text);
}

static float *without_padding(const ls_parameter *parameter, const float *arena)
{
    float *values = ls_alloc((size_t)(parameter->rows * parameter->columns), sizeof *values);
    for (int64_t row = 0; values != NULL && row < parameter->rows; row++) {
        memcpy(values + row * parameter->columns, arena + parameter->offset + row * parameter->ld,
               (size_t)parameter->columns * sizeof *values);
    }
    return values;
}

ls_status ls_content_add_arena(ls_content *content, const ls_model *model, const char *prefix,
                               const float *arena)
{
    ls_safetensors *file = &content->file;
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        void *grown = ls_grow(file->tensor, &content->tensor_capacity, (size_t)file->tensor_count + 1,
                              sizeof *file->tensor);
        if (grown == NULL) return LS_ERROR_MEMORY;
        file->tensor = grown;
        ls_tensor *tensor = &file->tensor[file->tensor_count++];
        *tensor = (ls_tensor){.type = LS_TENSOR_F32, .dims = parameter->dims};
        memcpy(tensor->dim, parameter->dim, sizeof tensor->dim);
        tensor->name = ls_format("%s%s", prefix, parameter->name);
        tensor->data = without_padding(parameter, arena);
        if (tensor->name == NULL || tensor->data == NULL) return LS_ERROR_MEMORY;
    }
    return LS_OK;
}

static void tensor_shape_text(const ls_tensor *tensor, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (int d = 0; d < tensor->dims && used < size; d++) {
        used +=
            (size_t)snprintf(text + used, size - used, d == 0 ? "%lld" : ", %lld", (long long)tensor->dim[d]);
    }
    if (used < size) snprintf(text + used, size - used, "]");
}

static ls_status check_tensor(const ls_tensor *tensor, const char *path, const ls_parameter *parameter)
{
    ls_tensor wanted = {.dims = parameter->dims};
    memcpy(wanted.dim, parameter->dim, sizeof wanted.dim);
    bool same = tensor->type == LS_TENSOR_F32 && tensor->dims == wanted.dims;
    for (int d = 0; d < wanted.dims && same; d++) same = tensor->dim[d] == wanted.dim[d];
    if (same) return LS_OK;
    char found[96], expected[96];
    tensor_shape_text(tensor, found, sizeof found);
    tensor_shape_text(&wanted, expected, sizeof expected);
    return ls_error(LS_ERROR_DATA, "%s: tensor %s is %s%s, but the model expects F32 %s", path, tensor->name,
                    tensor->type == LS_TENSOR_F32 ? "F32 " : "of another type, ", found, expected);
}

ls_status ls_content_get_arena(const ls_safetensors *file, const char *path, const ls_model *model,
                               const char *prefix, float *arena)
{
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        char name[LS_NAME_SIZE + 64];
        snprintf(name, sizeof name, "%s%s", prefix, parameter->name);
        const ls_tensor *tensor = ls_safetensors_find(file, name);
        if (tensor == NULL)
            return ls_error(LS_ERROR_DATA, "%s: there is no tensor %s, which the model needs", path, name);
        LS_TRY(check_tensor(tensor, path, parameter));
        const char *bytes = tensor->data;
        size_t row_bytes = (size_t)parameter->columns * sizeof(float);
        for (int64_t row = 0; arena != NULL && row < parameter->rows; row++) {
            memcpy(arena + parameter->offset + row * parameter->ld, bytes + (size_t)row * row_bytes,
                   row_bytes);
        }
    }
    return LS_OK;
}

ls_status ls_model_file_load_parameters(const char *path, const ls_model *model, float *arena)
{
    ls_safetensors file;
    LS_TRY(ls_safetensors_read(path, &file));
    ls_status status = ls_content_get_arena(&file, path, model, "", arena);
    ls_safetensors_free(&file);
    return status;
}

static json_t *float_array(const float *values, int64_t count)
{
    json_t *array = json_array();
    for (int64_t i = 0; i < count; i++) json_array_append_new(array, json_real((double)values[i]));
    return array;
}

static json_t *string_array(char *const *values, int64_t count)
{
    json_t *array = json_array();
    for (int64_t i = 0; i < count; i++) json_array_append_new(array, json_string(values[i]));
    return array;
}

/* Nine digits are enough to read the same float back. */
static ls_status add_json(ls_content *content, const char *key, json_t *object)
{
    char *text =
        object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    ls_status status = text == NULL
                           ? ls_error(LS_ERROR_MEMORY, "cannot get memory for the metadata of a model")
                           : ls_content_add_metadata(content, key, text);
    free(text);
    json_decref(object);
    return status;
}

static ls_status add_data(ls_content *content, const ls_trainer *trainer)
{
    const ls_dataset *data = &trainer->train;
    json_t *input = json_object(), *shape = json_array(), *output = json_object();
    for (int d = 0; d < data->rank; d++) json_array_append_new(shape, json_integer(data->shape[d]));
    json_object_set_new(input, "shape", shape);
    if (trainer->normalisation.shift != NULL) {
        json_object_set_new(input, "shift", float_array(trainer->normalisation.shift, data->inputs));
        json_object_set_new(input, "scale", float_array(trainer->normalisation.scale, data->inputs));
    }
    json_object_set_new(output, "classes", json_integer(data->classes));
    json_object_set_new(output, "outputs", json_integer(data->outputs));
    if (data->class_names != NULL)
        json_object_set_new(output, "names", string_array(data->class_names, data->classes));
    else if (data->output_names != NULL) {
        json_object_set_new(output, "names", string_array(data->output_names, data->outputs));
    }
    if (data->output_classes != NULL) {
        json_t *classes = json_array();
        for (int64_t i = 0; i < data->outputs; i++)
            json_array_append_new(classes,
                                  string_array(data->output_class_names[i], data->output_classes[i]));
        json_object_set_new(output, "target_classes", classes);
    }
    ls_status status = add_json(content, LS_METADATA_INPUT, input);
    if (status != LS_OK) json_decref(output);
    return status != LS_OK ? status : add_json(content, LS_METADATA_OUTPUT, output);
}

static ls_status fill_model(ls_content *content, const ls_trainer *trainer, const float *arena)
{
    char *model = NULL;
    LS_TRY(ls_recipe_model_json(trainer->recipe, &model));
    ls_status status = ls_content_add_metadata(content, LS_METADATA_MODEL, model);
    ls_free(model);
    LS_TRY(status);
    LS_TRY(ls_content_add_metadata(content, "format", "lockstep model 1"));
    LS_TRY(add_data(content, trainer));
    return ls_content_add_arena(content, &trainer->model, "", arena);
}

ls_status ls_model_file_write(const char *path, const ls_trainer *trainer, const float *arena)
{
    ls_content content = {0};
    ls_status status = fill_model(&content, trainer, arena);
    if (status == LS_OK) status = ls_safetensors_write(path, &content.file, true);
    ls_content_free(&content);
    return status;
}

static ls_status read_floats(const json_t *array, const char *path, int64_t count, float **values)
{
    if (!json_is_array(array) || (int64_t)json_array_size(array) != count) {
        return ls_error(LS_ERROR_DATA, "%s: the metadata hold %zu constants of normalisation for %lld inputs",
                        path, json_array_size(array), (long long)count);
    }
    *values = ls_alloc((size_t)count, sizeof **values);
    if (*values == NULL) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        const json_t *number = json_array_get(array, (size_t)i);
        (*values)[i] = (float)json_number_value(number);
        if (!json_is_number(number)) {
            return ls_error(LS_ERROR_DATA, "%s: constant %lld of the normalisation is not a number", path,
                            (long long)i);
        }
    }
    return LS_OK;
}

static ls_status read_input(const json_t *input, const char *path, ls_dataset *dataset,
                            ls_normalisation *normalisation)
{
    const json_t *shape = json_object_get(input, "shape"), *shift = json_object_get(input, "shift");
    dataset->rank = (int)json_array_size(shape);
    dataset->inputs = 1;
    bool good = dataset->rank >= 1 && dataset->rank <= 4;
    for (int d = 0; good && d < dataset->rank; d++) {
        dataset->shape[d] = json_integer_value(json_array_get(shape, (size_t)d));
        good = dataset->shape[d] > 0 && dataset->shape[d] <= INT32_MAX / dataset->inputs;
        if (good) dataset->inputs *= dataset->shape[d];
    }
    if (!good) return ls_error(LS_ERROR_DATA, "%s: the metadata hold no valid shape of the input", path);
    normalisation->inputs = dataset->inputs;
    if (shift == NULL) return LS_OK;
    LS_TRY(read_floats(shift, path, dataset->inputs, &normalisation->shift));
    return read_floats(json_object_get(input, "scale"), path, dataset->inputs, &normalisation->scale);
}

static ls_status read_names(const json_t *names, char ***to)
{
    size_t count = json_array_size(names);
    char **list = ls_alloc(count, sizeof *list);
    *to = list;
    if (list == NULL) return LS_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        list[i] = ls_strdup(name == NULL ? "" : name);
        if (list[i] == NULL) return LS_ERROR_MEMORY;
    }
    return LS_OK;
}

/* The classes of each of several targets; none where it is a value. */
static ls_status read_target_classes(const json_t *classes, const char *path, ls_dataset *dataset)
{
    if (classes == NULL) return LS_OK;
    if (dataset->outputs == 0 || (int64_t)json_array_size(classes) != dataset->outputs)
        return ls_error(LS_ERROR_DATA, "%s: the metadata about the classes of targets are damaged", path);
    dataset->output_classes = ls_alloc((size_t)dataset->outputs, sizeof *dataset->output_classes);
    dataset->output_class_names = ls_alloc((size_t)dataset->outputs, sizeof *dataset->output_class_names);
    if (dataset->output_classes == NULL || dataset->output_class_names == NULL) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < dataset->outputs; i++) {
        const json_t *names = json_array_get(classes, (size_t)i);
        dataset->output_classes[i] = (int)json_array_size(names);
        if (dataset->output_classes[i] > 0) LS_TRY(read_names(names, &dataset->output_class_names[i]));
    }
    return LS_OK;
}

static ls_status read_output(const json_t *output, const char *path, ls_dataset *dataset)
{
    json_int_t classes = json_integer_value(json_object_get(output, "classes"));
    json_int_t outputs = json_integer_value(json_object_get(output, "outputs"));
    const json_t *names = json_object_get(output, "names");
    int64_t count = classes > 0 ? classes : outputs;
    if (classes < 0 || outputs < 0 || count > INT32_MAX ||
        (names != NULL && (int64_t)json_array_size(names) != count)) {
        return ls_error(LS_ERROR_DATA, "%s: the metadata about the outputs are damaged", path);
    }
    dataset->classes = (int)classes;
    dataset->outputs = outputs;
    if (names != NULL)
        LS_TRY(read_names(names, classes > 0 ? &dataset->class_names : &dataset->output_names));
    return read_target_classes(json_object_get(output, "target_classes"), path, dataset);
}

ls_status ls_model_file_read_data(const ls_safetensors *file, const char *path, ls_dataset *dataset,
                                  ls_normalisation *normalisation)
{
    const char *input_text = ls_safetensors_metadata(file, LS_METADATA_INPUT);
    const char *output_text = ls_safetensors_metadata(file, LS_METADATA_OUTPUT);
    json_t *input = input_text == NULL ? NULL : json_loads(input_text, JSON_REJECT_DUPLICATES, NULL);
    json_t *output = output_text == NULL ? NULL : json_loads(output_text, JSON_REJECT_DUPLICATES, NULL);
    ls_status status;
    if (input == NULL || output == NULL) {
        status = ls_error(LS_ERROR_DATA, "%s: not a model of Lockstep: its metadata lack %s", path,
                          input == NULL ? LS_METADATA_INPUT : LS_METADATA_OUTPUT);
    } else {
        status = read_input(input, path, dataset, normalisation);
        if (status == LS_OK) status = read_output(output, path, dataset);
    }
    json_decref(input);
    json_decref(output);
    return status;
}
