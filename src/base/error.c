/* The message of the last failure, one buffer a thread. Nothing here allocates, so that a refusal of memory
   can be reported too. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"

static _Thread_local char message[LS_MESSAGE_SIZE];

/* Ends a text that was cut to size with dots, without leaving half a UTF-8 character before them. */
static void mark_cut(char *text)
{
    size_t end = LS_MESSAGE_SIZE - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xC0u) == 0x80u) end--;
    memcpy(text + end, "...", 4);
}

static void trim_newlines(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '\n') text[--length] = '\0';
}

/* Formats apart from the message, because the arguments may point into it. */
static void format_text(char text[LS_MESSAGE_SIZE], const char *format, va_list arguments)
{
    int length = vsnprintf(text, LS_MESSAGE_SIZE, format, arguments);
    if (length < 0) text[0] = '\0';
    if (length >= LS_MESSAGE_SIZE) mark_cut(text);
}

ls_status ls_error(ls_status status, const char *format, ...)
{
    char text[LS_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    trim_newlines(text);
    memcpy(message, text, strlen(text) + 1);
    return status;
}

ls_status ls_error_prefix(ls_status status, const char *format, ...)
{
    char text[LS_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    size_t front = strlen(text), room = LS_MESSAGE_SIZE - 1 - front;
    size_t back = strlen(message);
    size_t kept = back < room ? back : room;
    memcpy(text + front, message, kept);
    text[front + kept] = '\0';
    if (kept < back) mark_cut(text);
    memcpy(message, text, front + kept + 1);
    return status;
}

const char *ls_error_message(void)
{
    return message;
}

const char *ls_status_name(ls_status status)
{
    switch (status) {
    case LS_OK:
        return "success";
    case LS_ERROR_ARGUMENT:
        return "usage error";
    case LS_ERROR_RECIPE:
        return "recipe error";
    case LS_ERROR_DATA:
        return "data error";
    case LS_ERROR_IO:
        return "input/output error";
    case LS_ERROR_MEMORY:
        return "memory error";
    case LS_ERROR_PARALLEL:
        return "parallel error";
    case LS_ERROR_NUMERIC:
        return "numeric error";
    case LS_ERROR_REPLICA:
        return "replica error";
    case LS_ERROR_STATE:
        return "state error";
    case LS_INTERRUPTED:
        return "interrupted";
    }
    return "unknown status";
}
