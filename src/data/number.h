/* Numbers as text to float32: correctly rounded, fast, independent of the locale. */
#ifndef LS_DATA_NUMBER_H
#define LS_DATA_NUMBER_H

typedef enum ls_number_result {
    LS_NUMBER_OK,
    LS_NUMBER_INVALID,   /* not a decimal number from begin to end */
    LS_NUMBER_NOT_FINITE /* nan, inf, or beyond the range of float32 */
} ls_number_result;

/* Reads [+-]digits[.digits][e[+-]digits] that fills [begin, end). The byte at end must be readable and none
   that could continue a number. *value is set only for LS_NUMBER_OK. */
ls_number_result ls_number_parse(const char *begin, const char *end, float *value);

#endif
