#include "train/host.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "parallel/agree.h"
#include "parallel/cores.h"
#include "train/step_run.h"

enum { ALIGNMENT = 64, ARRAYS_MAX = 8 };

/* An array of the step that moves to the shared memory. */
typedef struct shared_array {
    void *pointer; /* where the step has its address, a pointer of whatever type */
    size_t bytes;
} shared_array;

static void *address_of(const shared_array *array)
{
    void *address;
    memcpy(&address, array->pointer, sizeof address);
    return address;
}

static void set_address(const shared_array *array, void *address)
{
    memcpy(array->pointer, &address, sizeof address);
}

static size_t words_bytes(const ls_plan *plan)
{
    return (size_t)(LS_FIRST_LARGEST + plan->tensor_count + plan->exchange_words) * sizeof(uint32_t);
}

/* Arrays that other ranks read, in their order in the memory. A pointer that is NULL is left out on all ranks
 * alike, as the recipe decides it. */
static int list_arrays(ls_step *step, shared_array *list)
{
    const ls_plan *plan = &step->plan;
    size_t arena = (size_t)step->model->arena_size * sizeof(float), pieces = (size_t)plan->piece_count;
    const shared_array all[] = {
        {&step->parameters, arena},
        {&step->total, arena},
        {&step->norm_part, pieces * sizeof *step->norm_part},
        {&step->squares, pieces * sizeof *step->squares},
        {step->health == NULL ? NULL : &step->health->square,
         pieces * (step->health == NULL ? 0 : sizeof *step->health->square)},
        {&step->memory, (size_t)(plan->panels * plan->panel_units * plan->lanes) * sizeof *step->memory},
    };
    int count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].pointer != NULL && address_of(&all[i]) != NULL) list[count++] = all[i];
    }
    return count;
}

