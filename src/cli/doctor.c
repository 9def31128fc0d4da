/* lockstep doctor */
#include <stddef.h>
#include "cli/cli.h"
#include "cli/options.h"

int ls_cli_doctor(ls_cli *cli, int count, char **words)
{
    int code, threads = 0;
    const ls_cli_option options[] = {
        {"--threads", LS_CLI_NUMBER, &threads, 1, 1024},
        {NULL, LS_CLI_FLAG, NULL, 0, 0},
    };
    if (!ls_cli_options_parse(cli, options, "none", 0, 0, &count, words, &code)) return code;
    ls_status status = ls_cli_start(cli, threads);
    if (status == LS_OK) status = ls_doctor(cli->context, ls_cli_print_line, NULL);
    return status == LS_OK ? LS_EXIT_OK : ls_cli_fail(cli, status);
}
