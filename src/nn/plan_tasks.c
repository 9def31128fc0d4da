/* The tasks of the weight gradients, and the homes that threads take them from. */
#include <stdlib.h>

#include "base/memory.h"
#include "nn/plan.h"

enum { TASKS_A_THREAD = 3 }; /* enough for an even share when tasks differ in size */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Elements of the arena whose tasks are being listed, and into how many bands they are cut so that there are
 * enough of them for all threads. */
typedef struct slice {
    int64_t first, end;
    int64_t blocks; /* of columns in all homes */
    int64_t bands;  /* of tiles that layers make themselves */
} slice;

/* The rows of a parameter that lie in it. */
static int64_t rows_in(const slice *within, const ls_parameter *parameter, int64_t *first)
{
    int64_t begin = (within->first - parameter->offset + parameter->ld - 1) / parameter->ld;
    int64_t end = (within->end - parameter->offset + parameter->ld - 1) / parameter->ld;
    if (within->first <= parameter->offset) begin = 0;
    if (within->end <= parameter->offset) end = 0;
    *first = least(begin, parameter->rows);
    return least(end, parameter->rows) - *first;
}

static int64_t blocks_of(const ls_parameter *parameter)
{
    return (parameter->columns + LS_BLOCK - 1) / LS_BLOCK;
}

static int64_t bands_of(int64_t rows, int64_t all_blocks, int threads)
{
    int64_t bands = (TASKS_A_THREAD * (int64_t)threads + all_blocks - 1) / all_blocks;
    return least(bands, (rows + LS_BLOCK - 1) / LS_BLOCK);
}

static bool is_one_row(ls_gradient_kind kind)
{
    return kind == LS_GRADIENT_SUM || kind == LS_GRADIENT_SAMPLES;
}

/* Appends a task, or only counts it where plan->task is NULL. */
static void add_task(ls_plan *plan, const ls_tile_task *task)
{
    if (plan->task != NULL) {
        const ls_shape *out = &plan->model->node[task->node].out;
        const int64_t positions = task->kind == LS_GRADIENT_TILE ? ls_shape_size(out) / out->dim[0] : 1;
        plan->task[plan->task_count] = *task;
        plan->task[plan->task_count].work = task->rows * task->columns * positions / task->splits;
    }
    plan->task_count++;
}

/* The size of tiles that the layer of a parameter likes. */
static void tile_of(const ls_plan *plan, int index, int64_t *rows, int64_t *columns)
{
    const ls_node *node = &plan->model->node[plan->parameter_node[index]];
    *rows = LS_TILE_ROWS;
    *columns = LS_BLOCK;
    if (node->type->tile_size != NULL)
        node->type->tile_size(node, index - node->first_parameter, rows, columns);
}

/* Of parameters whose samples are shared, or of the others. */
static int64_t tiles_in(const ls_plan *plan, const slice *within, bool shared)
{
    int64_t tiles = 0, rows, columns, first;
    for (int p = 0; p < plan->model->parameter_count; p++) {
        const ls_parameter *parameter = &plan->model->parameter[p];
        const int splits = ls_plan_splits(plan, p);
        if (plan->kind[p] != LS_GRADIENT_TILE || (splits > 1) != shared) continue;
        int64_t kept = rows_in(within, parameter, &first);
        tile_of(plan, p, &rows, &columns);
        tiles += (kept + rows - 1) / rows * ((parameter->columns + columns - 1) / columns) * splits;
    }
    return tiles;
}

static int64_t blocks_in(const ls_plan *plan, const slice *within)
{
    int64_t blocks = 0, first;
    for (int p = 0; p < plan->model->parameter_count; p++) {
        const ls_parameter *parameter = &plan->model->parameter[p];
        if (plan->kind[p] == LS_GRADIENT_OUTER && rows_in(within, parameter, &first) > 0)
            blocks += blocks_of(parameter);
    }
    return blocks;
}

/* The groups of samples of a tile that are of one home. All homes list the same tiles. */
static void add_splits(ls_plan *plan, ls_tile_task task, int home)
{
    task.tile = plan->tile_count;
    for (; task.split < task.splits; task.split++)
        if (task.splits == 1 || task.split * plan->home_count / task.splits == home) add_task(plan, &task);
    if (task.splits > 1) plan->tile_count++;
}

