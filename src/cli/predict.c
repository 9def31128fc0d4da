/* lockstep predict MODEL DATA: CSV on standard output, in the order of the input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/options.h"

enum { ROWS_AT_ONCE = 1024 };

/* In quotes where the text would otherwise not be one field (RFC 4180). */
static void print_field(const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_header(const ls_predictor *predictor)
{
    bool classes = ls_predictor_classes(predictor) > 0;
    int64_t outputs = ls_predictor_outputs(predictor);
    if (classes) fputs("class", stdout);
    for (int64_t o = 0; o < outputs; o++) {
        if (o > 0 || classes) putchar(',');
        print_field(ls_predictor_output_name(predictor, o));
    }
    putchar('\n');
}

static void print_rows(const ls_predictor *predictor, int64_t rows, const float *outputs,
                       const int32_t *classes)
{
    int64_t width = ls_predictor_outputs(predictor);
    bool named = ls_predictor_classes(predictor) > 0;
    for (int64_t row = 0; row < rows; row++) {
        if (named) print_field(ls_predictor_class_name(predictor, classes[row]));
        for (int64_t o = 0; o < width; o++) {
            printf(o > 0 || named ? ",%.9g" : "%.9g", (double)outputs[row * width + o]);
        }
        putchar('\n');
    }
}

/* outputs has room for ROWS_AT_ONCE rows. Stops early where standard output takes no more; ls_cli_flush then
 * says so. */
static ls_status predict_rows(ls_predictor *predictor, int64_t rows, const float *inputs, float *outputs)
{
    int32_t classes[ROWS_AT_ONCE];
    int64_t width = ls_predictor_inputs(predictor);
    print_header(predictor);
    for (int64_t row = 0; row < rows && !ferror(stdout); row += ROWS_AT_ONCE) {
        int64_t count = rows - row < ROWS_AT_ONCE ? rows - row : ROWS_AT_ONCE;
        ls_status status = ls_predictor_predict(predictor, count, inputs + row * width, outputs, classes);
        if (status != LS_OK) return status;
        print_rows(predictor, count, outputs, classes);
    }
    return LS_OK;
}

static ls_status predict_file(ls_predictor *predictor, const char *data, float *outputs)
{
    int64_t rows;
    float *inputs = NULL;
    ls_status status = ls_predictor_read(predictor, data, &rows, &inputs);
    if (status == LS_OK) status = predict_rows(predictor, rows, inputs, outputs);
    ls_predictor_free_rows(inputs);
    return status;
}

/* Rank 0 does it alone: its output is one stream. */
static ls_status predict(ls_cli *cli, const char *model, const char *data)
{
    ls_predictor *predictor = NULL;
    ls_status status = ls_predictor_load(cli->context, model, &predictor);
    if (status != LS_OK) return status;
    float *outputs = NULL;
    if (cli->speaks) {
        outputs = calloc((size_t)ls_predictor_outputs(predictor) * ROWS_AT_ONCE, sizeof *outputs);
        if (outputs) {
            status = predict_file(predictor, data, outputs);
        } else {
            snprintf(cli->message, sizeof cli->message, "no memory for the predictions");
            status = LS_ERROR_MEMORY;
        }
    }
    free(outputs);
    status = ls_cli_agree(cli, status);
    ls_predictor_free(predictor);
    return status;
}

int ls_cli_predict(ls_cli *cli, int count, char **words)
{
    int code, threads = 0;
    const ls_cli_option options[] = {
        {"--threads", LS_CLI_NUMBER, &threads, 1, 1024},
        {NULL, LS_CLI_FLAG, NULL, 0, 0},
    };
    if (!ls_cli_options_parse(cli, options, "MODEL DATA", 2, 2, &count, words, &code)) return code;
    ls_status status = ls_cli_start(cli, threads);
    if (status == LS_OK) status = predict(cli, words[0], words[1]);
    return status == LS_OK ? LS_EXIT_OK : ls_cli_fail(cli, status);
}
