/* Trainings from the text of a recipe, in one process, for tests. */
#ifndef TESTS_TRAINING_H
#define TESTS_TRAINING_H

#include "train/trainer.h"

typedef struct training {
    ls_context *context;
    ls_recipe *recipe;
    ls_trainer trainer;
} training;

/* Paths in the recipe are relative to datasets/. The test fails on any error. Free with training_end. */
training *training_begin(int threads, const char *recipe);
void training_end(training *t);

/* Steps on the next rows, epoch after epoch; what follows an epoch is done, decisions excepted. */
void training_steps(training *t, int count);

/* Whether both have the same weights, bit for bit. */
bool training_same(const training *a, const training *b);

#endif
