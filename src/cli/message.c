/* Messages of the command, exit statuses, and standard output. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"

int ls_cli_exit_status(ls_status status)
{
    switch (status) {
    case LS_OK: return LS_EXIT_OK;
    case LS_ERROR_ARGUMENT:
    case LS_ERROR_RECIPE: return LS_EXIT_USAGE;
    case LS_INTERRUPTED: return LS_EXIT_INTERRUPTED;
    default: return LS_EXIT_FAILED;
    }
}

/* "lockstep train: ", or "lockstep: " before the sub-command is known. */
static void print_name(const ls_cli *cli)
{
    fprintf(stderr, cli->command ? "lockstep %s: " : "lockstep: ", cli->command);
}

int ls_cli_fail(const ls_cli *cli, ls_status status)
{
    if (cli->speaks) {
        print_name(cli);
        fprintf(stderr, "%s\n", cli->message[0] ? cli->message : ls_error_message());
    }
    return ls_cli_exit_status(status);
}

int ls_cli_misuse(const ls_cli *cli, const char *format, ...)
{
    if (!cli->speaks) return LS_EXIT_USAGE;
    va_list arguments;
    print_name(cli);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, cli->command ? "\nSee 'lockstep %s --help'.\n" : "\nSee 'lockstep --help'.\n",
            cli->command);
    return LS_EXIT_USAGE;
}

int ls_cli_flush(const ls_cli *cli, int code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    int reason = errno;
    clearerr(stdout);
    if (code != LS_EXIT_OK) return code;
    print_name(cli);
    fprintf(stderr, "cannot write standard output: %s\n", reason ? strerror(reason) : "an earlier write failed");
    return LS_EXIT_FAILED;
}

void ls_cli_print_line(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
}
