#include "cli/confusion.h"

#include <string.h>

enum { NAME_MAX = 12, COLUMN_MIN = 4 };

static long long count_at(const ls_metric *metric, int of, int as)
{
    return (long long)metric->confusion[(size_t)of * (size_t)metric->classes + (size_t)as];
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
static int width_of(const ls_metric *metric, int column)
{
    int width = length_of(metric->class_names[column]);
    for (int of = 0; of < metric->classes; of++) {
        int digits = digits_of(count_at(metric, of, column));
        if (digits > width) width = digits;
    }
    return width < COLUMN_MIN ? COLUMN_MIN : width;
}

void ls_cli_print_confusion(FILE *to, const ls_metric *metric)
{
    fprintf(to, "%s: rows are the true classes, columns the predicted ones\n", metric->name);
    fprintf(to, "%*s", NAME_MAX, "");
    for (int as = 0; as < metric->classes; as++)
        fprintf(to, "  %*.*s", width_of(metric, as), NAME_MAX, metric->class_names[as]);
    for (int of = 0; of < metric->classes; of++) {
        fprintf(to, "\n%-*.*s", NAME_MAX, NAME_MAX, metric->class_names[of]);
        for (int as = 0; as < metric->classes; as++)
            fprintf(to, "  %*lld", width_of(metric, as), count_at(metric, of, as));
    }
    fprintf(to, "\n");
}

void ls_cli_print_confusions(FILE *to, const ls_metrics *metrics)
{
    for (int i = 0; i < metrics->count; i++)
        if (metrics->item[i].classes > 0) ls_cli_print_confusion(to, &metrics->item[i]);
}
