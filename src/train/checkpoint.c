#include "train/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "parallel/agree.h"
#include "train/model_file.h"

#define KEY_FORMAT      "format"
#define KEY_FINGERPRINT "lockstep.fingerprint"
#define KEY_RECIPE      "lockstep.recipe"
#define FORMAT          "lockstep checkpoint 1"

/* The numbers of a checkpoint, as one tensor of 64-bit integers; doubles go in by their bits. */
typedef struct numbers {
    int64_t step, skipped, skipped_in_row, epoch, position, epoch_steps, metrics_bytes;
    uint64_t data_digest;
    double wall_s, loss, accuracy;
    ls_score score;
    ls_decisions decisions;
    int64_t averaged;
    int64_t whole[LS_ITERATION_NUMBERS];
    int64_t health_is_new;
} numbers;

static numbers numbers_of(const ls_trainer *trainer, const ls_checkpoint_extra *extra)
{
    numbers values = {
        .step = trainer->step.steps,
        .skipped = trainer->step.skipped,
        .skipped_in_row = trainer->step.skipped_in_row,
        .epoch = trainer->epoch,
        .position = trainer->position,
        .epoch_steps = trainer->epoch_steps,
        .metrics_bytes = extra->metrics_bytes,
        .data_digest = trainer->data_digest,
        .wall_s = extra->wall_s,
        .loss = extra->loss,
        .accuracy = extra->accuracy,
        .score = trainer->carried,
        .decisions = trainer->decisions,
        .averaged = trainer->averaged,
        .health_is_new = trainer->health_is_new,
    };
    if (trainer->whole != NULL) memcpy(values.whole, trainer->whole->number, sizeof values.whole);
    return values;
}

static void use_numbers(const numbers *from, ls_trainer *trainer, ls_checkpoint_extra *extra)
{
    trainer->step.steps = from->step;
    trainer->step.skipped = from->skipped;
    trainer->step.skipped_in_row = from->skipped_in_row;
    trainer->epoch = from->epoch;
    trainer->position = from->position;
    trainer->epoch_steps = from->epoch_steps;
    trainer->carried = from->score;
    trainer->wall_before = from->wall_s;
    trainer->decisions = from->decisions;
    trainer->averaged = from->averaged;
    trainer->health_is_new = from->health_is_new;
    if (trainer->whole != NULL) memcpy(trainer->whole->number, from->whole, sizeof from->whole);
    *extra = (ls_checkpoint_extra){.metrics_bytes = from->metrics_bytes,
                                   .wall_s = from->wall_s,
                                   .loss = from->loss,
                                   .accuracy = from->accuracy};
}

/* What belongs to a training besides numbers, with the prefix of its names. */
typedef struct arena {
    char prefix[64];
    float *data;
    bool shared; /* on all ranks; else on rank 0 alone */
} arena;

/* false behind the last */
static bool arena_at(const ls_trainer *trainer, int index, arena *found)
{
    const ls_step *step = &trainer->step;
    const ls_component *optimizer = &trainer->recipe->optimizer;
    *found = (arena){.shared = true};
    if (index == 0) {
        found->data = step->parameters;
        return true;
    }
    index--;
    if (index < step->state_count) {
        const char *name[LS_STATES_MAX];
        ((const ls_optimizer_type *)optimizer->type)->states(optimizer->options, name);
        snprintf(found->prefix, sizeof found->prefix, "optimizer.%s.", name[index]);
        found->data = step->state[index];
        return true;
    }
    index -= step->state_count;
    int states = trainer->whole == NULL ? 0 : trainer->whole->states;
    if (index < states) {
        snprintf(found->prefix, sizeof found->prefix, "optimizer.history_%d.", index);
        found->data = trainer->whole->vector[index];
        return true;
    }
    index -= states;
    if (trainer->average != NULL && index-- == 0) {
        snprintf(found->prefix, sizeof found->prefix, "average.");
        found->data = trainer->average;
        return true;
    }
    if (ls_restores_best(trainer->recipe) && index == 0) {
        snprintf(found->prefix, sizeof found->prefix, "best.");
        found->data = trainer->best;
        found->shared = false;
        return true;
    }
    return false;
}

