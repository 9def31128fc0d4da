/* The data sets of the tree are what datasets/README.md says. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "data/csv.h"
#include "data/sources.h"

static const struct {
    char path[40];
    int64_t rows, inputs;
    int classes;
    const char *first_class;
} shipped[] = {{"datasets/digits.csv.gz", 1797, 64, 10, "0"},
               {"datasets/iris.csv", 150, 4, 3, "setosa"},
               {"datasets/wine.csv", 178, 13, 3, "class_0"},
               {"datasets/breast_cancer.csv", 569, 30, 2, "malignant"}};

Test(shipped_data, all_load_as_described)
{
    const char *root = getenv("srcdir") ? getenv("srcdir") : ".";
    char word[] = "last", *target[] = {word};
    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        char path[sizeof shipped[i].path];
        strcpy(path, shipped[i].path);
        ls_csv_options options = {.train = path, .target = {1, target}};
        ls_component source = {.type = &ls_source_csv.base, .options = &options};
        ls_dataset train, test;
        cr_assert_eq(ls_data_load(&source, root, 1, &train, &test), LS_OK, "%s", ls_error_message());
        cr_expect_eq(train.rows, shipped[i].rows, "%s", path);
        cr_expect_eq(train.inputs, shipped[i].inputs, "%s", path);
        cr_expect_eq(train.classes, shipped[i].classes, "%s", path);
        cr_expect_str_eq(train.class_names[0], shipped[i].first_class);
        ls_dataset_free(&train);
        ls_dataset_free(&test);
    }
}
