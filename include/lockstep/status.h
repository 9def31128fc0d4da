/* Status codes and messages. Every fallible function of Lockstep returns an ls_status. */
#ifndef LOCKSTEP_STATUS_H
#define LOCKSTEP_STATUS_H

#if defined(__GNUC__)
#define LS_API __attribute__((visibility("default")))
#else
#define LS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ls_status {
    LS_OK = 0,
    LS_ERROR_ARGUMENT, /* a call that the documentation forbids, a wrong option of the command */
    LS_ERROR_RECIPE,   /* the recipe is wrong: file:line:column in the message */
    LS_ERROR_DATA,     /* a data file is wrong or does not fit the recipe */
    LS_ERROR_IO,       /* the system refused to read or write */
    LS_ERROR_MEMORY,   /* the system refused memory */
    LS_ERROR_PARALLEL, /* MPI reported an error, or the ranks do not fit together */
    LS_ERROR_NUMERIC,  /* infinity or NaN in a step */
    LS_ERROR_REPLICA,  /* the ranks' parameters differ: broken hardware or a defect */
    LS_ERROR_STATE,    /* a run directory or checkpoint is not in the state that was asked for */
    LS_INTERRUPTED     /* stopped on request; a checkpoint was written */
} ls_status;

/* A short fixed English name such as "recipe error". Local. */
LS_API const char *ls_status_name(ls_status status);

/* The message that belongs to the last failure in the calling thread: what happened, where, what to do. Never
   NULL, without a trailing newline, valid until the next call of the library in this thread. Local. */
LS_API const char *ls_error_message(void);

#ifdef __cplusplus
}
#endif
#endif
