/* Trains a few steps with every part of the registries and prints a hash of the weights for each: the same
   lines must come out on every layout (tests/mpi/parts.sh). The last of these steps must get no memory.
   A part that is added is covered by being registered; one whose options have no defaults needs a line in the
   table of examples.
   Usage: parts THREADS [WORD], under mpirun with LOCKSTEP_ALL_THREADS=1; WORD: only parts whose line
   contains it. */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/random.h"
#include "train/trainer.h"
#include <lockstep/lockstep.h>
#include <lockstep/mpi.h>

/* Batches of 2 grains and a part, and a last one that is shorter. */
enum { INPUTS = 72, OUTPUTS = 3, BATCH = 40, ROWS = 70, PASSES = 2, STEPS = 3, TEXT = 2000 };

/* Options of parts that cannot do with their defaults, and how a layer is fed where one image does not do.
   Layers that take whole numbers get those of the data. */
static const struct example {
    const char *name, *options;
    const char *shape; /* of its input; NULL: 2, 6, 6 */
} examples[] = {
    {"embedding", "values: 5, units: 2", NULL},
    {"dense", "units: 7", NULL},
    {"conv1d", "filters: 5, kernel: 4, stride: 3", "4, 18"},
    {"conv2d", "filters: 6, kernel: [2, 3], groups: 2", NULL},
    {"max_pool", "kernel: 3, stride: 2", NULL},
    {"average_pool", "kernel: 2", NULL},
    {"reshape", "shape: [4, 18]", NULL},
    {"add", "inputs: [left, right]", NULL},
    {"concatenate", "inputs: [left, right]", NULL},
    {"group_norm", "groups: 2", NULL},
};
static const struct example no_example = {NULL, NULL, NULL};

/* Other options where the choices of a key do not go with those. */
static const struct key_example {
    const char *name, *key, *options;
} key_examples[] = {
    {"conv2d", "algorithm", "filters: 17, kernel: 3, padding: [1, 2]"},
};

static ls_context *context;
static const char *only;
static int rank, ranks, failures;
static bool whole; /* inputs are whole numbers from 0 to 4 */
static bool grows; /* a pass ends with all rows, more than the recipe speaks of */

static const struct example *example_of(const char *name)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        if (strcmp(examples[i].name, name) == 0) return &examples[i];
    return &no_example;
}

static const char *options_for(const char *name, const char *key, const char *usual)
{
    for (size_t i = 0; i < sizeof key_examples / sizeof key_examples[0]; i++)
        if (strcmp(key_examples[i].name, name) == 0 && strcmp(key_examples[i].key, key) == 0)
            return key_examples[i].options;
    return usual;
}

static void fail(const char *what, const char *recipe)
{
    failures++;
    if (rank == 0) printf("FAILED %s: %s\n%s\n", what, ls_error_message(), recipe);
}

/* Row r of the data: inputs of about 1 in size, and a class or targets between 0 and 1 that add up to 1. */
static void make_row(int r, float *inputs, float *targets, int32_t *label)
{
    for (int i = 0; i < INPUTS; i++)
        inputs[i] = whole ? (float)ls_random_below(7, LS_RANDOM_BENCH, (uint64_t)r, (uint64_t)i, 5)
                          : (float)ls_random_normal(7, LS_RANDOM_BENCH, (uint64_t)r, (uint64_t)i);
    *label = inputs[0] > 0.4F ? 2 : inputs[1] > 0;
    for (int o = 0; o < OUTPUTS; o++) targets[o] = o == *label ? 0.5F : 0.25F;
}

static float all_inputs[ROWS * INPUTS], all_targets[ROWS * OUTPUTS];
static int32_t all_labels[ROWS];

static void make_rows(int first, int last)
{
    for (int r = first; r < last; r++)
        make_row(r, all_inputs + (r - first) * INPUTS, all_targets + (r - first) * OUTPUTS,
                 &all_labels[r - first]);
}

/* One step on the rows begin .. end - 1 of the data, this rank's share of them by no particular rule. */
static ls_status push(ls_trainer *trainer, int begin, int end, bool classes)
{
    int first = begin + (end - begin) * rank * rank / (ranks * ranks);
    int last = begin + (end - begin) * (rank + 1) * (rank + 1) / (ranks * ranks);
    make_rows(first, last);
    return ls_trainer_step(trainer, last - first, all_inputs, classes ? NULL : all_targets,
                           classes ? all_labels : NULL, NULL);
}

static void expect(bool fine, const char *what, const char *wrong)
{
    if (fine) return;
    failures++;
    fprintf(stderr, "%s: rank %d of %d: %s\n", what, rank, ranks, wrong);
}

