#include <criterion/criterion.h>
#include <stdlib.h>

#include <lockstep/recipe.h>
#include "io/recipe.h"
#include "nn/plan.h"
#include "support/written_model.h"

static const char network[] = "data: {type: push, inputs: 100, classes: 10}\n"
                              "model:\n"
                              "  - {type: dense, units: 300, activation: relu}\n"
                              "  - {type: dense, units: 70, activation: gelu}\n"
                              "  - {type: dense, units: 33, activation: tanh, bias: false}\n"
                              "  - {type: dense, units: 10}\n"
                              "loss: softmax_cross_entropy\n";

static ls_recipe *recipe;
static ls_model model;

static void set_up(void)
{
    ls_shape input = {.rank = 1, .dim = {100}};
    cr_assert_eq(ls_recipe_parse(network, "network", NULL, NULL, 0, &recipe), LS_OK, "%s",
                 ls_error_message());
    cr_assert_eq(ls_model_build(&recipe->model, &input, "network", &model), LS_OK, "%s", ls_error_message());
}

static void tear_down(void)
{
    ls_model_free(&model);
    ls_recipe_free(recipe);
}

TestSuite(plan, .init = set_up, .fini = tear_down);

static ls_plan plan_for(int64_t batch, int64_t grain, int ranks, int threads, int segments)
{
    ls_plan plan;
    ls_plan_request request = {.model = &model,
                               .batch = batch,
                               .grain = grain,
                               .ranks = ranks,
                               .threads = threads,
                               .segments = segments};
    cr_assert_eq(ls_plan_create(&request, &plan), LS_OK);
    return plan;
}

/* One rank that wakes all its threads, however little there is to do. */
static ls_plan plan_awake(const ls_model *of, int64_t batch, int threads)
{
    ls_plan plan;
    ls_plan_request request = {
        .model = of, .batch = batch, .ranks = 1, .threads = threads, .all_threads = true, .segments = 1};
    cr_assert_eq(ls_plan_create(&request, &plan), LS_OK);
    return plan;
}

Test(plan, shares_of_ranks_are_whole_grains_and_cover_the_batch)
{
    for (int64_t rows = 1; rows < 70; rows++) {
        for (int64_t grain = 1; grain <= 17; grain += 4) {
            for (int ranks = 1; ranks < 12; ranks++) {
                int64_t next = 0, first, count;
                for (int rank = 0; rank < ranks; rank++) {
                    ls_plan_share(rows, grain, rank, ranks, &first, &count);
                    cr_assert(count >= 0 && first == next, "rows %d", (int)rows);
                    cr_assert(first % grain == 0 || first == rows);
                    next = first + count;
                }
                cr_assert_eq(next, rows);
            }
        }
    }
}

/* Every element of the arena that belongs to a parameter is computed by exactly one task. */
static void expect_tasks_cover(const ls_plan *plan)
{
    const ls_model *all = plan->model;
    unsigned char *seen = calloc((size_t)all->arena_size, 1);
    for (int t = 0; t < plan->task_count; t++) {
        const ls_tile_task *task = &plan->task[t];
        const ls_parameter *parameter = &all->parameter[task->parameter];
        for (int64_t r = task->first_row; r < task->first_row + task->rows; r++) {
            for (int64_t c = task->first_column; c < task->first_column + task->columns; c++) {
                seen[parameter->offset + r * parameter->ld + c]++;
            }
        }
    }
    for (int p = 0; p < all->parameter_count; p++) {
        const ls_parameter *parameter = &all->parameter[p];
        for (int64_t r = 0; r < parameter->rows; r++) {
            for (int64_t c = 0; c < parameter->columns; c++) {
                cr_assert_eq(seen[parameter->offset + r * parameter->ld + c], 1, "%s %d %d", parameter->name,
                             (int)r, (int)c);
            }
        }
    }
    free(seen);
}

