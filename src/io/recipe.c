/* A recipe: the root table read from a file, written, compared, hashed. */
#include "io/recipe.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/options.h"
#include "io/options.h"
#include "io/tree.h"
#include "nn/model.h"
#include "optim/optimizer.h"
#include "parallel/team.h"

enum { LOSSES_MAX = LS_OUTPUTS_MAX };

void ls_recipe_free(ls_recipe *recipe)
{
    if (recipe == NULL) return;
    ls_options_clear(ls_recipe_options, recipe);
    ls_free(recipe->file);
    ls_free(recipe->directory);
    ls_free(recipe);
}

/* The default length of a schedule is that of the training, which stands elsewhere. */
static ls_status resolve_schedule(const ls_recipe *recipe)
{
    const ls_optimizer_options *optimizer = recipe->optimizer.options;
    const ls_component *schedule = &optimizer->schedule;
    const char *message =
        ls_schedule_resolve(schedule, &optimizer->warmup, recipe->training.epochs, recipe->training.steps);
    if (message == NULL) return LS_OK;
    return ls_error(LS_ERROR_RECIPE, "%s: schedule %s: %s",
                    ls_recipe_place(recipe, schedule->line, schedule->column), schedule->type->name, message);
}

/* Lowering the learning rate needs one that counts. */
static ls_status check_plateau(const ls_recipe *recipe)
{
    const ls_optimizer_type *type = (const ls_optimizer_type *)recipe->optimizer.type;
    if (recipe->training.on_plateau.patience == 0 || !type->finds_steps) return LS_OK;
    return ls_error(
        LS_ERROR_RECIPE,
        "%s: training.on_plateau has no learning rate to lower, as the optimizer %s finds the size of "
        "its steps itself; leave it out, watch with training.early_stopping, or take another "
        "optimizer",
        ls_recipe_key_place(recipe, &recipe->training.on_plateau_place), type->base.name);
}

static ls_status check_losses(const ls_recipe *recipe)
{
    const ls_component_list *losses = &recipe->losses;
    bool one = recipe->loss.type != NULL;
    if (!one && losses->count == 0)
        return ls_error(
            LS_ERROR_RECIPE,
            "%s:1:1: missing key 'loss' of the recipe, expected the type of the loss or a mapping with "
            "'type' and its options (or 'losses', a list of them for several outputs)",
            recipe->file);
    if (one && losses->count > 0)
        return ls_error(LS_ERROR_RECIPE, "%s: both 'loss' and 'losses' are given, expected one of them",
                        ls_recipe_place(recipe, losses->item[0].line, losses->item[0].column));
    if (losses->count <= LOSSES_MAX) return LS_OK;
    return ls_error(LS_ERROR_RECIPE, "%s: more than %d losses, expected at most so many",
                    ls_recipe_place(recipe, losses->item[LOSSES_MAX].line, losses->item[LOSSES_MAX].column),
                    LOSSES_MAX);
}

static ls_status fill(ls_recipe *recipe, const ls_options_input *input, const char *directory)
{
    recipe->file = ls_strdup(input->name);
    recipe->directory = ls_strdup(directory);
    if (recipe->file == NULL || recipe->directory == NULL) return LS_ERROR_MEMORY;
    LS_TRY(ls_options_read(ls_recipe_options, input, recipe));
    LS_TRY(resolve_schedule(recipe));
    LS_TRY(check_plateau(recipe));
    return check_losses(recipe);
}

int ls_recipe_loss_count(const ls_recipe *recipe)
{
    return recipe->loss.type != NULL ? 1 : recipe->losses.count;
}

const ls_component *ls_recipe_loss(const ls_recipe *recipe, int index)
{
    return recipe->loss.type != NULL ? &recipe->loss : &recipe->losses.item[index];
}

static ls_status create(const ls_options_input *input, const char *directory, ls_recipe **recipe)
{
    *recipe = NULL;
    ls_recipe *made = ls_alloc(1, sizeof *made);
    if (made == NULL) return LS_ERROR_MEMORY;
    uint32_t saved = ls_float_state_enter(); /* numbers are rounded to nearest, whatever the calling program
                                                does */
    ls_status status = fill(made, input, directory);
    ls_float_state_leave(saved);
    if (status != LS_OK) {
        ls_recipe_free(made);
        return status;
    }
    *recipe = made;
    return LS_OK;
}

