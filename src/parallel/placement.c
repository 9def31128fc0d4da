#include "parallel/placement.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "parallel/agree.h"
#include "parallel/launcher.h"

/* What a rank tells the others, followed by the words of its set of cores. A multiple of 8 bytes, so that the
   words are aligned where the ranks' contributions lie one after another. */
typedef struct report {
    int32_t threads, quota, online, missed_tasks, allotted, unused;
    ls_cores cores;
} report;

enum { REPORT_HEAD = offsetof(report, cores) };

static size_t report_fill(report *mine, int threads, bool solo)
{
    memset(mine, 0, sizeof *mine);
    mine->threads = threads;
    mine->quota = ls_cores_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    mine->online = ls_cores_online();
    mine->allotted = threads == 0 ? ls_launcher_allotted_cores() : 0;
    mine->missed_tasks = solo ? ls_launcher_missed_tasks() : 0;
    if (!ls_cores_allowed(&mine->cores))
        for (int core = 0; core < mine->online; core++) ls_cores_add(&mine->cores, core);
    size_t words = LS_CORES_MAX / 64;
    while (words > 0 && mine->cores.word[words - 1] == 0) words--;
    return REPORT_HEAD + words * sizeof mine->cores.word[0];
}

static int limited(int cores, int quota)
{
    if (quota > 0 && quota < cores) cores = quota;
    return cores < 1 ? 1 : cores;
}

static void place_read(ls_place *place, const char *bytes, size_t size)
{
    report head;
    memcpy(&head, bytes, REPORT_HEAD);
    place->words = (size - REPORT_HEAD) / sizeof *place->word;
    place->word = (const uint64_t *)(const void *)(bytes + REPORT_HEAD);
    int count = 0;
    for (size_t i = 0; i < place->words; i++) count += __builtin_popcountll(place->word[i]);
    place->cores = limited(count, head.quota);
    place->online = limited(head.online, head.quota);
    place->threads = head.threads;
    place->missed_tasks = head.missed_tasks;
    place->allotted = head.allotted;
}

void ls_place_cores(const ls_place *place, ls_cores *cores)
{
    memset(cores, 0, sizeof *cores);
    memcpy(cores->word, place->word, place->words * sizeof *place->word);
}

/* By host and set of cores. */
static int compare_homes(const ls_place *a, const ls_place *b)
{
    int order = strcmp(a->host, b->host);
    if (order != 0) return order;
    if (a->words != b->words) return a->words < b->words ? -1 : 1;
    return memcmp(a->word, b->word, a->words * sizeof *a->word);
}

static int compare_places(const void *a, const void *b)
{
    const ls_place *left = *(ls_place *const *)a, *right = *(ls_place *const *)b;
    int order = compare_homes(left, right);
    return order != 0 ? order : left->rank - right->rank;
}

/* Ranks that may use the same cores of the same host share them evenly. */
static void choose_threads(ls_placement *placement)
{
    for (int first = 0, end; first < placement->size; first = end) {
        ls_place **group = placement->sorted + first;
        for (end = first + 1; end < placement->size; end++)
            if (compare_homes(group[0], placement->sorted[end]) != 0) break;
        int share = group[0]->cores / (end - first);
        if (share < 1) share = 1;
        if (share > LS_THREADS_MAX) share = LS_THREADS_MAX;
        for (int i = 0; i < end - first; i++)
            if (group[i]->threads == 0) group[i]->threads = share;
    }
}

static ls_status placement_alloc(ls_placement *placement, int size)
{
    placement->size = size;
    placement->place = ls_alloc((size_t)size, sizeof *placement->place);
    placement->sorted = ls_alloc((size_t)size, sizeof *placement->sorted);
    return placement->place == NULL || placement->sorted == NULL ? LS_ERROR_MEMORY : LS_OK;
}

ls_status ls_placement_gather(ls_comm *comm, int threads, ls_placement *placement)
{
    report mine;
    memset(placement, 0, sizeof *placement);
    LS_TRY(ls_agree(comm, placement_alloc(placement, ls_comm_size(comm))));
    size_t size = report_fill(&mine, threads, ls_comm_size(comm) == 1);
    LS_TRY(ls_agree(comm, ls_comm_gather_all(comm, &mine, size, &placement->bytes, &placement->sizes)));
    const char *bytes = placement->bytes;
    for (int rank = 0; rank < placement->size; rank++) {
        ls_place *place = &placement->place[rank];
        place->rank = rank;
        place->host = ls_comm_host(comm, rank);
        place_read(place, bytes, placement->sizes[rank]);
        bytes += placement->sizes[rank];
        placement->sorted[rank] = place;
    }
    qsort(placement->sorted, (size_t)placement->size, sizeof *placement->sorted, compare_places);
    choose_threads(placement);
    return LS_OK;
}

void ls_placement_free(ls_placement *placement)
{
    ls_free(placement->place);
    ls_free(placement->sorted);
    ls_free(placement->bytes);
    ls_free(placement->sizes);
    memset(placement, 0, sizeof *placement);
}
