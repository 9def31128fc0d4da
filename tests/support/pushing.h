/* Trainings whose rows the test pushes, through the public headers alone. */
#ifndef TESTS_PUSHING_H
#define TESTS_PUSHING_H

#include <lockstep/lockstep.h>

typedef struct pushing {
    ls_context *context;
    ls_recipe *recipe;
    ls_trainer *trainer;
} pushing;

/* name stands for the file of the recipe in messages. The test fails on any error. */
pushing pushing_begin(const char *name, const char *recipe, int threads);
void pushing_end(pushing *run);

#endif