static void add_layer_tiles(ls_plan *plan, const slice *within, ls_tile_task task, int home)
{
    const ls_parameter *parameter = &plan->model->parameter[task.parameter];
    int64_t rows, columns, first, kept = rows_in(within, parameter, &first);
    tile_of(plan, task.parameter, &rows, &columns);
    if (columns > plan->tile_columns) plan->tile_columns = columns;
    rows = (rows + within->bands - 1) / within->bands;
    for (int64_t row = 0; row < kept; row += rows) {
        for (int64_t column = 0; column < parameter->columns; column += columns) {
            task.first_row = first + row;
            task.rows = least(rows, kept - row);
            task.first_column = column;
            task.columns = least(columns, parameter->columns - column);
            add_splits(plan, task, home);
        }
    }
}

static void add_tasks(ls_plan *plan, const slice *within, int index, int home)
{
    const ls_parameter *parameter = &plan->model->parameter[index];
    ls_tile_task task = {.parameter = index,
                         .node = plan->parameter_node[index],
                         .kind = plan->kind[index],
                         .splits = ls_plan_splits(plan, index)};
    int64_t first, kept = rows_in(within, parameter, &first);
    if (task.kind == LS_GRADIENT_NONE || kept == 0) return;
    if (task.kind == LS_GRADIENT_TILE) {
        add_layer_tiles(plan, within, task, home);
        return;
    }
    bool sum = is_one_row(task.kind), whole = sum || task.kind == LS_GRADIENT_ROWS;
    int64_t blocks = sum ? 1 : blocks_of(parameter);
    int64_t bands = whole ? 1 : bands_of(kept, within->blocks, plan->threads);
    for (int64_t band = 0; band < bands; band++) {
        task.first_row = first + kept * band / bands;
        task.rows = first + kept * (band + 1) / bands - task.first_row;
        for (int64_t block = 0; block < blocks; block++) {
            task.first_column = block * LS_BLOCK;
            task.columns = sum ? parameter->columns : least(LS_BLOCK, parameter->columns - task.first_column);
            add_task(plan, &task);
        }
    }
}

static int longer_first(const void *left, const void *right)
{
    const ls_tile_task *a = left, *b = right;
    if (a->work != b->work) return a->work > b->work ? -1 : 1;
    if (a->parameter != b->parameter) return a->parameter - b->parameter;
    if (a->first_row != b->first_row) return a->first_row < b->first_row ? -1 : 1;
    if (a->first_column != b->first_column) return a->first_column < b->first_column ? -1 : 1;
    return a->split - b->split;
}

static slice slice_of(const ls_plan *plan, int section, int home)
{
    const int64_t *element = plan->home_element[section] + home;
    return (slice){.first = element[0], .end = element[1]};
}

/* The tasks of a segment in a home, the most work first: of its own slices or, where threads share the
 * samples, of the whole slice of the rank, shape. */
static void list_home(ls_plan *plan, int home, const slice *shape, int segment)
{
    int first = plan->task_count;
    slice within[LS_SECTIONS];
    for (int section = 0; section < LS_SECTIONS; section++) {
        within[section] = slice_of(plan, section, home);
        within[section].blocks = shape->blocks;
        within[section].bands = shape->bands;
    }
    for (int p = 0; p < plan->model->parameter_count; p++) {
        if (plan->node_segment[plan->parameter_node[p]] != segment) continue;
        bool shared = ls_plan_splits(plan, p) > 1;
        for (int section = 0; section < (shared ? 1 : LS_SECTIONS); section++)
            add_tasks(plan, shared ? shape : &within[section], p, home);
    }
    if (plan->task != NULL)
        qsort(plan->task + first, (size_t)(plan->task_count - first), sizeof *plan->task, longer_first);
}

