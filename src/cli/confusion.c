#include "cli/confusion.h"

#include <string.h>

enum { NAME_MAX = 12, COLUMN_MIN = 4 };

static long long count_at(const ls_metrics *metrics, int of, int as)
{
    return (long long)metrics->confusion[(size_t)of * (size_t)metrics->classes + (size_t)as];
}

static int digits_of(long long count)
{
    int digits = 1;
    for (; count >= 10; count /= 10) digits++;
    return digits;
}

static int length_of(const char *name)
{
    size_t length = strlen(name);
    return length > NAME_MAX ? NAME_MAX : (int)length;
}

/* Of a column: its name, cut, and every number in it. */
static int width_of(const ls_metrics *metrics, int column)
{
    int width = length_of(metrics->class_names[column]);
    for (int of = 0; of < metrics->classes; of++) {
        int digits = digits_of(count_at(metrics, of, column));
        if (digits > width) width = digits;
    }
    return width < COLUMN_MIN ? COLUMN_MIN : width;
}

void ls_cli_print_confusion(FILE *to, const ls_metrics *metrics)
{
    fprintf(to, "confusion matrix: rows are the true classes, columns the predicted ones\n");
    fprintf(to, "%*s", NAME_MAX, "");
    for (int as = 0; as < metrics->classes; as++)
        fprintf(to, "  %*.*s", width_of(metrics, as), NAME_MAX, metrics->class_names[as]);
    for (int of = 0; of < metrics->classes; of++) {
        fprintf(to, "\n%-*.*s", NAME_MAX, NAME_MAX, metrics->class_names[of]);
        for (int as = 0; as < metrics->classes; as++)
            fprintf(to, "  %*lld", width_of(metrics, as), count_at(metrics, of, as));
    }
    fprintf(to, "\n");
}
