#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "cli/confusion.h"

enum { LINE_SIZE = 512, BAR_MIN = 4, BAR_MAX = 30, LINES_A_RUN = 16 };
static const double SECONDS_A_DRAW = 0.1, SECONDS_OF_SLOW_EPOCHS = 10;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void ls_cli_progress_start(ls_cli_progress *progress)
{
    const char *kind = getenv("TERM");
    *progress = (ls_cli_progress){.first_step = -1, .last_epoch = -1, .last_part = -1};
    progress->terminal = isatty(STDERR_FILENO) && !(kind && strcmp(kind, "dumb") == 0);
    progress->last_epoch_time = progress->first_time = seconds_now();
}

void ls_cli_progress_end(ls_cli_progress *progress)
{
    if (progress->drawn) fputs("\r\033[K", stderr);
    progress->drawn = false;
}

void ls_cli_progress_note(void *user, const char *message)
{
    ls_cli_progress_end(user);
    fprintf(stderr, "%s\n", message);
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

/* Seconds to go at the pace since the first report, negative if unknown. */
static double time_left(const ls_cli_progress *progress, const ls_progress *now, double time)
{
    int64_t steps = now->step - progress->first_step;
    if (steps <= 0) return -1;
    return (double)(now->steps - now->step) * (time - progress->first_time) / (double)steps;
}

/* Fills bar, which has room for BAR_MAX + 4 characters; empty where the screen is too narrow. */
static void draw_bar(const ls_progress *now, int room, char *bar)
{
    double share = now->steps > 0 ? (double)now->step / (double)now->steps : 0;
    bar[0] = '\0';
    if (room < BAR_MIN) return;
    /* In large steps, so that the bar keeps its length while the numbers beside it change theirs. */
    room = room >= BAR_MAX ? BAR_MAX : room >= BAR_MAX / 2 ? BAR_MAX / 2 : BAR_MIN;
    bar[0] = '[';
    for (int i = 0; i < room; i++) bar[i + 1] = i < (int)(share * room) ? '=' : ' ';
    strcpy(bar + room + 1, "] ");
}

static void draw(ls_cli_progress *progress, const ls_progress *now, double time)
{
    char front[64], results[64] = "", rate[32], left[32], back[192], bar[BAR_MAX + 4];
    ls_cli_format_rate(now->samples_per_s, rate, sizeof rate);
    ls_cli_format_time(time_left(progress, now, time), left, sizeof left);
    if (!isnan(now->loss)) snprintf(results, sizeof results, "loss %.4g  ", now->loss);
    if (!isnan(now->test_accuracy)) {
        size_t used = strlen(results);
        snprintf(results + used, sizeof results - used, "test %.2f %%  ", 100 * now->test_accuracy);
    }
    snprintf(front, sizeof front, "epoch %lld/%lld ", (long long)now->epoch, (long long)now->epochs);
    snprintf(back, sizeof back, "%s%s samples/s  %s left", results, rate, left);
    int width = terminal_width() - 1;
    draw_bar(now, width - (int)strlen(front) - (int)strlen(back) - 3, bar);
    char line[LINE_SIZE];
    snprintf(line, sizeof line, "%s%s%s", front, bar, back);
    fprintf(stderr, "\r%.*s\033[K", width, line);
    fflush(stderr);
    progress->drawn = true;
    progress->last_draw = time;
}

/* Into a file: of a run of many short epochs only some are told. */
static bool is_worth_a_line(ls_cli_progress *progress, const ls_progress *now, double time)
{
    if (!now->epoch_end || now->epoch == progress->last_epoch) return false;
    int64_t epochs = now->epoch - (progress->last_epoch < 0 ? 0 : progress->last_epoch);
    bool slow = time - progress->last_epoch_time > SECONDS_OF_SLOW_EPOCHS * (double)(epochs > 0 ? epochs : 1);
    int64_t parts = now->epochs < LINES_A_RUN ? now->epochs : LINES_A_RUN;
    int64_t part =
        now->epochs > 0 ? (int64_t)((double)now->epoch / (double)now->epochs * (double)parts) : now->epoch;
    progress->last_epoch = now->epoch;
    progress->last_epoch_time = time;
    if (part == progress->last_part && !slow) return false;
    progress->last_part = part;
    return true;
}

static void print_line(const ls_progress *now)
{
    char results[LINE_SIZE], rate[32];
    ls_cli_format_results(now, results, sizeof results);
    ls_cli_format_rate(now->samples_per_s, rate, sizeof rate);
    fprintf(stderr, "epoch %lld/%lld  %s  %s samples/s\n", (long long)now->epoch, (long long)now->epochs,
            results, rate);
}

void ls_cli_progress_show(void *user, const ls_progress *now)
{
    ls_cli_progress *progress = user;
    double time = seconds_now();
    if (progress->first_step < 0) {
        progress->first_step = now->step;
        progress->first_time = time;
    }
    if (!progress->terminal) {
        if (is_worth_a_line(progress, now, time)) print_line(now);
    } else if (!progress->drawn || time - progress->last_draw >= SECONDS_A_DRAW) {
        draw(progress, now, time);
    }
    if (now->finished) {
        ls_cli_progress_end(progress);
        ls_cli_print_confusions(stderr, &now->test_metrics);
    }
}
