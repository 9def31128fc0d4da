/* Numbers of JSON records on standard output. */
#ifndef LS_CLI_JSON_H
#define LS_CLI_JSON_H

/* The shortest decimal text from which the same double is read; null for infinity and NaN. */
void ls_cli_json_number(const char *key, double value);

#endif