/* Steps on rows that all ranks have, so that nothing but the step itself could get memory. */
static ls_status step_again(ls_trainer *trainer, const char *what, bool classes)
{
    const ls_step *step = &trainer->step;
    ls_dataset data = trainer->train;
    ls_step_call call = {.rows = {.data = &data, .count = BATCH}, .learning_rate = 0.01};
    uint64_t before = 0;
    make_rows(0, BATCH);
    data.rows = BATCH;
    data.floats = all_inputs;
    data.labels = classes ? all_labels : NULL;
    data.targets = classes ? NULL : all_targets;
    for (int i = 0; i < STEPS; i++) {
        ls_status status = ls_trainer_step_on(trainer, &call);
        if (status != LS_OK) return status;
        if (i == 0) before = ls_alloc_count();
    }
    expect(ls_alloc_count() == before, what, "a step got memory");
    expect(step->plan.threads == ls_context_threads(context), what, "not all threads are awake");
    expect((step->host != NULL) == (ranks > 1 && getenv("LOCKSTEP_MESSAGES") == NULL), what,
           "ranks do not work together as they should");
    return LS_OK;
}

static void train(const char *what, const char *text, bool classes)
{
    ls_recipe *recipe = NULL;
    ls_trainer *trainer = NULL;
    if (only != NULL && strstr(what, only) == NULL) return;
    ls_status status = ls_recipe_parse(text, what, NULL, NULL, 0, &recipe);
    if (status == LS_OK) status = ls_trainer_create(context, recipe, &trainer);
    for (int pass = 0; pass < PASSES && status == LS_OK; pass++) {
        status = push(trainer, 0, BATCH, classes);
        if (status == LS_OK) status = push(trainer, BATCH, ROWS, classes);
        if (status == LS_OK && grows) status = push(trainer, 0, ROWS, classes);
    }
    if (status == LS_OK) status = step_again(trainer, what, classes);
    if (status == LS_OK) status = ls_step_collect_state(&trainer->step);
    if (status != LS_OK) {
        fail(what, text);
    } else if (rank == 0) {
        size_t bytes = (size_t)trainer->model.arena_size * sizeof(float);
        uint64_t hash = ls_hash(trainer->step.parameters, bytes, 0);
        for (int s = 0; s < trainer->step.state_count; s++)
            hash = ls_hash(trainer->step.state[s], bytes, hash);
        printf("%s %016llx\n", what, (unsigned long long)hash);
    }
    ls_trainer_free(trainer);
    ls_recipe_free(recipe);
}

/* --- layers: between a dense layer, whose output they see as an image, and another; those that take whole
   numbers come first --- */

static const char before_layer[] = "  - {type: dense, units: 72, activation: tanh, name: before}\n"
                                   "  - {type: reshape, name: left, shape: [";

static void train_layer(const char *what, const char *name, const char *options)
{
    char text[TEXT];
    const char *shape = example_of(name)->shape;
    bool joins = options != NULL && strstr(options, "inputs:") != NULL;
    const ls_component_type *type = ls_registry_find(&ls_layer_registry, name);
    whole = ((const ls_layer_type *)type)->whole_numbers != NULL;
    snprintf(text, sizeof text,
             "seed: 5\ndata: {type: push, inputs: %d, classes: %d}\nmodel:\n"
             "%s%s%s%s  - {type: %s%s%s}\n  - {type: dense, units: %d}\n"
             "loss: softmax_cross_entropy\noptimizer: {type: sgd, lr: 0.1, momentum: 0.9}\n"
             "training: {batch: %d, grain: 16, segments: 2}\n",
             INPUTS, OUTPUTS, whole ? "" : before_layer,
             whole           ? ""
             : shape == NULL ? "2, 6, 6"
                             : shape,
             whole ? "" : "]}\n", joins ? "  - {type: tanh, name: right, inputs: left}\n" : "", name,
             options == NULL || options[0] == '\0' ? "" : ", ", options == NULL ? "" : options, OUTPUTS,
             BATCH);
    train(what, text, true);
    whole = false;
}

/* Each switch flipped and each choice taken once. */
static void vary_layer(const ls_component_type *type, const char *options)
{
    char what[TEXT], more[TEXT];
    for (const ls_option *option = type->options; option != NULL && option->key != NULL; option++) {
        const char *usual = options_for(type->name, option->key, options);
        const char *before = usual == NULL ? "" : usual, *comma = usual == NULL ? "" : ", ";
        if (strstr(before, option->key) != NULL || option->default_text == NULL) continue;
        if (option->kind == LS_OPTION_BOOLEAN) {
            bool on = strcmp(option->default_text, "true") == 0;
            snprintf(more, sizeof more, "%s%s%s: %s", before, comma, option->key, on ? "false" : "true");
            snprintf(what, sizeof what, "layer %s %s: %s", type->name, option->key, on ? "false" : "true");
            train_layer(what, type->name, more);
        }
        bool words = option->kind == LS_OPTION_CHOICE || option->kind == LS_OPTION_INTEGERS;
        for (int c = 0; words && option->choices != NULL && option->choices[c] != NULL; c++) {
            if (strcmp(option->choices[c], option->default_text) == 0) continue;
            snprintf(more, sizeof more, "%s%s%s: %s", before, comma, option->key, option->choices[c]);
            snprintf(what, sizeof what, "layer %s %s: %s", type->name, option->key, option->choices[c]);
            train_layer(what, type->name, more);
        }
    }
}

