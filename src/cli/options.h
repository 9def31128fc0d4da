/* The options of the sub-commands: long names, with the value after "=" or as the next word. */
#ifndef LS_CLI_OPTIONS_H
#define LS_CLI_OPTIONS_H

#include "cli/cli.h"

typedef enum ls_cli_option_kind {
    LS_CLI_FLAG,   /* bool: no value */
    LS_CLI_NUMBER, /* int within minimum and maximum */
    LS_CLI_TEXT,   /* const char *: the last one holds */
    LS_CLI_TEXTS   /* ls_cli_texts: each adds one */
} ls_cli_option_kind;

typedef struct ls_cli_texts {
    const char **text; /* room for as many as there are words; owned by the caller of the parser */
    int count;
} ls_cli_texts;

typedef struct ls_cli_option {
    const char *name; /* with its "--" */
    ls_cli_option_kind kind;
    void *target;
    int minimum, maximum;
} ls_cli_option;

/* Takes the options, ended by a NULL name, out of words and leaves the operands at their front. operands
   names them for messages ("MODEL [DATA]"), minimum and maximum say how many there may be. True: go on with
   *count operands. False: leave with *code, after --help or a message. */
bool ls_cli_options_parse(const ls_cli *cli, const ls_cli_option *options, const char *operands, int minimum,
                          int maximum, int *count, char **words, int *code);

#endif
