/* The nearest known word. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/nearest.h"

Test(nearest, edits_are_counted)
{
    cr_expect_eq(ls_edit_distance("", ""), 0);
    cr_expect_eq(ls_edit_distance("relu", "relu"), 0);
    cr_expect_eq(ls_edit_distance("relu", "ReLU"), 0);
    cr_expect_eq(ls_edit_distance("relo", "relu"), 1);
    cr_expect_eq(ls_edit_distance("rleu", "relu"), 1); /* a swap is one edit */
    cr_expect_eq(ls_edit_distance("momentm", "momentum"), 1);
    cr_expect_eq(ls_edit_distance("kitten", "sitting"), 3);
    cr_expect_eq(ls_edit_distance("", "abc"), 3);
    cr_expect_eq(ls_edit_distance("abc", ""), 3);
    cr_expect(ls_edit_distance("a234567890123456789012345678901234567890123456789012345678901234", "a") >
              1000);
}

static const char *nearest_of(const char *word, const char *const *known)
{
    ls_nearest nearest = ls_nearest_start(word);
    for (int i = 0; known[i] != NULL; i++) ls_nearest_show(&nearest, known[i]);
    return nearest.best;
}

Test(nearest, only_near_words_are_offered)
{
    static const char *const known[] = {"lr", "momentum", "nesterov", "weight_decay", NULL};
    cr_expect_str_eq(nearest_of("momentun", known), "momentum");
    cr_expect_str_eq(nearest_of("wieght_decay", known), "weight_decay");
    cr_expect_str_eq(nearest_of("LR", known), "lr");
    cr_expect_str_eq(nearest_of("l", known), "lr");
    cr_expect_null(nearest_of("learning_rate", known));
    cr_expect_null(nearest_of("no", known));
    cr_expect_null(nearest_of("", known));
}

Test(nearest, the_first_of_equals_wins)
{
    static const char *const known[] = {"cat", "bat", NULL};
    cr_expect_str_eq(nearest_of("rat", known), "cat");
}
