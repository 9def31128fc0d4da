/* Messages that are not errors. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"

enum { LINE_SIZE = 2048 };

static void write_to_stderr(void *user, ls_log_level level, const char *text)
{
    (void)user;
    if (level == LS_LOG_WARNING) fprintf(stderr, "lockstep: warning: %s\n", text);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ls_log_sink current_sink = write_to_stderr;
static void *current_user;

void ls_log_set_sink(ls_log_sink sink, void *user)
{
    pthread_mutex_lock(&lock);
    current_sink = sink != NULL ? sink : write_to_stderr;
    current_user = sink != NULL ? user : NULL;
    pthread_mutex_unlock(&lock);
}

void ls_log(ls_log_level level, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    if (length >= LINE_SIZE) memcpy(text + LINE_SIZE - 4, "...", 4);

    /* The sink runs outside the lock, so that it may itself log or replace the sink. */
    pthread_mutex_lock(&lock);
    ls_log_sink sink = current_sink;
    void *user = current_user;
    pthread_mutex_unlock(&lock);
    sink(user, level, text);
}
