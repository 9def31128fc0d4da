/* What all sub-commands share: who prints, the context they run in, and how they fail. */
#ifndef LS_CLI_CLI_H
#define LS_CLI_CLI_H

#include <stdbool.h>
#include <lockstep/lockstep.h>

enum { LS_EXIT_OK = 0, LS_EXIT_FAILED = 1, LS_EXIT_USAGE = 2, LS_EXIT_INTERRUPTED = 75 };
enum { LS_CLI_MESSAGE_SIZE = 2304 };

typedef struct ls_cli {
    const char *program;               /* how the user calls this command, for lines to copy */
    const char *command;               /* the sub-command's name, NULL before it is known */
    bool speaks;                       /* whether this process prints: alone, or rank 0 */
    bool mpi;                          /* whether MPI was started */
    ls_context *context;               /* NULL before ls_cli_start */
    char message[LS_CLI_MESSAGE_SIZE]; /* of an agreed failure; empty: ls_error_message() holds */
} ls_cli;

typedef struct ls_cli_command {
    const char *name, *summary;
    int (*run)(ls_cli *cli, int count, char **words); /* words after the name; returns the exit status */
} ls_cli_command;

extern const ls_cli_command ls_cli_commands[]; /* ended by a NULL name */

int ls_cli_train(ls_cli *cli, int count, char **words);
int ls_cli_eval(ls_cli *cli, int count, char **words);
int ls_cli_predict(ls_cli *cli, int count, char **words);
int ls_cli_inspect(ls_cli *cli, int count, char **words);
int ls_cli_bench(ls_cli *cli, int count, char **words);
int ls_cli_doctor(ls_cli *cli, int count, char **words);
int ls_cli_help(ls_cli *cli, int count, char **words);

/* Starts MPI where a launcher started this process, and makes cli->context. Collective; all ranks get the
   same status. */
ls_status ls_cli_start(ls_cli *cli, int threads);
/* All ranks get LS_OK, or the status and message of the first rank that failed. Collective. */
ls_status ls_cli_agree(ls_cli *cli, ls_status mine);

/* Prints the message of a failure and returns the exit status that belongs to it. */
int ls_cli_fail(const ls_cli *cli, ls_status status);
/* Prints a message about wrong usage with a pointer to the help; returns LS_EXIT_USAGE. */
int ls_cli_misuse(const ls_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
int ls_cli_exit_status(ls_status status);
/* Writes out what standard output still holds. code, or LS_EXIT_FAILED with a message if it cannot be
 * written.
 */
int ls_cli_flush(const ls_cli *cli, int code);
/* An ls_line_function that prints to standard output. */
void ls_cli_print_line(void *user, const char *line);

/* Whatever asks the process to end then makes the training stop after the step at hand; a second SIGINT ends
   the process at once. */
void ls_cli_catch_signals(void);

#endif
