/* Numbers as text: the same floats as the C library's, which is correctly rounded, in any locale. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/random.h"
#include "data/number.h"

static ls_number_result parse(const char *text, float *value)
{
    return ls_number_parse(text, text + strlen(text), value);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void expect_as_library(const char *text)
{
    float value = NAN, expected = strtof(text, NULL);
    ls_number_result result = parse(text, &value);
    if (isfinite(expected)) {
        cr_assert_eq(result, LS_NUMBER_OK, "%s", text);
        cr_assert_eq(bits_of(value), bits_of(expected), "%s: %a, expected %a", text, value, expected);
    } else {
        cr_assert_eq(result, LS_NUMBER_NOT_FINITE, "%s", text);
    }
}

Test(number, plain_forms)
{
    static const char *const text[] = {"0",
                                       "-0",
                                       "+7",
                                       "1.5",
                                       "-2.25e3",
                                       ".5",
                                       "5.",
                                       "1e-3",
                                       "1E+5",
                                       "007",
                                       "0.1",
                                       "3.14159",
                                       "16777217",
                                       "16777219",
                                       "1e38",
                                       "3.4028235e38",
                                       "1e-45",
                                       "7e-46",
                                       "1.1754943e-38",
                                       "9007199254740993",
                                       "1e39",
                                       "-1e99999999",
                                       "1e-99999999",
                                       "0e99999999",
                                       "123456789012345678901234567890",
                                       "0.000000000000000000000000000001234"};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) expect_as_library(text[i]);
}

Test(number, other_texts_are_refused)
{
    static const char *const text[] = {"",      "-",    "+",   ".",   "e5",   "1e",  "1e+",
                                       "1.2.3", "0x10", "1,5", "1 2", "1-2",  "--1", "abc",
                                       "1f",    "1e5.", "na",  "N/A", "nano", " 1"};
    float value = 42;
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        cr_expect_eq(parse(text[i], &value), LS_NUMBER_INVALID, "%s", text[i]);
    static const char *const words[] = {"nan", "NaN", "inf", "-Inf", "+infinity", "4e38"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        cr_expect_eq(parse(words[i], &value), LS_NUMBER_NOT_FINITE, "%s", words[i]);
    cr_expect_eq(value, 42);
}

Test(number, random_texts_round_correctly)
{
    for (uint64_t i = 0; i < 200000; i++) {
        ls_random_words r = ls_random(1, LS_RANDOM_BENCH, 0, i);
        char text[64];
        int digits = 1 + (int)(r.word[2] % 19), exponent = (int)(r.word[3] % 60) - 45;
        uint64_t mantissa = ((uint64_t)r.word[0] << 32 | r.word[1]) % 10000000000000000000u;
        for (int d = digits; d < 19; d++) mantissa /= 10;
        snprintf(text, sizeof text, "%s%" PRIu64 "%se%d", r.word[2] & 1024 ? "-" : "", mantissa,
                 r.word[2] & 2048 ? ".125" : "", exponent);
        expect_as_library(text);
    }
}

/* Texts at and beside the middle between two floats, where rounding twice goes wrong. */
Test(number, halfway_texts_round_correctly)
{
    for (uint64_t i = 0; i < 20000; i++) {
        ls_random_words r = ls_random(2, LS_RANDOM_BENCH, 0, i);
        float low;
        uint32_t bits = ((r.word[1] % 60 + 97) << 23) | (r.word[0] & 0x7fffff);
        memcpy(&low, &bits, sizeof low);
        double middle = ((double)low + (double)nextafterf(low, INFINITY)) / 2;
        char text[128];
        snprintf(text, sizeof text, "%.17g", middle);
        expect_as_library(text);
        snprintf(text, sizeof text, "%.60f", middle);
        expect_as_library(text);
        strcat(text, "0000000000000000000001");
        expect_as_library(text);
        snprintf(text, sizeof text, "%.17g", nextafter(middle, 0));
        expect_as_library(text);
    }
}

Test(number, locale_makes_no_difference)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_ALL, names[i])) break;
    float value = 0;
    cr_assert_eq(parse("1.5", &value), LS_NUMBER_OK);
    cr_assert_eq(value, 1.5f);
    cr_assert_eq(parse("1.5e-30", &value), LS_NUMBER_OK); /* the slow way */
    cr_assert_eq(value, 1.5e-30f);
    cr_assert_eq(parse("1,5", &value), LS_NUMBER_INVALID);
}
