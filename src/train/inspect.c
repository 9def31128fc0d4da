/* What a recipe, a model or a checkpoint holds, as text for people. */
#include <lockstep/tools.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "train/graph.h"
#include "train/model_file.h"

typedef struct printer {
    ls_line_function line;
    void *user;
} printer;

static void print(const printer *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(const printer *to, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    to->line(to->user, text);
}

/* "4.3 MB" */
static const char *bytes_text(double bytes, char *text, size_t size)
{
    static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB"};
    int u = 0;
    for (; bytes >= 1000 && u < 4; u++) bytes /= 1000;
    snprintf(text, size, u == 0 ? "%.0f %s" : "%.1f %s", bytes, unit[u]);
    return text;
}

/* Numbers that are trained, or those that layers keep up themselves. */
static int64_t parameters_of(const ls_model *model, const ls_node *node, bool untrained)
{
    int64_t parameters = 0;
    for (int p = 0; p < node->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[node->first_parameter + p];
        if (parameter->untrained == untrained) parameters += parameter->rows * parameter->columns;
    }
    return parameters;
}

static int64_t all_parameters(const ls_model *model, bool untrained)
{
    int64_t parameters = 0;
    for (int n = 0; n < model->node_count; n++)
        parameters += parameters_of(model, &model->node[n], untrained);
    return parameters;
}

/* Columns of the table that are as wide as what stands in them. */
typedef struct widths {
    int graph, name, type;
} widths;

static void widen(int *width, const char *text)
{
    if ((int)strlen(text) > *width) *width = (int)strlen(text);
}

static widths widths_of(const ls_model *model, int graph)
{
    widths width = {.graph = graph, .name = 24, .type = 14};
    for (int n = 0; n < model->node_count; n++) {
        widen(&width.name, model->node[n].name);
        widen(&width.type, model->node[n].type->base.name);
    }
    return width;
}

/* Where a layer does not take the output of the one above it: " <- conv_1, input". */
static void inputs_text(const ls_model *model, int n, char *text, size_t size)
{
    const ls_node *node = &model->node[n];
    size_t used = 0;
    text[0] = '\0';
    if (node->input_count == 1 && node->input[0] == n) return;
    for (int i = 0; i < node->input_count && used < size; i++) {
        const char *name = node->input[i] == 0 ? "input" : model->node[node->input[i] - 1].name;
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "  <- " : ", ", name);
    }
}

/* What a layer keeps for a grain of samples: its output, unless it writes over its input, and more for the
 * backward pass. */
static double memory_of(const ls_plan *plan, int n)
{
    const ls_node *node = &plan->model->node[n];
    int64_t units = plan->in_place[n] ? 0 : ls_shape_size(&node->out);
    if (node->type->saved != NULL) units += node->type->saved(node);
    return (double)(units * plan->grain) * sizeof(float);
}

static void print_layer(const printer *to, const ls_plan *plan, int n, const widths *width, const char *graph)
{
    const ls_model *model = plan->model;
    const ls_node *node = &model->node[n];
    char shape[LS_SHAPE_TEXT], bytes[32], inputs[256];
    int64_t operations = node->type->operations != NULL ? node->type->operations(node) : 0;
    ls_shape_text(&node->out, shape, sizeof shape);
    inputs_text(model, n, inputs, sizeof inputs);
    print(to, "%s%-*s %-*s %-16s %12lld %16lld %13s%s", graph, width->name, node->name, width->type,
          node->type->base.name, shape, (long long)parameters_of(model, node, false),
          (long long)(2 * operations), bytes_text(memory_of(plan, n), bytes, sizeof bytes), inputs);
}

