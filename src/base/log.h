/* Messages that are not errors. They go to one sink, by default standard error; never to standard output. */
#ifndef LS_BASE_LOG_H
#define LS_BASE_LOG_H

typedef enum ls_log_level { LS_LOG_WARNING, LS_LOG_INFO } ls_log_level;
typedef void (*ls_log_sink)(void *user, ls_log_level level, const char *message);

/* Replaces the sink; NULL restores the default (warnings to standard error, information nowhere). */
void ls_log_set_sink(ls_log_sink sink, void *user);
void ls_log(ls_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
