/* Injected failures, for tests only. */
#include "base/fault.h"

#ifdef LS_FAULT_INJECTION

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

enum { FAULTS_MAX = 16 };
enum { ANY_RANK = -1, UNKNOWN_RANK = -2 };

typedef struct fault {
    const char *point;
    int rank;
    long nth;
    atomic_long passages;
} fault;

static const char *const known_points[] = {"memory", "open",        "read", "write",   "sync",
                                           "rename", "communicate", "flip", "overflow"};

static fault faults[FAULTS_MAX];
static int fault_count;
static pthread_once_t parsed = PTHREAD_ONCE_INIT;
static atomic_int own_rank = UNKNOWN_RANK;

static const char *find_point(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof known_points / sizeof known_points[0]; i++)
        if (strlen(known_points[i]) == length && memcmp(known_points[i], text, length) == 0)
            return known_points[i];
    return NULL;
}

/* Reads "name=NUMBER" that ends at end; false if it is anything else. */
static bool parse_number(const char *text, const char *end, const char *name, long minimum, long *number)
{
    size_t length = strlen(name);
    if ((size_t)(end - text) <= length || memcmp(text, name, length) != 0) return false;
    char *stop;
    long value = strtol(text + length, &stop, 10);
    if (stop != end || value < minimum || value > 1000000000) return false;
    *number = value;
    return true;
}

/* Reads POINT[:rank=R][:nth=N]. */
static bool parse_fault(const char *text, const char *end)
{
    if (fault_count == FAULTS_MAX) return false;
    size_t length = strcspn(text, ":,");
    long rank = ANY_RANK, nth = 1;
    const char *point = find_point(text, length);
    if (point == NULL) return false;
    for (text += length; text < end; text += length) {
        text++;
        length = strcspn(text, ":,");
        if (!parse_number(text, text + length, "rank=", 0, &rank) &&
            !parse_number(text, text + length, "nth=", 1, &nth))
            return false;
    }
    fault *new_fault = &faults[fault_count++];
    new_fault->point = point;
    new_fault->rank = (int)rank;
    new_fault->nth = nth;
    return true;
}

static void parse_environment(void)
{
    const char *text = getenv("LOCKSTEP_FAULT");
    if (text == NULL) return;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        if (!parse_fault(text, text + length))
            ls_log(LS_LOG_WARNING,
                   "LOCKSTEP_FAULT: cannot use '%.*s', expected POINT[:rank=R][:nth=N] (at most %d of them)",
                   (int)length, text, FAULTS_MAX);
        text += length;
        if (*text == ',') text++;
    }
}

bool ls_fault(const char *point)
{
    pthread_once(&parsed, parse_environment);
    bool fails = false;
    for (int i = 0; i < fault_count; i++) {
        fault *f = &faults[i];
        if (strcmp(f->point, point) != 0) continue;
        if (f->rank != ANY_RANK && f->rank != atomic_load_explicit(&own_rank, memory_order_relaxed)) continue;
        long passage = atomic_fetch_add_explicit(&f->passages, 1, memory_order_relaxed) + 1;
        if (passage == f->nth) fails = true;
    }
    return fails;
}

void ls_fault_set_rank(int rank)
{
    atomic_store_explicit(&own_rank, rank, memory_order_relaxed);
}

#else

typedef int ls_fault_is_left_out; /* C does not allow a file without a declaration */

#endif
