#include "train/whole_batch.h"

#include <math.h>

#include "base/memory.h"
#include "parallel/agree.h"
#include "train/trainer.h"

static const ls_whole_batch *whole_of(const ls_recipe *recipe)
{
    return ((const ls_optimizer_type *)recipe->optimizer.type)->whole;
}

bool ls_whole_wanted(const ls_recipe *recipe)
{
    return whole_of(recipe) != NULL;
}

const char *ls_convergence_text(int64_t convergence)
{
    static const char *const text[] = {
        [LS_CONVERGENCE_NONE] = NULL,
        [LS_CONVERGENCE_GRADIENT] = "the gradient is within optimizer.tolerance_gradient",
        [LS_CONVERGENCE_CHANGE] = "the last step changed no more than optimizer.tolerance_change",
        [LS_CONVERGENCE_PRECISION] = "no step lowers the loss as far as float32 can tell",
    };
    return text[convergence];
}

ls_status ls_whole_check(const ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    const ls_training_options *training = &recipe->training;
    const char *name = recipe->optimizer.type->name, *wrong = NULL;
    if (!ls_whole_wanted(recipe)) return LS_OK;
    if (((const ls_source_type *)recipe->data.type)->pushed)
        wrong = "needs the same rows in every step, which there are not where data.type is push";
    else if (training->batch != 0)
        wrong = "works on all rows at once: expected training.batch: 0";
    else if (training->clip_norm > 0 || training->clip_value > 0)
        wrong = "does not clip gradients: expected training.clip_norm and training.clip_value to be 0";
    else if (training->reduce != 0)
        wrong = "needs exact sums: expected training.reduce: exact";
    for (int p = 0; p < trainer->model.parameter_count && wrong == NULL; p++) {
        if (trainer->model.parameter[p].untrained)
            wrong = "cannot keep running statistics, of which each evaluation would change some: leave out "
                    "layers like batch_norm, or take layer_norm";
    }
    if (wrong == NULL) return LS_OK;
    return ls_error(LS_ERROR_RECIPE, "%s: optimizer %s %s",
                    ls_recipe_place(recipe, recipe->optimizer.line, recipe->optimizer.column), name, wrong);
}

ls_status ls_whole_create(ls_trainer *trainer)
{
    const ls_recipe *recipe = trainer->recipe;
    const ls_whole_batch *type = whole_of(recipe);
    size_t size = (size_t)trainer->model.arena_size;
    if (type == NULL) return LS_OK;
    ls_whole_state *whole = trainer->whole = ls_alloc(1, sizeof *whole);
    if (whole == NULL) return LS_ERROR_MEMORY;
    whole->states = type->states(recipe->optimizer.options);
    int vectors = type->vectors(recipe->optimizer.options);
    whole->vector = ls_alloc((size_t)vectors, sizeof *whole->vector);
    if (whole->vector == NULL) return LS_ERROR_MEMORY;
    for (; whole->vectors < vectors; whole->vectors++) {
        whole->vector[whole->vectors] = ls_alloc(size, sizeof(float));
        if (whole->vector[whole->vectors] == NULL) return LS_ERROR_MEMORY;
    }
    ls_score_clear(&whole->score);
    return LS_OK;
}

void ls_whole_free(ls_trainer *trainer)
{
    ls_whole_state *whole = trainer->whole;
    if (whole == NULL) return;
    for (int v = 0; v < whole->vectors; v++) ls_free(whole->vector[v]);
    ls_free(whole->vector);
    ls_free(whole);
    trainer->whole = NULL;
}

/* The penalty of weight decay belongs to the function and to its gradient; parameters that do not change have
 * no gradient. Returns the penalty. */
