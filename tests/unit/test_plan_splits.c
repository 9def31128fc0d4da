/* Groups of samples that threads share the tiles of convolutions in. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "nn/plan.h"
#include "support/written_model.h"

static ls_plan plan_of(const ls_model *model, int64_t batch, int64_t grain, int threads, bool by_samples)
{
    ls_plan plan;
    ls_plan_request request = {.model = model,
                               .batch = batch,
                               .grain = grain,
                               .ranks = 1,
                               .threads = threads,
                               .all_threads = true,
                               .by_samples = by_samples};
    cr_assert_eq(ls_plan_create(&request, &plan), LS_OK);
    return plan;
}

/* 64 positions an image: with a batch of 64, four groups of samples have 1,024 multiply-adds an element. */
static written_model convolutions(void)
{
    const ls_shape image = {.rank = 3, .dim = {16, 8, 8}};
    return write_model(
        "model:\n  - {repeat: 4, layers: [{type: conv2d, filters: 16, kernel: 3, padding: same}]}\n"
        "  - {type: dense, units: 10}\n",
        &image);
}

static int homes_with(const ls_plan *plan, int task)
{
    for (int h = plan->home_count - 1; h >= 0; h--)
        if (task >= plan->home_task[h]) return h;
    return -1;
}

/* Elements times groups: each is made once. */
static void expect_all_groups(const ls_plan *plan)
{
    const ls_model *model = plan->model;
    unsigned *seen = calloc((size_t)model->arena_size, sizeof *seen);
    for (int t = 0; t < plan->task_count; t++) {
        const ls_tile_task *task = &plan->task[t];
        const ls_parameter *parameter = &model->parameter[task->parameter];
        cr_assert(task->split >= 0 && task->split < task->splits);
        if (task->splits > 1) cr_assert(task->tile >= 0 && task->tile < plan->tile_count);
        for (int64_t r = task->first_row; r < task->first_row + task->rows; r++)
            for (int64_t c = task->first_column; c < task->first_column + task->columns; c++) {
                unsigned *element = &seen[parameter->offset + r * parameter->ld + c];
                cr_assert_not(*element & 1U << task->split, "twice");
                *element |= 1U << task->split;
            }
    }
    for (int p = 0; p < model->parameter_count; p++) {
        const ls_parameter *parameter = &model->parameter[p];
        for (int64_t r = 0; r < parameter->rows; r++)
            for (int64_t c = 0; c < parameter->columns; c++)
                cr_assert_eq(seen[parameter->offset + r * parameter->ld + c],
                             (1U << ls_plan_splits(plan, p)) - 1, "%s", parameter->name);
    }
    free(seen);
}

/* Tasks with the same number are the groups of one tile, and those of different tiles have different numbers.
 */
static void expect_tile_numbers(const ls_plan *plan)
{
    for (int a = 0; a < plan->task_count; a++)
        for (int b = 0; b < a; b++) {
            const ls_tile_task *x = &plan->task[a], *y = &plan->task[b];
            if (x->splits == 1 || y->splits == 1) continue;
            bool same = x->parameter == y->parameter && x->first_row == y->first_row &&
                        x->first_column == y->first_column;
            cr_assert_eq(same, x->tile == y->tile);
            cr_assert(!same || (x->rows == y->rows && x->columns == y->columns && x->splits == y->splits));
        }
}

Test(plan_splits, every_group_of_every_tile_is_a_task)
{
    written_model written = convolutions();
    const int threads[] = {1, 2, 3, 8, 64}, splits[] = {1, 2, 3, 4, 4};
    for (int i = 0; i < 5; i++) {
        ls_plan plan = plan_of(&written.model, 64, 8, threads[i], true);
        cr_expect_eq(plan.splits, splits[i], "%d threads: %d groups", threads[i], plan.splits);
        expect_all_groups(&plan);
        expect_tile_numbers(&plan);
        for (int t = 0; t < plan.task_count; t++) {
            const ls_tile_task *task = &plan.task[t];
            if (task->splits > 1)
                cr_expect_eq(homes_with(&plan, t), task->split * plan.home_count / task->splits);
        }
        ls_plan_free(&plan);
    }
    written_model_free(&written);
}

/* Sums of one group lie behind each other, without gaps between those of the rows. */
Test(plan_splits, sums_have_places_of_their_own)
{
    written_model written = convolutions();
    ls_plan plan = plan_of(&written.model, 64, 8, 2, true);
    int64_t next = 0;
    for (int p = 0; p < written.model.parameter_count; p++) {
        if (ls_plan_splits(&plan, p) == 1) continue;
        cr_expect_eq(plan.split_place[p], next);
        next += written.model.parameter[p].rows * written.model.parameter[p].ld;
    }
    cr_expect_gt(next, 0);
    cr_expect_eq(plan.split_elements, next);
    ls_plan_free(&plan);
    written_model_free(&written);
}

Test(plan_splits, there_are_none_where_they_do_not_pay_or_must_not_be)
{
    written_model written = convolutions();
    ls_plan floats = plan_of(&written.model, 64, 8, 8, false);
    cr_expect_eq(floats.splits, 1, "float sums depend on their order");
    ls_plan small = plan_of(&written.model, 16, 8, 8, true);
    cr_expect_eq(small.splits, 1, "1,024 multiply-adds an element in all");
    ls_plan coarse = plan_of(&written.model, 64, 32, 8, true);
    cr_expect_eq(coarse.splits, 2, "as many as grains");
    ls_plan_free(&floats);
    ls_plan_free(&small);
    ls_plan_free(&coarse);
    written_model_free(&written);
}
