#include "io/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "io/utf8.h"

/* Makes room for size more bytes and the NUL at the end. */
static bool make_room(ls_text *text, size_t size)
{
    if (text->failed) return false;
    size_t needed = text->length + size + 1;
    if (needed <= text->capacity) return true;
    char *grown;
    if (text->bytes == NULL) {
        text->capacity = needed < 256 ? 256 : needed;
        grown = ls_alloc(text->capacity, 1);
    } else {
        grown = ls_grow(text->bytes, &text->capacity, needed, 1);
    }
    if (grown == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = grown;
    return true;
}

void ls_text_put(ls_text *text, const char *bytes, size_t size)
{
    if (!make_room(text, size)) return;
    memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
    text->bytes[text->length] = '\0';
}

void ls_text_add(ls_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0 || !make_room(text, (size_t)size)) return;
    va_start(arguments, format);
    vsnprintf(text->bytes + text->length, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)size;
}

void ls_text_spaces(ls_text *text, int count)
{
    ls_text_add(text, "%*s", count, "");
}

/* Line ends in other conventions and marks that editors hide are escaped too, so that text stays on one line.
 */
static bool needs_escape(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 || code == 0xFEFF;
}

static void quote_character(ls_text *text, const char *bytes, size_t size, uint32_t code)
{
    if (code == '"' || code == '\\') {
        ls_text_add(text, "\\%c", (char)code);
    } else if (code == '\n') {
        ls_text_put(text, "\\n", 2);
    } else if (code == '\t') {
        ls_text_put(text, "\\t", 2);
    } else if (needs_escape(code)) {
        ls_text_add(text, "\\u%04x", (unsigned)code);
    } else {
        ls_text_put(text, bytes, size);
    }
}

void ls_text_quote(ls_text *text, const char *string)
{
    size_t left = strlen(string);
    ls_text_put(text, "\"", 1);
    while (left > 0) {
        uint32_t code = 0;
        size_t size = ls_utf8_decode(string, left, &code);
        if (size == 0) {
            ls_text_put(text, "\\ufffd", 6);
            size = 1;
        } else {
            quote_character(text, string, size, code);
        }
        string += size;
        left -= size;
    }
    ls_text_put(text, "\"", 1);
}

ls_status ls_text_take(ls_text *text, char **bytes)
{
    make_room(text, 0); /* an empty text is a string too */
    bool failed = text->failed;
    *bytes = NULL;
    if (failed) {
        ls_free(text->bytes);
    } else {
        *bytes = text->bytes;
    }
    *text = (ls_text){0};
    return failed ? LS_ERROR_MEMORY : LS_OK;
}

void ls_append(char *string, size_t size, const char *format, ...)
{
    size_t used = strlen(string);
    if (used + 1 >= size) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(string + used, size - used, format, arguments);
    va_end(arguments);
}

const char *ls_article(const char *word)
{
    return word[0] != '\0' && strchr("aeio", word[0]) != NULL ? "an" : "a";
}
