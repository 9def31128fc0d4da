#define _GNU_SOURCE /* memrchr */
#include "io/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/memory.h"
#include "io/run_lock.h"

#define CHECKPOINT_FORMAT "step-%012lld.safetensors"

struct ls_run_directory {
    char *path, *checkpoints, *model, *metrics_path; /* DIR, DIR/checkpoints, DIR/model.safetensors, ... */
    ls_run_lock lock;
    int metrics; /* -1: not open */
    int64_t metrics_bytes;
};

/* The step of a checkpoint's file name, -1 of any other name. */
static int64_t step_of_name(const char *name)
{
    long long step = -1;
    char again[64];
    if (sscanf(name, "step-%lld.safetensors", &step) != 1 || step < 0) return -1;
    snprintf(again, sizeof again, CHECKPOINT_FORMAT, step);
    return strcmp(name, again) == 0 ? (int64_t)step : -1;
}

static int compare_steps(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static ls_status gather_steps(DIR *stream, int64_t **steps, int *count)
{
    size_t capacity = 16, used = 0;
    *steps = ls_alloc(capacity, sizeof **steps);
    if (!*steps) return LS_ERROR_MEMORY;
    for (const struct dirent *entry; (entry = readdir(stream));) {
        int64_t step = step_of_name(entry->d_name);
        if (step < 0) continue;
        int64_t *grown = ls_grow(*steps, &capacity, used + 1, sizeof **steps);
        if (!grown) return LS_ERROR_MEMORY;
        *steps = grown;
        grown[used++] = step;
    }
    qsort(*steps, used, sizeof **steps, compare_steps);
    *count = (int)used;
    return LS_OK;
}

ls_status ls_run_directory_checkpoints(const ls_run_directory *directory, int64_t **steps, int *count)
{
    *steps = NULL;
    *count = 0;
    DIR *stream = opendir(directory->checkpoints);
    if (!stream) {
        return ls_error(LS_ERROR_IO, "cannot read the directory '%s': %s", directory->checkpoints,
                        strerror(errno));
    }
    ls_status status = gather_steps(stream, steps, count);
    closedir(stream);
    if (status != LS_OK) {
        ls_free(*steps);
        *steps = NULL;
    }
    return status;
}

char *ls_run_directory_checkpoint_path(const ls_run_directory *directory, int64_t step)
{
    return ls_format("%s/" CHECKPOINT_FORMAT, directory->checkpoints, (long long)step);
}

static ls_status remove_file(const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT) return LS_OK;
    return ls_error(LS_ERROR_IO, "cannot remove '%s': %s", path, strerror(errno));
}

ls_status ls_run_directory_prune(ls_run_directory *directory, int64_t keep)
{
    int64_t *steps;
    int count;
    LS_TRY(ls_run_directory_checkpoints(directory, &steps, &count));
    ls_status status = LS_OK;
    for (int i = 0; status == LS_OK && i < count; i++) {
        if (i < keep) continue;
        char *path = ls_run_directory_checkpoint_path(directory, steps[i]);
        status = path ? remove_file(path) : LS_ERROR_MEMORY;
        ls_free(path);
    }
    ls_free(steps);
    return status;
}

/* Whether Lockstep writes files of this name, or left one when it was killed while writing it
   (base/file.h puts ".tmp-" and numbers behind the name). */
static bool is_ours(const char *name)
{
    static const char *const names[] = {"model.safetensors", "metrics.jsonl", "recipe.yaml",
                                        "best.safetensors"};
    char stem[64];
    const char *temporary = strstr(name, ".tmp-");
    size_t length = temporary ? (size_t)(temporary - name) : strlen(name);
    if (length >= sizeof stem) return false;
    memcpy(stem, name, length);
    stem[length] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(stem, names[i]) == 0) return true;
    }
    return step_of_name(stem) >= 0;
}

static ls_status clear_folder(const char *folder)
{
    DIR *stream = opendir(folder);
    if (!stream) return ls_error(LS_ERROR_IO, "cannot read the directory '%s': %s", folder, strerror(errno));
    ls_status status = LS_OK;
    for (const struct dirent *entry; status == LS_OK && (entry = readdir(stream));) {
        if (!is_ours(entry->d_name)) continue;
        char *path = ls_path_join(folder, entry->d_name);
        status = path ? remove_file(path) : LS_ERROR_MEMORY;
        ls_free(path);
    }
    closedir(stream);
    return status;
}

static void close_metrics(ls_run_directory *directory)
{
    if (directory->metrics >= 0) close(directory->metrics);
    directory->metrics = -1;
    directory->metrics_bytes = 0;
}

/* The model goes first: whatever happens then, the rest no longer looks like a finished run. */
ls_status ls_run_directory_clear(ls_run_directory *directory)
{
    close_metrics(directory);
    LS_TRY(remove_file(directory->model));
    LS_TRY(clear_folder(directory->checkpoints));
    return clear_folder(directory->path);
}

/* Whether text, the end of metrics.jsonl, ends with a whole line whose event is "done". */
static bool ends_with_done(char *text, size_t size)
{
    if (size == 0 || text[size - 1] != '\n') return false;
    text[size - 1] = '\0';
    const char *line = strrchr(text, '\n');
    json_t *record = json_loads(line ? line + 1 : text, 0, NULL);
    const char *event = json_string_value(json_object_get(record, "event"));
    bool done = event && strcmp(event, "done") == 0;
    json_decref(record);
    return done;
}

