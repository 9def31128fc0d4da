#include "support/training.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory.h"

training *training_begin(int threads, const char *recipe)
{
    training *t = calloc(1, sizeof *t);
    char *directory = ls_path_join(getenv("srcdir"), "datasets");
    cr_assert_eq(ls_context_create(threads, &t->context), LS_OK);
    cr_assert_eq(ls_recipe_parse(recipe, "test", directory, NULL, 0, &t->recipe), LS_OK, "%s",
                 ls_error_message());
    cr_assert_eq(ls_trainer_setup(t->context, t->recipe, &t->trainer), LS_OK, "%s", ls_error_message());
    ls_free(directory);
    return t;
}

void training_end(training *t)
{
    ls_trainer_clear(&t->trainer);
    ls_recipe_free(t->recipe);
    ls_context_free(t->context);
    free(t);
}

void training_steps(training *t, int count)
{
    for (int n = 0; n < count; n++) {
        ls_wish wish = LS_WISH_NONE;
        cr_assert_eq(ls_trainer_advance(&t->trainer, LS_OK, &wish), LS_OK, "%s", ls_error_message());
        if (!ls_trainer_epoch_is_over(&t->trainer)) continue;
        t->trainer.epoch++;
        t->trainer.position = 0;
        ls_trainer_average(&t->trainer, true);
    }
}

bool training_same(const training *a, const training *b)
{
    return memcmp(a->trainer.step.parameters, b->trainer.step.parameters,
                  (size_t)a->trainer.model.arena_size * sizeof(float)) == 0;
}