/* count numbers of 8 bytes, doubles by their bits. */
static ls_status add_numbers(ls_content *content, const char *name, const void *values, int64_t count)
{
    ls_safetensors *file = &content->file;
    void *grown = ls_grow(file->tensor, &content->tensor_capacity, (size_t)file->tensor_count + 1,
                          sizeof *file->tensor);
    if (grown == NULL) return LS_ERROR_MEMORY;
    file->tensor = grown;
    ls_tensor *tensor = &file->tensor[file->tensor_count++];
    *tensor = (ls_tensor){.type = LS_TENSOR_I64, .dims = 1, .dim = {count}};
    void *copy = ls_alloc((size_t)count, sizeof(int64_t));
    tensor->name = ls_strdup(name);
    tensor->data = copy;
    if (copy == NULL || tensor->name == NULL) return LS_ERROR_MEMORY;
    memcpy(copy, values, (size_t)count * sizeof(int64_t));
    return LS_OK;
}

static ls_status fill(ls_content *content, const ls_trainer *trainer, const ls_checkpoint_extra *extra)
{
    char *recipe = NULL;
    LS_TRY(ls_recipe_to_yaml(trainer->recipe, true, &recipe));
    ls_status status = ls_content_add_metadata(content, KEY_RECIPE, recipe);
    ls_free(recipe);
    LS_TRY(status);
    LS_TRY(ls_content_add_metadata(content, KEY_FORMAT, FORMAT));
    LS_TRY(ls_content_add_metadata(content, KEY_FINGERPRINT, ls_fingerprint()));
    LS_TRY(ls_content_add_number(content, "lockstep.step", trainer->step.steps));
    LS_TRY(ls_content_add_number(content, "lockstep.epoch", trainer->epoch));
    LS_TRY(ls_content_add_number(content, "lockstep.position", trainer->position));
    numbers values = numbers_of(trainer, extra);
    _Static_assert(sizeof values % sizeof(int64_t) == 0, "the numbers are an array of 64-bit integers");
    LS_TRY(add_numbers(content, "lockstep.numbers", &values, sizeof values / sizeof(int64_t)));
    const ls_health *health = trainer->step.health;
    if (health != NULL) LS_TRY(add_numbers(content, "lockstep.health", health->value, health->count));
    arena each;
    for (int a = 0; arena_at(trainer, a, &each); a++)
        LS_TRY(ls_content_add_arena(content, &trainer->model, each.prefix, each.data));
    return LS_OK;
}

ls_status ls_checkpoint_write(const char *path, const ls_trainer *trainer, const ls_checkpoint_extra *extra)
{
    ls_content content = {0};
    ls_status status = fill(&content, trainer, extra);
    if (status == LS_OK) status = ls_safetensors_write(path, &content.file, true);
    ls_content_free(&content);
    return status;
}

static ls_status check_recipe(const ls_safetensors *file, const char *path, const ls_trainer *trainer)
{
    const char *text = ls_safetensors_metadata(file, KEY_RECIPE);
    if (text == NULL) return ls_error(LS_ERROR_STATE, "%s: the checkpoint holds no recipe", path);
    ls_recipe *recipe = NULL;
    ls_status status = ls_recipe_parse(text, path, NULL, NULL, 0, &recipe);
    if (status != LS_OK) return ls_error_prefix(LS_ERROR_STATE, "the recipe inside the checkpoint: ");
    char *key = ls_recipe_difference(recipe, trainer->recipe);
    if (key != NULL) {
        status = ls_error(
            LS_ERROR_RECIPE,
            "%s: %s differs from the recipe of the checkpoint %s; only the length of the run (epochs, steps) "
            "and where and when output goes may change on --resume (set it back, or start anew in another "
            "--run directory)%s",
            trainer->recipe->file, key, path,
            strcmp(key, "optimizer.schedule.length") == 0
                ? "; a schedule without a length of its own follows training.epochs or training.steps"
                : "");
    }
    ls_free(key);
    ls_recipe_free(recipe);
    return status;
}

