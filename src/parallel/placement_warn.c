#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "parallel/launcher.h"
#include "parallel/placement.h"

enum { LINE_SIZE = 512 };

/* Ranks of one host that may use the same cores. */
typedef struct group {
    int ranks, threads, most; /* most: threads of the rank that has most */
    int cores;
    const ls_place *first;
} group;

static bool same_host(const ls_place *a, const ls_place *b)
{
    return strcmp(a->host, b->host) == 0;
}

static bool same_cores(const ls_place *a, const ls_place *b)
{
    return a->words == b->words && memcmp(a->word, b->word, a->words * sizeof *a->word) == 0;
}

static void group_add(group *g, const ls_place *place)
{
    if (g->ranks == 0 || place->rank < g->first->rank) g->first = place;
    if (place->threads > g->most) g->most = place->threads;
    g->threads += place->threads;
    g->ranks++;
}

/* The group that starts at sorted[first]; returns where the next one starts. */
static int take_same_cores(const ls_placement *placement, int first, group *g)
{
    memset(g, 0, sizeof *g);
    const ls_place *head = placement->sorted[first];
    int i = first;
    for (; i < placement->size; i++) {
        const ls_place *place = placement->sorted[i];
        if (!same_host(place, head) || !same_cores(place, head)) break;
        group_add(g, place);
    }
    g->cores = head->cores;
    return i;
}

/* All ranks of the host of sorted[first], which may use parts of its cores that overlap. */
static int take_host(const ls_placement *placement, int first, group *g)
{
    ls_cores all;
    memset(g, 0, sizeof *g);
    memset(&all, 0, sizeof all);
    int i = first;
    for (; i < placement->size && same_host(placement->sorted[i], placement->sorted[first]); i++) {
        const ls_place *place = placement->sorted[i];
        group_add(g, place);
        for (size_t word = 0; word < place->words; word++) all.word[word] |= place->word[word];
    }
    g->cores = ls_cores_count(&all);
    if (g->cores > g->first->online) g->cores = g->first->online;
    return i;
}

/* The lowest rank's group that has more threads than cores; returns how many there are. */
static int find_crowded(const ls_placement *placement, int (*take)(const ls_placement *, int, group *),
                        group *worst)
{
    int crowded = 0;
    group g;
    for (int first = 0; first < placement->size;) {
        first = take(placement, first, &g);
        if (g.threads <= g.cores) continue;
        if (crowded == 0 || g.first->rank < worst->first->rank) *worst = g;
        crowded++;
    }
    return crowded;
}

/* The same among ranks with one set of cores or, where there is no such group, among all of a host. */
static int find_any_crowd(const ls_placement *placement, group *worst, bool *whole_host)
{
    int crowded = find_crowded(placement, take_same_cores, worst);
    *whole_host = crowded == 0;
    return crowded > 0 ? crowded : find_crowded(placement, take_host, worst);
}

bool ls_placement_is_crowded(const ls_placement *placement)
{
    group worst;
    bool whole_host;
    return find_any_crowd(placement, &worst, &whole_host) > 0;
}

/* What srun is to be told of the MPI that this is built with. */
static const char *way_of_srun(void)
{
    return ls_launcher_is_open_mpi() ? "pmix" : "pmi2";
}

static void describe_crowd(const ls_placement *placement, const group *g, bool whole_host, char *line)
{
    char cores[LS_CORES_TEXT] = "";
    ls_cores set;
    ls_place_cores(g->first, &set);
    if (!whole_host) ls_cores_describe(&set, cores, sizeof cores);
    const char *open = whole_host ? "" : " (", *close = whole_host ? "" : ")";
    if (placement->size == 1)
        snprintf(line, LINE_SIZE, "%d threads take turns on %d core%s%s%s%s", g->threads, g->cores,
                 ls_plural(g->cores), open, cores, close);
    else if (g->ranks == 1)
        snprintf(line, LINE_SIZE, "rank %d (host %s) runs %d threads but may use only %d core%s%s%s%s",
                 g->first->rank, g->first->host, g->threads, g->cores, ls_plural(g->cores), open, cores,
                 close);
    else
        snprintf(line, LINE_SIZE,
                 "%d ranks of host %s (the first is rank %d) run %d threads but share %d core%s%s%s%s",
                 g->ranks, g->first->host, g->first->rank, g->threads, g->cores, ls_plural(g->cores), open,
                 cores, close);
}

