/* Memory refused at every single allocation, each in a process of its own: a clean error and nothing lost. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/memory.h"
#include "io/recipe.h"

/* There with the address sanitiser only. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static const char text[] =
    "data: {type: csv, train: x.csv, classes: [a, b], test: y.csv}\n"
    "model:\n"
    "  - &d {type: dense, units: 3, activation: relu, name: one}\n"
    "  - {type: dense, units: 2, inputs: [one], initializer: {type: he, gain: 2}}\n"
    "  - {repeat: 2, name: b, inputs: one, layers: [relu, {type: add, inputs: [relu_0, "
    "previous]}]}\n"
    "loss: mse\n"
    "training: {checkpoint: {keep: 4}}\n";

enum { DONE = 0, REFUSED = 1, WRONG_STATUS = 2, LEAK = 3, UNREPORTED = 4 };

static ls_status write_all(const ls_recipe *recipe)
{
    char *yaml = NULL, *json = NULL, *page = NULL;
    ls_recipe *model = NULL;
    ls_status status = ls_recipe_to_yaml(recipe, true, &yaml);
    if (status == LS_OK) status = ls_recipe_model_json(recipe, &json);
    if (status == LS_OK) status = ls_recipe_parse_model(json, "model", &model);
    if (status == LS_OK) status = ls_recipe_document(&page);
    ls_free(yaml);
    ls_free(json);
    ls_free(page);
    ls_recipe_free(model);
    return status;
}

static int work(void)
{
    static const char *const overrides[] = {"optimizer.schedule={type: step, every: 3}",
                                            "optimizer.lr=0.5",
                                            "data.train=z.csv",
                                            "model.one.units=4",
                                            "training.epochs=3",
                                            "model.b.repeat=3"};
    ls_recipe *recipe = NULL;
    ls_status status = ls_recipe_parse(text, "t.yaml", "dir", overrides, 6, &recipe);
    if (status != LS_OK && recipe != NULL) return WRONG_STATUS;
    if (status == LS_OK) status = write_all(recipe);
    ls_recipe_free(recipe);
    if (__lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0) return LEAK;
    if (status == LS_OK) return DONE;
    if (status != LS_ERROR_MEMORY) return WRONG_STATUS;
    return strstr(ls_error_message(), "memory") == NULL ? UNREPORTED : REFUSED;
}

static int work_in_child(int nth)
{
    pid_t child = fork();
    if (child == 0) {
        char fault[32];
        snprintf(fault, sizeof fault, "memory:nth=%d", nth);
        setenv("LOCKSTEP_FAULT", fault, 1);
        _exit(work());
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(recipe_memory, refused_at_every_allocation)
{
    int nth = 1, result;
    while ((result = work_in_child(nth)) == REFUSED) nth++;
    cr_expect_eq(result, DONE, "allocation %d ends with %d", nth, result);
    cr_expect(nth > 100, "only %d allocations were refused", nth);
}
