#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(const char *command, int out)
{
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(127);
    if (nothing > 2) close(nothing);
    if (out > 2) close(out);
    /* A program that links Criterion aborts if it finds this variable of its parent. */
    unsetenv("BXFI_MAP");
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static void drain(int from, char *output, size_t size)
{
    char dropped[4096];
    size_t used = 0;
    for (;;) {
        bool room = used + 1 < size;
        ssize_t got = read(from, room ? output + used : dropped, room ? size - 1 - used : sizeof dropped);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        if (room) used += (size_t)got;
    }
    if (size > 0) output[used] = '\0';
}

int ls_test_run(const char *command, char *output, size_t size)
{
    int ends[2], status;
    if (size > 0) output[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    fflush(NULL);
    pid_t process = fork();
    if (process == 0) child(command, ends[1]);
    close(ends[1]);
    if (process > 0) drain(ends[0], output, size);
    close(ends[0]);
    if (process < 0) return -1;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool ls_test_program_exists(const char *name)
{
    char command[1024];
    int length = snprintf(command, sizeof command, "command -v '%s'", name);
    return length > 0 && (size_t)length < sizeof command && ls_test_run(command, NULL, 0) == 0;
}

bool ls_test_in_valgrind(void)
{
    const char *sanitizer = getenv("LOCKSTEP_SANITIZER");
    return sanitizer != NULL && strcmp(sanitizer, "valgrind") == 0;
}
