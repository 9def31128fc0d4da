/* CSV files with several targets, some of them classes. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "data/csv.h"

static char *targets[] = {"price", "colour", "size", "kind"}, *classes[] = {"kind", "colour"};
static const ls_csv_options options = {.target = {4, targets}, .class_targets = {2, classes}};
static ls_dataset train, other;

static ls_status parse(const ls_csv_model *model, const char *text, ls_dataset *dataset)
{
    *dataset = (ls_dataset){.rows = 0};
    return ls_csv_parse(&options, model, "t.csv", text, strlen(text), dataset);
}

static void parse_train(void)
{
    static const char text[] = "x,price,colour,size,kind\n1,2.5,red,7,10\n2,3.5,blue,8,2\n3,4.5,red,9,10\n";
    cr_assert_eq(parse(NULL, text, &train), LS_OK, "%s", ls_error_message());
}

static void expect_targets(const ls_dataset *dataset, const float *expected, int64_t count)
{
    cr_assert_eq(dataset->rows * dataset->outputs, count);
    for (int64_t i = 0; i < count; i++)
        cr_expect_eq(dataset->targets[i], expected[i], "target %d is %g instead of %g", (int)i,
                     dataset->targets[i], expected[i]);
}

/* Words in their order, whole numbers in that of numbers. */
Test(csv_targets, classes_become_numbers_and_values_stay)
{
    parse_train();
    expect_targets(&train, (float[]){2.5F, 1, 7, 1, 3.5F, 0, 8, 0, 4.5F, 1, 9, 1}, 12);
    cr_assert_not_null(train.output_classes);
    const int count[] = {0, 2, 0, 2};
    for (int i = 0; i < 4; i++) cr_expect_eq(train.output_classes[i], count[i]);
    cr_expect_str_eq(train.output_class_names[1][0], "blue");
    cr_expect_str_eq(train.output_class_names[3][1], "10");
    cr_expect_str_eq(train.output_names[2], "size");
    cr_expect_eq(train.classes, 0);
    ls_dataset_free(&train);
}

Test(csv_targets, another_file_has_the_classes_of_the_first)
{
    parse_train();
    ls_csv_model model = {1, NULL, 0, true, &train};
    cr_assert_eq(parse(&model, "x,price,colour,size,kind\n5,0,red,1,2\n", &other), LS_OK, "%s",
                 ls_error_message());
    expect_targets(&other, (float[]){0, 1, 1, 0}, 4);
    cr_expect_eq(other.output_classes[1], 2);
    ls_dataset_free(&other);
    cr_expect_eq(parse(&model, "x,price,colour,size,kind\n5,0,red,1,2\n5,0,green,1,2\n", &other),
                 LS_ERROR_DATA);
    cr_expect_str_eq(ls_error_message(),
                     "t.csv:3:5: row 2: label 'green' is none of the 2 classes, expected one of: blue, red");
    ls_dataset_free(&other);
    model.needs_targets = false;
    cr_assert_eq(parse(&model, "x\n5\n6\n", &other), LS_OK, "%s", ls_error_message());
    cr_expect(other.rows == 2 && other.targets == NULL && other.output_classes == NULL);
    ls_dataset_free(&other);
    ls_dataset_free(&train);
}

Test(csv_targets, a_part_keeps_the_classes_and_the_digest_sees_them)
{
    parse_train();
    const uint32_t rows[] = {2, 0};
    cr_assert_eq(ls_dataset_take(&train, rows, 2, &other), LS_OK);
    expect_targets(&other, (float[]){4.5F, 1, 9, 1, 2.5F, 1, 7, 1}, 8);
    cr_expect_str_eq(other.output_class_names[3][0], "2");
    cr_expect(other.file_row[0] == 2 && other.file_row[1] == 0);
    uint64_t digest = ls_dataset_digest(&other);
    ls_free(other.output_class_names[3][0]);
    other.output_class_names[3][0] = ls_strdup("3");
    cr_expect_neq(ls_dataset_digest(&other), digest);
    ls_dataset_free(&other);
    ls_dataset_free(&train);
}

/* The names of a count line are those of the one class. */
Test(csv_targets, a_count_line_names_the_classes)
{
    char *two[] = {"1", "last"}, *one[] = {"last"};
    ls_csv_options counted = {.target = {2, two}, .class_targets = {1, one}};
    static const char text[] = "2,2,cat,dog\n1.5,7,1\n2.5,8,0\n";
    cr_assert_eq(ls_csv_parse(&counted, NULL, "t.csv", text, strlen(text), &train), LS_OK, "%s",
                 ls_error_message());
    expect_targets(&train, (float[]){1.5F, 1, 2.5F, 0}, 4);
    cr_expect_str_eq(train.output_class_names[1][1], "dog");
    ls_dataset_free(&train);
}
