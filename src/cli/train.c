/* lockstep train RECIPE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/progress.h"

typedef struct train_words {
    const char *recipe, *directory;
    int threads;
    ls_cli_texts settings;
    bool resume, overwrite, quiet, json;
} train_words;

/* "KEY=VALUE"; what they mean is for the recipe to say. */
static bool check_settings(const ls_cli *cli, const ls_cli_texts *settings, int *code)
{
    for (int i = 0; i < settings->count; i++) {
        const char *equals = strchr(settings->text[i], '=');
        if (equals && equals != settings->text[i]) continue;
        *code = ls_cli_misuse(cli, "--set takes KEY=VALUE, not '%s'", settings->text[i]);
        return false;
    }
    return true;
}

static bool parse(const ls_cli *cli, int count, char **words, train_words *given, int *code)
{
    const ls_cli_option options[] = {
        {"--run", LS_CLI_TEXT, &given->directory, 0, 0},
        {"--threads", LS_CLI_NUMBER, &given->threads, 1, 1024},
        {"--set", LS_CLI_TEXTS, &given->settings, 0, 0},
        {"--resume", LS_CLI_FLAG, &given->resume, 0, 0},
        {"--overwrite", LS_CLI_FLAG, &given->overwrite, 0, 0},
        {"--quiet", LS_CLI_FLAG, &given->quiet, 0, 0},
        {"--json", LS_CLI_FLAG, &given->json, 0, 0},
        {NULL, LS_CLI_FLAG, NULL, 0, 0},
    };
    if (!ls_cli_options_parse(cli, options, "RECIPE", 1, 1, &count, words, code)) return false;
    given->recipe = words[0];
    if (given->resume && given->overwrite) {
        *code = ls_cli_misuse(cli, "--resume and --overwrite exclude each other");
        return false;
    }
    return check_settings(cli, &given->settings, code);
}

/* "runs/NAME" from ".../NAME.yaml"; the caller frees it. */
static char *default_directory(const char *recipe)
{
    static const char *const endings[] = {".yaml", ".yml"};
    const char *slash = strrchr(recipe, '/'), *name = slash ? slash + 1 : recipe;
    size_t length = strlen(name), size = length + sizeof "runs/";
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending = strlen(endings[i]);
        if (length <= ending || strcmp(name + length - ending, endings[i]) != 0) continue;
        length -= ending;
        break;
    }
    char *directory = malloc(size);
    if (directory) snprintf(directory, size, "runs/%.*s", (int)length, name);
    return directory;
}

static void print_summary(const ls_run_result *result)
{
    const ls_progress *last = &result->last;
    char results[2048], rate[32], time[32];
    ls_cli_format_results(last, results, sizeof results);
    ls_cli_format_rate(last->samples_per_s, rate, sizeof rate);
    ls_cli_format_time(last->wall_s, time, sizeof time);
    fprintf(stderr, "done: %lld epochs, %lld steps in %s (%s samples/s)\n", (long long)last->epoch,
            (long long)last->step, time, rate);
    if (last->skipped_steps > 0) {
        fprintf(stderr, "skipped because of infinity or NaN: %lld steps\n", (long long)last->skipped_steps);
    }
    fprintf(stderr, "%s\n", results);
    ls_cli_format_metrics(&last->test_metrics, results, sizeof results);
    if (results[0]) fprintf(stderr, "%s\n", results);
}

static void print_next(const ls_cli *cli, const train_words *given, const ls_progress *last)
{
    const char *directory = given->directory;
    fprintf(stderr, "weights:  %s/model.safetensors", directory);
    if (last->weights && strcmp(last->weights, "best") == 0)
        fprintf(stderr, " (the best, those of epoch %lld)", (long long)last->best_epoch);
    else if (last->weights && strcmp(last->weights, "average") == 0)
        fprintf(stderr, " (averaged)");
    fprintf(stderr, "\n");
    fprintf(stderr, "log:      %s/metrics.jsonl\n", directory);
    fprintf(stderr, "try next: %s eval %s/model.safetensors\n", cli->program, directory);
    fprintf(stderr, "          %s predict %s/model.safetensors DATA > predictions.csv\n", cli->program,
            directory);
}

