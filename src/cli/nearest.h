/* Which known word was probably meant. */
#ifndef LS_CLI_NEAREST_H
#define LS_CLI_NEAREST_H

/* candidate if it is near enough to word and nearer than best (NULL: none yet), otherwise best. */
const char *ls_cli_nearer(const char *word, const char *candidate, const char *best);

#endif