static ls_status check(const ls_safetensors *file, const char *path, const ls_trainer *trainer,
                       const numbers *values)
{
    const char *fingerprint = ls_safetensors_metadata(file, KEY_FINGERPRINT);
    if (fingerprint == NULL || strcmp(fingerprint, ls_fingerprint()) != 0) {
        return ls_error(
            LS_ERROR_STATE,
            "%s: written with other numerics (%s) than these (%s); the bits would not continue, so use the "
            "version of Lockstep that wrote it",
            path, fingerprint == NULL ? "unknown" : fingerprint, ls_fingerprint());
    }
    LS_TRY(check_recipe(file, path, trainer));
    if (values->data_digest != trainer->data_digest) {
        return ls_error(
            LS_ERROR_STATE,
            "%s: data: the rows are not those that the checkpoint %s was trained on (bring them back, "
            "or start anew in another --run directory)",
            trainer->recipe->file, path);
    }
    return LS_OK;
}

static ls_status read_numbers(const ls_safetensors *file, const char *path, numbers *values)
{
    const ls_tensor *tensor = ls_safetensors_find(file, "lockstep.numbers");
    const char *format = ls_safetensors_metadata(file, KEY_FORMAT);
    if (format == NULL || strcmp(format, FORMAT) != 0 || tensor == NULL ||
        ls_tensor_bytes(tensor) != sizeof *values) {
        return ls_error(LS_ERROR_STATE, "%s: not a checkpoint of this version of Lockstep", path);
    }
    memcpy(values, tensor->data, sizeof *values);
    return LS_OK;
}

/* All arenas of the file into the trainer's, or only a check that they fit. */
static ls_status get_arenas(const ls_safetensors *file, const char *path, ls_trainer *trainer,
                            bool check_only)
{
    arena each;
    for (int a = 0; arena_at(trainer, a, &each); a++) {
        float *to = check_only ? NULL : each.data;
        LS_TRY(ls_content_get_arena(file, path, &trainer->model, each.prefix, to));
    }
    return LS_OK;
}

/* training.health may have been switched off or on in between. */
static void read_health(const ls_safetensors *file, ls_trainer *trainer)
{
    const ls_tensor *tensor = ls_safetensors_find(file, "lockstep.health");
    ls_health *health = trainer->step.health;
    if (tensor == NULL || health == NULL) return;
    size_t bytes = (size_t)health->count * sizeof *health->value;
    if (ls_tensor_bytes(tensor) == bytes) memcpy(health->value, tensor->data, bytes);
}

static ls_status use(const ls_safetensors *file, const char *path, ls_trainer *trainer,
                     ls_checkpoint_extra *extra)
{
    numbers values;
    LS_TRY(read_numbers(file, path, &values));
    LS_TRY(check(file, path, trainer, &values));
    LS_TRY(get_arenas(file, path, trainer, true));
    LS_TRY(get_arenas(file, path, trainer, false));
    read_health(file, trainer);
    use_numbers(&values, trainer, extra);
    return LS_OK;
}

ls_status ls_checkpoint_read(const char *path, ls_trainer *trainer, ls_checkpoint_extra *extra)
{
    ls_safetensors file;
    LS_TRY(ls_safetensors_read(path, &file));
    ls_status status = use(&file, path, trainer, extra);
    ls_safetensors_free(&file);
    return status;
}

ls_status ls_checkpoint_share(ls_trainer *trainer, ls_checkpoint_extra *extra)
{
    ls_comm *comm = trainer->context->comm;
    size_t bytes = (size_t)trainer->model.arena_size * sizeof(float);
    numbers values = numbers_of(trainer, extra);
    LS_TRY(ls_comm_broadcast(comm, &values, sizeof values, 0));
    arena each;
    for (int a = 0; arena_at(trainer, a, &each); a++) {
        if (each.shared) LS_TRY(ls_comm_broadcast(comm, each.data, bytes, 0));
    }
    const ls_health *health = trainer->step.health;
    if (health != NULL)
        LS_TRY(ls_comm_broadcast(comm, health->value, (size_t)health->count * sizeof *health->value, 0));
    use_numbers(&values, trainer, extra);
    return LS_OK;
}
