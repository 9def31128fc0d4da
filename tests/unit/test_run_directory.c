/* Run directories: who uses one, what state it is in, and its log and checkpoints. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "io/run_directory.h"
#include "io/run_lock.h"
#include "support/directory.h"

static char root[LS_TEST_DIRECTORY];
static char run[64];

static void enter(void)
{
    ls_test_directory_make(root);
    snprintf(run, sizeof run, "%s/runs/one", root);
}

static void leave(void)
{
    ls_test_directory_remove(root);
}

TestSuite(run_directory, .init = enter, .fini = leave);

static ls_run_directory *open_run(ls_run_state expected)
{
    ls_run_directory *directory;
    ls_run_state state;
    cr_assert_eq(ls_run_directory_open(run, &directory, &state), LS_OK, "%s", ls_error_message());
    cr_assert_eq(state, expected, "state %d, expected %d", state, expected);
    return directory;
}

static const char *inside(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", run, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(inside(name), "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_text(const char *name, const char *text)
{
    char *bytes;
    size_t size;
    cr_assert_eq(ls_file_read(inside(name), &bytes, &size), LS_OK);
    cr_assert_str_eq(bytes, text);
    ls_free(bytes);
}

/* A child that takes the lock, tells so, and waits to be killed. */
static pid_t start_holder(bool use_system)
{
    int pipes[2];
    char byte;
    cr_assert_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed assertion must not leave it behind */
        ls_run_lock lock;
        ls_status status = ls_run_lock_take(run, use_system, &lock);
        ssize_t written = write(pipes[1], status == LS_OK ? "y" : "n", 1);
        while (written == 1) pause();
        _exit(1);
    }
    close(pipes[1]);
    cr_assert_eq(read(pipes[0], &byte, 1), 1);
    cr_assert_eq(byte, 'y');
    close(pipes[0]);
    return child;
}

