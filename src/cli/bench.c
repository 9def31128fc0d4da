/* lockstep bench [WORKLOAD...] */
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/nearest.h"
#include "cli/options.h"
#include "cli/progress.h"

enum { WORKLOADS_MAX = 1000 };

static int print_list(const ls_cli *cli)
{
    for (int i = 0; cli->speaks && i < ls_bench_count(); i++) {
        printf("%-22s %s\n", ls_bench_name(i), ls_bench_describe(i));
    }
    if (cli->speaks)
        printf("%-22s %s\n", "dense-I-U-...-C-bB",
               "I inputs, dense layers of U, ... and C units, batch B, momentum");
    return LS_EXIT_OK;
}

/* All names are checked before the first is measured. */
static int check_name(const ls_cli *cli, const char *name)
{
    const char *best = NULL;
    if (ls_bench_knows(name)) return LS_EXIT_OK;
    if (strncmp(name, "dense-", 6) == 0)
        return ls_cli_misuse(cli,
                             "unknown workload '%s': dense-INPUTS-UNITS-...-CLASSES-bBATCH was expected, as "
                             "in dense-784-512-256-10-b128",
                             name);
    for (int i = 0; i < ls_bench_count(); i++) {
        best = ls_cli_nearer(name, ls_bench_name(i), best);
    }
    if (best) return ls_cli_misuse(cli, "unknown workload '%s'; did you mean '%s'?", name, best);
    return ls_cli_misuse(cli, "unknown workload '%s'; 'lockstep bench --list' names them", name);
}

static void print_phases_json(const ls_bench_result *result)
{
    printf(", \"us_phase\": {");
    for (int p = 0; p < LS_PHASE_COUNT; p++) {
        if (p > 0) printf(", ");
        ls_cli_json_number(ls_phase_name((ls_phase)p), result->us_phase[p]);
    }
    printf("}");
}

static void print_json(const ls_bench_result *result, const ls_bench_request *request)
{
    const struct {
        const char *key;
        double value;
    } number[] = {{"us_per_step", result->us_per_step},
                  {"us_median", result->us_median},
                  {"samples_per_s", result->samples_per_s},
                  {"gflops", result->gflops},
                  {"sgemm_share", result->sgemm_share},
                  {"flops", result->flops},
                  {"bytes", result->bytes}};
    printf("{\"name\": \"%s\", \"reduce\": \"%s\"", result->name,
           request->reduce_float ? "float32" : "exact");
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        printf(", ");
        ls_cli_json_number(number[i].key, number[i].value);
    }
    if (request->phases) print_phases_json(result);
    printf("}\n");
}

static void print_row(int width, const ls_bench_result *result)
{
    char rate[32];
    ls_cli_format_rate(result->samples_per_s, rate, sizeof rate);
    printf("%-*s %12.2f %14s %10.2f %10.1f\n", width, result->name, result->us_per_step, rate, result->gflops,
           100 * result->sgemm_share);
}

static void print_header(int width)
{
    printf("%-*s %12s %14s %10s %10s\n", width, "name", "us/step", "samples/s", "GFLOP/s", "% of sgemm");
}

static void print_phases(int width, const ls_bench_result *result)
{
    double sum = 0;
    for (int p = 0; p < LS_PHASE_COUNT; p++) sum += result->us_phase[p];
    printf("%-*s %12.2f", width, result->name, sum);
    for (int p = 0; p < LS_PHASE_COUNT; p++) printf(" %9.2f", result->us_phase[p]);
    printf("\n");
}

static void print_phases_header(int width)
{
    printf("%-*s %12s", width, "name", "mean us");
    for (int p = 0; p < LS_PHASE_COUNT; p++) printf(" %9s", ls_phase_name((ls_phase)p));
    printf("\n");
}

/* Of the column of names. */
static int width_of(int count, char **words)
{
    size_t width = 22;
    for (int i = 0; i < count; i++)
        if (strlen(words[i]) > width) width = strlen(words[i]);
    return (int)width;
}

static ls_status measure(ls_cli *cli, int count, char **words, ls_bench_request *request, bool json)
{
    const int workloads = count > 0 ? count : ls_bench_count(), width = width_of(count, words);
    ls_status status = ls_bench_sgemm_rate(cli->context, &request->sgemm_rate);
    if (status == LS_OK && cli->speaks && !json) {
        fprintf(stderr, "%d rank%s, %d thread%s on rank 0, %s sums, sgemm %.1f GFLOP/s\n",
                ls_context_size(cli->context), ls_context_size(cli->context) == 1 ? "" : "s",
                ls_context_threads(cli->context), ls_context_threads(cli->context) == 1 ? "" : "s",
                request->reduce_float ? "float" : "exact", request->sgemm_rate);
        (request->phases ? print_phases_header : print_header)(width);
    }
    for (int i = 0; status == LS_OK && i < workloads; i++) {
        ls_bench_result result;
        request->name = count > 0 ? words[i] : ls_bench_name(i);
        fflush(stdout); /* a row is seen when it is there */
        status = ls_bench_run(cli->context, request, &result);
        if (status != LS_OK || !cli->speaks) continue;
        if (json) {
            print_json(&result, request);
        } else {
            (request->phases ? print_phases : print_row)(width, &result);
        }
    }
    return status;
}

int ls_cli_bench(ls_cli *cli, int count, char **words)
{
    int code, threads = 0;
    bool json = false, list = false;
    ls_bench_request request = {.name = NULL};
    const ls_cli_option options[] = {
        {"--threads", LS_CLI_NUMBER, &threads, 1, 1024},
        {"--float", LS_CLI_FLAG, &request.reduce_float, 0, 0},
        {"--phases", LS_CLI_FLAG, &request.phases, 0, 0},
        {"--json", LS_CLI_FLAG, &json, 0, 0},
        {"--list", LS_CLI_FLAG, &list, 0, 0},
        {NULL, LS_CLI_FLAG, NULL, 0, 0},
    };
    if (!ls_cli_options_parse(cli, options, "WORKLOAD...", 0, WORKLOADS_MAX, &count, words, &code))
        return code;
    if (list) return print_list(cli);
    for (int i = 0; i < count; i++) {
        code = check_name(cli, words[i]);
        if (code != LS_EXIT_OK) return code;
    }
    ls_status status = ls_cli_start(cli, threads);
    if (status == LS_OK) status = measure(cli, count, words, &request, json);
    return status == LS_OK ? LS_EXIT_OK : ls_cli_fail(cli, status);
}
