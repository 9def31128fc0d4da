/* The command lockstep: finds the sub-command and starts and ends MPI around it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <lockstep/mpi.h>
#include "cli/cli.h"
#include "cli/crowd.h"
#include "cli/help.h"
#include "cli/nearest.h"

const ls_cli_command ls_cli_commands[] = {
    {"train", "train a model as a recipe says", ls_cli_train},
    {"eval", "loss and metrics of a trained model", ls_cli_eval},
    {"predict", "what a trained model says of the rows of a file, as CSV", ls_cli_predict},
    {"inspect", "describe a recipe, a model or a checkpoint", ls_cli_inspect},
    {"bench", "measure the speed of training on this machine", ls_cli_bench},
    {"doctor", "show how ranks and threads are placed, and what is wrong with it", ls_cli_doctor},
    {"help", "explain a sub-command", ls_cli_help},
    {NULL, NULL, NULL},
};

/* The number that a launcher put into the environment under one of these names, -1 if none did. */
static int launcher_number(const char *const *names)
{
    for (; *names; names++) {
        const char *text = getenv(*names);
        char *end;
        if (!text || *text == '\0') continue;
        long number = strtol(text, &end, 10);
        if (*end == '\0' && number >= 0 && number < 1 << 30) return (int)number;
    }
    return -1;
}

/* Before MPI is started only the environment tells the ranks apart; one of them is to print. */
static bool is_first_process(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID",
                                        NULL};
    return !ls_launcher_present() || launcher_number(names) <= 0;
}

static ls_status fail_mpi(ls_cli *cli, const char *what, int code)
{
    char reason[MPI_MAX_ERROR_STRING] = "unknown error";
    int length;
    MPI_Error_string(code, reason, &length);
    snprintf(cli->message, sizeof cli->message, "%s: %s", what, reason);
    return LS_ERROR_PARALLEL;
}

/* A launcher of another MPI starts processes that do not find each other: each would train alone. */
static ls_status check_size(ls_cli *cli, int size)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", NULL};
    int started = launcher_number(names);
    if (size > 1 || started <= 1) return LS_OK;
    snprintf(
        cli->message, sizeof cli->message,
        "the launcher started %d processes, but each sees itself alone: it belongs to another MPI than the "
        "one that lockstep was built with (with srun, try --mpi=pmix or --mpi=pmi2)",
        started);
    return LS_ERROR_PARALLEL;
}

static ls_status start_mpi(ls_cli *cli)
{
    int provided, rank, size, code;
    ls_cli_yield_where_crowded();
    code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (code != MPI_SUCCESS) return fail_mpi(cli, "MPI cannot be started", code);
    cli->mpi = true;
    code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS) code = MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (code == MPI_SUCCESS) code = MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (code != MPI_SUCCESS) return fail_mpi(cli, "MPI does not know its ranks", code);
    ls_status status = check_size(cli, size);
    if (status != LS_OK) return status;
    cli->speaks = rank == 0;
    if (provided >= MPI_THREAD_FUNNELED) return LS_OK;
    snprintf(cli->message, sizeof cli->message, "this MPI was built without threads (MPI_THREAD_FUNNELED)");
    return LS_ERROR_PARALLEL;
}

ls_status ls_cli_start(ls_cli *cli, int threads)
{
    if (!ls_launcher_present()) return ls_context_create(threads, &cli->context);
    ls_status status = start_mpi(cli);
    if (status != LS_OK) return status;
    return ls_context_create_mpi(MPI_COMM_WORLD, threads, &cli->context);
}

