/* lockstep eval MODEL [DATA] */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/confusion.h"
#include "cli/json.h"
#include "cli/options.h"

/* Those that are not printed for themselves. */
static bool is_extra(const ls_metric *metric)
{
    return strcmp(metric->name, "accuracy") != 0 && strcmp(metric->name, "rmse") != 0;
}

static void print_json_matrix(const ls_metric *metric)
{
    printf("\"%s\": [", metric->name);
    for (int t = 0; t < metric->classes; t++) {
        for (int p = 0; p < metric->classes; p++) {
            long long count = (long long)metric->confusion[(size_t)t * (size_t)metric->classes + (size_t)p];
            printf("%s%lld", p > 0 ? ", " : t > 0 ? ", [" : "[", count);
        }
        printf("]");
    }
    printf("]");
}

static void print_json(const ls_evaluation *evaluation)
{
    printf("{\"rows\": %lld, ", (long long)evaluation->rows);
    ls_cli_json_number("loss", evaluation->loss);
    printf(", ");
    ls_cli_json_number("accuracy", evaluation->accuracy);
    printf(", ");
    ls_cli_json_number("rmse", evaluation->rmse);
    for (int i = 0; i < evaluation->metrics.count; i++) {
        const ls_metric *metric = &evaluation->metrics.item[i];
        if (!is_extra(metric)) continue;
        printf(", ");
        if (metric->classes > 0)
            print_json_matrix(metric);
        else
            ls_cli_json_number(metric->name, metric->value);
    }
    printf("}\n");
}

static void print_text(const ls_evaluation *evaluation)
{
    printf("rows      %lld\n", (long long)evaluation->rows);
    printf("loss      %.6g\n", evaluation->loss);
    if (!isnan(evaluation->accuracy)) printf("accuracy  %.2f %%\n", 100 * evaluation->accuracy);
    if (!isnan(evaluation->rmse)) printf("rmse      %.6g\n", evaluation->rmse);
    for (int i = 0; i < evaluation->metrics.count; i++) {
        const ls_metric *metric = &evaluation->metrics.item[i];
        if (is_extra(metric) && metric->classes == 0) printf("%-9s %.6g\n", metric->name, metric->value);
    }
    ls_cli_print_confusions(stdout, &evaluation->metrics);
}

/* The matrix of the results goes with the predictor, so they are printed here. */
static ls_status evaluate(ls_cli *cli, const char *model, const char *data, bool json)
{
    ls_evaluation evaluation;
    ls_predictor *predictor = NULL;
    ls_status status = ls_predictor_load(cli->context, model, &predictor);
    if (status == LS_OK) status = ls_predictor_evaluate(predictor, data, &evaluation);
    if (status == LS_OK && cli->speaks) {
        if (json)
            print_json(&evaluation);
        else
            print_text(&evaluation);
    }
    ls_predictor_free(predictor);
    return status;
}

int ls_cli_eval(ls_cli *cli, int count, char **words)
{
    int code, threads = 0;
    bool json = false;
    const ls_cli_option options[] = {
        {"--threads", LS_CLI_NUMBER, &threads, 1, 1024},
        {"--json", LS_CLI_FLAG, &json, 0, 0},
        {NULL, LS_CLI_FLAG, NULL, 0, 0},
    };
    if (!ls_cli_options_parse(cli, options, "MODEL [DATA]", 1, 2, &count, words, &code)) return code;
    ls_status status = ls_cli_start(cli, threads);
    if (status == LS_OK) status = evaluate(cli, words[0], count > 1 ? words[1] : NULL, json);
    return status == LS_OK ? LS_EXIT_OK : ls_cli_fail(cli, status);
}