Test(plan, tasks_cover_every_weight_once_for_any_number_of_threads_and_segments)
{
    for (int threads = 1; threads <= 16; threads *= 2) {
        for (int segments = 1; segments <= 6; segments++) {
            ls_plan plan = plan_for(256, 0, 1, threads, segments);
            expect_tasks_cover(&plan);
            cr_assert(plan.segment_count >= 1 && plan.segment_count <= segments);
            cr_assert_eq(plan.first_node[plan.segment_count], model.node_count);
            cr_assert_eq(plan.first_element[plan.segment_count], model.arena_size);
            for (int t = 0; t < plan.task_count; t++) {
                int segment = plan.node_segment[plan.task[t].node];
                cr_assert(t >= plan.first_task[segment] && t < plan.first_task[segment + 1]);
            }
            ls_plan_free(&plan);
        }
    }
}

/* Tasks of convolutions: 4 tiles by Winograd's algorithm, and more and lower ones for more threads. */
Test(plan, tiles_of_convolutions_are_cut_for_many_threads)
{
    const ls_shape image = {.rank = 3, .dim = {16, 8, 8}};
    written_model written = write_model(
        "model:\n  - {repeat: 4, layers: [{type: conv2d, filters: 16, kernel: 3, padding: same}]}\n", &image);
    const int threads[] = {1, 4, 5, 8, 64}, tiles[] = {4, 4, 8, 8, 16};
    for (int i = 0; i < 5; i++) {
        ls_plan plan = plan_awake(&written.model, 64, threads[i]);
        expect_tasks_cover(&plan);
        int found = 0;
        for (int t = 0; t < plan.task_count; t++) {
            found += plan.task[t].kind == LS_GRADIENT_TILE;
            bool begins = false; /* a home */
            for (int h = 0; h < plan.home_count; h++) begins |= t == plan.home_task[h];
            cr_expect(begins || plan.task[t].work <= plan.task[t - 1].work);
            cr_expect(plan.task[t].kind != LS_GRADIENT_TILE || plan.task[t].columns <= plan.tile_columns);
        }
        cr_expect_eq(found, tiles[i], "%d threads: %d tiles", threads[i], found);
        cr_expect_eq(plan.task[0].work, 16 / (tiles[i] / 4) * 144 * 64);
        ls_plan_free(&plan);
    }
    written_model_free(&written);
}

/* Output channels lie side by side in vectors there: 50 of them take four, however they are cut. */
Test(plan, tiles_of_5_by_5_fill_their_vectors)
{
    const ls_shape image = {.rank = 3, .dim = {20, 12, 12}};
    written_model written = write_model("model:\n  - {type: conv2d, filters: 50, kernel: 5}\n", &image);
    for (int threads = 1; threads <= 3; threads++) {
        ls_plan plan = plan_awake(&written.model, 64, threads);
        expect_tasks_cover(&plan);
        int64_t vectors = 0;
        for (int t = 0; t < plan.task_count; t++)
            if (plan.task[t].kind == LS_GRADIENT_TILE)
                vectors += (plan.task[t].rows + LS_LANES - 1) / LS_LANES;
        cr_expect_eq(vectors, 4, "%d threads: %d vectors", threads, (int)vectors);
        ls_plan_free(&plan);
    }
    written_model_free(&written);
}

Test(plan, pieces_of_the_update_do_not_depend_on_the_layout)
{
    ls_plan one = plan_for(64, 0, 1, 1, 1), many = plan_for(64, 0, 5, 7, 3);
    int64_t elements = 0;
    cr_assert_eq(one.piece_count, many.piece_count);
    for (int p = 0; p < one.piece_count; p++) {
        cr_assert_eq(one.piece[p].first, many.piece[p].first);
        cr_assert_eq(one.piece[p].count, many.piece[p].count);
        elements += one.piece[p].count;
    }
    int64_t wanted = 0;
    for (int p = 0; p < model.parameter_count; p++) wanted += model.parameter[p].rows * model.parameter[p].ld;
    cr_assert_eq(elements, wanted);
    cr_assert_eq(one.grain, many.grain);
    ls_plan_free(&one);
    ls_plan_free(&many);
}

