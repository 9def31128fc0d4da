#include "train/metric_set.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "nn/registry.h"
#include "parallel/agree.h"

enum { WIDE_WORDS = sizeof(ls_wide) / sizeof(int64_t), LINE_WORDS = 8 };
_Static_assert(sizeof(ls_wide) % sizeof(int64_t) == 0, "a wide sum is an array of 64-bit integers");

/* --- making --- */

static ls_status misfit(const ls_metric_request *request, const ls_component *metric)
{
    const char *file = request->file != NULL ? request->file : "recipe";
    if (metric->line == 0)
        return ls_error_prefix(LS_ERROR_RECIPE, "%s: metric %s: ", file, metric->type->name);
    return ls_error_prefix(LS_ERROR_RECIPE, "%s:%d:%d: metric %s: ", file, metric->line, metric->column,
                           metric->type->name);
}

static ls_status check(const ls_metric_request *request, const ls_component *metric)
{
    const ls_metric_type *type = (const ls_metric_type *)metric->type;
    const ls_metric_fit *fit = &request->fit;
    ls_status status = LS_OK;
    if (type->of_classes && fit->classes == 0)
        status = ls_error(LS_ERROR_RECIPE, "it needs classes, but the data have target values");
    else if (!type->of_classes && fit->classes > 0)
        status = ls_error(LS_ERROR_RECIPE, "it needs target values, but the data have classes");
    else if (type->check != NULL)
        status = type->check(metric->options, fit);
    return status == LS_OK ? LS_OK : misfit(request, metric);
}

static void write_name(const ls_metric_request *request, const ls_component *metric, char *name, size_t size)
{
    const ls_metric_type *type = (const ls_metric_type *)metric->type;
    int used = request->prefix == NULL ? 0 : snprintf(name, size, "%.63s.", request->prefix);
    if (type->name != NULL)
        type->name(metric->options, name + used, size - (size_t)used);
    else
        snprintf(name + used, size - (size_t)used, "%s", type->base.name);
}

/* Of a metric that fits. */
static ls_status add_part(const ls_metric_request *request, const ls_component *metric, ls_metric_set *set)
{
    const ls_metric_type *type = (const ls_metric_type *)metric->type;
    ls_metrics *result = &set->result;
    ls_metric *item = &result->item[result->count];
    if (result->count == LS_METRICS_MAX) {
        ls_error(LS_ERROR_RECIPE, "it is one of more than %d", LS_METRICS_MAX);
        return misfit(request, metric);
    }
    write_name(request, metric, item->name, sizeof item->name);
    for (int i = 0; i < result->count; i++) {
        if (strcmp(result->item[i].name, item->name) != 0) continue;
        ls_error(LS_ERROR_RECIPE, "it stands twice");
        return misfit(request, metric);
    }
    item->value = NAN;
    result->count++;
    set->part[set->part_count++] = (ls_metric_part){
        .type = type, .options = metric->options, .first_count = set->counts, .first_sum = set->sums};
    if (type->counts != NULL) set->counts += type->counts(&set->fit);
    if (type->sums != NULL) set->sums += type->sums(&set->fit);
    if (type->of_scores != NULL) set->scores_wanted = true;
    return LS_OK;
}

