#include "train/update.h"

#include <math.h>
#include <string.h>

#include "train/host.h"
#include "train/step_run.h"

const float *ls_update_gradient(const ls_update_job *job, const ls_piece *piece, float *to)
{
    const ls_step *step = job->step;
    if (step->sums == NULL) return step->gradient + piece->first;
    const ls_parameter *parameter = &step->model->parameter[piece->parameter];
    int64_t columns = (parameter->columns + LS_LANES - 1) / LS_LANES * LS_LANES;
    step->kernels->exact_finish(step->scale[piece->parameter], job->terms, job->factor, piece->rows, columns,
                                step->sums + piece->first, parameter->ld, to, parameter->ld);
    for (int64_t row = 0; row < piece->rows; row++) {
        for (int64_t c = columns; c < parameter->ld; c++) to[row * parameter->ld + c] = 0;
    }
    return to;
}

/* Sums of floats still lack the factor, which the exact ones got when they were rounded. */
static double pending_factor(const ls_update_job *job)
{
    return job->step->recipe->training.reduce == 0 ? 1.0 : job->factor;
}

static const ls_optimizer_type *optimizer_of(const ls_step *step)
{
    return (const ls_optimizer_type *)step->recipe->optimizer.type;
}

/* The gradient of a piece, for the thread that has taken it. */
static const float *gradient_of(const ls_update_job *job, const ls_piece *piece, int thread)
{
    if (job->total != NULL) return job->total + piece->first;
    return ls_update_gradient(job, piece, job->step->space[thread].piece);
}

/* Sum of squares of a piece. */
static double norm_part(const ls_update_job *job, const ls_piece *piece, const float *gradient)
{
    double factor = pending_factor(job);
    return job->step->kernels->dot(piece->count, gradient, gradient) * (factor * factor);
}

/* What was found for each piece, from the ranks that found it. */
static void share_pieces(const ls_step *step, ls_team *team, int thread, void *array, size_t size)
{
    if (step->host != NULL) {
        ls_host_meet(step, team, thread);
        ls_host_gather(step, team, thread, array, size, step->host->piece);
    }
    ls_team_barrier(team);
}

/* The clipping factor of the whole gradient; also leaves the norm for the record. Every thread computes the
 * same. */
static double clip(ls_update_job *job, ls_team *team, int thread)
{
    ls_step *step = job->step;
    int index;
    while ((index = ls_update_take(job, team, &job->next_norm)) >= 0) {
        const ls_piece *piece = &step->plan.piece[index];
        step->norm_part[index] = norm_part(job, piece, gradient_of(job, piece, thread));
    }
    share_pieces(step, team, thread, step->norm_part, sizeof *step->norm_part);
    double sum = 0;
    for (int p = 0; p < step->plan.piece_count; p++) sum += step->norm_part[p];
    double norm = sqrt(sum), limit = step->recipe->training.clip_norm;
    if (thread == 0) step->gradient_norm = norm;
    return norm > limit ? limit / norm : 1.0;
}

/* The update of elements first.. of one parameter, or of several that share a rule. Each member is stored
 * where it is read: a structure that is put together and then copied by vectors would wait for its stores. */
static void set_update(const ls_update_job *job, int parameter, int64_t first, int64_t count,
                       const float *gradient, double scale, ls_update *update)
{
    const ls_step *step = job->step;
    const ls_parameter_rule *rule = &step->rule[parameter];
    update->kernels = step->kernels;
    update->count = count;
    update->w = step->parameters + first;
    update->gradient = gradient;
    update->learning_rate = job->learning_rate * rule->lr_factor;
    update->gradient_scale = scale * pending_factor(job);
    update->clip_value = step->recipe->training.clip_value;
    update->rule = rule;
    update->step = step->steps - step->skipped + 1;
    update->ratio = step->ratio == NULL ? 1 : step->ratio[parameter];
    for (int s = 0; s < LS_STATES_MAX; s++)
        update->state[s] = s < step->state_count ? step->state[s] + first : NULL;
}

/* Weights that other threads read in the forward pass lie in their caches as well, and a store would wait for
 * each of these to give up its line: they are made apart and written past the caches. (Ranks
 * that read each other's slices give up the lines themselves, train/host.h.) */
static bool is_shared(const ls_step *step, int parameter)
{
    enum { WORTH_IT = 16384 }; /* elements: fewer stay in the first-level cache */
    const ls_plan *plan = &step->plan;
    /* Units of the first node that only the thread reads which updates them, in ranges of its home. */
    bool own = plan->opens && parameter == 0 && plan->home_count == plan->threads && step->host == NULL &&
               step->sums == NULL && step->range_count > 0;
    return !own && plan->threads > 1 && step->model->arena_size >= WORTH_IT;
}

