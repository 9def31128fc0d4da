/* Numbers as text, in every locale the same. */
#ifndef LS_IO_DECIMAL_H
#define LS_IO_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

enum { LS_DECIMAL_SIZE = 32 };

/* The shortest of 15, 16 or 17 digits that reads back as the same number. */
void ls_decimal_format(double value, char text[LS_DECIMAL_SIZE]);

typedef enum ls_decimal_result {
    LS_DECIMAL_GOOD,
    LS_DECIMAL_NOT,       /* no number */
    LS_DECIMAL_FRACTION,  /* a number, but not a whole one */
    LS_DECIMAL_TOO_LARGE, /* does not fit the type */
} ls_decimal_result;

/* Decimal numbers of YAML's core schema: 3, -.5, 5., 1e-3. */
ls_decimal_result ls_decimal_real(const char *text, double *value);
/* The same where whole ("1e3" and "2.0" are), and 0x1f, 0o17. */
ls_decimal_result ls_decimal_integer(const char *text, int64_t *value);

#endif