static ls_status fill(const ls_metric_request *request, ls_metric_set *set)
{
    const ls_metric_type *usual = set->fit.classes > 0 ? &ls_metric_accuracy : &ls_metric_rmse;
    ls_component one = {.type = &usual->base};
    ls_component_list usually = {.count = 1, .item = &one};
    const ls_component_list *list = request->metrics->count > 0 ? request->metrics : &usually;
    set->part = ls_alloc((size_t)list->count, sizeof *set->part);
    if (set->part == NULL) return LS_ERROR_MEMORY;
    set->origin = ls_alloc((size_t)set->fit.outputs, sizeof *set->origin);
    if (set->origin == NULL) return LS_ERROR_MEMORY;
    for (int64_t i = 0; i < set->fit.outputs && request->fit.origin != NULL; i++)
        set->origin[i] = request->fit.origin[i];
    set->fit.origin = set->origin;
    for (int i = 0; i < list->count; i++) {
        bool of_classes = ((const ls_metric_type *)list->item[i].type)->of_classes;
        if (request->prefix != NULL && of_classes != (set->fit.classes > 0)) continue; /* it is for others */
        LS_TRY(check(request, &list->item[i]));
        LS_TRY(add_part(request, &list->item[i], set));
    }
    set->words = (set->counts + set->sums * WIDE_WORDS + LINE_WORDS - 1) / LINE_WORDS * LINE_WORDS;
    set->memory = ls_alloc((size_t)(set->threads * set->words), sizeof *set->memory);
    return set->memory != NULL ? LS_OK : LS_ERROR_MEMORY;
}

ls_status ls_metric_set_create(const ls_metric_request *request, ls_metric_set *set)
{
    *set = (ls_metric_set){.fit = request->fit, .threads = request->threads};
    set->class_names = request->class_names;
    ls_status status = fill(request, set);
    if (status != LS_OK) ls_metric_set_free(set);
    return status;
}

void ls_metric_set_free(ls_metric_set *set)
{
    ls_free(set->origin);
    ls_free(set->part);
    ls_free(set->memory);
    ls_free(set->score);
    ls_free(set->label);
    *set = (ls_metric_set){0};
}

/* --- adding --- */

static ls_metric_sums sums_of(const ls_metric_set *set, const ls_metric_part *part, int64_t thread)
{
    int64_t *memory = set->memory + thread * set->words;
    ls_wide *sum = (ls_wide *)(void *)(memory + set->counts);
    return (ls_metric_sums){.count = memory + part->first_count, .sum = sum + part->first_sum};
}

/* One column of scores stands for both of two classes. */
static bool is_binary(const ls_metric_set *set)
{
    return set->fit.classes == 2;
}

static int64_t columns_of(const ls_metric_set *set)
{
    return is_binary(set) ? 1 : set->fit.classes;
}

ls_status ls_metric_set_begin(ls_metric_set *set, int64_t rows)
{
    memset(set->memory, 0, (size_t)(set->threads * set->words) * sizeof *set->memory);
    set->rows = rows;
    if (!set->scores_wanted || rows <= set->capacity) return LS_OK;
    ls_free(set->score);
    ls_free(set->label);
    set->capacity = rows;
    set->score = ls_alloc((size_t)(rows * columns_of(set)), sizeof *set->score);
    set->label = ls_alloc((size_t)rows, sizeof *set->label);
    if (set->score != NULL && set->label != NULL) return LS_OK;
    set->capacity = 0;
    return LS_ERROR_MEMORY;
}

/* A single unit is taken as it is: a sigmoid would make equal what is far out. */
static void keep_scores(ls_metric_set *set, int64_t first, const ls_metric_panel *panel)
{
    const float *from = set->fit.units == 1 ? panel->x : panel->predicted;
    int64_t columns = columns_of(set), skipped = set->fit.units == 1 ? 0 : set->fit.units - columns;
    memcpy(set->label + first, panel->label, (size_t)panel->count * sizeof *set->label);
    for (int64_t c = 0; c < columns; c++)
        memcpy(set->score + c * set->capacity + first, from + (c + skipped) * panel->lanes,
               (size_t)panel->count * sizeof *set->score);
}

void ls_metric_set_add(ls_metric_set *set, int thread, int64_t first, const ls_metric_panel *panel)
{
    for (int p = 0; p < set->part_count; p++) {
        ls_metric_sums sums = sums_of(set, &set->part[p], thread);
        if (set->part[p].type->add != NULL) set->part[p].type->add(set->part[p].options, panel, &sums);
    }
    if (set->scores_wanted) keep_scores(set, first, panel);
}

