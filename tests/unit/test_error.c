/* Messages and names of statuses. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "base/error.h"

Test(error, message_is_never_null)
{
    cr_assert_not_null(ls_error_message());
    cr_assert_str_eq(ls_error_message(), "");
}

Test(error, keeps_status_and_message)
{
    cr_assert_eq(ls_error(LS_ERROR_DATA, "%s:%d: no column '%s'", "a.csv", 7, "y"), LS_ERROR_DATA);
    cr_assert_str_eq(ls_error_message(), "a.csv:7: no column 'y'");
    ls_error(LS_ERROR_IO, "other");
    cr_assert_str_eq(ls_error_message(), "other");
}

Test(error, drops_trailing_newlines)
{
    ls_error(LS_ERROR_IO, "one\ntwo\n\n");
    cr_assert_str_eq(ls_error_message(), "one\ntwo");
}

Test(error, may_quote_its_own_message)
{
    ls_error(LS_ERROR_IO, "cause");
    ls_error(LS_ERROR_DATA, "layer 3: %s, %s", ls_error_message(), ls_error_message());
    cr_assert_str_eq(ls_error_message(), "layer 3: cause, cause");
}

Test(error, prefix_stands_in_front)
{
    ls_error(LS_ERROR_IO, "cause");
    cr_assert_eq(ls_error_prefix(LS_ERROR_STATE, "rank %d: ", 3), LS_ERROR_STATE);
    cr_assert_str_eq(ls_error_message(), "rank 3: cause");
    ls_error_prefix(LS_ERROR_STATE, "(%s) ", ls_error_message());
    cr_assert_str_eq(ls_error_message(), "(rank 3: cause) rank 3: cause");
}

Test(error, long_messages_are_cut_and_say_so)
{
    static char text[3 * LS_MESSAGE_SIZE];
    memset(text, 'x', sizeof text - 1);
    ls_error(LS_ERROR_IO, "%s", text);
    cr_assert_eq(strlen(ls_error_message()), LS_MESSAGE_SIZE - 1);
    cr_assert_str_eq(ls_error_message() + LS_MESSAGE_SIZE - 5, "x...");
    ls_error(LS_ERROR_IO, "%.1500s", text);
    ls_error_prefix(LS_ERROR_IO, "front %.1500s", text);
    cr_assert_eq(strlen(ls_error_message()), LS_MESSAGE_SIZE - 1);
    cr_assert_eq(strncmp(ls_error_message(), "front x", 7), 0);
    cr_assert_str_eq(ls_error_message() + LS_MESSAGE_SIZE - 5, "x...");
}

Test(error, message_of_full_size_is_not_cut)
{
    static char text[LS_MESSAGE_SIZE];
    memset(text, 'x', sizeof text - 1);
    ls_error(LS_ERROR_IO, "%s", text);
    cr_assert_str_eq(ls_error_message(), text);
    ls_error(LS_ERROR_IO, "%s", text + 10);
    ls_error_prefix(LS_ERROR_IO, "%.10s", text);
    cr_assert_str_eq(ls_error_message(), text);
}

Test(error, a_cut_leaves_no_half_character)
{
    static char text[2 * LS_MESSAGE_SIZE];
    for (int shift = 0; shift < 2; shift++) {
        text[0] = 'x';
        for (size_t i = (size_t)shift; i + 2 < sizeof text; i += 2) memcpy(text + i, "\xc3\xa9", 2);
        ls_error(LS_ERROR_IO, "%s", text);
        size_t length = strlen(ls_error_message());
        cr_assert_str_eq(ls_error_message() + length - 3, "...");
        cr_assert_eq((unsigned char)ls_error_message()[length - 4], 0xa9);
    }
}

static void *fail_elsewhere(void *empty)
{
    *(int *)empty = ls_error_message()[0] == '\0';
    ls_error(LS_ERROR_IO, "other thread");
    return NULL;
}

Test(error, each_thread_has_its_message)
{
    pthread_t thread;
    int empty = 0;
    ls_error(LS_ERROR_IO, "this thread");
    cr_assert_eq(pthread_create(&thread, NULL, fail_elsewhere, &empty), 0);
    pthread_join(thread, NULL);
    cr_assert(empty);
    cr_assert_str_eq(ls_error_message(), "this thread");
}

static ls_status pass_on(ls_status status, int *reached)
{
    LS_TRY(status);
    *reached = 1;
    return LS_OK;
}

Test(error, try_leaves_only_on_failure)
{
    int reached = 0;
    cr_assert_eq(pass_on(LS_ERROR_NUMERIC, &reached), LS_ERROR_NUMERIC);
    cr_assert_eq(reached, 0);
    cr_assert_eq(pass_on(LS_OK, &reached), LS_OK);
    cr_assert_eq(reached, 1);
}

Test(error, statuses_have_different_names)
{
    cr_assert_str_eq(ls_status_name(LS_ERROR_RECIPE), "recipe error");
    for (int i = LS_OK; i <= LS_INTERRUPTED; i++) {
        cr_assert_str_neq(ls_status_name((ls_status)i), ls_status_name((ls_status)(LS_INTERRUPTED + 1)));
        for (int j = LS_OK; j < i; j++)
            cr_assert_str_neq(ls_status_name((ls_status)i), ls_status_name((ls_status)j));
    }
}
