/* Running a command from a test. */
#ifndef LS_TESTS_SUPPORT_RUN_H
#define LS_TESTS_SUPPORT_RUN_H

#include <stdbool.h>
#include <stddef.h>

/* Runs command in /bin/sh with nothing to read and puts what it writes to standard output and standard error,
   in the order of arrival, into output: at most size - 1 bytes and a NUL (the rest is read and dropped;
   output NULL with size 0: all is dropped). Returns the exit status, 128 + N if signal N ended it, -1 if it
   could not be started. Criterion's own environment is hidden from the command. */
int ls_test_run(const char *command, char *output, size_t size);

/* Whether the shell finds a program of this name. */
bool ls_test_program_exists(const char *name);

/* Whether the test runs under valgrind, which knows neither flush-to-zero nor other roundings nor the flags
   that fmaf of a C library without the instruction looks at. */
bool ls_test_in_valgrind(void);

#endif
