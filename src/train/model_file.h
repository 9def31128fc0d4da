/* model.safetensors: parameters, and as metadata the model, the normalisation of the inputs and the names of
 * the classes. */
#ifndef LS_TRAIN_MODEL_FILE_H
#define LS_TRAIN_MODEL_FILE_H

#include "io/safetensors.h"
#include "train/trainer.h"

/* A content to be written, built up tensor by tensor. All strings and arrays are its own. */
typedef struct ls_content {
    ls_safetensors file;
    size_t tensor_capacity, metadata_capacity;
} ls_content;

void ls_content_free(ls_content *content);
ls_status ls_content_add_metadata(ls_content *content, const char *key, const char *value);
ls_status ls_content_add_number(ls_content *content, const char *key, int64_t value);
/* Copies all parameters (or an arena of the same layout) without padding, as PREFIX + name. */
ls_status ls_content_add_arena(ls_content *content, const ls_model *model, const char *prefix,
                               const float *arena);

/* The inverse: fills an arena, or only checks names, types and shapes where arena is NULL. Messages name path
 * and tensor. */
ls_status ls_content_get_arena(const ls_safetensors *file, const char *path, const ls_model *model,
                               const char *prefix, float *arena);

/* Writes the weights in arena and the metadata that predict needs. Local. */
ls_status ls_model_file_write(const char *path, const ls_trainer *trainer, const float *arena);

/* Parameters by name from any safetensors file. Local. */
ls_status ls_model_file_load_parameters(const char *path, const ls_model *model, float *arena);

/* What the metadata say of the data: shape, normalisation and names in dataset (rows 0) and normalisation. */
ls_status ls_model_file_read_data(const ls_safetensors *file, const char *path, ls_dataset *dataset,
                                  ls_normalisation *normalisation);

#define LS_METADATA_MODEL  "lockstep.model"
#define LS_METADATA_INPUT  "lockstep.input"
#define LS_METADATA_OUTPUT "lockstep.output"

#endif