/* The last line of metrics.jsonl, as it stands there. */
static int print_record(ls_cli *cli, const char *directory)
{
    size_t size = strlen(directory) + sizeof "/metrics.jsonl", room = 0;
    char *path = malloc(size), *line = NULL, *last = NULL;
    if (path) snprintf(path, size, "%s/metrics.jsonl", directory);
    FILE *file = path ? fopen(path, "re") : NULL;
    while (file && getline(&line, &room, file) > 0) {
        char *swap = last;
        last = line;
        line = swap;
        room = line ? strlen(line) + 1 : 0;
    }
    if (last) {
        fputs(last, stdout);
    } else {
        snprintf(cli->message, sizeof cli->message, "cannot read %s/metrics.jsonl", directory);
    }
    if (file) fclose(file);
    int code = last ? LS_EXIT_OK : ls_cli_fail(cli, LS_ERROR_IO);
    free(path);
    free(line);
    free(last);
    return code;
}

static ls_status run(ls_cli *cli, const train_words *given, const ls_recipe *recipe, ls_run_result *result)
{
    ls_cli_progress progress;
    ls_run_options options = {.directory = given->directory,
                              .resume = given->resume,
                              .overwrite = given->overwrite,
                              .progress = given->quiet ? NULL : ls_cli_progress_show,
                              .note = given->quiet ? NULL : ls_cli_progress_note,
                              .user = &progress};
    const char *warning = ls_context_warning(cli->context);
    if (warning && cli->speaks && !given->quiet) fprintf(stderr, "warning: %s\n", warning);
    ls_cli_progress_start(&progress);
    ls_status status = ls_train(cli->context, recipe, &options, result);
    ls_cli_progress_end(&progress);
    /* Where the directory is taken, the warning may say by whom: a task of the same srun. */
    if (status == LS_ERROR_STATE && warning && cli->speaks && given->quiet)
        fprintf(stderr, "warning: %s\n", warning);
    return status;
}

static int train(ls_cli *cli, const train_words *given)
{
    ls_recipe *recipe = NULL;
    ls_run_result result;
    ls_cli_catch_signals();
    ls_status status = ls_cli_start(cli, given->threads);
    if (status != LS_OK) return ls_cli_fail(cli, status);
    status = ls_recipe_load(given->recipe, given->settings.text, given->settings.count, &recipe);
    if (status == LS_ERROR_IO) status = LS_ERROR_ARGUMENT; /* no such file: the command line is wrong */
    status = ls_cli_agree(cli, status);
    if (status == LS_OK) status = run(cli, given, recipe, &result);
    ls_recipe_free(recipe);
    if (status != LS_OK) return ls_cli_fail(cli, status);
    if (!cli->speaks) return LS_EXIT_OK;
    if (!given->quiet && !result.already_finished) print_summary(&result);
    if (!given->quiet) print_next(cli, given, &result.last);
    return given->json ? print_record(cli, given->directory) : LS_EXIT_OK;
}

int ls_cli_train(ls_cli *cli, int count, char **words)
{
    int code;
    train_words given = {0};
    given.settings.text = calloc((size_t)count + 1, sizeof *given.settings.text);
    if (!given.settings.text) return ls_cli_misuse(cli, "no memory for %d words", count);
    if (parse(cli, count, words, &given, &code)) {
        char *directory = given.directory ? NULL : default_directory(given.recipe);
        if (directory) given.directory = directory;
        code = given.directory ? train(cli, &given) : ls_cli_misuse(cli, "no memory for a path");
        free(directory);
    }
    free(given.settings.text);
    return code;
}
