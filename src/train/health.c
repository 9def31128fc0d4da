#include "train/health.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { GRADIENT, WEIGHT, UPDATE };
enum { NUMBERS = 3 }; /* in front of the arrays: step, samples, first */

/* Units that are dead or not: channels of images, since their places share weights. */
static int64_t flags_of(const ls_node *node)
{
    return node->out.rank > 1 ? node->out.dim[0] : ls_shape_size(&node->out);
}

static bool is_activation(const ls_node *node)
{
    for (const ls_component_type *const *type = ls_activation_registry.types; *type != NULL; type++) {
        if (*type == &node->type->base) return true;
    }
    return false;
}

static void lay_out(ls_health *health)
{
    int64_t parameters = health->model->parameter_count, tensors = health->model->node_count + 1;
    double *next = health->value;
    health->step = next++;
    health->samples = next++;
    health->first = next++;
    health->gradient = next;
    health->weight = health->gradient + parameters;
    health->update = health->weight + parameters;
    health->activation = health->update + parameters;
    health->dead = health->activation + tensors;
    for (int64_t i = NUMBERS; i < health->count; i++) health->value[i] = NAN;
    *health->first = NAN;
}

ls_status ls_health_create(const ls_plan *plan, int threads, ls_health **created)
{
    const ls_model *model = plan->model;
    size_t tensors = (size_t)model->node_count + 1;
    ls_health *health = ls_alloc(1, sizeof *health);
    *created = health;
    if (health == NULL) return LS_ERROR_MEMORY;
    health->model = model;
    health->threads = threads;
    health->piece_elements = plan->piece_elements;
    health->count = NUMBERS + 3 * (int64_t)model->parameter_count + 2 * (int64_t)tensors;
    health->value = ls_alloc((size_t)health->count, sizeof *health->value);
    health->square = ls_alloc((size_t)plan->piece_count, sizeof *health->square);
    health->before = ls_alloc((size_t)threads * (size_t)plan->piece_elements, sizeof *health->before);
    health->sum = ls_alloc(tensors, sizeof *health->sum);
    health->first_flag = ls_alloc(tensors + 1, sizeof *health->first_flag);
    bool complete = health->value && health->square && health->before && health->sum && health->first_flag;
    if (!complete) return LS_ERROR_MEMORY;
    for (int n = 0; n < model->node_count; n++) {
        int64_t flags = is_activation(&model->node[n]) ? flags_of(&model->node[n]) : 0;
        health->first_flag[n + 2] = health->first_flag[n + 1] + (int)flags;
    }
    health->alive = ls_alloc((size_t)health->first_flag[tensors], sizeof *health->alive);
    if (health->alive == NULL) return LS_ERROR_MEMORY;
    lay_out(health);
    return LS_OK;
}

void ls_health_free(ls_health *health)
{
    if (health == NULL) return;
    ls_free(health->value);
    ls_free(health->square);
    ls_free(health->before);
    ls_free(health->sum);
    ls_free(health->first_flag);
    ls_free(health->alive);
    ls_free(health);
}

void ls_health_before(ls_health *health, const ls_kernels *kernels, int piece, int64_t count, const float *w,
                      const float *gradient, double factor, int thread)
{
    double *square = health->square[piece];
    square[GRADIENT] = kernels->dot(count, gradient, gradient) * factor * factor;
    square[WEIGHT] = kernels->dot(count, w, w);
    memcpy(health->before + thread * health->piece_elements, w, (size_t)count * sizeof *w);
}

void ls_health_after(ls_health *health, int piece, int64_t count, const float *w, int thread)
{
    const float *before = health->before + thread * health->piece_elements;
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double change = (double)w[i] - (double)before[i];
        sum += change * change;
    }
    health->square[piece][UPDATE] = sum;
}

void ls_health_add_pieces(ls_health *health, const ls_plan *plan)
{
    double *norm[] = {health->gradient, health->weight, health->update};
    for (int k = 0; k < 3; k++) {
        for (int p = 0; p < health->model->parameter_count; p++) norm[k][p] = 0;
        for (int i = 0; i < plan->piece_count; i++) norm[k][plan->piece[i].parameter] += health->square[i][k];
        for (int p = 0; p < health->model->parameter_count; p++) norm[k][p] = sqrt(norm[k][p]);
    }
    if (isnan(*health->first)) *health->first = ls_health_gradient(health);
}

double ls_health_gradient(const ls_health *health)
{
    double sum = 0;
    for (int p = 0; p < health->model->parameter_count; p++) sum += health->gradient[p] * health->gradient[p];
    return sqrt(sum);
}

static double norm_of(const ls_node *node, const double *norm)
{
    double sum = 0;
    for (int p = node->first_parameter; p < node->first_parameter + node->parameter_count; p++)
        sum += norm[p] * norm[p];
    return sqrt(sum);
}

static void put(ls_text *text, bool *first, const char *key, double value)
{
    char number[40] = "null";
    if (isnan(value)) return;
    if (isfinite(value)) snprintf(number, sizeof number, "%.6g", value);
    for (char *c = number; *c != '\0'; c++) {
        if (*c == ',') *c = '.'; /* the locale of the calling program */
    }
    ls_text_add(text, "%s\"%s\":%s", *first ? "" : ",", key, number);
    *first = false;
}

static void put_layer(const ls_health *health, int index, ls_text *text)
{
    const ls_node *node = &health->model->node[index];
    bool first = true;
    ls_text_add(text, "\"%s\":{", node->name);
    if (node->parameter_count > 0) {
        put(text, &first, "gradient", norm_of(node, health->gradient));
        put(text, &first, "weight", norm_of(node, health->weight));
        put(text, &first, "update", norm_of(node, health->update));
    }
    put(text, &first, "activation", health->activation[index + 1]);
    put(text, &first, "dead", health->dead[index + 1]);
    ls_text_add(text, "}");
}

void ls_health_json(const ls_health *health, ls_text *text)
{
    ls_text_add(text, "{\"step\":%lld,\"samples\":%lld,\"layers\":{", (long long)*health->step,
                (long long)*health->samples);
    for (int n = 0; n < health->model->node_count; n++) {
        if (n > 0) ls_text_add(text, ",");
        put_layer(health, n, text);
    }
    ls_text_add(text, "}}");
}
