#define _GNU_SOURCE /* F_OFD_SETLK */
#include "io/run_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/memory.h"

enum { HOST_SIZE = 128, SINCE_SIZE = 40, RECORD_SIZE = 512, ATTEMPTS = 20 };

/* Who holds the lock; written as one line of text. */
typedef struct owner {
    long process;
    char host[HOST_SIZE];
    uint64_t start; /* of the process, in the clock of its host; tells it from a later one of the same id */
    char since[SINCE_SIZE];
} owner;

/* Ticks since the host started, or 0 where there is no such process. */
static uint64_t process_start(long process)
{
    enum { FIELDS_AFTER_NAME = 19 }; /* the start time is field 22, the name field 2 */
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", process);
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *field = strrchr(text, ')'); /* the name may hold anything, so count from its end */
    for (int i = 0; field && i <= FIELDS_AFTER_NAME; i++) {
        field = strchr(field, ' ');
        if (field) field++;
    }
    uint64_t start = 0;
    if (!field || sscanf(field, "%" SCNu64, &start) != 1) return 0;
    return start;
}

static void describe_self(owner *self)
{
    memset(self, 0, sizeof *self);
    self->process = (long)getpid();
    self->start = process_start(self->process);
    if (gethostname(self->host, sizeof self->host - 1) != 0 || self->host[0] == '\0') {
        snprintf(self->host, sizeof self->host, "unknown");
    }
    time_t now = time(NULL);
    struct tm calendar;
    strftime(self->since, sizeof self->since, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &calendar));
}

static bool read_owner(int file, owner *other)
{
    char text[RECORD_SIZE];
    memset(other, 0, sizeof *other);
    ssize_t size = pread(file, text, sizeof text - 1, 0);
    if (size <= 0) return false;
    text[size] = '\0';
    return sscanf(text, "process %ld host %127s start %" SCNu64 " since %39s", &other->process, other->host,
                  &other->start, other->since) == 4;
}

static ls_status write_owner(const ls_run_lock *lock)
{
    owner self;
    char text[RECORD_SIZE];
    describe_self(&self);
    int size = snprintf(text, sizeof text, "process %ld host %s start %" PRIu64 " since %s\n", self.process,
                        self.host, self.start, self.since);
    bool fails = ls_fault("write");
    if (fails) errno = ENOSPC;
    if (fails || ftruncate(lock->file, 0) != 0 || pwrite(lock->file, text, (size_t)size, 0) != size) {
        return ls_error(LS_ERROR_IO, "cannot write '%s': %s", lock->path, strerror(errno));
    }
    return LS_OK;
}

static ls_status in_use(const char *directory, const owner *other, const char *advice)
{
    if (other->process == 0) {
        return ls_error(LS_ERROR_STATE, "%s is in use by another process; %s", directory, advice);
    }
    return ls_error(LS_ERROR_STATE, "%s is in use by process %ld on host %s since %s; %s", directory,
                    other->process, other->host, other->since, advice);
}

static ls_status open_lock(ls_run_lock *lock, int flags)
{
    bool fails = ls_fault("open");
    if (fails) errno = EACCES;
    do lock->file = fails ? -1 : open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666);
    while (lock->file < 0 && !fails && errno == EINTR);
    if (lock->file >= 0) return LS_OK;
    int reason = errno;
    ls_status status = ls_error(LS_ERROR_IO, "cannot open '%s': %s", lock->path, strerror(reason));
    errno = reason; /* callers look at it */
    return status;
}

static void close_lock(ls_run_lock *lock)
{
    if (lock->file >= 0) close(lock->file);
    lock->file = -1;
}

/* Whether the open file is still the one at the path: its holder removes it before letting go. */
static bool still_there(const ls_run_lock *lock)
{
    struct stat mine, present;
    return fstat(lock->file, &mine) == 0 && stat(lock->path, &present) == 0 &&
           mine.st_dev == present.st_dev && mine.st_ino == present.st_ino;
}

typedef enum system_answer { ANSWER_HELD, ANSWER_BUSY, ANSWER_AGAIN, ANSWER_UNKNOWN } system_answer;

static system_answer ask_system(const ls_run_lock *lock)
{
    struct flock request = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int code;
    do code = fcntl(lock->file, F_OFD_SETLK, &request);
    while (code != 0 && errno == EINTR);
    if (code == 0) return still_there(lock) ? ANSWER_HELD : ANSWER_AGAIN;
    return errno == EAGAIN || errno == EACCES ? ANSWER_BUSY : ANSWER_UNKNOWN;
}

/* *known: whether the file system has locks at all. */
static ls_status take_by_system(const char *directory, ls_run_lock *lock, bool *known)
{
    *known = true;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        LS_TRY(open_lock(lock, 0));
        system_answer answer = ask_system(lock);
        if (answer == ANSWER_HELD) return write_owner(lock);
        owner other;
        if (answer == ANSWER_BUSY) {
            read_owner(lock->file, &other);
            return in_use(directory, &other, "wait for it to end or choose another run directory");
        }
        close_lock(lock);
        if (answer == ANSWER_UNKNOWN) {
            *known = false;
            return LS_OK;
        }
    }
    return ls_error(LS_ERROR_STATE, "%s is in use by processes that come and go", directory);
}

/* Without locks of the system: a holder on this host can be looked up, one on another host cannot. */
static bool holder_is_gone(const owner *other)
{
    owner self;
    describe_self(&self);
    if (strcmp(other->host, self.host) != 0) return false;
    uint64_t start = process_start(other->process);
    return start == 0 || start != other->start;
}

static ls_status take_by_file(const char *directory, ls_run_lock *lock)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (open_lock(lock, O_EXCL) == LS_OK) return write_owner(lock);
        if (errno != EEXIST) return LS_ERROR_IO; /* the message is there */
        LS_TRY(open_lock(lock, 0));
        owner other;
        bool known = read_owner(lock->file, &other);
        /* an empty file is what a trial of locks of the system leaves */
        struct stat information;
        bool empty = fstat(lock->file, &information) == 0 && information.st_size == 0;
        close_lock(lock);
        if (!empty && !(known && holder_is_gone(&other))) {
            char advice[RECORD_SIZE];
            snprintf(advice, sizeof advice, "if it no longer runs, remove '%.400s'", lock->path);
            return in_use(directory, &other, advice);
        }
        unlink(lock->path);
    }
    return ls_error(LS_ERROR_STATE, "%s is in use by processes that come and go", directory);
}

ls_status ls_run_lock_take(const char *directory, bool use_system, ls_run_lock *lock)
{
    bool known = false;
    ls_status status = LS_OK;
    lock->file = -1;
    lock->path = ls_format("%s/lock", directory);
    if (!lock->path) return LS_ERROR_MEMORY;
    if (use_system) status = take_by_system(directory, lock, &known);
    if (status == LS_OK && !known) status = take_by_file(directory, lock);
    if (status != LS_OK) {
        close_lock(lock);
        ls_free(lock->path);
        lock->path = NULL;
    }
    return status;
}

void ls_run_lock_release(ls_run_lock *lock)
{
    if (lock->file >= 0) {
        if (still_there(lock)) unlink(lock->path);
        close_lock(lock);
    }
    ls_free(lock->path);
    lock->path = NULL;
}