static ls_status read_finished(const char *path, bool *finished)
{
    enum { TAIL = 16384 }; /* the last line is shorter */
    char text[TAIL + 1];
    *finished = false;
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT) return LS_OK;
    if (!file) return ls_error(LS_ERROR_IO, "cannot open '%s': %s", path, strerror(errno));
    if (fseeko(file, -(off_t)TAIL, SEEK_END) != 0) rewind(file);
    size_t size = fread(text, 1, TAIL, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) return ls_error(LS_ERROR_IO, "cannot read '%s'", path);
    *finished = ends_with_done(text, size);
    return LS_OK;
}

static ls_status read_state(const ls_run_directory *directory, ls_run_state *state)
{
    bool done = false;
    int count = 0;
    int64_t *steps;
    LS_TRY(read_finished(directory->metrics_path, &done));
    LS_TRY(ls_run_directory_checkpoints(directory, &steps, &count));
    ls_free(steps);
    bool model = ls_file_exists(directory->model);
    *state = model && done                                                   ? LS_RUN_FINISHED
             : model || count > 0 || ls_file_exists(directory->metrics_path) ? LS_RUN_UNFINISHED
                                                                             : LS_RUN_EMPTY;
    return LS_OK;
}

static ls_status name_files(const char *path, ls_run_directory *directory)
{
    directory->path = ls_strdup(path);
    directory->checkpoints = ls_path_join(path, "checkpoints");
    directory->model = ls_path_join(path, "model.safetensors");
    directory->metrics_path = ls_path_join(path, "metrics.jsonl");
    return directory->path && directory->checkpoints && directory->model && directory->metrics_path
               ? LS_OK
               : LS_ERROR_MEMORY;
}

ls_status ls_run_directory_open(const char *path, ls_run_directory **directory, ls_run_state *state)
{
    *directory = NULL;
    ls_run_directory *opened = ls_alloc(1, sizeof *opened);
    if (!opened) return LS_ERROR_MEMORY;
    opened->metrics = opened->lock.file = -1;
    ls_status status = name_files(path, opened);
    if (status == LS_OK) status = ls_directory_make(path);
    if (status == LS_OK) status = ls_run_lock_take(path, true, &opened->lock);
    if (status == LS_OK) status = ls_directory_make(opened->checkpoints);
    if (status == LS_OK) status = read_state(opened, state);
    if (status == LS_OK) {
        *directory = opened;
    } else {
        ls_run_directory_close(opened);
    }
    return status;
}

void ls_run_directory_close(ls_run_directory *directory)
{
    if (!directory) return;
    close_metrics(directory);
    ls_run_lock_release(&directory->lock);
    ls_free(directory->path);
    ls_free(directory->checkpoints);
    ls_free(directory->model);
    ls_free(directory->metrics_path);
    ls_free(directory);
}

const char *ls_run_directory_path(const ls_run_directory *directory)
{
    return directory->path;
}

/* The end of the last whole line within the first limit bytes. */
static int64_t end_of_lines(int file, int64_t limit)
{
    char piece[4096];
    while (limit > 0) {
        int64_t begin = limit > (int64_t)sizeof piece ? limit - (int64_t)sizeof piece : 0;
        ssize_t size = pread(file, piece, (size_t)(limit - begin), begin);
        if (size <= 0) return 0;
        const char *newline = memrchr(piece, '\n', (size_t)size);
        if (newline) return begin + (newline - piece) + 1;
        limit = begin;
    }
    return 0;
}

/* A file shorter than keep_bytes lost its end when the machine stopped: the whole lines of it are kept. */
static ls_status cut_metrics(ls_run_directory *directory, int64_t keep_bytes)
{
    struct stat information;
    if (fstat(directory->metrics, &information) == 0) {
        int64_t keep = information.st_size < keep_bytes
                           ? end_of_lines(directory->metrics, information.st_size)
                           : keep_bytes;
        if (ftruncate(directory->metrics, keep) == 0) {
            directory->metrics_bytes = keep;
            return LS_OK;
        }
    }
    return ls_error(LS_ERROR_IO, "cannot cut '%s' to length: %s", directory->metrics_path, strerror(errno));
}

ls_status ls_run_directory_metrics_open(ls_run_directory *directory, int64_t keep_bytes)
{
    close_metrics(directory);
    bool fails = ls_fault("open");
    if (fails) errno = EACCES;
    if (!fails)
        directory->metrics = open(directory->metrics_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (directory->metrics < 0) {
        return ls_error(LS_ERROR_IO, "cannot open '%s': %s", directory->metrics_path, strerror(errno));
    }
    ls_status status = cut_metrics(directory, keep_bytes);
    if (status != LS_OK) close_metrics(directory);
    return status;
}

/* Puts all of text at the end of the file; what a failed write left is taken off again. */
static ls_status append(ls_run_directory *directory, const char *text, size_t size)
{
    size_t done = 0;
    while (done < size) {
        bool fails = ls_fault("write");
        if (fails) errno = ENOSPC;
        ssize_t written = fails ? -1 : write(directory->metrics, text + done, size - done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            int reason = errno;
            int ignored = ftruncate(directory->metrics, directory->metrics_bytes);
            (void)ignored;
            return ls_error(LS_ERROR_IO, "cannot write '%s': %s", directory->metrics_path, strerror(reason));
        }
        done += (size_t)written;
    }
    directory->metrics_bytes += (int64_t)size;
    return LS_OK;
}

ls_status ls_run_directory_metrics_write(ls_run_directory *directory, const char *json_line)
{
    if (directory->metrics < 0) {
        return ls_error(LS_ERROR_STATE, "'%s' is not open for writing", directory->metrics_path);
    }
    char *line = ls_format("%s\n", json_line);
    if (!line) return LS_ERROR_MEMORY;
    ls_status status = append(directory, line, strlen(line));
    ls_free(line);
    return status;
}

int64_t ls_run_directory_metrics_bytes(const ls_run_directory *directory)
{
    return directory->metrics_bytes;
}