/* --- putting together --- */

/* The sums of all threads and ranks, in the place of those of thread 0. */
static ls_status join(ls_metric_set *set, ls_comm *comm)
{
    ls_wide *sum = (ls_wide *)(void *)(set->memory + set->counts);
    for (int t = 1; t < set->threads; t++) {
        const int64_t *other = set->memory + t * set->words;
        const ls_wide *other_sum = (const ls_wide *)(const void *)(other + set->counts);
        for (int64_t i = 0; i < set->counts; i++) set->memory[i] += other[i];
        for (int64_t i = 0; i < set->sums; i++) ls_wide_merge(&sum[i], &other_sum[i]);
    }
    if (ls_comm_size(comm) == 1) return LS_OK;
    for (int64_t i = 0; i < set->sums; i++) ls_wide_normalise(&sum[i]);
    return ls_comm_reduce(comm, LS_SUM_INT64, set->memory, set->counts + set->sums * WIDE_WORDS);
}

/* The bytes of all ranks in the order of their rows. */
static ls_status gather(ls_comm *comm, const void *mine, int64_t bytes, void *all)
{
    size_t *sizes = NULL;
    char *joined = NULL;
    LS_TRY(ls_comm_gather_all(comm, mine, (size_t)bytes, &joined, &sizes));
    ls_free(sizes);
    memcpy(all, &joined, sizeof joined);
    return LS_OK;
}

typedef struct ordering { /* all rows of all ranks */
    int64_t rows;
    int32_t *label;
    uint64_t *work;
    double sum; /* of the classes for which the metric is defined */
    int64_t defined;
} ordering;

static ls_status add_column(ls_metric_set *set, ls_comm *comm, const ls_metric_type *type, int64_t column,
                            ordering *all)
{
    float *score = NULL;
    int64_t bytes = set->rows * (int64_t)sizeof *score;
    LS_TRY(gather(comm, set->score + column * set->capacity, bytes, &score));
    int32_t of = (int32_t)(is_binary(set) ? 1 : column);
    double value = type->of_scores(all->rows, score, all->label, of, all->work);
    if (!isnan(value)) all->sum += value, all->defined++;
    ls_free(score);
    return LS_OK;
}

static ls_status order_rows(ls_metric_set *set, ls_comm *comm, const ls_metric_type *type, double *value)
{
    ordering all = {.rows = set->rows};
    LS_TRY(ls_comm_reduce(comm, LS_SUM_INT64, &all.rows, 1));
    LS_TRY(gather(comm, set->label, set->rows * (int64_t)sizeof *set->label, &all.label));
    all.work = ls_alloc((size_t)(2 * all.rows), sizeof *all.work);
    ls_status status = ls_agree(comm, all.work != NULL || all.rows == 0 ? LS_OK : LS_ERROR_MEMORY);
    for (int64_t c = 0; c < columns_of(set) && status == LS_OK; c++)
        status = add_column(set, comm, type, c, &all);
    *value = all.defined > 0 ? all.sum / (double)all.defined : NAN;
    ls_free(all.label);
    ls_free(all.work);
    return status;
}

ls_status ls_metric_set_finish(ls_metric_set *set, ls_comm *comm)
{
    LS_TRY(join(set, comm));
    for (int p = 0; p < set->part_count; p++) {
        const ls_metric_part *part = &set->part[p];
        double *value = &set->result.item[p].value;
        ls_metric_sums sums = sums_of(set, part, 0);
        if (part->type->is_matrix) {
            set->result.item[p].classes = set->fit.classes;
            set->result.item[p].confusion = sums.count;
            set->result.item[p].class_names = set->class_names;
        } else if (part->type->of_scores != NULL) {
            LS_TRY(order_rows(set, comm, part->type, value));
        } else {
            *value = part->type->value(part->options, &set->fit, &sums);
        }
    }
    return LS_OK;
}
