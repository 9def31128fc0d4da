/* The help texts. */
#ifndef LS_CLI_HELP_H
#define LS_CLI_HELP_H

#include "cli/cli.h"

/* Prints the help of a sub-command, or the general one (NULL), to standard output. Returns the exit status. */
int ls_cli_help_print(const ls_cli *cli, const char *command);

#endif
