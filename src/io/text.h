/* Text that grows while it is written. A failure to get memory is remembered, so that only the end needs a
 * check. */
#ifndef LS_IO_TEXT_H
#define LS_IO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

typedef struct ls_text {
    char *bytes;
    size_t length, capacity;
    bool failed;
} ls_text; /* begins as zeros */

void ls_text_put(ls_text *text, const char *bytes, size_t size);
void ls_text_add(ls_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ls_text_spaces(ls_text *text, int count);

/* A string literal of JSON, which is one of YAML as well. Invalid UTF-8 becomes U+FFFD. */
void ls_text_quote(ls_text *text, const char *string);

/* Gives the text away (freed with ls_free) or reports that memory ran out. The struct is as at the beginning
 * afterwards. */
ls_status ls_text_take(ls_text *text, char **bytes);

/* Appends to a string in an array of size bytes, cutting what does not fit. */
void ls_append(char *string, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "a" or "an", as English wants before the word. */
const char *ls_article(const char *word);

#endif
