#include "support/pushing.h"

#include <criterion/criterion.h>

pushing pushing_begin(const char *name, const char *recipe, int threads)
{
    pushing r;
    cr_assert_eq(ls_context_create(threads, &r.context), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_recipe_parse(recipe, name, NULL, NULL, 0, &r.recipe), LS_OK, "%s", ls_error_message());
    cr_assert_eq(ls_trainer_create(r.context, r.recipe, &r.trainer), LS_OK, "%s", ls_error_message());
    return r;
}

void pushing_end(pushing *run)
{
    ls_trainer_free(run->trainer);
    ls_recipe_free(run->recipe);
    ls_context_free(run->context);
}