/* The table of layers, with the graph in front where there are branches. */
static ls_status print_layers(const printer *to, const ls_plan *plan)
{
    const ls_model *model = plan->model;
    char shape[LS_SHAPE_TEXT], bytes[32];
    char(*graph)[LS_GRAPH_SIZE] = ls_alloc((size_t)model->node_count + 1, sizeof *graph);
    if (graph == NULL) return LS_ERROR_MEMORY;
    int columns = ls_graph_draw(model, graph);
    const widths width = widths_of(model, columns > 1 ? 2 * columns + 1 : 0);
    double memory = (double)(plan->panel_units * plan->grain) * sizeof(float);
    print(to, "%*s%-*s %-*s %-16s %12s %16s %13s", width.graph, "", width.name, "layer", width.type, "type",
          "output", "parameters", "operations", "memory");
    ls_shape_text(&model->input, shape, sizeof shape);
    for (int n = -1; n < model->node_count; n++) {
        char drawn[LS_GRAPH_SIZE + 4] = "";
        if (width.graph > 0) snprintf(drawn, sizeof drawn, "%-*s", width.graph, graph[n + 1]);
        if (n < 0)
            print(to, "%s%-*s %-*s %s", drawn, width.name, "input", width.type, "", shape);
        else
            print_layer(to, plan, n, &width, drawn);
    }
    print(to, "%*s%-*s %-*s %-16s %12lld %16lld %13s", width.graph, "", width.name, "total", width.type, "",
          "", (long long)all_parameters(model, false), (long long)(2 * ls_model_operations(model)),
          bytes_text(memory, bytes, sizeof bytes));
    print(to, "%s", "");
    if (all_parameters(model, true) > 0)
        print(to, "parameters: without the %lld numbers of running statistics, which are not trained",
              (long long)all_parameters(model, true));
    print(to, "operations: floating-point operations of one sample forward (backward costs twice that)");
    print(to, "memory: of one grain; the total has the derivatives, too");
    ls_free(graph);
    return LS_OK;
}

static void print_plan(const printer *to, const ls_trainer *trainer)
{
    const ls_plan *plan = &trainer->step.plan;
    char weights[32], panels[32], flops[32];
    double arena = (double)trainer->model.arena_size * sizeof(float);
    double panel = (double)(plan->panel_units * plan->lanes) * sizeof(float);
    if (!trainer->described)
        print(to, "data            %lld training rows, %lld test rows", (long long)trainer->train.rows,
              (long long)trainer->test.rows);
    print(to, "batch           %lld samples in grains of %lld: at most %lld ranks have work%s",
          (long long)trainer->batch, (long long)plan->grain,
          (long long)((trainer->batch + plan->grain - 1) / plan->grain),
          trainer->described && trainer->recipe->training.batch == 0
              ? " (all rows are a batch; how many there are is not known)"
              : "");
    snprintf(flops, sizeof flops, "%.3g",
             6.0 * (double)ls_model_operations(&trainer->model) * (double)trainer->batch);
    print(to, "work            %s floating-point operations a step", flops);
    print(to, "memory a rank   %s of weights, gradients and optimiser state, %s of activations and deltas",
          bytes_text(arena * (2 + trainer->step.state_count), weights, sizeof weights),
          bytes_text(panel * (double)plan->panels, panels, sizeof panels));
    print(to, "a step here     %lld panel%s of %lld samples on %d thread%s", (long long)plan->panels,
          plan->panels == 1 ? "" : "s", (long long)plan->lanes, plan->threads, plan->threads == 1 ? "" : "s");
}

static void print_remarks(const printer *to, const ls_trainer *trainer)
{
    const ls_objective *objective = &trainer->step.objective;
    for (int h = 0; h < objective->head_count; h++) {
        char *text = ls_objective_remark(objective, h, trainer->recipe, &trainer->model);
        if (text != NULL) print(to, "warning         %s", text);
        ls_free(text);
    }
}

/* Where the data are not there, the recipe may tell enough of them. absent gets what is missing, or "". */
static ls_status set_up(ls_context *context, const ls_recipe *recipe, ls_trainer *trainer,
                        char absent[LS_MESSAGE_SIZE])
{
    absent[0] = '\0';
    ls_status status = ls_trainer_setup(context, recipe, trainer);
    if (status != LS_ERROR_IO) return status;
    ls_dataset description;
    snprintf(absent, LS_MESSAGE_SIZE, "%s", ls_error_message());
    status = ls_data_describe(&recipe->data, &description);
    ls_dataset_free(&description);
    if (status == LS_ERROR_RECIPE) return ls_error(LS_ERROR_IO, "%s; %s", absent, ls_error_message());
    return ls_trainer_setup_described(context, recipe, trainer);
}

