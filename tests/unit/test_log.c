/* Where messages go. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"

typedef struct last_message {
    int count;
    ls_log_level level;
    char text[4096];
} last_message;

static void keep(void *user, ls_log_level level, const char *message)
{
    last_message *last = user;
    last->count++;
    last->level = level;
    snprintf(last->text, sizeof last->text, "%s", message);
}

static void log_again(void *user, ls_log_level level, const char *message)
{
    ls_log_set_sink(keep, user);
    ls_log(level, "again: %s", message);
}

Test(log, sink_gets_both_levels)
{
    static last_message last;
    ls_log_set_sink(keep, &last);
    ls_log(LS_LOG_INFO, "%d grains", 8);
    cr_assert_eq(last.level, LS_LOG_INFO);
    cr_assert_str_eq(last.text, "8 grains");
    ls_log(LS_LOG_WARNING, "careful");
    cr_assert_eq(last.level, LS_LOG_WARNING);
    cr_assert_eq(last.count, 2);
}

Test(log, a_sink_may_log_and_be_replaced)
{
    static last_message last;
    ls_log_set_sink(log_again, &last);
    ls_log(LS_LOG_INFO, "one");
    cr_assert_str_eq(last.text, "again: one");
}

Test(log, long_messages_are_cut)
{
    static last_message last;
    static char text[10000];
    memset(text, 'x', sizeof text - 1);
    ls_log_set_sink(keep, &last);
    ls_log(LS_LOG_INFO, "%s", text);
    size_t length = strlen(last.text);
    cr_assert(length > 1000 && length < sizeof text - 1);
    cr_assert_str_eq(last.text + length - 4, "x...");
}

Test(log, by_default_only_warnings_are_printed_and_not_to_standard_output)
{
    static last_message last;
    cr_redirect_stdout();
    cr_redirect_stderr();
    ls_log_set_sink(keep, &last);
    ls_log_set_sink(NULL, NULL);
    ls_log(LS_LOG_INFO, "hidden");
    ls_log(LS_LOG_WARNING, "shown");
    fflush(stderr);
    printf("-");
    fflush(stdout);
    cr_assert_stderr_eq_str("lockstep: warning: shown\n");
    cr_assert_stdout_eq_str("-");
    cr_assert_eq(last.count, 0);
}
