#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strtof_l */
#endif
#include "data/number.h"

#include <float.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { EXACT_POWERS = 22, DIGITS_MAX = 19, EXPONENT_MAX = 100000 };

/* Powers of ten that a double holds exactly. */
static const double power_of_ten[EXACT_POWERS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

typedef struct decimal {
    uint64_t mantissa; /* the first DIGITS_MAX significant digits */
    int64_t exponent;  /* of ten */
    int digits;
    bool any; /* at least one digit was seen */
} decimal;

static inline const char *scan_digits(const char *p, const char *end, bool fraction, decimal *number)
{
    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';
        if (digit > 9) break;
        number->any = true;
        if (number->digits < DIGITS_MAX) {
            number->mantissa = number->mantissa * 10 + digit;
            if (number->mantissa != 0) number->digits++;
            if (fraction) number->exponent--;
        } else if (!fraction) {
            number->exponent++;
        }
    }
    return p;
}

/* Reads what follows the letter e; NULL if it is no exponent. */
static const char *scan_exponent(const char *p, const char *end, int64_t *exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return NULL;
    int64_t value = 0;
    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';
        if (digit > 9) return NULL;
        if (value < EXPONENT_MAX) value = value * 10 + digit;
    }
    *exponent += negative ? -value : value;
    return p;
}

static bool is_word(const char *begin, const char *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - begin) == length && strncasecmp(begin, word, length) == 0;
}

static ls_number_result classify_word(const char *begin, const char *end)
{
    if (begin < end && (*begin == '+' || *begin == '-')) begin++;
    if (is_word(begin, end, "nan") || is_word(begin, end, "inf") || is_word(begin, end, "infinity"))
        return LS_NUMBER_NOT_FINITE;
    return LS_NUMBER_INVALID;
}

static ls_number_result parse_slowly(const char *begin, float *value)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c) return LS_NUMBER_INVALID;
    float result = strtof_l(begin, NULL, c);
    freelocale(c);
    if (result > FLT_MAX || result < -FLT_MAX) return LS_NUMBER_NOT_FINITE;
    *value = result;
    return LS_NUMBER_OK;
}

/* Whether rounding value to float32 gives what rounding the true number would. The mantissa, the product or
   quotient and digits left out put value at most 2 units in the last place of a double away from the truth,
   so only a value that close to the middle between two floats is in doubt. */
static bool rounds_safely(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int64_t from_middle = (int64_t)(bits & 0x1fffffff) - 0x10000000;
    bool normal = value >= FLT_MIN && value < FLT_MAX;
    return normal && (from_middle > 8 || from_middle < -8);
}

ls_number_result ls_number_parse(const char *begin, const char *end, float *value)
{
    const char *p = begin;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    decimal number = {0, 0, 0, false};
    p = scan_digits(p, end, false, &number);
    if (p < end && *p == '.') p = scan_digits(p + 1, end, true, &number);
    if (!number.any) return classify_word(begin, end);
    if (p < end && (*p == 'e' || *p == 'E')) p = scan_exponent(p + 1, end, &number.exponent);
    if (p != end) return LS_NUMBER_INVALID;
    if (number.mantissa == 0) {
        *value = negative ? -0.0f : 0.0f;
        return LS_NUMBER_OK;
    }
    if (number.exponent < -EXACT_POWERS || number.exponent > EXACT_POWERS) return parse_slowly(begin, value);
    double magnitude = number.exponent < 0 ? (double)number.mantissa / power_of_ten[-number.exponent]
                                           : (double)number.mantissa * power_of_ten[number.exponent];
    /* Small integers and the like are exact, also where they lie between two floats. */
    bool exact = number.exponent == 0 && number.mantissa <= (UINT64_C(1) << 53);
    if (!exact && !rounds_safely(magnitude)) return parse_slowly(begin, value);
    *value = (float)(negative ? -magnitude : magnitude);
    return LS_NUMBER_OK;
}