/* New weights of elements first.. of one parameter, or of several that share a rule. */
static void update_elements(const ls_update_job *job, int parameter, int64_t first, int64_t count,
                            const float *gradient, double scale)
{
    enum { TOGETHER = 4096 };
    float made[TOGETHER] __attribute__((aligned(64)));
    const ls_step *step = job->step;
    const ls_optimizer_type *type = optimizer_of(step);
    ls_update update;
    if (!is_shared(step, parameter)) {
        set_update(job, parameter, first, count, gradient, scale, &update);
        type->update(step->recipe->optimizer.options, &update);
        return;
    }
    for (int64_t i = 0; i < count; i += TOGETHER) {
        const int64_t part = count - i < TOGETHER ? count - i : TOGETHER;
        float *w = step->parameters + first + i;
        set_update(job, parameter, first + i, part, gradient + i, scale, &update);
        update.w = memcpy(made, w, (size_t)part * sizeof *w);
        type->update(step->recipe->optimizer.options, &update);
        step->kernels->stream(made, w, part);
    }
}

static bool is_frozen(const ls_step *step, const ls_piece *piece)
{
    return step->rule[piece->parameter].lr_factor == 0;
}

/* The sums over pieces in their order, and what the optimiser makes of them. */
static void find_ratios(ls_step *step)
{
    const ls_plan *plan = &step->plan;
    int index = 0;
    while (index < plan->piece_count) {
        int parameter = plan->piece[index].parameter;
        ls_squares sums = {0, 0};
        for (; index < plan->piece_count && plan->piece[index].parameter == parameter; index++) {
            sums.weight += step->squares[index].weight;
            sums.direction += step->squares[index].direction;
        }
        step->ratio[parameter] =
            optimizer_of(step)->ratio(step->recipe->optimizer.options, &step->rule[parameter], sums);
    }
}

/* The phase of optimisers that need norms of whole parameters. */
static void measure(ls_update_job *job, ls_team *team, int thread, double scale)
{
    ls_step *step = job->step;
    int index;
    while ((index = ls_update_take(job, team, &job->next_square)) >= 0) {
        const ls_piece *piece = &step->plan.piece[index];
        step->squares[index] = (ls_squares){0, 0};
        if (is_frozen(step, piece)) continue;
        ls_update update;
        set_update(job, piece->parameter, piece->first, piece->count, gradient_of(job, piece, thread), scale,
                   &update);
        step->squares[index] = optimizer_of(step)->squares(step->recipe->optimizer.options, &update);
    }
    share_pieces(step, team, thread, step->squares, sizeof *step->squares);
    if (thread == 0) find_ratios(step);
    ls_team_barrier(team);
}

static void limit_rows(const ls_update_job *job, const ls_piece *piece)
{
    const ls_step *step = job->step;
    double limit = step->rule[piece->parameter].max_norm;
    if (limit == 0) return;
    int64_t ld = piece->count / piece->rows;
    for (int64_t row = 0; row < piece->rows; row++)
        step->kernels->limit_norm(limit, ld, step->parameters + piece->first + row * ld);
}

static void update_piece(const ls_update_job *job, int index, int thread, double scale)
{
    ls_step *step = job->step;
    const ls_piece *piece = &step->plan.piece[index];
    bool frozen = is_frozen(step, piece);
    if (frozen && !job->measures) return;
    const float *gradient = gradient_of(job, piece, thread), *w = step->parameters + piece->first;
    if (job->measures) {
        ls_health_before(step->health, step->kernels, index, piece->count, w, gradient, pending_factor(job),
                         thread);
    }
    if (!frozen) {
        update_elements(job, piece->parameter, piece->first, piece->count, gradient, scale);
        limit_rows(job, piece);
    }
    if (job->measures) ls_health_after(step->health, index, piece->count, w, thread);
}

/* The gradient lies in an arena, and nothing is to be measured. */
static void update_ranges(ls_update_job *job, const ls_team *team, int thread, double scale)
{
    const ls_step *step = job->step;
    const float *gradient = job->total != NULL ? job->total : step->gradient;
    int index;
    ls_home at = ls_home_of(step->plan.home_count, team, thread);
    while ((index = ls_home_take(&at, team, step->run->next_range, step->home_range)) >= 0) {
        const ls_update_range *range = &step->range[index];
        update_elements(job, range->parameter, range->first, range->count, gradient + range->first, scale);
    }
}

void ls_update_run(ls_update_job *job, ls_team *team, int thread)
{
    ls_step *step = job->step;
    double scale = step->recipe->training.clip_norm > 0 ? clip(job, team, thread) : 1.0;
    if (optimizer_of(step)->squares != NULL) measure(job, team, thread, scale);
    bool gradient_is_whole = step->sums == NULL || job->total != NULL;
    if (gradient_is_whole && step->range_count > 0 && !job->measures) {
        update_ranges(job, team, thread, scale);
        return;
    }
    int index;
    while ((index = ls_update_take(job, team, &job->next_piece)) >= 0)
        update_piece(job, index, thread, scale);
}
