/* Whole reads and atomic replacement of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/memory.h"

/* One call moves at most this much: well below the limits of systems, and large enough to cost nothing. */
static const size_t PIECE = (size_t)1 << 20;

static int open_file(const char *path, int flags)
{
    if (ls_fault("open")) {
        errno = EACCES;
        return -1;
    }
    int file;
    do file = open(path, flags | O_CLOEXEC, 0666);
    while (file < 0 && errno == EINTR);
    return file;
}

/* An injected failure is an early end of the file, or an error where nothing more is missing. */
static ssize_t read_piece(int file, char *bytes, size_t room, bool more_expected)
{
    if (ls_fault("read")) {
        errno = EIO;
        return more_expected ? 0 : -1;
    }
    ssize_t got;
    do got = read(file, bytes, room < PIECE ? room : PIECE);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Reads to the end of an open file. expected is the size the system gave for a regular file, 0 otherwise. */
static ls_status read_to_end(int file, const char *path, size_t expected, char **bytes, size_t *size)
{
    size_t capacity = expected + 2; /* room for the NUL and for seeing the end */
    *size = 0;
    *bytes = ls_alloc(capacity, 1);
    if (*bytes == NULL) return ls_error_prefix(LS_ERROR_MEMORY, "cannot read '%s': ", path);
    for (;;) {
        char *grown = ls_grow(*bytes, &capacity, *size + 2, 1);
        if (grown == NULL) return ls_error_prefix(LS_ERROR_MEMORY, "cannot read '%s': ", path);
        *bytes = grown;
        ssize_t got = read_piece(file, grown + *size, capacity - 1 - *size, *size < expected);
        if (got < 0)
            return ls_error(LS_ERROR_IO, "cannot read '%s': %s (after %zu bytes)", path, strerror(errno),
                            *size);
        if (got == 0) break;
        *size += (size_t)got;
    }
    (*bytes)[*size] = '\0';
    if (*size < expected)
        return ls_error(LS_ERROR_IO,
                        "cannot read '%s': it ended after %zu of %zu bytes; is another program writing it?",
                        path, *size, expected);
    return LS_OK;
}

static ls_status read_raw(const char *path, char **bytes, size_t *size)
{
    int file = open_file(path, O_RDONLY);
    if (file < 0) return ls_error(LS_ERROR_IO, "cannot open '%s': %s", path, strerror(errno));
    struct stat information;
    ls_status status;
    if (fstat(file, &information) != 0)
        status = ls_error(LS_ERROR_IO, "cannot read '%s': %s", path, strerror(errno));
    else
        status = read_to_end(file, path, S_ISREG(information.st_mode) ? (size_t)information.st_size : 0,
                             bytes, size);
    close(file);
    return status;
}

ls_status ls_file_read(const char *path, char **bytes, size_t *size)
{
    char *raw = NULL;
    size_t raw_size = 0;
    *bytes = NULL;
    *size = 0;
    ls_status status = read_raw(path, &raw, &raw_size);
    if (status == LS_OK && ls_gzip_recognise(raw, raw_size)) {
        status = ls_gzip_unpack(path, raw, raw_size, bytes, size);
    } else if (status == LS_OK) {
        *bytes = raw;
        *size = raw_size;
        return LS_OK;
    }
    ls_free(raw);
    return status;
}

static bool write_bytes(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        if (ls_fault("write")) {
            errno = ENOSPC;
            return false;
        }
        ssize_t written = write(file, bytes, size < PIECE ? size : PIECE);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static bool sync_file(int file)
{
    if (ls_fault("sync")) {
        errno = EIO;
        return false;
    }
    return fsync(file) == 0;
}

static ls_status write_parts(int file, const char *path, const ls_file_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!write_bytes(file, parts[i].bytes, parts[i].size))
            return ls_error(LS_ERROR_IO, "cannot write '%s': %s", path, strerror(errno));
    if (!sync_file(file))
        return ls_error(LS_ERROR_IO, "cannot bring '%s' to the disk: %s", path, strerror(errno));
    return LS_OK;
}

/* Creates a file beside path that nobody else has: names differ by process and by call, and O_EXCL passes
   over what a killed process or one on another node may have left. */
static ls_status create_temporary(const char *path, char **name, int *file)
{
    static atomic_uint calls;
    for (int attempt = 0; attempt < 100; attempt++) {
        *name = ls_format("%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&calls, 1));
        if (*name == NULL) return ls_error_prefix(LS_ERROR_MEMORY, "cannot write '%s': ", path);
        *file = open_file(*name, O_WRONLY | O_CREAT | O_EXCL);
        if (*file >= 0) return LS_OK;
        int reason = errno;
        ls_free(*name);
        *name = NULL;
        if (reason != EEXIST)
            return ls_error(LS_ERROR_IO, "cannot create a file beside '%s': %s", path, strerror(reason));
    }
    return ls_error(LS_ERROR_IO, "cannot create a file beside '%s': remove the old '%s.tmp-*' there", path,
                    path);
}

static ls_status move_into_place(const char *name, const char *path)
{
    bool fails = ls_fault("rename");
    if (fails) errno = EACCES;
    if (fails || rename(name, path) != 0)
        return ls_error(LS_ERROR_IO, "cannot rename '%s' to '%s': %s", name, path, strerror(errno));
    return LS_OK;
}

/* Replaces path by the written file. The directory is opened before, so that only its sync can fail after. */
static ls_status replace_in_directory(const char *name, const char *path, const char *directory)
{
    int file = open_file(directory, O_RDONLY | O_DIRECTORY);
    if (file < 0)
        return ls_error(LS_ERROR_IO, "cannot open the directory '%s' of '%s': %s", directory, path,
                        strerror(errno));
    ls_status status = move_into_place(name, path);
    /* EINVAL and ENOTSUP come from file systems that know no sync of directories */
    if (status == LS_OK && !sync_file(file) && errno != EINVAL && errno != ENOTSUP)
        status = ls_error(LS_ERROR_IO, "'%s' was replaced, but may not outlast a power failure: %s", path,
                          strerror(errno));
    close(file);
    return status;
}

ls_status ls_file_replace(const char *path, const ls_file_part *parts, size_t count)
{
    char *name = NULL;
    int file = -1;
    char *directory = ls_path_directory(path);
    if (directory == NULL) return ls_error_prefix(LS_ERROR_MEMORY, "cannot write '%s': ", path);
    ls_status status = create_temporary(path, &name, &file);
    if (status == LS_OK) {
        status = write_parts(file, path, parts, count);
        if (close(file) != 0 && status == LS_OK)
            status = ls_error(LS_ERROR_IO, "cannot write '%s': %s", path, strerror(errno));
        if (status == LS_OK) status = replace_in_directory(name, path, directory);
        if (status != LS_OK) unlink(name); /* after a rename there is nothing by that name */
    }
    ls_free(name);
    ls_free(directory);
    return status;
}