Test(plan, the_default_grain_follows_from_model_and_batch)
{
    cr_expect_eq(ls_plan_default_grain(&model, 1024), 64);
    cr_expect_eq(ls_plan_default_grain(&model, 64), 32, "at most half the batch");
    cr_expect_eq(ls_plan_default_grain(&model, 5), 3);
    cr_expect_eq(ls_plan_default_grain(&model, 1), 1);
}

/* Two tensors that are needed at the same time never share memory. */
Test(plan, slots_overlap_only_where_a_layer_works_in_place)
{
    ls_plan plan = plan_for(64, 0, 1, 1, 1);
    for (int a = 0; a < plan.tensor_count; a++) {
        for (int b = a + 1; b < plan.tensor_count; b++) {
            bool shared = plan.slot[a].value == plan.slot[b].value;
            if (shared) {
                cr_expect(plan.in_place[b - 1] && model.node[b - 1].input[0] == a);
                continue;
            }
            int64_t end_a = plan.slot[a].value + plan.slot[a].units,
                    end_b = plan.slot[b].value + plan.slot[b].units;
            cr_expect(end_a <= plan.slot[b].value || end_b <= plan.slot[a].value);
        }
        cr_expect(plan.slot[a].value + plan.slot[a].units <= plan.panel_units);
        cr_expect(plan.slot[a].delta + plan.slot[a].units <= plan.panel_units);
    }
    cr_expect_eq(plan.slot[0].delta, -1, "nobody wants the derivative by the data");
    cr_expect(plan.in_place[1], "relu works in place");
    cr_expect_not(plan.in_place[3], "gelu needs its input");
    ls_plan_free(&plan);
}

/* Layers that change the shape alone cost neither memory nor a copy, also behind one that works in place and
 * at the input; where others read the same tensor, their deltas must stay apart. */
Test(plan, views_share_the_memory_of_their_input)
{
    static const ls_shape input = {.rank = 1, .dim = {100}};
    written_model written = write_model("model:\n"
                                        "  - {type: reshape, shape: [4, 25], name: first}\n"
                                        "  - {type: dense, units: 60, activation: relu, name: hidden}\n"
                                        "  - {type: reshape, shape: [6, 10], name: second}\n"
                                        "  - {type: flatten, name: third}\n"
                                        "  - {type: reshape, shape: [6, 10], name: fourth}\n"
                                        "  - {type: add, inputs: [second, fourth]}\n",
                                        &input);
    ls_plan plan;
    ls_plan_request request = {.model = &written.model, .batch = 64, .ranks = 1, .threads = 1, .segments = 1};
    cr_expect_eq(ls_plan_create(&request, &plan), LS_OK);
    enum { FIRST = 1, HIDDEN, RELU, SECOND, THIRD }; /* tensors */
    cr_expect_eq(plan.slot[FIRST].value, plan.slot[0].value);
    cr_expect_eq(plan.slot[RELU].value, plan.slot[HIDDEN].value);
    cr_expect(plan.slot[SECOND].value == plan.slot[RELU].value &&
              plan.slot[SECOND].delta == plan.slot[RELU].delta);
    cr_expect(plan.slot[THIRD].value != plan.slot[SECOND].value &&
              plan.slot[THIRD].delta != plan.slot[SECOND].delta);
    ls_plan_free(&plan);
    written_model_free(&written);
}

static bool lies_in_home(const ls_plan *plan, int home, const ls_tile_task *task)
{
    const ls_parameter *parameter = &model.parameter[task->parameter];
    int64_t first = parameter->offset + task->first_row * parameter->ld;
    int64_t end = first + task->rows * parameter->ld;
    bool lies = false;
    for (int section = 0; section < LS_SECTIONS; section++) {
        const int64_t *element = plan->home_element[section] + home;
        lies |= first >= element[0] && end <= element[1];
    }
    return lies;
}