ls_status ls_recipe_parse(const char *text, const char *name, const char *directory,
                          const char *const *overrides, int override_count, ls_recipe **recipe)
{
    ls_options_input input = {
        .text = text,
        .size = strlen(text),
        .name = name != NULL ? name : "recipe",
        .what = "the recipe",
        .overrides = overrides,
        .override_count = override_count,
    };
    return create(&input, directory != NULL ? directory : ".", recipe);
}

ls_status ls_recipe_load(const char *path, const char *const *overrides, int override_count,
                         ls_recipe **recipe)
{
    *recipe = NULL;
    struct stat information;
    if (stat(path, &information) == 0 && S_ISREG(information.st_mode) &&
        information.st_size > LS_TREE_BYTES) {
        return ls_error(LS_ERROR_RECIPE, "%s:1:1: the file is larger than %d MB, expected a recipe", path,
                        LS_TREE_BYTES >> 20);
    }
    char *text = NULL, *directory = NULL;
    size_t size = 0;
    LS_TRY(ls_file_read(path, &text, &size));
    ls_options_input input = {
        .text = text,
        .size = size,
        .name = path,
        .what = "the recipe",
        .overrides = overrides,
        .override_count = override_count,
    };
    directory = ls_path_directory(path);
    ls_status status = directory == NULL ? LS_ERROR_MEMORY : create(&input, directory, recipe);
    ls_free(directory);
    ls_free(text);
    return status;
}

ls_status ls_recipe_parse_model(const char *json, const char *name, ls_recipe **recipe)
{
    ls_options_input input = {
        .text = json,
        .size = strlen(json),
        .name = name,
        .what = "the model's description",
        .without_paths = true,
    };
    return create(&input, ".", recipe);
}

ls_status ls_recipe_to_yaml(const ls_recipe *recipe, bool absolute_paths, char **text)
{
    ls_text yaml = {0};
    ls_options_yaml(&yaml, ls_recipe_options, recipe, absolute_paths ? recipe->directory : NULL);
    return ls_text_take(&yaml, text);
}

static bool is_no_path(const ls_option *option)
{
    return option->kind != LS_OPTION_PATH;
}

ls_status ls_recipe_model_json(const ls_recipe *recipe, char **text)
{
    static const char *const keys[] = {"model", "loss", "losses", "metrics", "data"};
    ls_text json = {0};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        ls_text_add(&json, "%s\"%s\":", i == 0 ? "{" : ",", keys[i]);
        ls_option_json(&json, ls_option_find(ls_recipe_options, keys[i]), recipe, is_no_path);
    }
    ls_text_add(&json, "}");
    return ls_text_take(&json, text);
}

char *ls_recipe_difference(const ls_recipe *a, const ls_recipe *b)
{
    char key[512] = "";
    ls_options_pair pair = {.a = a, .b = b, .directory_a = a->directory, .directory_b = b->directory};
    return ls_options_differ(ls_recipe_options, &pair, key, sizeof key) ? ls_strdup(key) : NULL;
}

/* Options that change how the work is laid out, when it ends or what is written, but no bit of a step. */
static bool fixes_bits(const ls_option *option)
{
    static const char *const layout[] = {"segments", "replica_check"};
    if (option->kind == LS_OPTION_PATH || option->may_change_on_resume) return false;
    for (size_t i = 0; i < sizeof layout / sizeof layout[0]; i++) {
        if (option == ls_option_find(ls_training_option_table, layout[i])) return false;
    }
    return true;
}

uint64_t ls_recipe_digest(const ls_recipe *recipe)
{
    ls_text json = {0};
    char *text = NULL;
    ls_options_json(&json, ls_recipe_options, recipe, fixes_bits);
    if (ls_text_take(&json, &text) != LS_OK) return 0;
    uint64_t digest = ls_hash(text, strlen(text), 0);
    ls_free(text);
    return digest;
}

const char *ls_recipe_place(const ls_recipe *recipe, int line, int column)
{
    static _Thread_local char place[512];
    const char *file = recipe->file != NULL ? recipe->file : "recipe";
    if (line > 0) {
        snprintf(place, sizeof place, "%.480s:%d:%d", file, line, column);
    } else {
        snprintf(place, sizeof place, "%.480s", file);
    }
    return place;
}

const char *ls_recipe_key_place(const ls_recipe *recipe, const ls_place *place)
{
    return ls_recipe_place(recipe, place->line, place->column);
}