static int ranks_of_host(const ls_placement *placement, const char *host, int *hosts)
{
    int ranks = 0;
    *hosts = 0;
    for (int i = 0; i < placement->size; i++) {
        ranks += strcmp(placement->sorted[i]->host, host) == 0;
        *hosts += i == 0 || !same_host(placement->sorted[i], placement->sorted[i - 1]);
    }
    return ranks;
}

static void write_lines(int ranks, int cores, const char *options, char *line)
{
    if (ls_launcher_is_open_mpi())
        snprintf(line, LINE_SIZE,
                 "mpirun -n %d --bind-to none --map-by slot:PE=%d lockstep ...%s  or  srun --mpi=pmix -n %d "
                 "--cpus-per-task=%d "
                 "lockstep ...%s",
                 ranks, cores, options, ranks, cores, options);
    else
        snprintf(line, LINE_SIZE,
                 "mpiexec -n %d -bind-to none lockstep ...%s  or  srun --mpi=pmi2 -n %d --cpus-per-task=%d "
                 "lockstep ...%s",
                 ranks, options, ranks, cores, options);
}

/* The corrected lines: as many cores as threads where the machine has them, else fewer threads, else fewer
 * ranks. */
static void advise(const ls_placement *placement, const group *g, bool launched, char *line)
{
    char lines[LINE_SIZE], options[64] = "";
    int hosts, ranks = ranks_of_host(placement, g->first->host, &hosts);
    int online = g->first->online, threads = g->most, total = placement->size;
    if (placement->size == 1 && !launched) {
        snprintf(line, LINE_SIZE, "leave out --threads or use --threads %d", g->cores);
        return;
    }
    if ((int64_t)ranks * threads > online) {
        threads = online / ranks > 0 ? online / ranks : 1;
        snprintf(options, sizeof options, " --threads %d", threads);
    }
    if (ranks > online && hosts * online < total) total = hosts * online;
    write_lines(total, threads, options, lines);
    snprintf(line, LINE_SIZE, "%s", lines);
}

/* The first rank that is bound to fewer cores than were set aside for it; *count: how many such there are. */
static const ls_place *find_confined(const ls_placement *placement, int *count)
{
    const ls_place *first = NULL;
    *count = 0;
    for (int rank = 0; rank < placement->size; rank++) {
        const ls_place *place = &placement->place[rank];
        if (place->cores >= place->allotted || place->cores >= place->online) continue;
        if (first == NULL) first = place;
        (*count)++;
    }
    return first;
}

static ls_status warn_confined(const ls_placement *placement, char **warning)
{
    char cores[LS_CORES_TEXT], more[64] = "";
    ls_cores set;
    int count;
    const ls_place *place = find_confined(placement, &count);
    if (place == NULL) return LS_OK;
    ls_place_cores(place, &set);
    ls_cores_describe(&set, cores, sizeof cores);
    if (count > 1) snprintf(more, sizeof more, " (one of %d such ranks)", count);
    *warning =
        ls_format("rank %d (host %s) may use only %d core%s (%s) of the %d that Slurm set aside for it%s: "
                  "srun --mpi=%s -n %d --cpus-per-task=%d lockstep ...",
                  place->rank, place->host, place->cores, ls_plural(place->cores), cores, place->allotted,
                  more, way_of_srun(), placement->size, place->allotted);
    return *warning == NULL ? LS_ERROR_MEMORY : LS_OK;
}

static ls_status warn_missed(int tasks, char **warning)
{
    *warning = ls_format("srun started %d processes that do not know of each other, each trains alone: use "
                         "srun --mpi=%s -n %d lockstep ...",
                         tasks, way_of_srun(), tasks);
    return *warning == NULL ? LS_ERROR_MEMORY : LS_OK;
}

ls_status ls_placement_warn(const ls_placement *placement, bool launched, char **warning)
{
    char what[LINE_SIZE], todo[LINE_SIZE], more[64] = "";
    group worst = {0};
    *warning = NULL;
    int missed = placement->place[0].missed_tasks;
    if (missed > 0) return warn_missed(missed, warning);

    bool whole_host;
    int crowded = find_any_crowd(placement, &worst, &whole_host);
    if (crowded == 0) return warn_confined(placement, warning);
    describe_crowd(placement, &worst, whole_host, what);
    if (crowded > 1) snprintf(more, sizeof more, " (one of %d such places)", crowded);
    advise(placement, &worst, launched, todo);
    *warning = ls_format("%s%s: %s", what, more, todo);
    return *warning == NULL ? LS_ERROR_MEMORY : LS_OK;
}
