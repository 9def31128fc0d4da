/* The order of an epoch: every row exactly once, a function of seed and epoch. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "data/dataset.h"

enum { ROWS = 1009 };

/* How many rows are not used exactly once. */
static int misused(const uint32_t *order, int rows, int positions)
{
    int *uses = calloc((size_t)rows, sizeof *uses), wrong = 0;
    for (int i = 0; i < positions; i++)
        if (order[i] < (uint32_t)rows) uses[order[i]]++;
    for (int i = 0; i < rows; i++) wrong += uses[i] != 1;
    free(uses);
    return wrong;
}

Test(sampler, every_row_once_an_epoch)
{
    uint32_t order[ROWS];
    for (int64_t epoch = 0; epoch < 50; epoch++) {
        ls_sampler_order(7, epoch, true, order, ROWS);
        cr_expect_eq(misused(order, ROWS, ROWS), 0, "epoch %d", (int)epoch);
    }
    for (int rows = 0; rows < 20; rows++) {
        ls_sampler_order(7, 3, true, order, rows);
        cr_expect_eq(misused(order, rows, rows), 0, "%d rows", rows);
    }
}

Test(sampler, the_check_sees_a_dropped_and_a_doubled_row)
{
    uint32_t order[ROWS];
    ls_sampler_order(7, 0, true, order, ROWS);
    cr_expect_eq(misused(order, ROWS, ROWS - 1), 1);
    order[0] = order[1];
    cr_expect_eq(misused(order, ROWS, ROWS), 2);
}

Test(sampler, order_depends_on_seed_and_epoch_alone)
{
    uint32_t first[ROWS], again[ROWS], epoch[ROWS], seed[ROWS];
    ls_sampler_order(7, 1, true, first, ROWS);
    ls_sampler_order(7, 2, true, epoch, ROWS);
    ls_sampler_order(8, 1, true, seed, ROWS);
    ls_sampler_order(7, 1, true, again, ROWS);
    cr_expect_eq(memcmp(first, again, sizeof first), 0);
    cr_expect_neq(memcmp(first, epoch, sizeof first), 0);
    cr_expect_neq(memcmp(first, seed, sizeof first), 0);
}

Test(sampler, without_shuffling_rows_come_in_order)
{
    uint32_t order[ROWS];
    ls_sampler_order(7, 5, false, order, ROWS);
    for (uint32_t i = 0; i < ROWS; i++) cr_assert_eq(order[i], i);
}
