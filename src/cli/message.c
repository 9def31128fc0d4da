/* Messages of the command, exit statuses, and standard output. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"

int ls_cli_exit_status(ls_status status)
{
    switch (status) {
    case LS_OK:
        return LS_EXIT_OK;
    case LS_ERROR_ARGUMENT:
    case LS_ERROR_RECIPE:
        return LS_EXIT_USAGE;
    case LS_INTERRUPTED:
        return LS_EXIT_INTERRUPTED;
    default:
        return LS_EXIT_FAILED;
    }
}

int ls_cli_fail(const ls_cli *cli, ls_status status)
{
    if (cli->speaks) {
        fprintf(stderr, "lockstep: %s\n", cli->message[0] ? cli->message : ls_error_message());
    }
    return ls_cli_exit_status(status);
}

int ls_cli_misuse(const ls_cli *cli, const char *format, ...)
{
    if (!cli->speaks) return LS_EXIT_USAGE;
    va_list arguments;
    fputs("lockstep: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, cli->command ? " (see 'lockstep %s --help')\n" : " (see 'lockstep --help')\n",
            cli->command);
    return LS_EXIT_USAGE;
}

int ls_cli_flush(const ls_cli *cli, int code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    int reason = errno;
    clearerr(stdout);
    if (code != LS_EXIT_OK || !cli->speaks) return code;
    fprintf(stderr, "lockstep: cannot write standard output: %s\n",
            reason ? strerror(reason) : "an earlier write failed");
    return LS_EXIT_FAILED;
}

void ls_cli_print_line(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
}
