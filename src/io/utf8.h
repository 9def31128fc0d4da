/* UTF-8, as far as checking and quoting text needs it (RFC 3629). */
#ifndef LS_IO_UTF8_H
#define LS_IO_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at text, of which size bytes are there: stores its code and returns its length in bytes, or 0
   if it is not valid (too long a form, a surrogate, above 10FFFF, cut off). */
size_t ls_utf8_decode(const char *text, size_t size, uint32_t *code);

/* Whether a character may stand in a text file: not a control character other than tab and line ends. */
bool ls_utf8_is_text(uint32_t code);

#endif
