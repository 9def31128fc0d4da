#include "parallel/context.h"

#include "base/memory.h"
#include "parallel/agree.h"
#include "parallel/context_private.h"
#include "parallel/team.h"

volatile int ls_stop_requested;

ls_status ls_context_check_threads(int threads)
{
    if (threads >= 0 && threads <= LS_THREADS_MAX) return LS_OK;
    return ls_error(LS_ERROR_ARGUMENT,
                    "%d threads: give 1 to %d, or 0 for all cores that the process may use", threads,
                    LS_THREADS_MAX);
}

static ls_status place_threads(ls_context *context, int threads, bool launched)
{
    ls_placement placement;
    ls_status status = ls_placement_gather(context->comm, threads, &placement);
    if (status == LS_OK) {
        context->threads = placement.place[ls_comm_rank(context->comm)].threads;
        ls_team_set_crowded(ls_placement_is_crowded(&placement));
        status = ls_placement_warn(&placement, launched, &context->warning);
    }
    ls_placement_free(&placement);
    return ls_agree(context->comm, status);
}

ls_status ls_context_create_over(ls_comm *comm, int threads, bool launched, ls_context **context)
{
    ls_context *made = ls_alloc(1, sizeof *made);
    ls_status status = ls_agree(comm, made == NULL ? LS_ERROR_MEMORY : ls_context_check_threads(threads));
    if (status == LS_OK) {
        made->comm = comm;
        status = place_threads(made, threads, launched);
    }
    if (status != LS_OK) {
        if (made != NULL) ls_free(made->warning);
        ls_free(made);
        made = NULL;
    }
    *context = made;
    return status;
}

ls_status ls_context_create(int threads, ls_context **context)
{
    if (context == NULL) return ls_error(LS_ERROR_ARGUMENT, "ls_context_create: context is NULL");
    ls_comm *comm;
    *context = NULL;
    LS_TRY(ls_context_check_threads(threads));
    LS_TRY(ls_comm_create_solo(&comm));
    ls_status status = ls_context_create_over(comm, threads, ls_launcher_present(), context);
    if (status != LS_OK) ls_comm_free(comm);
    return status;
}

void ls_context_free(ls_context *context)
{
    if (context == NULL) return;
    ls_comm_free(context->comm);
    ls_free(context->warning);
    ls_free(context);
}

int ls_context_rank(const ls_context *context)
{
    return ls_comm_rank(context->comm);
}

int ls_context_size(const ls_context *context)
{
    return ls_comm_size(context->comm);
}

int ls_context_threads(const ls_context *context)
{
    return context->threads;
}

const char *ls_context_warning(ls_context *context)
{
    return context->warning;
}

void ls_request_stop(void)
{
    ls_stop_requested = 1;
}
