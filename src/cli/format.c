/* Numbers for people. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cli/progress.h"

void ls_cli_format_rate(double rate, char *text, int size)
{
    if (!isfinite(rate) || rate < 0) {
        snprintf(text, (size_t)size, "-");
        return;
    }
    if (rate < 100 || rate >= 1e15) {
        snprintf(text, (size_t)size, "%.3g", rate);
        return;
    }
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.0f", rate), used = 0;
    for (int i = 0; i < length && used < size - 2; i++) {
        if (i > 0 && (length - i) % 3 == 0) text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
}

void ls_cli_format_time(double seconds, char *text, int size)
{
    long long whole = seconds < 1e9 ? (long long)(seconds + 0.5) : 0;
    if (!(seconds >= 0 && seconds < 1e9)) {
        snprintf(text, (size_t)size, "-");
    } else if (seconds < 9.95) {
        snprintf(text, (size_t)size, seconds < 0.0995 ? "%.3f s" : "%.1f s", seconds);
    } else if (whole < 3600) {
        snprintf(text, (size_t)size, "%lld:%02lld", whole / 60, whole % 60);
    } else {
        snprintf(text, (size_t)size, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    }
}

static void add(char *text, int size, const char *name, double value, bool percent)
{
    if (isnan(value)) return;
    int used = (int)strlen(text);
    snprintf(text + used, (size_t)(size - used), percent ? "%s%s %.2f %%" : "%s%s %.5g", used > 0 ? "  " : "",
             name, percent ? 100 * value : value);
}

void ls_cli_format_results(const ls_progress *now, char *text, int size)
{
    text[0] = '\0';
    add(text, size, "loss", now->loss, false);
    add(text, size, "accuracy", now->accuracy, true);
    add(text, size, "test loss", now->test_loss, false);
    add(text, size, "test accuracy", now->test_accuracy, true);
}

void ls_cli_format_metrics(const ls_metrics *metrics, char *text, int size)
{
    text[0] = '\0';
    for (int i = 0; i < metrics->count; i++) {
        const ls_metric *metric = &metrics->item[i];
        char name[LS_METRIC_NAME_SIZE + 8];
        if (strcmp(metric->name, "accuracy") == 0) continue;
        snprintf(name, sizeof name, "test %s", metric->name);
        add(text, size, name, metric->value, false);
    }
}
