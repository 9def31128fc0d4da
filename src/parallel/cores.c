#define _GNU_SOURCE
#include "parallel/cores.h"

#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "parallel/team.h"

/* With OMP_PROC_BIND the runtime binds the first thread to one place before main begins, and the mask of the
   calling thread alone would say: one core. The places tell the rest. */
static void add_places(ls_cores *cores)
{
    enum { PLACE_MAX = 1024 };
    int core[PLACE_MAX];
    if (omp_get_proc_bind() == omp_proc_bind_false) return;
    for (int place = 0; place < omp_get_num_places(); place++) {
        int count = omp_get_place_num_procs(place);
        if (count <= 0 || count > PLACE_MAX) continue;
        omp_get_place_proc_ids(place, core);
        for (int i = 0; i < count; i++)
            if (core[i] >= 0 && core[i] < LS_CORES_MAX) ls_cores_add(cores, core[i]);
    }
}

bool ls_cores_allowed(ls_cores *cores)
{
    static const size_t size = LS_CORES_MAX / 8;
    union {
        cpu_set_t fixed;
        unsigned char room[LS_CORES_MAX / 8];
    } mask;
    memset(cores, 0, sizeof *cores);
    memset(&mask, 0, sizeof mask);
    if (sched_getaffinity(0, size, &mask.fixed) != 0) return false;
    for (int core = 0; core < LS_CORES_MAX; core++)
        if (CPU_ISSET_S((size_t)core, size, &mask.fixed)) ls_cores_add(cores, core);
    add_places(cores);
    return true;
}

int ls_cores_count(const ls_cores *cores)
{
    int count = 0;
    for (int i = 0; i < LS_CORES_MAX / 64; i++) count += __builtin_popcountll(cores->word[i]);
    return count;
}

void ls_cores_describe(const ls_cores *cores, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int first = 0; first < LS_CORES_MAX; first++) {
        if (!ls_cores_has(cores, first)) continue;
        int last = first;
        while (last + 1 < LS_CORES_MAX && ls_cores_has(cores, last + 1)) last++;
        char range[32];
        const char *comma = used > 0 ? "," : "";
        int length = last > first ? snprintf(range, sizeof range, "%s%d-%d", comma, first, last)
                                  : snprintf(range, sizeof range, "%s%d", comma, first);
        if (used + (size_t)length + sizeof ",..." > size) {
            snprintf(text + used, size - used, "%s...", comma);
            return;
        }
        memcpy(text + used, range, (size_t)length + 1);
        used += (size_t)length;
        first = last;
    }
}

int ls_cores_online(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > LS_CORES_MAX ? LS_CORES_MAX : (int)online;
}

int ls_team_cores(void)
{
    ls_cores cores;
    int count = ls_cores_allowed(&cores) ? ls_cores_count(&cores) : ls_cores_online();
    int quota = ls_cores_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    if (quota > 0 && quota < count) count = quota;
    return count < 1 ? 1 : count;
}
