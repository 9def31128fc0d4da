/* Memory: aligned, zeroed, counted, checked. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

static bool all_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0) return false;
    return true;
}

Test(memory, is_aligned_and_zeroed_also_when_used_again)
{
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 400; size += 7) {
            unsigned char *bytes = ls_alloc(size, 3);
            cr_assert_not_null(bytes);
            cr_assert_eq((uintptr_t)bytes % 64, 0);
            cr_assert(all_zero(bytes, 3 * size), "%zu", size);
            memset(bytes, 0xAB, 3 * size);
            ls_free(bytes);
        }
    }
    ls_free(NULL);
}

/* From a megabyte on, arrays begin where a huge page can. */
Test(memory, large_arrays_begin_with_a_huge_page)
{
    const size_t mega = 1 << 20, size[] = {mega - 1, mega, 2 * mega, 2 * mega + 1, 8000000};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5; i++) {
            unsigned char *large = ls_alloc(size[i], 1);
            cr_assert_not_null(large);
            cr_assert_eq((uintptr_t)large % (i == 0 ? 64 : 2 * mega), 0, "%zu", size[i]);
            cr_assert(all_zero(large, size[i]), "%zu", size[i]);
            memset(large, 0xAB, size[i]);
            ls_free(large);
        }
    }
}

Test(memory, nothing_is_a_valid_pointer_of_its_own)
{
    char *first = ls_alloc(0, 8), *second = ls_alloc(8, 0);
    cr_assert(first != NULL && second != NULL && first != second);
    ls_free(first);
    ls_free(second);
}

Test(memory, overflow_is_refused)
{
    cr_assert_null(ls_alloc(SIZE_MAX / 2, 3));
    cr_assert_str_eq(ls_error_message(), "cannot get 27.7 EB of memory");
    cr_assert_null(ls_alloc(SIZE_MAX / 8 + 2, 8)); /* 8 bytes, modulo 2^64 */
    cr_assert_str_eq(ls_error_message(), "cannot get 18.4 EB of memory");
    cr_assert_null(ls_alloc(SIZE_MAX, 1));
    cr_assert_str_eq(ls_error_message(), "cannot get 18.4 EB of memory");
    cr_assert_null(ls_alloc(1, SIZE_MAX / 2 - 10));
    cr_assert_str_eq(ls_error_message(), "cannot get 9.2 EB of memory");
}

Test(memory, injected_refusal_has_the_message_of_a_real_one)
{
    setenv("LOCKSTEP_FAULT", "memory:nth=2,memory:nth=3,memory:nth=4", 1);
    uint64_t before = ls_alloc_count();
    char *fine = ls_alloc(1, 1);
    cr_assert_not_null(fine);
    cr_assert_null(ls_alloc(1230, 10000));
    cr_assert_str_eq(ls_error_message(), "cannot get 12.3 MB of memory");
    cr_assert_null(ls_alloc(999, 1));
    cr_assert_str_eq(ls_error_message(), "cannot get 999 bytes of memory");
    cr_assert_null(ls_strdup("text"));
    cr_assert_str_eq(ls_error_message(), "cannot get 5 bytes of memory");
    cr_assert_eq(ls_alloc_count(), before + 1);
    ls_free(fine);
}

Test(memory, counts_allocations)
{
    uint64_t before = ls_alloc_count();
    char *text = ls_strdup("text");
    char *formatted = ls_format("%s", text);
    ls_free(ls_alloc(1, 1));
    cr_assert_eq(ls_alloc_count(), before + 3);
    ls_free(text);
    ls_free(formatted);
    cr_assert_eq(ls_alloc_count(), before + 3);
}

Test(memory, copies_and_formats_texts)
{
    cr_assert_null(ls_strdup(NULL));
    char *empty = ls_strdup(""), *copy = ls_strdup("dense_0");
    cr_assert_str_eq(empty, "");
    cr_assert_str_eq(copy, "dense_0");
    char *long_text = ls_format("%s.%5000d|%s", copy, 42, empty);
    cr_assert_eq(strlen(long_text), 5009);
    cr_assert_eq(strncmp(long_text, "dense_0. ", 9), 0);
    cr_assert_str_eq(long_text + 5005, " 42|");
    ls_free(empty);
    ls_free(copy);
    ls_free(long_text);
}

Test(memory, grows_and_keeps_what_was_there)
{
    size_t capacity = 0;
    int *numbers = NULL;
    uint64_t before = ls_alloc_count();
    for (int i = 0; i < 10000; i++) {
        numbers = ls_grow(numbers, &capacity, (size_t)i + 1, sizeof *numbers);
        cr_assert_not_null(numbers);
        cr_assert_geq(capacity, (size_t)i + 1);
        cr_assert_eq(numbers[i], 0);
        numbers[i] = i;
    }
    for (int i = 0; i < 10000; i++) cr_assert_eq(numbers[i], i);
    cr_assert_leq(ls_alloc_count() - before, 15);
    size_t old = capacity;
    cr_assert_eq(ls_grow(numbers, &capacity, old, sizeof *numbers), numbers);
    cr_assert_eq(capacity, old);
    cr_assert_null(ls_grow(numbers, &capacity, SIZE_MAX / 2, sizeof *numbers));
    cr_assert_eq(capacity, old);
    cr_assert_eq(numbers[9999], 9999);
    ls_free(numbers);
}
