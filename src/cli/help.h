/* The help texts. */
#ifndef LS_CLI_HELP_H
#define LS_CLI_HELP_H

#include <stdio.h>
#include "cli/cli.h"

/* Prints what sub-commands there are. */
void ls_cli_help_general(FILE *to);

/* Prints the help of a sub-command, or the general one (NULL), to standard output. Returns the exit status.
 */
int ls_cli_help_print(const ls_cli *cli, const char *command);

#endif
