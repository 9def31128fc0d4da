#include "io/utf8.h"

static size_t sequence_length(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return 2;
    if (first >= 0xE0 && first <= 0xEF) return 3;
    if (first >= 0xF0 && first <= 0xF4) return 4;
    return 0;
}

size_t ls_utf8_decode(const char *text, size_t size, uint32_t *code)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    static const unsigned char first_mask[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    if (size == 0) return 0;
    unsigned char first = (unsigned char)text[0];
    size_t length = sequence_length(first);
    if (length == 0 || length > size) return 0;
    uint32_t value = first & first_mask[length];
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xC0) != 0x80) return 0;
        value = value << 6 | (next & 0x3F);
    }
    if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 0;
    *code = value;
    return length;
}

bool ls_utf8_is_text(uint32_t code)
{
    if (code == '\t' || code == '\n' || code == '\r' || code == 0x85) return true;
    return code >= 0x20 && !(code >= 0x7F && code < 0xA0);
}
