/* Forward passes without training: scores and predictions. Each thread works in a panel of its own. */
#include <stdatomic.h>

#include "parallel/agree.h"
#include "train/step.h"

typedef struct forward_run {
    ls_step *step;
    ls_rows rows;
    float *outputs; /* NULL: score instead */
    int32_t *classes;
    atomic_llong next; /* first row that nobody has taken */
} forward_run;

/* The class of each sample for one head; -1 where it has none. */
static void store_classes(const ls_panel *panel, const forward_run *run, int h, int64_t begin, int64_t count)
{
    const ls_objective *objective = &run->step->objective;
    const ls_head *head = &objective->head[h];
    const ls_loss_type *type = ls_head_type(head);
    int32_t index[LS_PANEL_LANES_MAX];
    bool classifies = ls_head_classifies(head);
    if (classifies)
        type->classify(head->loss->options, panel->kernels, head->units, panel->lanes,
                       ls_panel_value(panel, head->tensor), index);
    for (int64_t n = 0; n < count; n++)
        run->classes[(begin + n) * objective->head_count + h] = classifies ? index[n] : -1;
}

/* Columns of all heads side by side. */
static void store(const ls_panel *panel, const forward_run *run, int64_t begin, int64_t count, int thread)
{
    const ls_objective *objective = &run->step->objective;
    int64_t width = ls_objective_all_units(objective), lanes = panel->lanes, first = 0;
    float *predicted = run->step->space[thread].batch.predicted;
    for (int h = 0; h < objective->head_count; h++) {
        const ls_head *head = &objective->head[h];
        const ls_loss_type *type = ls_head_type(head);
        const float *x = ls_panel_value(panel, head->tensor);
        if (run->classes != NULL) store_classes(panel, run, h, begin, count);
        type->predict(head->loss->options, panel->kernels, head->units, lanes, x, predicted);
        for (int64_t n = 0; n < count; n++) {
            for (int64_t u = 0; u < head->units; u++)
                run->outputs[(begin + n) * width + first + u] = predicted[u * lanes + n];
        }
        first += head->units;
    }
}

static void judge(const ls_panel *panel, const forward_run *run, int64_t begin, int64_t count, int thread)
{
    const ls_step *step = run->step;
    ls_thread_space *space = &step->space[thread];
    for (int h = 0; h < step->objective.head_count; h++) {
        const ls_head *head = &step->objective.head[h];
        ls_batch_targets(panel, head, &run->rows, begin, count, &space->batch);
        ls_batch_loss(panel, head, &run->rows, count, NULL, &space->batch, &space->score.head[h]);
        if (step->metrics != NULL)
            ls_batch_metrics(panel, head, begin, count, &space->batch, thread, &step->metrics[h]);
    }
    space->score.samples += count;
}

static void run_forward(ls_team *team, int thread, void *argument)
{
    (void)team;
    forward_run *run = argument;
    ls_step *step = run->step;
    const ls_plan *plan = &step->plan;
    ls_thread_space *space = &step->space[thread];
    ls_panel_use(&step->panel[thread], step->parameters);
    ls_panel panel = step->panel[thread];
    panel.largest = NULL;
    panel.packs_from = INT64_MAX; /* no gradients */
    panel.scratch = space->scratch;
    panel.pass = (ls_pass){.training = false};
    int64_t begin;
    while ((begin = atomic_fetch_add(&run->next, plan->lanes)) < run->rows.count) {
        int64_t rest = run->rows.count - begin, count = rest < plan->lanes ? rest : plan->lanes;
        panel.pass.first = begin;
        panel.pass.count = count;
        ls_batch_gather(&panel, &run->rows, begin, count, false);
        ls_panel_forward(&panel, 0, step->model->node_count);
        if (run->outputs != NULL)
            store(&panel, run, begin, count, thread);
        else
            judge(&panel, run, begin, count, thread);
    }
}

static int threads_for(const ls_step *step, int64_t rows)
{
    int64_t panels = (rows + step->plan.lanes - 1) / step->plan.lanes;
    if (step->plan.threads == 1 && panels < 8) return 1;
    return panels < step->threads ? (panels < 1 ? 1 : (int)panels) : step->threads;
}

ls_status ls_step_score(ls_step *step, ls_score *score)
{
    ls_score_clear(score);
    for (int t = 0; t < step->threads; t++) {
        ls_score_merge(score, &step->space[t].score, step->objective.head_count);
        ls_score_clear(&step->space[t].score);
    }
    if (ls_comm_size(step->comm) == 1) return LS_OK;
    size_t bytes = offsetof(ls_score, head);
    for (int h = 0; h < step->objective.head_count; h++) {
        ls_wide_normalise(&score->head[h].loss);
        ls_wide_normalise(&score->head[h].weight);
        bytes += sizeof score->head[h];
    }
    _Static_assert(sizeof(ls_head_score) % sizeof(int64_t) == 0, "a score is an array of 64-bit integers");
    return ls_comm_reduce(step->comm, LS_SUM_INT64, score, (int64_t)(bytes / sizeof(int64_t)));
}

static ls_status begin_metrics(ls_step *step, int64_t rows)
{
    ls_status status = LS_OK;
    for (int h = 0; h < step->objective.head_count && status == LS_OK; h++)
        status = ls_metric_set_begin(&step->metrics[h], rows);
    return ls_agree(step->comm, status);
}

ls_status ls_step_evaluate(ls_step *step, const ls_rows *rows, ls_score *score)
{
    forward_run run = {.step = step, .rows = *rows};
    int64_t rank = ls_comm_rank(step->comm), ranks = ls_comm_size(step->comm);
    int64_t begin = rows->count * rank / ranks, end = rows->count * (rank + 1) / ranks;
    run.rows.first += begin;
    run.rows.count = end - begin;
    if (step->metrics != NULL) LS_TRY(begin_metrics(step, run.rows.count));
    ls_team_run(threads_for(step, run.rows.count), run_forward, &run);
    LS_TRY(ls_step_score(step, score));
    for (int h = 0; step->metrics != NULL && h < step->objective.head_count; h++)
        LS_TRY(ls_metric_set_finish(&step->metrics[h], step->comm));
    return LS_OK;
}

void ls_step_predict(ls_step *step, const ls_rows *rows, float *outputs, int32_t *classes)
{
    forward_run run = {.step = step, .rows = *rows, .outputs = outputs, .classes = classes};
    ls_team_run(threads_for(step, rows->count), run_forward, &run);
}
