/* Cuts the text of a CSV file into fields: quotes as in RFC 4180, line ends of all systems, positions for
 * messages. */
#ifndef LS_DATA_CSV_SCAN_H
#define LS_DATA_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

typedef struct ls_csv_reader {
    const char *path;        /* for messages, not owned */
    const char *begin, *end; /* the whole text; the byte at end is readable and 0 */
    const char *at;
    int64_t line;   /* of at, from 1 */
    char separator; /* ' ': any run of blanks */
} ls_csv_reader;

typedef struct ls_csv_field {
    const char *begin, *end; /* without quotes and the blanks around it */
    int64_t line;
    bool quoted;
    bool last; /* of its row */
} ls_csv_field;

typedef struct ls_csv_row {
    ls_csv_field *field;
    size_t count, capacity;
} ls_csv_row;

enum { LS_CSV_EXCERPT = 64 };

/* A reader at the start of the text (after a byte order mark), without a separator yet. */
ls_csv_reader ls_csv_reader_open(const char *path, const char *text, size_t size);
/* The separator that both of the first two lines have outside quotes: tab, semicolon, comma, blank, in this
   order; comma if none. */
char ls_csv_separator_guess(const ls_csv_reader *reader);

/* Whether another row follows. Blank lines may stand at the end of the file, nowhere else. */
ls_status ls_csv_row_follows(ls_csv_reader *reader, bool *follows);
ls_status ls_csv_field_read(ls_csv_reader *reader, ls_csv_field *field);
/* All fields of a row; row is {0} at first, used again after, and its field freed with ls_free. */
ls_status ls_csv_row_read(ls_csv_reader *reader, ls_csv_row *row);

/* An upper bound of the rows of columns fields that are still to be read. */
int64_t ls_csv_rows_bound(const ls_csv_reader *reader, int64_t columns);

/* The text of a field as a new string, doubled quotes made single; NULL where memory is refused. */
char *ls_csv_field_text(const ls_csv_field *field);
/* The first characters of a field in quotes, for messages. Returns excerpt. */
const char *ls_csv_field_excerpt(const ls_csv_field *field, char excerpt[LS_CSV_EXCERPT]);

/* LS_ERROR_DATA with "path:line:column: " in front of the message; at points into the text and lies in line
 * line. */
ls_status ls_csv_error(const ls_csv_reader *reader, int64_t line, const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
