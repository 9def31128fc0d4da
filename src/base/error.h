/* Making errors: a status and a message in the calling thread. The library prints nothing and never exits. */
#ifndef LS_BASE_ERROR_H
#define LS_BASE_ERROR_H

#include <lockstep/status.h>

enum { LS_MESSAGE_SIZE = 2048 };

/* Stores the message and returns status, so that a failure is one line: return ls_error(LS_ERROR_DATA,
 * "..."); */
ls_status ls_error(ls_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts text in front of the message at hand ("%s: " style, no separator is added) and returns status. */
ls_status ls_error_prefix(ls_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The ending of the noun behind a count in a message: "%lld unit%s". */
static inline const char *ls_plural(long long count)
{
    return count == 1 ? "" : "s";
}

/* Leaves the calling function with the status of a failed expression; the message is already there. */
#define LS_TRY(expression)                                                                                   \
    do {                                                                                                     \
        ls_status status_of_try_ = (expression);                                                             \
        if (status_of_try_ != LS_OK) return status_of_try_;                                                  \
    } while (0)

#endif