static void kill_holder(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(run_directory, is_made_with_its_parents_and_left_clean)
{
    ls_run_directory *directory = open_run(LS_RUN_EMPTY);
    cr_assert_str_eq(ls_run_directory_path(directory), run);
    cr_assert(ls_file_exists(inside("lock")));
    cr_assert(ls_file_exists(inside("checkpoints")));
    ls_run_directory_close(directory);
    cr_assert_not(ls_file_exists(inside("lock")));
    ls_run_directory_close(NULL);
}

Test(run_directory, one_process_cannot_open_it_twice)
{
    ls_run_directory *directory = open_run(LS_RUN_EMPTY), *second;
    ls_run_state state;
    cr_assert_eq(ls_run_directory_open(run, &second, &state), LS_ERROR_STATE);
    cr_assert_null(second);
    ls_run_directory_close(directory);
    ls_run_directory_close(open_run(LS_RUN_EMPTY));
}

static void holder_is_named_and_its_death_noticed(bool use_system)
{
    cr_assert_eq(ls_directory_make(run), LS_OK);
    pid_t child = start_holder(use_system);
    ls_run_lock lock;
    char words[64], host[65] = "";
    cr_assert_eq(ls_run_lock_take(run, use_system, &lock), LS_ERROR_STATE);
    snprintf(words, sizeof words, "process %ld ", (long)child);
    gethostname(host, sizeof host - 1);
    cr_assert_not_null(strstr(ls_error_message(), words), "%s", ls_error_message());
    cr_assert_not_null(strstr(ls_error_message(), host), "%s", ls_error_message());
    cr_assert_not_null(strstr(ls_error_message(), run), "%s", ls_error_message());
    kill_holder(child);
    cr_assert(ls_file_exists(inside("lock")), "a killed process cannot remove its file");
    cr_assert_eq(ls_run_lock_take(run, use_system, &lock), LS_OK, "%s", ls_error_message());
    ls_run_lock_release(&lock);
    cr_assert_not(ls_file_exists(inside("lock")));
}

Test(run_directory, a_holder_is_named_and_its_death_noticed)
{
    holder_is_named_and_its_death_noticed(true);
}

Test(run_directory, the_same_holds_where_the_file_system_knows_no_locks)
{
    holder_is_named_and_its_death_noticed(false);
}

/* A holder may be met before it has written who it is; then the lock of the system alone says so. */
Test(run_directory, a_holder_without_a_record_is_recognised)
{
    cr_assert_eq(ls_directory_make(run), LS_OK);
    pid_t child = start_holder(true);
    ls_run_lock lock;
    cr_assert_eq(truncate(inside("lock"), 0), 0);
    cr_assert_eq(ls_run_lock_take(run, true, &lock), LS_ERROR_STATE);
    cr_assert_not_null(strstr(ls_error_message(), "in use by another process"), "%s", ls_error_message());
    kill_holder(child);
    cr_assert_eq(ls_run_lock_take(run, true, &lock), LS_OK, "%s", ls_error_message());
    ls_run_lock_release(&lock);
}

Test(run_directory, without_locks_the_record_decides)
{
    ls_run_lock lock;
    char text[128], host[65] = "";
    cr_assert_eq(ls_directory_make(run), LS_OK);
    gethostname(host, sizeof host - 1);
    /* this very process id, but of a process that started at another time */
    snprintf(text, sizeof text, "process %ld host %s start 1 since 2020-01-01T00:00:00Z\n", (long)getpid(),
             host);
    put("lock", text);
    cr_assert_eq(ls_run_lock_take(run, false, &lock), LS_OK, "%s", ls_error_message());
    ls_run_lock_release(&lock);
    /* nothing is known of processes of other hosts */
    put("lock", "process 1 host elsewhere.example start 1 since 2020-01-01T00:00:00Z\n");
    cr_assert_eq(ls_run_lock_take(run, false, &lock), LS_ERROR_STATE);
    cr_assert_not_null(strstr(ls_error_message(), "elsewhere.example"));
    cr_assert_not_null(strstr(ls_error_message(), "remove"));
    cr_assert(ls_file_exists(inside("lock")));
    put("lock", "something else");
    cr_assert_eq(ls_run_lock_take(run, false, &lock), LS_ERROR_STATE);
    /* with locks of the system all of this does not matter */
    cr_assert_eq(ls_run_lock_take(run, true, &lock), LS_OK);
    ls_run_lock_release(&lock);
}

Test(run_directory, the_state_follows_from_the_files)
{
    ls_run_directory_close(open_run(LS_RUN_EMPTY));
    put("notes.txt", "mine");
    ls_run_directory_close(open_run(LS_RUN_EMPTY));
    put("metrics.jsonl", "{\"event\":\"epoch\"}\n");
    ls_run_directory_close(open_run(LS_RUN_UNFINISHED));
    put("model.safetensors", "x");
    ls_run_directory_close(open_run(LS_RUN_UNFINISHED));
    put("metrics.jsonl", "{\"event\":\"epoch\"}\n{\"loss\":1,\"event\":\"done\"}\n");
    ls_run_directory_close(open_run(LS_RUN_FINISHED));
    put("metrics.jsonl", "{\"event\":\"done\"}\n{\"event\":\"epoch\"}\n");
    ls_run_directory_close(open_run(LS_RUN_UNFINISHED));
    put("metrics.jsonl", "{\"event\":\"done\"}"); /* the end of the line is missing */
    ls_run_directory_close(open_run(LS_RUN_UNFINISHED));
    put("metrics.jsonl", "{\"event\":\"done\"}\n");
    unlink(inside("model.safetensors"));
    ls_run_directory_close(open_run(LS_RUN_UNFINISHED));
    unlink(inside("metrics.jsonl"));
    put("checkpoints/step-000000000001.safetensors", "x");
    ls_run_directory_close(open_run(LS_RUN_UNFINISHED));
}

Test(run_directory, a_long_log_is_looked_at_from_its_end)
{
    ls_run_directory *directory = open_run(LS_RUN_EMPTY);
    cr_assert_eq(ls_run_directory_metrics_open(directory, 0), LS_OK);
    for (int i = 0; i < 5000; i++) {
        cr_assert_eq(ls_run_directory_metrics_write(directory, "{\"event\":\"epoch\",\"loss\":0.5}"), LS_OK);
    }
    cr_assert_eq(ls_run_directory_metrics_write(directory, "{\"event\":\"done\"}"), LS_OK);
    ls_run_directory_close(directory);
    put("model.safetensors", "x");
    ls_run_directory_close(open_run(LS_RUN_FINISHED));
}

Test(run_directory, clearing_removes_what_is_ours_and_nothing_else)
{
    ls_run_directory *directory = open_run(LS_RUN_EMPTY);
    static const char *const ours[] = {"model.safetensors",
                                       "model.safetensors.tmp-12-0",
                                       "metrics.jsonl",
                                       "recipe.yaml",
                                       "checkpoints/step-000000000010.safetensors",
                                       "checkpoints/step-000000000010.safetensors.tmp-3-4",
                                       "checkpoints/best.safetensors"};
    static const char *const others[] = {"recipe.yaml.orig", "notes.txt", "other.safetensors",
                                         "checkpoints/step-10.safetensors", "checkpoints/mine"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) put(ours[i], "x");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) put(others[i], "x");
    cr_assert_eq(ls_run_directory_clear(directory), LS_OK, "%s", ls_error_message());
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        cr_assert_not(ls_file_exists(inside(ours[i])), "%s", ours[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_assert(ls_file_exists(inside(others[i])), "%s", others[i]);
    cr_assert(ls_file_exists(inside("lock")));
    ls_run_directory_close(directory);
    ls_run_directory_close(open_run(LS_RUN_EMPTY));
}

Test(run_directory, metrics_are_cut_to_length)
{
    ls_run_directory *directory = open_run(LS_RUN_EMPTY);
    cr_assert_eq(ls_run_directory_metrics_write(directory, "{}"), LS_ERROR_STATE);
    cr_assert_eq(ls_run_directory_metrics_open(directory, 0), LS_OK);
    cr_assert_eq(ls_run_directory_metrics_write(directory, "{\"a\":1}"), LS_OK);
    int64_t kept = ls_run_directory_metrics_bytes(directory);
    cr_assert_eq(kept, 8);
    cr_assert_eq(ls_run_directory_metrics_write(directory, "{\"a\":2}"), LS_OK);
    expect_text("metrics.jsonl", "{\"a\":1}\n{\"a\":2}\n");
    cr_assert_eq(ls_run_directory_metrics_open(directory, kept), LS_OK);
    cr_assert_eq(ls_run_directory_metrics_bytes(directory), kept);
    cr_assert_eq(ls_run_directory_metrics_write(directory, "{\"a\":3}"), LS_OK);
    expect_text("metrics.jsonl", "{\"a\":1}\n{\"a\":3}\n");
    cr_assert_eq(ls_run_directory_metrics_open(directory, 0), LS_OK);
    expect_text("metrics.jsonl", "");
    ls_run_directory_close(directory);
}

/* After a power failure the log may be shorter than the checkpoint says; only whole lines of it are kept. */
Test(run_directory, a_shorter_log_keeps_its_whole_lines)
{
    ls_run_directory *directory = open_run(LS_RUN_EMPTY);
    put("metrics.jsonl", "{\"a\":1}\n{\"a\":");
    cr_assert_eq(ls_run_directory_metrics_open(directory, 1000), LS_OK);
    cr_assert_eq(ls_run_directory_metrics_bytes(directory), 8);
    cr_assert_eq(ls_run_directory_metrics_write(directory, "{\"a\":9}"), LS_OK);
    expect_text("metrics.jsonl", "{\"a\":1}\n{\"a\":9}\n");
    ls_run_directory_close(directory);
}

Test(run_directory, pruning_keeps_the_newest)
{
    ls_run_directory *directory = open_run(LS_RUN_EMPTY);
    static const int64_t made[] = {7, 1000000000000, 20, 3, 100};
    static const int64_t kept[] = {1000000000000, 100, 20};
    for (size_t i = 0; i < 5; i++) {
        char *path = ls_run_directory_checkpoint_path(directory, made[i]);
        fclose(fopen(path, "w"));
        ls_free(path);
    }
    put("checkpoints/best.safetensors", "x");
    put("checkpoints/step-5.safetensors", "x");
    cr_assert_eq(ls_run_directory_prune(directory, 3), LS_OK);
    int64_t *steps;
    int count;
    cr_assert_eq(ls_run_directory_checkpoints(directory, &steps, &count), LS_OK);
    cr_assert_eq(count, 3);
    cr_assert_arr_eq(steps, kept, sizeof kept);
    ls_free(steps);
    cr_assert(ls_file_exists(inside("checkpoints/best.safetensors")));
    cr_assert(ls_file_exists(inside("checkpoints/step-5.safetensors")));
    char *path = ls_run_directory_checkpoint_path(directory, 123);
    cr_assert_str_eq(strrchr(path, '/'), "/step-000000000123.safetensors");
    ls_free(path);
    ls_run_directory_close(directory);
}

Test(run_directory, more_checkpoints_than_expected_are_listed)
{
    ls_run_directory *directory = open_run(LS_RUN_EMPTY);
    for (int64_t step = 1; step <= 100; step++) {
        char *path = ls_run_directory_checkpoint_path(directory, step);
        fclose(fopen(path, "w"));
        ls_free(path);
    }
    int64_t *steps;
    int count;
    cr_assert_eq(ls_run_directory_checkpoints(directory, &steps, &count), LS_OK);
    cr_assert_eq(count, 100);
    for (int i = 0; i < 100; i++) cr_assert_eq(steps[i], 100 - i);
    ls_free(steps);
    ls_run_directory_close(directory);
}

Test(run_directory, a_path_that_cannot_be_made_is_an_error)
{
    ls_run_directory *directory;
    ls_run_state state;
    cr_assert_eq(ls_run_directory_open("/dev/null/run", &directory, &state), LS_ERROR_IO);
    cr_assert_null(directory);
}
