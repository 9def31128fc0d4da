/* Which cores share their last-level cache (Linux: Documentation/ABI/testing/sysfs-devices-system-cpu). */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include "parallel/cores.h"

enum { PATH_SIZE = 4096, CACHES_MAX = 16 };

static int last_cache(const char *devices, int core)
{
    char path[PATH_SIZE];
    int last = -1;
    long long level, most = -1;
    for (int cache = 0; cache < CACHES_MAX; cache++) {
        snprintf(path, sizeof path, "%s/cpu%d/cache/index%d/level", devices, core, cache);
        if (!ls_cores_read_number(path, &level) || level <= most) continue;
        most = level;
        last = cache;
    }
    return last;
}

/* A list as "0-7,128-135". */
static bool read_list(FILE *file, ls_cores *cores)
{
    int first, end;
    char next = ',';
    memset(cores, 0, sizeof *cores);
    while (next == ',' && fscanf(file, "%d", &first) == 1) {
        end = first;
        next = (char)fgetc(file);
        if (next == '-' && fscanf(file, "%d%c", &end, &next) != 2) return false;
        if (first < 0 || end < first || end >= LS_CORES_MAX) return false;
        for (int core = first; core <= end; core++) ls_cores_add(cores, core);
    }
    return next == '\n' && ls_cores_count(cores) > 0;
}

static int first_of(const ls_cores *cores)
{
    for (int core = 0; core < LS_CORES_MAX; core++)
        if (ls_cores_has(cores, core)) return core;
    return -1;
}

int ls_cores_cache(const ls_cores *cores, const char *devices)
{
    char path[PATH_SIZE];
    ls_cores sharing;
    int first = first_of(cores);
    if (first < 0) return -1;
    snprintf(path, sizeof path, "%s/cpu%d/cache/index%d/shared_cpu_list", devices, first,
             last_cache(devices, first));
    FILE *file = fopen(path, "re");
    if (file == NULL) return -1;
    bool complete = read_list(file, &sharing);
    fclose(file);
    for (int i = 0; i < LS_CORES_MAX / 64; i++) complete &= (cores->word[i] & ~sharing.word[i]) == 0;
    return complete ? first_of(&sharing) : -1;
}

bool ls_cores_virtual(const char *cpuinfo)
{
    enum { LINE_SIZE = 8192 }; /* flags take 2000 characters today */
    static const char begin[] = "flags\t";
    char line[LINE_SIZE];
    FILE *file = fopen(cpuinfo, "re");
    if (file == NULL) return false;
    bool found = false; /* the flags of the first core */
    while (!found && fgets(line, sizeof line, file) != NULL) found = strncmp(line, begin, strlen(begin)) == 0;
    fclose(file);
    return found && strstr(line, " hypervisor") != NULL;
}
