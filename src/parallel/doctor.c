/* What `lockstep doctor` says. */
#include <lockstep/lockstep.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "math/kernels.h"
#include "math/sgemm_reference.h"
#include "parallel/agree.h"
#include "parallel/context.h"
#include "parallel/launcher.h"
#include "parallel/placement.h"

enum { DOCTOR_LINE = 1024 };

typedef struct printer {
    ls_line_function line;
    void *user;
} printer;

static void say(const printer *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const printer *to, const char *format, ...)
{
    char text[DOCTOR_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    to->line(to->user, text);
}

static const char *compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

static void say_software(const printer *to)
{
    char library[256];
    ls_launcher_library(library, sizeof library);
    say(to, "Lockstep      %s", ls_version());
    say(to, "compiler      %s", compiler());
    say(to, "MPI           %s", library);
    say(to, "yardstick     %s", ls_sgemm_reference_version());
    say(to, "instructions  %s", ls_kernels_get()->name);
    say(to, "fingerprint   %s", ls_fingerprint());
}

static void say_layout(const printer *to, const ls_context *context)
{
    int ranks = ls_context_size(context), nodes = ls_comm_nodes(context->comm);
    const char *start =
        ls_launcher_present() ? "started by an MPI launcher" : "not started by an MPI launcher";
    say(to, "layout        %d rank%s on %d node%s, %s", ranks, ranks == 1 ? "" : "s", nodes,
        nodes == 1 ? "" : "s", start);
}

static void say_place(const printer *to, const ls_place *place)
{
    char cores[LS_CORES_TEXT];
    ls_cores set;
    ls_place_cores(place, &set);
    ls_cores_describe(&set, cores, sizeof cores);
    int bound = ls_cores_count(&set);
    say(to, "rank %-8d host %s, %d thread%s, may use core%s %s%s of %d", place->rank, place->host,
        place->threads, place->threads == 1 ? "" : "s", bound == 1 ? "" : "s", cores,
        place->cores < bound ? " (limited by its control group)" : "", place->online);
}

static ls_status collect_kernels(ls_comm *comm, const char *mine, char **mixed)
{
    char *all;
    size_t *sizes;
    *mixed = NULL;
    LS_TRY(ls_agree(comm, ls_comm_gather_all(comm, mine, strlen(mine), &all, &sizes)));
    const char *one = all;
    ls_status status = LS_OK;
    for (int rank = 0; rank < ls_comm_size(comm) && *mixed == NULL && status == LS_OK;
         one += sizes[rank], rank++) {
        if (sizes[rank] == sizes[0] && memcmp(one, all, sizes[0]) == 0) continue;
        *mixed = ls_format("instructions  rank %d (host %s) uses %.*s: same bits, other speed", rank,
                           ls_comm_host(comm, rank), (int)sizes[rank], one);
        if (*mixed == NULL) status = LS_ERROR_MEMORY;
    }
    ls_free(all);
    ls_free(sizes);
    return ls_agree(comm, status);
}

static void say_all(const printer *to, const ls_context *context, const ls_placement *placement,
                    const char *mixed)
{
    say_software(to);
    if (mixed != NULL) say(to, "%s", mixed);
    say_layout(to, context);
    for (int rank = 0; rank < placement->size; rank++) say_place(to, &placement->place[rank]);
    if (context->warning != NULL)
        say(to, "warning: %s", context->warning);
    else
        say(to, "all is well");
}

ls_status ls_doctor(ls_context *context, ls_line_function line, void *user)
{
    if (context == NULL || line == NULL)
        return ls_error(LS_ERROR_ARGUMENT, "ls_doctor: context or line is NULL");
    const printer to = {line, user};
    ls_placement placement;
    char *mixed = NULL;
    ls_status status = ls_placement_gather(context->comm, context->threads, &placement);
    if (status == LS_OK) status = collect_kernels(context->comm, ls_kernels_get()->name, &mixed);
    if (status == LS_OK && ls_context_rank(context) == 0) say_all(&to, context, &placement, mixed);
    ls_placement_free(&placement);
    ls_free(mixed);
    return status;
}