static ls_status inspect_recipe(const char *path, const printer *to)
{
    ls_recipe *recipe = NULL;
    ls_context *context = NULL;
    ls_trainer trainer;
    char absent[LS_MESSAGE_SIZE];
    ls_status status = ls_recipe_load(path, NULL, 0, &recipe);
    if (status == LS_OK) status = ls_context_create(0, &context);
    if (status == LS_OK) status = set_up(context, recipe, &trainer, absent);
    if (status == LS_OK) {
        print(to, "recipe          %s", path);
        if (trainer.described) print(to, "data            from the recipe alone: %.400s", absent);
        print_plan(to, &trainer);
        print_remarks(to, &trainer);
        print(to, "%s", "");
        status = print_layers(to, &trainer.step.plan);
        ls_trainer_clear(&trainer);
    }
    ls_context_free(context);
    ls_recipe_free(recipe);
    return status;
}

static void print_tensor(const printer *to, const ls_tensor *tensor)
{
    char shape[80] = "";
    size_t used = 0;
    int64_t count = 1;
    for (int d = 0; d < tensor->dims; d++) {
        used += (size_t)snprintf(shape + used, sizeof shape - used, d == 0 ? "%lld" : " x %lld",
                                 (long long)tensor->dim[d]);
        count *= tensor->dim[d];
    }
    if (tensor->type != LS_TENSOR_F32) {
        print(to, "%-32s %-16s %12lld values", tensor->name, shape, (long long)count);
        return;
    }
    double squares = 0;
    float largest = 0;
    const char *bytes = tensor->data;
    for (int64_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, bytes + (size_t)i * sizeof value, sizeof value);
        squares += (double)value * (double)value;
        if (fabsf(value) > largest || isnan(value)) largest = fabsf(value);
    }
    print(to, "%-32s %-16s %12lld values  root mean square %-10.4g largest %.4g", tensor->name, shape,
          (long long)count, count > 0 ? sqrt(squares / (double)count) : 0.0, (double)largest);
}

/* Metadata that are long (a whole recipe) are shown line by line. */
static void print_metadata(const printer *to, const ls_metadata *entry)
{
    if (strncmp(entry->key, "lockstep.checksum.", 18) == 0) return;
    const char *line = entry->value, *end;
    bool single = strchr(line, '\n') == NULL;
    if (single) {
        print(to, "%-24s %.400s%s", entry->key, line, strlen(line) > 400 ? " ..." : "");
        return;
    }
    print(to, "%s:", entry->key);
    for (; *line != '\0'; line = *end == '\n' ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        print(to, "    %.*s", (int)(end - line), line);
    }
}

static ls_status inspect_tensors(const char *path, const printer *to)
{
    ls_safetensors file;
    LS_TRY(ls_safetensors_read(path, &file));
    int64_t values = 0;
    print(to, "file                     %s: every tensor is intact", path);
    for (int m = 0; m < file.metadata_count; m++) print_metadata(to, &file.metadata[m]);
    print(to, "%s", "");
    for (int t = 0; t < file.tensor_count; t++) {
        int64_t count = 1;
        for (int d = 0; d < file.tensor[t].dims; d++) count *= file.tensor[t].dim[d];
        values += count;
        print_tensor(to, &file.tensor[t]);
    }
    print(to, "%-32s %-16s %12lld values", "total", "", (long long)values);
    ls_safetensors_free(&file);
    return LS_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

ls_status ls_inspect(const char *path, ls_line_function line, void *user)
{
    printer to = {.line = line, .user = user};
    if (ends_with(path, ".safetensors")) return inspect_tensors(path, &to);
    char *inside = ls_path_join(path, "model.safetensors");
    if (inside == NULL) return LS_ERROR_MEMORY;
    ls_status status = ls_file_exists(inside) ? inspect_tensors(inside, &to) : inspect_recipe(path, &to);
    ls_free(inside);
    return status;
}