static void expect_homes(const ls_plan *plan, int threads)
{
    const int homes = threads < LS_HOMES_MAX ? threads : LS_HOMES_MAX;
    cr_assert_eq(plan->home_count, homes);
    cr_assert(plan->home_element[0][0] == 0 && plan->home_element[0][homes] == plan->home_element[1][0]);
    cr_assert(plan->home_element[1][homes] == model.arena_size);
    cr_assert(plan->home_task[0] == 0 && plan->home_task[homes] == plan->task_count);
    cr_assert(plan->home_piece[0][0] == 0 && plan->home_piece[1][homes] == plan->piece_count);
    for (int h = 0; h < homes; h++) {
        for (int section = 0; section < LS_SECTIONS; section++) {
            int64_t piece = plan->home_piece[section][h];
            cr_assert(piece == plan->piece_count ||
                      plan->piece[piece].first >= plan->home_element[section][h]);
        }
        for (int t = plan->home_task[h]; t < plan->home_task[h + 1]; t++)
            cr_assert(lies_in_home(plan, h, &plan->task[t]));
    }
}

/* Homes are slices of whole pieces with about the same work; every task lies in its home, and none is left
   out where only a part of the arena is kept. */
Test(plan, homes_share_the_arena_and_its_tasks)
{
    const int threads[] = {1, 2, 3, 8, 64};
    for (int i = 0; i < 5; i++) {
        ls_plan plan = plan_awake(&model, 256, threads[i]);
        expect_homes(&plan, threads[i]);
        ls_plan_free(&plan);
    }
}

/* A large first layer: each thread has the units whose weights it updates. */
Test(plan, threads_share_the_units_of_the_first_layer)
{
    const ls_parameter *weight = &model.parameter[0];
    const int threads[] = {1, 2, 3, 8, 64}, blocks[] = {0, 7, 8, 9, 0};
    for (int i = 0; i < 5; i++) {
        ls_plan plan = plan_awake(&model, 256, threads[i]);
        cr_assert_eq(plan.opens, threads[i] > 1);
        for (int h = 0; h <= plan.groups && plan.opens; h++)
            cr_expect_eq(plan.group_unit[h], plan.home_element[0][h] / weight->ld);
        if (plan.opens) {
            cr_expect(plan.group_unit[0] == 0 && plan.group_unit[plan.groups] == weight->rows);
            cr_expect_eq(plan.home_element[1][0], weight->rows * weight->ld, "the rest is shared apart");
        }
        if (blocks[i] > 0)
            cr_expect_eq(plan.group_block[plan.groups], blocks[i], "%d", plan.group_block[plan.groups]);
        if (threads[i] == 64) cr_expect(plan.unit_block == 6 && plan.group_block[plan.groups] >= 300 / 6);
        ls_plan_free(&plan);
    }
}

/* Ranks of a host share all tasks among them: together they have each weight once. */
Test(plan, slices_of_ranks_share_all_tasks)
{
    enum { RANKS = 3 };
    int64_t element[RANKS + 1], piece[RANKS + 1], weights = 0, all = 0;
    for (int p = 0; p < model.parameter_count; p++)
        all += model.parameter[p].rows * model.parameter[p].columns;
    for (int rank = 0; rank < RANKS; rank++) {
        ls_plan plan = plan_for(256, 0, RANKS, 2, 2);
        ls_plan_join_segments(&plan);
        ls_plan_cut(&plan, 0, model.arena_size, RANKS, false, element, piece);
        cr_assert_eq(ls_plan_keep(&plan, element[rank], element[rank + 1]), LS_OK);
        cr_assert(plan.task_count > 0, "rank %d has nothing to do", rank);
        for (int t = 0; t < plan.task_count; t++) {
            const ls_parameter *parameter = &model.parameter[plan.task[t].parameter];
            int64_t first = parameter->offset + plan.task[t].first_row * parameter->ld;
            cr_assert(first >= element[rank] && first < element[rank + 1]);
            weights += plan.task[t].rows * plan.task[t].columns;
        }
        ls_plan_free(&plan);
    }
    cr_assert_eq(weights, all);
}
