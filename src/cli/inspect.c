/* lockstep inspect RECIPE|MODEL|CHECKPOINT */
#include <stddef.h>
#include "cli/cli.h"
#include "cli/options.h"

int ls_cli_inspect(ls_cli *cli, int count, char **words)
{
    int code;
    const ls_cli_option options[] = {{NULL, LS_CLI_FLAG, NULL, 0, 0}};
    if (!ls_cli_options_parse(cli, options, "RECIPE|MODEL|CHECKPOINT", 1, 1, &count, words, &code))
        return code;
    if (!cli->speaks) return LS_EXIT_OK; /* one process is enough, and MPI is not needed */
    ls_status status = ls_inspect(words[0], ls_cli_print_line, NULL);
    return status == LS_OK ? LS_EXIT_OK : ls_cli_fail(cli, status);
}