ls_status ls_cli_agree(ls_cli *cli, ls_status mine)
{
    if (!cli->mpi) return mine;
    int rank = ls_context_rank(cli->context), size = ls_context_size(cli->context);
    int first, failing = mine == LS_OK ? size : rank, status = mine;
    int code = MPI_Allreduce(&failing, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (code == MPI_SUCCESS && first == size) return LS_OK;
    if (first == rank && cli->message[0] != '\0') {
        ; /* the command's own */
    } else if (first == rank && rank == 0) {
        snprintf(cli->message, sizeof cli->message, "%s", ls_error_message());
    } else if (first == rank) {
        snprintf(cli->message, sizeof cli->message, "rank %d: %s", rank, ls_error_message());
    }
    if (code == MPI_SUCCESS) code = MPI_Bcast(&status, 1, MPI_INT, first, MPI_COMM_WORLD);
    if (code == MPI_SUCCESS) {
        code = MPI_Bcast(cli->message, sizeof cli->message, MPI_CHAR, first, MPI_COMM_WORLD);
    }
    if (code != MPI_SUCCESS) return fail_mpi(cli, "the ranks cannot agree on a failure", code);
    return (ls_status)status;
}

static volatile sig_atomic_t code_at_alarm;

static void leave_at_once(int signal_number)
{
    (void)signal_number;
    _exit(code_at_alarm);
}

/* After a failure other ranks may be gone, and MPI would wait for them for ever. A launcher that ends the job
   because of the first that left need not wait, either: all that was to be written is written. */
static void limit_time(int code)
{
    struct sigaction action = {.sa_handler = leave_at_once};
    code_at_alarm = code;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    alarm(3);
}

/* Rank 0 alone writes, so it alone may have failed at the end; all ranks leave with the same status. */
static int agree_code(int code)
{
    int worst = code;
    return MPI_Allreduce(&code, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD) == MPI_SUCCESS ? worst : code;
}

static int finish(ls_cli *cli, int code)
{
    code = ls_cli_flush(cli, code);
    if (cli->mpi && code != LS_EXIT_OK) limit_time(code);
    if (cli->mpi && cli->context) code = agree_code(code);
    ls_context_free(cli->context);
    if (cli->mpi) MPI_Finalize();
    return code;
}

static void stop_training(int signal_number)
{
    (void)signal_number;
    ls_request_stop();
}

void ls_cli_catch_signals(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction action = {.sa_handler = stop_training, .sa_flags = SA_RESTART};
        if (signals[i] == SIGINT) action.sa_flags |= SA_RESETHAND;
        sigaction(signals[i], &action, NULL);
    }
}

static int refuse_command(const ls_cli *cli, const char *word)
{
    const char *best = NULL;
    size_t length = strlen(word);
    for (const ls_cli_command *command = ls_cli_commands; command->name; command++) {
        best = ls_cli_nearer(word, command->name, best);
    }
    if (best) return ls_cli_misuse(cli, "unknown sub-command '%s'; did you mean '%s'?", word, best);
    if ((length > 5 && strcmp(word + length - 5, ".yaml") == 0) ||
        (length > 4 && strcmp(word + length - 4, ".yml") == 0)) {
        return ls_cli_misuse(cli, "unknown sub-command '%s'; to train a recipe: lockstep train %s", word,
                             word);
    }
    return ls_cli_misuse(cli, "unknown sub-command '%s'", word);
}

static int dispatch(ls_cli *cli, int count, char **words)
{
    if (count < 2) {
        if (cli->speaks) ls_cli_help_general(stderr);
        return LS_EXIT_USAGE;
    }
    const char *word = words[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return ls_cli_help(cli, 0, NULL);
    if (strcmp(word, "--version") == 0) {
        if (cli->speaks) printf("lockstep %s\n", ls_version());
        return LS_EXIT_OK;
    }
    if (word[0] == '-') return ls_cli_misuse(cli, "unknown option '%s' before the sub-command", word);
    for (const ls_cli_command *command = ls_cli_commands; command->name; command++) {
        if (strcmp(word, command->name) != 0) continue;
        cli->command = command->name;
        return command->run(cli, count - 2, words + 2);
    }
    return refuse_command(cli, word);
}

int main(int argc, char **argv)
{
    /* A pipe that nobody reads is an error of writing like any other; under a launcher the pipes close first
       when a job is stopped, and a checkpoint is still to be written. */
    signal(SIGPIPE, SIG_IGN);
    ls_cli cli = {.program = argc > 0 && argv[0][0] != '\0' ? argv[0] : "lockstep",
                  .speaks = is_first_process()};
    return finish(&cli, dispatch(&cli, argc, argv));
}
