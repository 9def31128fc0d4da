#include "data/csv_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_blank(const ls_csv_reader *reader, char c)
{
    return c == ' ' || (c == '\t' && reader->separator != '\t');
}

static const char *skip_blanks(const ls_csv_reader *reader, const char *p)
{
    while (p < reader->end && is_blank(reader, *p)) p++;
    return p;
}

static const char *skip_line_end(const ls_csv_reader *reader, const char *p)
{
    bool both = *p == '\r' && p + 1 < reader->end && p[1] == '\n';
    return p + (both ? 2 : 1);
}

ls_csv_reader ls_csv_reader_open(const char *path, const char *text, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";
    ls_csv_reader reader = {path, text, text + size, text, 1, '\0'};
    if (size >= 3 && memcmp(text, mark, 3) == 0) reader.at = reader.begin = text + 3;
    return reader;
}

typedef struct separator_counts {
    int64_t tab, semicolon, comma, blank;
} separator_counts;

/* Counts within one line; returns where the next one begins. */
static const char *count_separators(const ls_csv_reader *reader, const char *p, separator_counts *counts)
{
    bool quoted = false;
    p = skip_blanks(reader, p);
    for (; p < reader->end && !is_line_end(*p); p++) {
        if (*p == '"') quoted = !quoted;
        if (quoted) continue;
        counts->tab += *p == '\t';
        counts->semicolon += *p == ';';
        counts->comma += *p == ',';
        counts->blank += *p == ' ';
    }
    return p < reader->end ? skip_line_end(reader, p) : p;
}

char ls_csv_separator_guess(const ls_csv_reader *reader)
{
    separator_counts first = {0}, second = {0};
    const char *p = count_separators(reader, reader->at, &first);
    const char *next = count_separators(reader, p, &second);
    bool one_line = p >= reader->end || (next - p <= 2 && is_line_end(*p));
    if (one_line) second = first;
    if (first.tab && second.tab) return '\t';
    if (first.semicolon && second.semicolon) return ';';
    if (first.comma && second.comma) return ',';
    if (first.blank && second.blank) return ' ';
    return ',';
}

ls_status ls_csv_row_follows(ls_csv_reader *reader, bool *follows)
{
    const char *p = skip_blanks(reader, reader->at);
    *follows = p < reader->end;
    if (p == reader->end || !is_line_end(*p)) return LS_OK;
    while (p < reader->end && is_line_end(*p)) p = skip_blanks(reader, skip_line_end(reader, p));
    if (p < reader->end)
        return ls_csv_error(reader, reader->line, reader->at,
                            "empty line between rows, expected a row of fields; only the end of a file may "
                            "have empty lines");
    *follows = false;
    return LS_OK;
}

/* From the opening quote to after the closing one. */
static ls_status read_quoted(ls_csv_reader *reader, ls_csv_field *field)
{
    const char *opening = reader->at, *p = opening + 1;
    field->quoted = true;
    field->begin = p;
    for (; p < reader->end; p++) {
        if (*p == '\n') reader->line++;
        if (*p != '"') continue;
        if (p + 1 == reader->end || p[1] != '"') break;
        p++;
    }
    if (p == reader->end)
        return ls_csv_error(reader, field->line, opening, "this quote is not closed, expected another \"");
    field->end = p;
    reader->at = skip_blanks(reader, p + 1);
    p = reader->at;
    bool ends = p == reader->end || is_line_end(*p) || *p == reader->separator;
    if (!ends && !(reader->separator == ' ' && p[-1] != '"'))
        return ls_csv_error(reader, reader->line, p,
                            "text after a closing quote, expected a separator or the end of the line");
    return LS_OK;
}

static void read_plain(ls_csv_reader *reader, ls_csv_field *field)
{
    const char *p = reader->at, *end = reader->end;
    char separator = reader->separator;
    field->begin = p;
    if (separator == ' ') {
        while (p < end && *p != ' ' && *p != '\t' && !is_line_end(*p)) p++;
    } else {
        while (p < end && *p != separator && !is_line_end(*p)) p++;
    }
    reader->at = p;
    while (p > field->begin && is_blank(reader, p[-1])) p--;
    field->end = p;
}

ls_status ls_csv_field_read(ls_csv_reader *reader, ls_csv_field *field)
{
    reader->at = skip_blanks(reader, reader->at);
    field->line = reader->line;
    field->quoted = false;
    if (reader->at < reader->end && *reader->at == '"')
        LS_TRY(read_quoted(reader, field));
    else
        read_plain(reader, field);
    if (reader->separator == ' ') reader->at = skip_blanks(reader, reader->at);
    field->last = reader->at == reader->end || is_line_end(*reader->at);
    if (reader->at == reader->end) return LS_OK;
    if (field->last) {
        reader->at = skip_line_end(reader, reader->at);
        reader->line++;
    } else if (reader->separator != ' ') {
        reader->at++;
    }
    return LS_OK;
}

ls_status ls_csv_row_read(ls_csv_reader *reader, ls_csv_row *row)
{
    row->count = 0;
    do {
        void *grown = row->field;
        if (row->count == row->capacity || !grown)
            grown = grown ? ls_grow(row->field, &row->capacity, row->count + 1, sizeof *row->field)
                          : ls_alloc(row->capacity = 64, sizeof *row->field);
        if (!grown) return LS_ERROR_MEMORY;
        row->field = grown;
        LS_TRY(ls_csv_field_read(reader, &row->field[row->count++]));
    } while (!row->field[row->count - 1].last);
    return LS_OK;
}

int64_t ls_csv_rows_bound(const ls_csv_reader *reader, int64_t columns)
{
    int64_t lines = 1;
    for (const char *p = reader->at; p < reader->end; p++)
        lines += *p == '\n' || (*p == '\r' && p[1] != '\n');
    /* A row has a separator or a line end after each field. */
    int64_t by_size = (reader->end - reader->at) / columns + 1;
    return lines < by_size ? lines : by_size;
}

char *ls_csv_field_text(const ls_csv_field *field)
{
    char *text = ls_alloc((size_t)(field->end - field->begin) + 1, 1);
    if (!text) return NULL;
    char *out = text;
    for (const char *p = field->begin; p < field->end; p++) {
        *out++ = *p;
        if (field->quoted && *p == '"') p++;
    }
    *out = '\0';
    return text;
}

const char *ls_csv_field_excerpt(const ls_csv_field *field, char excerpt[LS_CSV_EXCERPT])
{
    size_t length = (size_t)(field->end - field->begin), shown = length < 40 ? length : 40;
    /* Not in the middle of a character of UTF-8. */
    while (shown > 0 && shown < length && ((unsigned char)field->begin[shown] & 0xc0) == 0x80) shown--;
    char *out = excerpt;
    *out++ = '\'';
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)field->begin[i];
        *out++ = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    strcpy(out, shown < length ? "...'" : "'");
    return excerpt;
}

ls_status ls_csv_error(const ls_csv_reader *reader, int64_t line, const char *at, const char *format, ...)
{
    char message[LS_MESSAGE_SIZE / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    long long column = 1;
    for (const char *p = at; p > reader->begin && !is_line_end(p[-1]); p--)
        column += ((unsigned char)p[-1] & 0xc0) != 0x80; /* characters, not bytes */
    return ls_error(LS_ERROR_DATA, "%s:%lld:%lld: %s", reader->path, (long long)line, column, message);
}
