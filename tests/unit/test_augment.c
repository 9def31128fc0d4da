/* Augmentation: known results, and a function of seed, epoch and row. */
#include <criterion/criterion.h>
#include <string.h>
#include "data/augment.h"

enum { C = 2, H = 3, W = 4, SIZE = C * H * W, STRIDE = 3 };

static int64_t padding = 2;
static double always = 1, never = 0;
static ls_component crop_item = {.type = &ls_augment_random_crop.base, .options = &padding};
static ls_component flip_item = {.type = &ls_augment_random_flip.base, .options = &always};
static const ls_dataset image_data = {.inputs = SIZE, .rank = 3, .shape = {C, H, W}};

/* Element i is i + 1, with neighbours STRIDE apart; what lies between is -1. */
static void fill(float *x, int count)
{
    for (int i = 0; i < count * STRIDE; i++) x[i] = i % STRIDE == 0 ? (float)(i / STRIDE + 1) : -1;
}

static void apply(ls_component *item, const ls_dataset *data, uint64_t seed, int64_t epoch, int64_t row,
                  float *x)
{
    const ls_component_list list = {1, item};
    fill(x, (int)data->inputs);
    ls_augment_apply(&list, seed, epoch, row, data, STRIDE, x);
    for (int64_t i = 0; i < data->inputs * STRIDE; i++)
        if (i % STRIDE != 0) cr_assert_eq(x[i], -1, "another lane was written");
}

static float at(int c, int h, int w)
{
    bool inside = h >= 0 && h < H && w >= 0 && w < W;
    return inside ? (float)((c * H + h) * W + w + 1) : 0;
}

static bool is_moved(const float *x, int down, int right)
{
    for (int i = 0; i < SIZE; i++)
        if (x[i * STRIDE] != at(i / (H * W), i / W % H + down, i % W + right)) return false;
    return true;
}

/* Each of the 5 x 5 places is met about as often as the others. */
Test(augment, crops_are_windows)
{
    float x[SIZE * STRIDE];
    int met[5][5] = {{0}};
    for (int row = 0; row < 2500; row++) {
        apply(&crop_item, &image_data, 1, 0, row, x);
        int found = 0;
        for (int down = -2; down <= 2; down++)
            for (int right = -2; right <= 2; right++) {
                bool moved = is_moved(x, down, right);
                found += moved;
                met[down + 2][right + 2] += moved;
            }
        cr_assert_eq(found, 1, "row %d is %d windows", row, found);
    }
    for (int i = 0; i < 25; i++) cr_expect(met[i / 5][i % 5] > 60 && met[i / 5][i % 5] < 140);
}

Test(augment, flips)
{
    float x[SIZE * STRIDE];
    apply(&flip_item, &image_data, 1, 0, 0, x);
    for (int i = 0; i < SIZE; i++)
        cr_expect_eq(x[i * STRIDE], at(i / (H * W), i / W % H, W - 1 - i % W), "element %d", i);
    flip_item.options = &never;
    apply(&flip_item, &image_data, 1, 0, 0, x);
    cr_expect(is_moved(x, 0, 0));
}

Test(augment, signals_move_along_their_length)
{
    enum { L = 12 };
    static const ls_dataset signal = {.inputs = SIZE, .rank = 2, .shape = {C, L}};
    float x[SIZE * STRIDE];
    int met[5] = {0};
    for (int row = 0; row < 200; row++) {
        apply(&crop_item, &signal, 1, 0, row, x);
        for (int right = -2; right <= 2; right++) {
            bool same = true;
            for (int i = 0; i < SIZE; i++) {
                int from = i % L + right;
                same = same && x[i * STRIDE] == (from >= 0 && from < L ? (float)(i + right + 1) : 0);
            }
            met[right + 2] += same;
        }
    }
    cr_expect_eq(met[0] + met[1] + met[2] + met[3] + met[4], 200);
    cr_expect(met[0] > 0 && met[4] > 0);
}

/* How often two of 100 rows come out alike. */
static int alike(uint64_t seed, int64_t epoch, int64_t first)
{
    float x[SIZE * STRIDE], y[SIZE * STRIDE];
    int count = 0;
    for (int row = 0; row < 100; row++) {
        apply(&crop_item, &image_data, 1, 0, row, x);
        apply(&crop_item, &image_data, seed, epoch, first + row, y);
        count += memcmp(x, y, sizeof x) == 0;
    }
    return count;
}

Test(augment, depends_on_seed_epoch_and_row)
{
    cr_expect_eq(alike(1, 0, 0), 100);
    cr_expect_lt(alike(2, 0, 0), 20);
    cr_expect_lt(alike(1, 1, 0), 20);
    cr_expect_lt(alike(1, 0, 1), 20);
}

Test(augment, rows_without_a_shape)
{
    const ls_component_list list = {1, &flip_item}, none = {0, NULL};
    const ls_dataset data = {.inputs = 64, .rank = 1, .shape = {64}};
    cr_expect_eq(ls_augment_check(&list, &image_data), LS_OK);
    cr_expect_eq(ls_augment_check(&none, &data), LS_OK);
    cr_expect_eq(ls_augment_check(&list, &data), LS_ERROR_RECIPE);
    cr_expect(strstr(ls_error_message(), "begins with random_flip, but a row of the data is 64 numbers"));
}