static size_t padded(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Ranks with different numbers of threads would choose different panels: all take the narrowest. */
static ls_status agree_on_panels(ls_step *step)
{
    const ls_plan *plan = &step->plan;
    uint64_t most[2] = {~(uint64_t)plan->lanes, (uint64_t)plan->panels};
    LS_TRY(ls_comm_reduce(step->comm, LS_MAX_UINT64, most, 2));
    step->lanes = (int64_t)~most[0];
    step->panels = (int64_t)most[1];
    bool fits = plan->lanes == step->lanes && plan->panels == step->panels;
    return ls_agree(step->comm, fits ? LS_OK : ls_step_plan_again(step, step->batch));
}

/* What must be the same on all ranks. */
static uint64_t layout_of(const ls_plan *plan)
{
    const int64_t layout[] = {plan->lanes, plan->panels, plan->panel_units, plan->grain};
    return ls_hash(layout, sizeof layout, 0);
}

static ls_status make_host(ls_step *step)
{
    ls_host *host = step->host = ls_alloc(1, sizeof *host);
    if (host == NULL) return LS_ERROR_MEMORY;
    host->rank = ls_comm_rank(step->comm);
    host->ranks = ls_comm_size(step->comm);
    host->element = ls_alloc((size_t)host->ranks + 1, sizeof *host->element);
    host->piece = ls_alloc((size_t)host->ranks + 1, sizeof *host->piece);
    return host->element && host->piece ? LS_OK : LS_ERROR_MEMORY;
}

/* Whether the ranks' cores share a last-level cache: the largest of their caches' numbers is the least. What
 * a virtual machine says of its caches is not relied on: its cores may lie anywhere on the host, and move. */
static ls_status find_caches(ls_step *step)
{
    ls_cores cores;
    bool known = !ls_cores_virtual("/proc/cpuinfo") && ls_cores_allowed(&cores);
    int cache = known ? ls_cores_cache(&cores, "/sys/devices/system/cpu") : -1;
    uint64_t most[2] = {(uint64_t)(int64_t)cache, ~(uint64_t)(int64_t)cache};
    LS_TRY(ls_comm_reduce(step->comm, LS_MAX_UINT64, most, 2));
    step->host->apart = cache < 0 || most[0] != ~most[1];
    return LS_OK;
}

/* The panels again, for memory that lies elsewhere. */
static ls_status place_panels(ls_step *step)
{
    const ls_plan *plan = &step->plan;
    for (int64_t p = 0; p < plan->panels; p++) {
        ls_panel *panel = &step->panel[p];
        ls_panel_free(panel);
        panel->memory = step->memory + p * plan->panel_units * plan->lanes;
        panel->parameters = NULL;
        LS_TRY(ls_panel_create(panel));
    }
    return LS_OK;
}

static void move_arrays(ls_step *step, const shared_array *list, int count)
{
    ls_host *host = step->host;
    char *to = ls_shared_of(host->shared, host->rank);
    for (int turn = 0; turn < 2; turn++, to += padded(words_bytes(&step->plan)))
        host->words[turn] = (uint32_t *)(void *)to;
    for (int i = 0; i < count; i++) {
        memcpy(to, address_of(&list[i]), list[i].bytes);
        ls_free(address_of(&list[i]));
        set_address(&list[i], to);
        to += padded(list[i].bytes);
    }
}

static ls_status take_slice(ls_step *step)
{
    ls_host *host = step->host;
    ls_plan *plan = &step->plan;
    ls_plan_join_segments(plan);
    ls_plan_cut(plan, 0, step->model->arena_size, host->ranks, false, host->element, host->piece);
    step->share.rows = 0;
    LS_TRY(ls_plan_keep(plan, host->element[host->rank], host->element[host->rank + 1]));
    ls_step_list_ranges(step);
    ls_gradient_splits_free(&step->splits);
    return ls_gradient_splits_create(plan, &step->splits);
}

static ls_status join(ls_step *step, const shared_array *list, int count)
{
    move_arrays(step, list, count);
    if (!step->plan.integer_sums) {
        ls_free(step->sums);
        step->sums = NULL;
    }
    LS_TRY(place_panels(step));
    return take_slice(step);
}

ls_status ls_step_connect(ls_step *step)
{
    shared_array list[ARRAYS_MAX];
    if (ls_comm_size(step->comm) == 1 || step->recipe->training.reduce != 0) return LS_OK;
    if (ls_comm_nodes(step->comm) > 1) return LS_OK;
    LS_TRY(agree_on_panels(step));
    size_t bytes = 2 * padded(words_bytes(&step->plan));
    int count = list_arrays(step, list);
    for (int i = 0; i < count; i++) bytes += padded(list[i].bytes);
    ls_shared *shared = NULL;
    LS_TRY(ls_shared_create(step->comm, bytes, layout_of(&step->plan), &shared));
    if (shared == NULL) return LS_OK;
    ls_status status = make_host(step);
    if (status == LS_OK) {
        step->host->shared = shared;
        status = join(step, list, count);
    } else {
        ls_shared_free(shared);
    }
    LS_TRY(ls_agree(step->comm, status));
    return find_caches(step);
}

ls_status ls_step_collect_state(ls_step *step)
{
    const ls_host *host = step->host;
    for (int s = 0; host != NULL && s < step->state_count; s++) {
        for (int r = 0; r < host->ranks; r++) {
            size_t count = (size_t)(host->element[r + 1] - host->element[r]);
            if (count > 0)
                LS_TRY(ls_comm_broadcast(step->comm, step->state[s] + host->element[r], count * sizeof(float),
                                         r));
        }
    }
    return LS_OK;
}

ls_status ls_step_disconnect(ls_step *step)
{
    shared_array list[ARRAYS_MAX];
    void *copy[ARRAYS_MAX] = {NULL};
    if (step->host == NULL) return LS_OK;
    LS_TRY(ls_step_collect_state(step));
    int count = list_arrays(step, list);
    ls_status status = LS_OK;
    for (int i = 0; i < count && status == LS_OK; i++) {
        copy[i] = ls_alloc(list[i].bytes, 1);
        if (copy[i] == NULL) status = LS_ERROR_MEMORY;
    }
    status = ls_agree(step->comm, status);
    for (int i = 0; i < count; i++) {
        if (status == LS_OK) {
            memcpy(copy[i], address_of(&list[i]), list[i].bytes);
            set_address(&list[i], copy[i]);
        } else {
            ls_free(copy[i]);
        }
    }
    if (status != LS_OK) return status;
    ls_shared_free(step->host->shared);
    step->host->shared = NULL;
    ls_host_free(step);
    return LS_OK;
}

void ls_host_free(ls_step *step)
{
    shared_array list[ARRAYS_MAX];
    ls_host *host = step->host;
    if (host == NULL) return;
    int count = host->shared == NULL ? 0 : list_arrays(step, list);
    for (int i = 0; i < count; i++) {
        const char *begin = ls_shared_of(host->shared, host->rank), *at = address_of(&list[i]);
        if (at >= begin && at < begin + ls_shared_bytes(host->shared)) set_address(&list[i], NULL);
    }
    ls_shared_free(host->shared);
    ls_free(host->element);
    ls_free(host->piece);
    ls_free(host);
    step->host = NULL;
}

/* The place in another rank's memory of what lies at mine in this one's. */
static const char *place_at(const ls_host *host, int rank, const void *mine)
{
    const char *own = ls_shared_of(host->shared, host->rank);
    return (const char *)ls_shared_of(host->shared, rank) + ((const char *)mine - own);
}

void ls_host_meet(const ls_step *step, ls_team *team, int thread)
{
    ls_team_barrier(team);
    if (thread == 0) ls_shared_barrier(step->host->shared);
    ls_team_barrier(team);
}

/* Elements [first, end) of the slice of another rank, number n after this one, that a thread copies: in whole
 * units. Not all ranks begin with the same one. Returns that rank. */
static int part_of(const ls_host *host, const ls_team *team, int thread, const int64_t *slices, int n,
                   int64_t unit, int64_t *first, int64_t *end)
{
    int rank = (host->rank + n) % host->ranks;
    int64_t units = (slices[rank + 1] - slices[rank]) / unit;
    *first = slices[rank] + units * thread / team->size * unit;
    *end = slices[rank] + units * (thread + 1) / team->size * unit;
    return rank;
}

void ls_host_gather(const ls_step *step, const ls_team *team, int thread, void *array, size_t size,
                    const int64_t *slices)
{
    const ls_host *host = step->host;
    int64_t first, end;
    for (int n = 1; n < host->ranks; n++) {
        int rank = part_of(host, team, thread, slices, n, 1, &first, &end);
        char *to = (char *)array + (size_t)first * size;
        memcpy(to, place_at(host, rank, to), (size_t)(end - first) * size);
    }
}

void ls_host_take(const ls_step *step, const ls_team *team, int thread, float *arena)
{
    const ls_host *host = step->host;
    int64_t first, end;
    for (int n = 1; n < host->ranks; n++) {
        int rank = part_of(host, team, thread, host->element, n, LS_LANES, &first, &end);
        const char *from = place_at(host, rank, arena + first);
        step->kernels->take((const float *)(const void *)from, arena + first, end - first, host->apart);
    }
}

const uint32_t *ls_host_words(const ls_step *step, int rank)
{
    const ls_host *host = step->host;
    return (const uint32_t *)(const void *)place_at(host, rank, host->words[host->turn]);
}

const float *ls_host_memory(const ls_step *step, int rank)
{
    return (const float *)(const void *)place_at(step->host, rank, step->memory);
}

bool ls_host_has_node(const ls_step *step, int node)
{
    const ls_host *host = step->host;
    const ls_node *of = &step->model->node[node];
    if (host == NULL || of->type->after_step == NULL) return host == NULL;
    int64_t place = step->model->parameter[of->first_parameter].offset;
    return place >= host->element[host->rank] && place < host->element[host->rank + 1];
}