static double regularise(const ls_step *step)
{
    double penalty = 0;
    for (int p = 0; p < step->model->parameter_count; p++) {
        const ls_parameter *parameter = &step->model->parameter[p];
        const ls_parameter_rule *rule = &step->rule[p];
        int64_t count = parameter->rows * parameter->ld;
        const float *w = step->parameters + parameter->offset;
        float *gradient = step->total + parameter->offset;
        if (rule->lr_factor == 0) {
            for (int64_t i = 0; i < count; i++) gradient[i] = 0;
        } else if (rule->weight_decay > 0) {
            penalty += 0.5 * rule->weight_decay * step->kernels->dot(count, w, w);
            step->kernels->add_scaled((float)rule->weight_decay, count, w, gradient);
        }
    }
    return penalty;
}

typedef struct evaluation {
    ls_trainer *trainer;
    ls_score score; /* at the weights of the last evaluation */
} evaluation;

/* All rows in their order, whatever training.shuffle says: the function must be the same each time. */
static ls_status evaluate(void *user, double *value)
{
    evaluation *e = user;
    ls_trainer *trainer = e->trainer;
    ls_step *step = &trainer->step;
    ls_step_call call = {
        .rows = {.data = &trainer->train,
                 .normalisation = &trainer->normalisation,
                 .count = trainer->train.rows,
                 .augment = ls_trainer_augment(trainer),
                 .seed = (uint64_t)trainer->recipe->seed},
        .gradient_only = true,
    };
    LS_TRY(ls_step_run(step, &call));
    LS_TRY(ls_step_score(step, &e->score));
    *value = INFINITY;
    if (!call.finite) return LS_OK;
    double loss = ls_score_loss(&e->score, trainer->recipe, 1) + regularise(step);
    if (isfinite(loss)) *value = loss;
    return LS_OK;
}

/* What the ranks bring to the step: a failure, the wish to stop. */
static ls_status agree(const ls_trainer *trainer, ls_step_call *call)
{
    ls_comm *comm = trainer->step.comm;
    uint32_t wish = (uint32_t)call->wish;
    LS_TRY(ls_agree(comm, call->status));
    LS_TRY(ls_comm_reduce(comm, LS_MAX_UINT32, &wish, 1));
    call->wish = (ls_wish)wish;
    return LS_OK;
}

static ls_status iterate(ls_trainer *trainer, double learning_rate, ls_convergence *convergence)
{
    ls_whole_state *whole = trainer->whole;
    ls_step *step = &trainer->step;
    evaluation e = {.trainer = trainer, .score = whole->score};
    ls_function function = {
        .evaluate = evaluate,
        .user = &e,
        .kernels = step->kernels,
        .size = trainer->model.arena_size,
        .w = step->parameters,
        .gradient = step->total,
    };
    ls_iteration iteration = {
        .function = &function,
        .vector = whole->vector,
        .number = whole->number,
        .learning_rate = learning_rate,
        .value = whole->value,
        .known = whole->known,
    };
    whole->known = false;
    LS_TRY(whole_of(trainer->recipe)->iterate(trainer->recipe->optimizer.options, &iteration));
    /* A step that found nothing went back to where it was; its score was that of a trial. */
    if (iteration.convergence == LS_CONVERGENCE_PRECISION) {
        double value;
        LS_TRY(evaluate(&e, &value));
    }
    step->gradient_norm = sqrt(step->kernels->dot(function.size, step->total, step->total));
    whole->known = true;
    whole->value = iteration.value;
    whole->score = e.score;
    *convergence = iteration.convergence;
    return LS_OK;
}

ls_status ls_whole_step(ls_trainer *trainer, ls_step_call *call)
{
    ls_convergence convergence = LS_CONVERGENCE_NONE;
    LS_TRY(agree(trainer, call));
    LS_TRY(iterate(trainer, call->learning_rate, &convergence));
    trainer->step.steps++;
    trainer->carried = trainer->whole->score;
    trainer->decisions.convergence = convergence;
    if (convergence != LS_CONVERGENCE_NONE) trainer->decisions.ended = LS_ENDING_CONVERGED;
    return LS_OK;
}
