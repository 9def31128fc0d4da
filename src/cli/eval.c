/* lockstep eval MODEL [DATA] */
#include <math.h>
#include <stdio.h>
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/options.h"

static void print_json(const ls_evaluation *evaluation)
{
    printf("{\"rows\": %lld, ", (long long)evaluation->rows);
    ls_cli_json_number("loss", evaluation->loss);
    printf(", ");
    ls_cli_json_number("accuracy", evaluation->accuracy);
    printf(", ");
    ls_cli_json_number("rmse", evaluation->rmse);
    printf("}\n");
}

static void print_text(const ls_evaluation *evaluation)
{
    printf("rows      %lld\n", (long long)evaluation->rows);
    printf("loss      %.6g\n", evaluation->loss);
    if (!isnan(evaluation->accuracy)) printf("accuracy  %.2f %%\n", 100 * evaluation->accuracy);
    if (!isnan(evaluation->rmse)) printf("rmse      %.6g\n", evaluation->rmse);
}

static ls_status evaluate(ls_cli *cli, const char *model, const char *data, ls_evaluation *evaluation)
{
    ls_predictor *predictor = NULL;
    ls_status status = ls_predictor_load(cli->context, model, &predictor);
    if (status == LS_OK) status = ls_predictor_evaluate(predictor, data, evaluation);
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
    ls_evaluation evaluation;
    ls_status status = ls_cli_start(cli, threads);
    if (status == LS_OK) status = evaluate(cli, words[0], count > 1 ? words[1] : NULL, &evaluation);
    if (status != LS_OK) return ls_cli_fail(cli, status);
    if (!cli->speaks) return LS_EXIT_OK;
    if (json) {
        print_json(&evaluation);
    } else {
        print_text(&evaluation);
    }
    return LS_EXIT_OK;
}
