#include "io/decimal.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The program around the library may use a locale with decimal commas. */
static locale_t locale_enter(locale_t *plain)
{
    *plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *plain != (locale_t)0 ? uselocale(*plain) : (locale_t)0;
}

static void locale_leave(locale_t plain, locale_t before)
{
    if (plain == (locale_t)0) return;
    uselocale(before);
    freelocale(plain);
}

static double to_double(const char *text)
{
    locale_t plain, before = locale_enter(&plain);
    double value = strtod(text, NULL);
    locale_leave(plain, before);
    return value;
}

void ls_decimal_format(double value, char text[LS_DECIMAL_SIZE])
{
    locale_t plain, before = locale_enter(&plain);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, LS_DECIMAL_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    locale_leave(plain, before);
}

static const char *skip_digits(const char *text)
{
    while (isdigit((unsigned char)*text)) text++;
    return text;
}

static bool looks_real(const char *text)
{
    if (*text == '-' || *text == '+') text++;
    const char *whole = skip_digits(text);
    bool digits = whole > text;
    if (*whole == '.') {
        const char *fraction = skip_digits(whole + 1);
        digits = digits || fraction > whole + 1;
        whole = fraction;
    }
    if (!digits) return false;
    if (*whole == 'e' || *whole == 'E') {
        whole++;
        if (*whole == '-' || *whole == '+') whole++;
        const char *exponent = skip_digits(whole);
        if (exponent == whole) return false;
        whole = exponent;
    }
    return *whole == '\0';
}

ls_decimal_result ls_decimal_real(const char *text, double *value)
{
    if (!looks_real(text)) return LS_DECIMAL_NOT;
    double number = to_double(text);
    if (!isfinite(number)) return LS_DECIMAL_TOO_LARGE;
    *value = number;
    return LS_DECIMAL_GOOD;
}

static ls_decimal_result parse_digits(const char *text, int base, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, base);
    if (end == text || *end != '\0') return LS_DECIMAL_NOT;
    if (errno == ERANGE) return LS_DECIMAL_TOO_LARGE;
    *value = number;
    return LS_DECIMAL_GOOD;
}

ls_decimal_result ls_decimal_integer(const char *text, int64_t *value)
{
    if (text[0] == '0' && text[1] == 'x' && isxdigit((unsigned char)text[2])) {
        return parse_digits(text + 2, 16, value);
    }
    if (text[0] == '0' && text[1] == 'o' && isdigit((unsigned char)text[2])) {
        return parse_digits(text + 2, 8, value);
    }
    if (!looks_real(text)) return LS_DECIMAL_NOT;
    if (strpbrk(text, ".eE") == NULL) return parse_digits(text, 10, value);
    double number = to_double(text);
    if (!(fabs(number) <= 0x1p53)) return LS_DECIMAL_TOO_LARGE;
    if (number != floor(number)) return LS_DECIMAL_FRACTION;
    *value = (int64_t)number;
    return LS_DECIMAL_GOOD;
}
