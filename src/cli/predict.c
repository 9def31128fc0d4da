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
    for (int h = 0; h < ls_predictor_head_count(predictor); h++) {
        ls_predictor_head head = ls_predictor_get_head(predictor, h);
        if (h > 0) putchar(',');
        const char *name = head.name == NULL ? "" : head.name, *dot = head.name == NULL ? "" : ".";
        if (head.classes > 0) printf("%s%sclass,", name, dot);
        for (int64_t c = 0; c < head.columns; c++) {
            if (c > 0) putchar(',');
            print_field(ls_predictor_output_name(predictor, head.first + c));
        }
    }
    putchar('\n');
}

/* outputs and classes of one row. */
static void print_row(const ls_predictor *predictor, const float *outputs, const int32_t *classes)
{
    for (int h = 0; h < ls_predictor_head_count(predictor); h++) {
        ls_predictor_head head = ls_predictor_get_head(predictor, h);
        if (h > 0) putchar(',');
        if (head.classes > 0) {
            print_field(head.class_names[classes[h]]);
            putchar(',');
        }
        for (int64_t c = 0; c < head.columns; c++)
            printf(c > 0 ? ",%.9g" : "%.9g", (double)outputs[head.first + c]);
    }
    putchar('\n');
}

/* Room for ROWS_AT_ONCE rows. */
typedef struct predictions {
    float *outputs;
    int32_t *classes;
} predictions;

/* Stops early where standard output takes no more; ls_cli_flush then says so. */
static ls_status predict_rows(ls_predictor *predictor, int64_t rows, const float *inputs,
                              const predictions *space)
{
    int64_t width = ls_predictor_inputs(predictor), columns = ls_predictor_outputs(predictor);
    int heads = ls_predictor_head_count(predictor);
    print_header(predictor);
    for (int64_t row = 0; row < rows && !ferror(stdout); row += ROWS_AT_ONCE) {
        int64_t count = rows - row < ROWS_AT_ONCE ? rows - row : ROWS_AT_ONCE;
        ls_status status =
            ls_predictor_predict(predictor, count, inputs + row * width, space->outputs, space->classes);
        if (status != LS_OK) return status;
        for (int64_t n = 0; n < count; n++)
            print_row(predictor, space->outputs + n * columns, space->classes + n * heads);
    }
    return LS_OK;
}

static ls_status predict_file(ls_predictor *predictor, const char *data, const predictions *space)
{
    int64_t rows;
    float *inputs = NULL;
    ls_status status = ls_predictor_read(predictor, data, &rows, &inputs);
    if (status == LS_OK) status = predict_rows(predictor, rows, inputs, space);
    ls_predictor_free_rows(inputs);
    return status;
}

/* Rank 0 does it alone: its output is one stream. */
static ls_status predict(ls_cli *cli, const char *model, const char *data)
{
    ls_predictor *predictor = NULL;
    ls_status status = ls_predictor_load(cli->context, model, &predictor);
    if (status != LS_OK) return status;
    predictions space = {NULL, NULL};
    if (cli->speaks) {
        space.outputs = calloc((size_t)ls_predictor_outputs(predictor) * ROWS_AT_ONCE, sizeof *space.outputs);
        space.classes =
            calloc((size_t)ls_predictor_head_count(predictor) * ROWS_AT_ONCE, sizeof *space.classes);
        if (space.outputs && space.classes) {
            status = predict_file(predictor, data, &space);
        } else {
            snprintf(cli->message, sizeof cli->message, "no memory for the predictions");
            status = LS_ERROR_MEMORY;
        }
    }
    free(space.outputs);
    free(space.classes);
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
