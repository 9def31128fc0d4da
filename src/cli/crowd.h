/* Ranks that share cores. */
#ifndef LS_CLI_CROWD_H
#define LS_CLI_CROWD_H

/* Where the launcher put more ranks on this host than this process has cores, a rank that waits must leave
   the core to the others: Open MPI polls without pause unless it is told so in the environment before
   MPI_Init. What the user has set stays. */
void ls_cli_yield_where_crowded(void);

#endif
