/* The cores that this process may run on. */
#ifndef LS_PARALLEL_CORES_H
#define LS_PARALLEL_CORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LS_CORES_MAX = 8192, LS_CORES_TEXT = 256 };

/* A set of cores: bit i % 64 of word i / 64 for core i. */
typedef struct ls_cores {
    uint64_t word[LS_CORES_MAX / 64];
} ls_cores;

static inline void ls_cores_add(ls_cores *cores, int core)
{
    cores->word[core / 64] |= (uint64_t)1 << core % 64;
}

static inline bool ls_cores_has(const ls_cores *cores, int core)
{
    return (cores->word[core / 64] >> core % 64 & 1) != 0;
}

/* The affinity mask of the process, and what OpenMP has put aside for its threads where it binds them. False
 * where the system does not tell. */
bool ls_cores_allowed(ls_cores *cores);
int ls_cores_count(const ls_cores *cores);

/* "0-3,8" into text; ends in "..." where size is too small. */
void ls_cores_describe(const ls_cores *cores, char *text, size_t size);

/* Cores' worth of time that control groups grant, rounded up; 0: no limit. cgroup_file is the process's list
   of groups (/proc/self/cgroup), mount where the groups are mounted (/sys/fs/cgroup). */
int ls_cores_quota(const char *cgroup_file, const char *mount);

/* The number that a file of the system begins with; false where there is none. */
bool ls_cores_read_number(const char *path, long long *number);

/* The first core of those that have the last-level cache of all these cores; -1 where these have several, or
   where the system does not tell. devices: where cores are listed (/sys/devices/system/cpu). */
int ls_cores_cache(const ls_cores *cores, const char *devices);

/* Whether cores are known to be those of a virtual machine: x86 processors say so (/proc/cpuinfo). */
bool ls_cores_virtual(const char *cpuinfo);

int ls_cores_online(void); /* of the machine, at least 1 */

#endif
