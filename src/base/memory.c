/* Aligned, zeroed, counted memory. */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"

enum {
    ALIGNMENT = 64,
    HUGE_PAGE = 1 << 21,
    HUGE_FROM = HUGE_PAGE / 2 /* bytes of an array that is worth huge pages */
};

static atomic_uint_fast64_t allocation_count;

static void refuse(double bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    enum { UNITS = sizeof units / sizeof units[0] };
    int unit = 0;
    while (bytes >= 999.5 && unit < UNITS - 1) {
        bytes /= 1000;
        unit++;
    }
    ls_error(LS_ERROR_MEMORY, unit == 0 ? "cannot get %.0f %s of memory" : "cannot get %.1f %s of memory",
             bytes, units[unit]);
}

/* The system may say no. */
static void ask_for_huge_pages(void *at, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    const int error = errno;
    (void)madvise(at, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    errno = error;
#else
    (void)at, (void)bytes;
#endif
}

/* calloc rather than aligned_alloc and memset: the pages of a large array stay untouched until the thread
   that uses them writes to them, which puts them on that thread's memory node. The block's own address stands
   just before the aligned one.

   Large arrays begin and end with a huge page, if the system has any to give: there are fewer to look up, and
   what is neighbouring stays so in caches that go by physical addresses. */
void *ls_alloc(size_t count, size_t size)
{
    size_t bytes, padded;
    bool overflows = __builtin_mul_overflow(count, size, &bytes);
    const bool huge = !overflows && bytes >= HUGE_FROM;
    const size_t alignment = huge ? HUGE_PAGE : ALIGNMENT;
    const size_t room = huge ? 2 * alignment : alignment; /* for the way to the first page and after the last
                                                           */
    overflows = overflows || __builtin_add_overflow(bytes, room + sizeof(void *), &padded);
    if (overflows || padded > PTRDIFF_MAX) {
        refuse((double)count * (double)size);
        return NULL;
    }
    char *block = ls_fault("memory") ? NULL : calloc(1, padded);
    if (block == NULL) {
        refuse((double)bytes);
        return NULL;
    }
    size_t skip = alignment - ((uintptr_t)block & (alignment - 1));
    if (skip < sizeof block) skip += alignment;
    if (huge) ask_for_huge_pages(block + skip, bytes);
    memcpy(block + skip - sizeof block, &block, sizeof block);
    atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed);
    return block + skip;
}

void ls_free(void *pointer)
{
    if (pointer == NULL) return;
    void *block;
    memcpy(&block, (char *)pointer - sizeof block, sizeof block);
    free(block);
}

char *ls_strdup(const char *text)
{
    if (text == NULL) return NULL;
    size_t size = strlen(text) + 1;
    char *copy = ls_alloc(size, 1);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

char *ls_format(const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = NULL;
    if (length < 0)
        ls_error(LS_ERROR_MEMORY, "cannot format a text: the C library refused '%s'", format);
    else
        text = ls_alloc((size_t)length + 1, 1);
    if (text != NULL) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void *ls_grow(void *array, size_t *capacity, size_t needed, size_t size)
{
    if (array != NULL && needed <= *capacity) return array;
    size_t larger = *capacity <= SIZE_MAX / 2 ? *capacity * 2 : SIZE_MAX;
    if (larger < needed) larger = needed;
    void *grown = ls_alloc(larger, size);
    if (grown == NULL) return NULL;
    if (array != NULL) memcpy(grown, array, *capacity * size);
    ls_free(array);
    *capacity = larger;
    return grown;
}

uint64_t ls_alloc_count(void)
{
    return atomic_load_explicit(&allocation_count, memory_order_relaxed);
}