/* Elements [first, end) are the rank's. */
static void list_tasks(ls_plan *plan, int64_t first, int64_t end)
{
    enum { BANDS_MAX = 4 }; /* of tiles: each costs more than its share */
    slice shape = {.first = first, .end = end, .blocks = 1, .bands = 1};
    int64_t tiles = tiles_in(plan, &shape, true);
    for (int section = 0; section < LS_SECTIONS; section++) {
        for (int h = 0; h < plan->home_count; h++) {
            slice within = slice_of(plan, section, h);
            tiles += tiles_in(plan, &within, false);
            shape.blocks += blocks_in(plan, &within);
        }
    }
    if (tiles > 0) shape.bands = least((plan->threads + tiles - 1) / tiles, BANDS_MAX);
    plan->task_count = plan->tile_count = 0;
    plan->tile_columns = LS_BLOCK;
    for (int s = 0; s < plan->segment_count; s++) {
        const int tiles_before = plan->tile_count;
        plan->first_task[s] = plan->task_count;
        for (int h = 0; h < plan->home_count; h++) {
            plan->home_task[h] = plan->task_count;
            plan->tile_count = tiles_before;
            list_home(plan, h, &shape, s);
        }
    }
    plan->first_task[plan->segment_count] = plan->home_task[plan->home_count] = plan->task_count;
}

/* The weights of the first node, where threads share its units, are in section 0; all the rest is in
 * section 1. */
static int64_t rest_begin(const ls_plan *plan)
{
    const ls_parameter *weight = &plan->model->parameter[0];
    return plan->opens ? weight->offset + weight->rows * weight->ld : 0;
}

static void cut_homes(ls_plan *plan, int64_t first, int64_t end)
{
    const int64_t middle = rest_begin(plan);
    const int64_t between = middle < first ? first : least(middle, end);
    ls_plan_cut(plan, first, between, plan->home_count, true, plan->home_element[0], plan->home_piece[0]);
    ls_plan_cut(plan, between, end, plan->home_count, true, plan->home_element[1], plan->home_piece[1]);
}

/* Units by groups: the same cut as that of the homes, where these have all weights. */
static void cut_units(ls_plan *plan)
{
    enum {
        HEIGHT = 6,
        BLOCK = 48
    }; /* of a tile of the products; rows whose weights stay in the second-level cache */
    int64_t element[LS_HOMES_MAX + 1], piece[LS_HOMES_MAX + 1];
    if (!plan->opens) return;
    const ls_parameter *weight = &plan->model->parameter[0];
    const int64_t each = (weight->rows + plan->threads - 1) / plan->threads;
    plan->unit_block = least((each + HEIGHT - 1) / HEIGHT * HEIGHT, BLOCK);
    ls_plan_cut(plan, weight->offset, rest_begin(plan), plan->groups, true, element, piece);
    plan->group_block[0] = 0;
    for (int h = 0; h <= plan->groups; h++) {
        plan->group_unit[h] = (element[h] - weight->offset) / weight->ld;
        if (h == 0) continue;
        int64_t units = plan->group_unit[h] - plan->group_unit[h - 1];
        plan->group_block[h] =
            plan->group_block[h - 1] + (int)((units + plan->unit_block - 1) / plan->unit_block);
    }
}

/* Where the sums of a group of samples lie. */
static void place_splits(ls_plan *plan)
{
    plan->splits = 1;
    plan->split_elements = 0;
    for (int p = 0; p < plan->model->parameter_count; p++) {
        const ls_parameter *parameter = &plan->model->parameter[p];
        const int splits = ls_plan_splits(plan, p);
        plan->split_place[p] = plan->split_elements;
        if (splits > 1) plan->split_elements += parameter->rows * parameter->ld;
        if (splits > plan->splits) plan->splits = splits;
    }
}

ls_status ls_plan_keep(ls_plan *plan, int64_t first, int64_t end)
{
    ls_free(plan->task);
    plan->task = NULL;
    plan->groups = (int)least(plan->threads, LS_HOMES_MAX);
    plan->home_count = plan->segment_count > 1 ? 1 : plan->groups;
    cut_homes(plan, first, end);
    cut_units(plan);
    place_splits(plan);
    list_tasks(plan, first, end); /* counts them */
    plan->task = ls_alloc((size_t)plan->task_count, sizeof *plan->task);
    if (plan->task == NULL) return LS_ERROR_MEMORY;
    list_tasks(plan, first, end);
    return LS_OK;
}
