/* Names of files and directories. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "base/file.h"
#include "base/memory.h"

bool ls_file_exists(const char *path)
{
    struct stat information;
    return stat(path, &information) == 0;
}

static ls_status make_one(const char *path)
{
    struct stat information;
    if (mkdir(path, 0777) == 0) return LS_OK;
    int reason = errno;
    if (stat(path, &information) == 0) {
        if (S_ISDIR(information.st_mode)) return LS_OK;
        reason = ENOTDIR;
    }
    return ls_error(LS_ERROR_IO, "cannot make the directory '%s': %s", path, strerror(reason));
}

ls_status ls_directory_make(const char *path)
{
    char *part = ls_strdup(path);
    if (part == NULL) return ls_error_prefix(LS_ERROR_MEMORY, "cannot make the directory '%s': ", path);
    ls_status status = LS_OK;
    for (char *slash = part; status == LS_OK && (slash = strchr(slash, '/')) != NULL; slash++) {
        if (slash == part || slash[-1] == '/' || slash[1] == '\0') continue;
        *slash = '\0';
        status = make_one(part);
        *slash = '/';
    }
    if (status == LS_OK) status = make_one(part);
    ls_free(part);
    return status;
}

char *ls_path_join(const char *directory, const char *path)
{
    size_t length = directory != NULL ? strlen(directory) : 0;
    if (length == 0 || path[0] == '/') return ls_strdup(path);
    return ls_format("%s%s%s", directory, directory[length - 1] == '/' ? "" : "/", path);
}

/* Slashes at the end do not count, as in POSIX dirname: "a/b/" lies in "a". */
char *ls_path_directory(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    while (end > 0 && path[end - 1] != '/') end--;
    if (end == 0) return ls_strdup(".");
    while (end > 1 && path[end - 1] == '/') end--;
    return ls_format("%.*s", (int)end, path);
}
