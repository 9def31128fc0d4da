/* Limits on processor time set by control groups, versions 1 and 2 (Linux: Documentation/scheduler/sched-bwc,
   admin-guide/cgroup-v2: cpu.max). Containers are limited in this way where their affinity mask shows all
   cores of the machine. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "parallel/cores.h"

enum { PATH_SIZE = 4096 };

/* Two numbers from "quota period" in one file; false where there is no limit or no file. */
static bool read_pair(const char *path, long long *quota, long long *period)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    bool found = fscanf(file, "%lld %lld", quota, period) == 2;
    fclose(file);
    return found;
}

bool ls_cores_read_number(const char *path, long long *number)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    bool found = fscanf(file, "%lld", number) == 1;
    fclose(file);
    return found;
}

static int cores_of(long long quota, long long period)
{
    if (quota <= 0 || period <= 0) return 0;
    long long cores = quota / period + (quota % period != 0);
    return cores > LS_CORES_MAX ? LS_CORES_MAX : (int)cores;
}

/* The limit in one directory, 0 if none. */
static int directory_quota(const char *directory)
{
    char path[PATH_SIZE + 32];
    long long quota = 0, period = 0;
    snprintf(path, sizeof path, "%s/cpu.max", directory);
    if (read_pair(path, &quota, &period)) return cores_of(quota, period);
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
    if (!ls_cores_read_number(path, &quota)) return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
    return ls_cores_read_number(path, &period) ? cores_of(quota, period) : 0;
}

static int tighter(int a, int b)
{
    if (a == 0 || b == 0) return a + b;
    return a < b ? a : b;
}

/* The tightest limit from root/group upwards to root. In a container the group may be named as its host sees
   it and not exist here; its limit is then found at root. */
static int ancestors_quota(const char *root, const char *group)
{
    char directory[PATH_SIZE];
    int limit = 0;
    size_t root_length = strlen(root);
    int length = snprintf(directory, sizeof directory, "%s%s", root, strcmp(group, "/") == 0 ? "" : group);
    if (length < 0 || length >= PATH_SIZE) return directory_quota(root);
    for (;;) {
        limit = tighter(limit, directory_quota(directory));
        char *slash = strrchr(directory, '/');
        if (strlen(directory) <= root_length || slash == NULL) return limit;
        *slash = '\0';
    }
}

/* Whether cpu is one of the comma-separated controllers. */
static bool names_cpu(const char *controllers)
{
    for (const char *at = controllers; at != NULL; at = strchr(at, ',')) {
        if (*at == ',') at++;
        size_t length = strcspn(at, ",");
        if (length == 3 && strncmp(at, "cpu", 3) == 0) return true;
    }
    return false;
}

/* One line "number:controllers:group" of the list of groups. */
static int line_quota(char *line, const char *mount)
{
    char root[PATH_SIZE];
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL) return 0;
    *group++ = '\0';
    controllers++;
    if (*controllers == '\0') return ancestors_quota(mount, group);
    if (!names_cpu(controllers)) return 0;
    snprintf(root, sizeof root, "%s/%s", mount, controllers);
    int limit = ancestors_quota(root, group);
    if (strcmp(controllers, "cpu") == 0) return limit;
    snprintf(root, sizeof root, "%s/cpu", mount);
    return tighter(limit, ancestors_quota(root, group));
}

int ls_cores_quota(const char *cgroup_file, const char *mount)
{
    char line[PATH_SIZE];
    int limit = 0;
    FILE *file = fopen(cgroup_file, "re");
    if (file == NULL) return 0;
    while (fgets(line, sizeof line, file) != NULL) limit = tighter(limit, line_quota(line, mount));
    fclose(file);
    return limit;
}