static void train_layers(void)
{
    char what[TEXT];
    for (const ls_component_type *const *type = ls_layer_registry.types; *type != NULL; type++) {
        const char *options = example_of((*type)->name)->options;
        snprintf(what, sizeof what, "layer %s", (*type)->name);
        train_layer(what, (*type)->name, options);
        vary_layer(*type, options);
    }
}

/* --- losses and optimisers, on a small network --- */

static void train_network(const char *what, const char *data, int units, const char *loss,
                          const char *optimizer, bool classes)
{
    char text[TEXT];
    snprintf(text, sizeof text,
             "seed: 5\ndata: {type: push, inputs: %d, %s}\nmodel:\n"
             "  - {type: dense, units: 33, activation: tanh}\n  - {type: dense, units: %d}\n"
             "loss: {type: %s}\noptimizer: {type: %s}\ntraining: {batch: %d, grain: 8}\n",
             INPUTS, data, units, loss, optimizer, BATCH);
    train(what, text, classes);
}

static void train_losses(void)
{
    char what[TEXT];
    for (const ls_component_type *const *type = ls_loss_registry.types; *type != NULL; type++) {
        bool classes = ((const ls_loss_type *)*type)->target == LS_TARGET_LABELS;
        snprintf(what, sizeof what, "loss %s", (*type)->name);
        train_network(what, classes ? "classes: 3" : "outputs: 3", OUTPUTS, (*type)->name, "sgd, lr: 0.05",
                      classes);
    }
}

static void train_optimizers(void)
{
    char what[TEXT];
    for (const ls_component_type *const *type = ls_optimizer_registry.types; *type != NULL; type++) {
        if (((const ls_optimizer_type *)*type)->whole != NULL) continue; /* rows are pushed here */
        snprintf(what, sizeof what, "optimizer %s", (*type)->name);
        train_network(what, "classes: 3", OUTPUTS, "softmax_cross_entropy", (*type)->name, true);
    }
    for (const ls_component_type *const *type = ls_activation_registry.types; *type != NULL; type++) {
        char text[TEXT];
        snprintf(what, sizeof what, "activation %s", (*type)->name);
        snprintf(text, sizeof text,
                 "data: {type: push, inputs: %d, classes: 3}\nmodel:\n"
                 "  - {type: dense, units: 20, activation: %s}\n  - {type: dense, units: 3}\n"
                 "loss: softmax_cross_entropy\ntraining: {batch: %d, grain: 4}\n",
                 INPUTS, (*type)->name, BATCH);
        train(what, text, true);
    }
}

/* A batch that is larger than any before gets other memory, with clipping and statistics over ranks. */
static void train_growing(void)
{
    grows = true;
    train("batches that grow",
          "data: {type: push, inputs: 72, classes: 3}\nmodel:\n  - {type: dense, units: 33}\n"
          "  - {type: batch_norm}\n  - {type: tanh}\n  - {type: dense, units: 3}\n"
          "loss: softmax_cross_entropy\noptimizer: {type: lamb}\n"
          "training: {batch: 40, grain: 8, clip_norm: 0.1, accumulate: 2}\n",
          true);
    grows = false;
}

/* Threads share the units of a first layer of that size. */
static void train_wide(void)
{
    train("a wide first layer",
          "data: {type: push, inputs: 72, classes: 3}\nmodel:\n"
          "  - {type: dense, units: 600, activation: relu}\n  - {type: batch_norm, statistics: batch}\n"
          "  - {type: dense, units: 3}\nloss: softmax_cross_entropy\n"
          "optimizer: {type: sgd, momentum: 0.9}\ntraining: {batch: 40, grain: 8, segments: 2}\n",
          true);
}

int main(int argc, char **argv)
{
    int level;
    if (argc < 2) return 2;
    only = argc > 2 ? argv[2] : NULL;
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS) return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ls_context_create_mpi(MPI_COMM_WORLD, atoi(argv[1]), &context) != LS_OK) return 1;
    train_layers();
    train_losses();
    train_optimizers();
    train_growing();
    train_wide();
    ls_context_free(context);
    MPI_Finalize();
    return failures != 0;
}
