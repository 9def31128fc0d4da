/* The source "csv": layouts that are understood, and the place named for each mistake. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "data/csv.h"
#include "data/sources.h"

static ls_dataset dataset;

static void leave(void)
{
    ls_dataset_free(&dataset);
}

TestSuite(csv, .fini = leave);

static char last_word[] = "last";
static char *last_only[] = {last_word};
#define DEFAULTS .target = {1, last_only}

static ls_status parse(const ls_csv_options *options, const ls_csv_model *model, const char *text)
{
    /* A copy of the exact size, so that reading beyond its end is seen by the address sanitiser. */
    size_t size = strlen(text);
    char *copy = ls_strdup(text);
    ls_dataset_free(&dataset);
    ls_status status = ls_csv_parse(options, model, "t.csv", copy, size, &dataset);
    ls_free(copy);
    return status;
}

static void expect_parsed(const ls_csv_options *options, const ls_csv_model *model, const char *text)
{
    cr_assert_eq(parse(options, model, text), LS_OK, "%s", ls_error_message());
}

static void expect_message(const ls_csv_options *options, const ls_csv_model *model, const char *text,
                           const char *place, const char *part)
{
    cr_expect_eq(parse(options, model, text), LS_ERROR_DATA, "accepted: %s", text);
    const char *message = ls_error_message();
    cr_expect(strncmp(message, place, strlen(place)) == 0, "'%s' does not begin with '%s'", message, place);
    cr_expect(strstr(message, part) != NULL, "'%s' does not contain '%s'", message, part);
}

static void expect_floats(const float *found, const float *expected, int count)
{
    cr_assert_not_null(found);
    for (int i = 0; i < count; i++) cr_expect_eq(found[i], expected[i], "value %d is %g", i, found[i]);
}

static void expect_labels(const int32_t *expected, int64_t rows)
{
    cr_assert_not_null(dataset.labels);
    cr_assert_eq(dataset.rows, rows);
    for (int64_t i = 0; i < rows; i++) cr_expect_eq(dataset.labels[i], expected[i], "row %d", (int)i);
}

static const ls_csv_options plain = {DEFAULTS};

Test(csv, whole_numbers_are_classes)
{
    expect_parsed(&plain, NULL, "1.5,2,0\n-3,4e1,1\n5,6,1\n7,8,0\n");
    cr_expect_eq(dataset.inputs, 2);
    cr_expect_eq(dataset.rank, 1);
    cr_expect_eq(dataset.shape[0], 2);
    cr_expect_eq(dataset.classes, 2);
    cr_expect_null(dataset.targets);
    cr_expect_eq(dataset.outputs, 0);
    expect_floats(dataset.floats, (float[]){1.5f, 2, -3, 40, 5, 6, 7, 8}, 8);
    expect_labels((int32_t[]){0, 1, 1, 0}, 4);
    cr_expect_str_eq(dataset.class_names[1], "1");
}

Test(csv, text_labels_are_sorted)
{
    expect_parsed(&plain, NULL, "1,virginica\n2,setosa\n3,versicolor\n4,setosa\n");
    expect_labels((int32_t[]){2, 0, 1, 0}, 4);
    cr_expect_str_eq(dataset.class_names[0], "setosa");
    cr_expect_str_eq(dataset.class_names[2], "virginica");
}

Test(csv, number_labels_sort_by_value)
{
    static const ls_csv_options classes = {DEFAULTS, .task = LS_CSV_TASK_CLASSES};
    expect_parsed(&classes, NULL, "1,10\n2,9\n3,-1\n4,9.0\n");
    expect_labels((int32_t[]){2, 1, 0, 1}, 4);
    cr_expect_eq(dataset.classes, 3);
    cr_expect_str_eq(dataset.class_names[0], "-1");
    cr_expect_str_eq(dataset.class_names[2], "10");
}

/* Rows "0,TARGET" with the targets 0 .. different-1, stretched by step, each repeated. */
static int classes_found(int first, int different, int step, int repeated)
{
    char *text = ls_alloc((size_t)(different * repeated) * 16 + 1, 1), *at = text;
    for (int i = 0; i < different * repeated; i++) at += sprintf(at, "0,%d\n", first + i % different * step);
    expect_parsed(&plain, NULL, text);
    ls_free(text);
    return dataset.classes;
}

Test(csv, rule_for_classes_or_values)
{
    cr_expect_eq(classes_found(0, 20, 1, 2), 20);
    cr_expect_eq(classes_found(1, 3, 1, 2), 3);
    cr_expect_eq(classes_found(-1, 2, 2, 2), 2);
    cr_expect_eq(classes_found(0, 100, 1, 50), 100);
    cr_expect_eq(classes_found(0, 20, 1, 1), 0, "too few rows");
    cr_expect_eq(classes_found(0, 100, 1, 49), 0, "too few rows");
    cr_expect_eq(classes_found(0, 5, 2, 9), 0, "gaps");
    cr_expect_eq(classes_found(2, 5, 1, 9), 0, "not from the start");
    cr_expect_eq(classes_found(4, 1, 1, 9), 0, "all the same");
    cr_expect_eq(classes_found(0, 20000, 1, 1), 0, "more than classes may be");
    cr_expect_eq(dataset.targets[19999], 19999);
    expect_parsed(&plain, NULL, "1,0\n2,1\n3,0.5\n4,1\n5,0\n6,1\n");
    cr_expect_eq(dataset.outputs, 1);
    expect_floats(dataset.targets, (float[]){0, 1, 0.5f, 1, 0, 1}, 6);
}

Test(csv, too_many_labels)
{
    char *text = ls_alloc(20000 * 16, 1), *at = text;
    for (int i = 0; i < 10001; i++) at += sprintf(at, "0,x%d\n", i);
    expect_message(&plain, NULL, text, "t.csv:10001:3: row 10001: ", "more than 10000 different labels");
    ls_free(text);
}

Test(csv, header_and_named_columns)
{
    char *target[] = {"kind"}, *ignore[] = {"id", "4"};
    ls_csv_options options = {.target = {1, target}, .ignore = {2, ignore}};
    expect_parsed(&options, NULL, "id,kind,\"a, b\",note\nx,yes,1,?\ny,no,2,\nz,yes,3,#\n");
    cr_expect_eq(dataset.inputs, 1);
    expect_floats(dataset.floats, (float[]){1, 2, 3}, 3);
    expect_labels((int32_t[]){1, 0, 1}, 3);
}

Test(csv, header_of_numbers_with_a_named_target)
{
    char *target[] = {"label"};
    ls_csv_options options = {.target = {1, target}};
    expect_parsed(&options, NULL, "0,1,label\n5,6,0\n7,8,1\n5,5,1\n9,9,0\n");
    cr_expect_eq(dataset.rows, 4);
    cr_expect_eq(dataset.inputs, 2);
}

Test(csv, several_targets_in_the_order_of_the_list)
{
    char *target[] = {"b", "1"};
    ls_csv_options options = {.target = {2, target}};
    expect_parsed(&options, NULL, "a,x,b\n1,2,3\n4,5,6\n");
    cr_expect_eq(dataset.outputs, 2);
    cr_expect_eq(dataset.classes, 0);
    expect_floats(dataset.targets, (float[]){3, 1, 6, 4}, 4);
    expect_floats(dataset.floats, (float[]){2, 5}, 2);
    cr_expect_str_eq(dataset.output_names[0], "b");
    cr_expect_str_eq(dataset.output_names[1], "a");
}

Test(csv, first_and_last_leave_out_ignored_columns)
{
    char *first[] = {"first"}, *ignore[] = {"1", "4"};
    ls_csv_options options = {.target = {1, first}, .ignore = {2, ignore}, .task = LS_CSV_TASK_VALUES};
    expect_parsed(&options, NULL, "9,1,2,8\n9,3,4,8\n");
    expect_floats(dataset.targets, (float[]){1, 3}, 2);
    expect_floats(dataset.floats, (float[]){2, 4}, 2);
    options.target.value = last_only;
    expect_parsed(&options, NULL, "9,1,2,8\n9,3,4,8\n");
    expect_floats(dataset.targets, (float[]){2, 4}, 2);
}

Test(csv, header_can_be_forced)
{
    ls_csv_options options = {DEFAULTS, .header = LS_CSV_HEADER_YES};
    expect_parsed(&options, NULL, "0,1\n5,0.5\n6,0.25\n");
    cr_expect_eq(dataset.rows, 2);
    cr_expect_str_eq(dataset.output_names[0], "1");
    options.header = LS_CSV_HEADER_NO;
    expect_parsed(&options, NULL, "0,1\n5,0.5\n6,0.25\n");
    cr_expect_eq(dataset.rows, 3);
    expect_message(&options, NULL, "a,b\n1,2\n", "t.csv:1:1: row 1, field 1: ", "'a' is not a number");
}

static const char counted[] = "4,2,cat,dog,emu\n1,2,0\n3,4,1\n5,6,2\n7,8,1\n";

Test(csv, count_line_of_the_uci_repository)
{
    expect_parsed(&plain, NULL, counted);
    cr_expect_eq(dataset.rows, 4);
    cr_expect_eq(dataset.inputs, 2);
    cr_expect_eq(dataset.classes, 3);
    cr_expect_str_eq(dataset.class_names[2], "emu");
    expect_labels((int32_t[]){0, 1, 2, 1}, 4);
    expect_message(&plain, NULL, "5,2,cat,dog\n1,2,0\n3,4,1\n",
                   "t.csv:1:1: ", "promises 5 rows, the file has 2");
    expect_message(&plain, NULL, "2,2,cat,dog\n1,2,0\n3,4,2\n", "t.csv:3:5: row 2: label '2' is out of range",
                   "expected 0 to 1");
}

Test(csv, named_classes_fix_the_order)
{
    char *names[] = {"no", "yes", "maybe"};
    ls_csv_options options = {DEFAULTS, .classes = {3, names}};
    expect_parsed(&options, NULL, "1,yes\n2,no\n3,2\n");
    expect_labels((int32_t[]){1, 0, 2}, 3);
    expect_message(&options, NULL, "1,yes\n2,never\n",
                   "t.csv:2:3: row 2: label 'never' is none of the 3 classes", "no, yes, maybe");
    expect_message(&options, NULL, "1,yes\n2,3\n", "t.csv:2:3: ", "out of range, expected 0 to 2");
}

Test(csv, keys_that_do_not_fit_together)
{
    const char *(*check)(const void *) = ls_source_csv.base.check;
    char *names[] = {"no", "yes", "no"};
    ls_csv_options options = {DEFAULTS, .classes = {2, names}};
    cr_expect_null(check(&plain));
    cr_expect_null(check(&options));
    options.task = LS_CSV_TASK_VALUES;
    cr_expect_str_eq(check(&options), "classes have no use where task is values");
    options.task = LS_CSV_TASK_AUTO;
    options.classes.count = 3;
    cr_expect_str_eq(check(&options), "classes must not name a class twice");
    options.classes.count = 1;
    cr_expect_str_eq(check(&options), "classes must name at least two");
    options.target.count = 0;
    cr_expect_str_eq(check(&options), "target must name at least one column");
}

Test(csv, dialects)
{
    static const char *const text[] = {
        "1,2,0\n3,4,1\n5,6,0\n7,8,1\n",
        "1,2,0\r\n3,4,1\r\n5,6,0\r\n7,8,1",
        "1,2,0\r3,4,1\r5,6,0\r7,8,1\r",
        "1;2;0\n3;4;1\n5;6;0\n7;8;1\n\n\n",
        "1\t2\t0\n3\t4\t1\n5\t6\t0\n7\t8\t1\n",
        "1 2 0\n 3  4 1 \n5 \t6 0\n7 8 1\n  \n",
        "\"1\",\"2\",0\n3,4,\"1\"\n5,6,0\n7,8,1\n",
        "\357\273\2771,2,0\n3,4,1\n5,6,0\n7,8,1\r\n\r\n",
        "a,b,c\n1, 2 ,0\n3,4,1\n5,6,0\n7,8,1\n",
        "\"a;x\";b;\"c\"\n1;2;0\n3;4;1\n5;6;0\n7;8;1\n",
    };
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        expect_parsed(&plain, NULL, text[i]);
        cr_assert_eq(dataset.inputs, 2, "text %zu", i);
        expect_floats(dataset.floats, (float[]){1, 2, 3, 4, 5, 6, 7, 8}, 8);
        expect_labels((int32_t[]){0, 1, 0, 1}, 4);
    }
    ls_csv_options comma = {DEFAULTS, .separator = 1};
    expect_message(&comma, NULL, "1;2;0\n3;4;1\n", "t.csv:2:1: no column is left", "separator");
}

Test(csv, quoted_labels)
{
    expect_parsed(&plain, NULL, "1,\"a \"\"b\"\", c\"\n2,\" x\ny\"\n3,z\n");
    cr_expect_eq(dataset.classes, 3);
    cr_expect_str_eq(dataset.class_names[0], " x\ny");
    cr_expect_str_eq(dataset.class_names[1], "a \"b\", c");
    expect_message(&plain, NULL, "1,\"x\ny\"\n2,z\n?,z\n", "t.csv:4:1: row 3, field 1: ", "'?'");
}

Test(csv, mistakes_are_placed)
{
    static const struct {
        const char *text, *place, *part;
    } mistake[] = {
        {"", "t.csv:1:1: ", "the file is empty"},
        {"\n\n", "t.csv:1:1: ", "the file is empty"},
        {"a,b\n", "t.csv:2:1: ", "no rows after the header"},
        {"1,2,0\n3,4\n", "t.csv:2:4: row 2 ends after 2 fields, expected 3", ""},
        {"1,2,0\n3,4,1,5\n", "t.csv:2:6: row 2 goes on after 3 fields", ""},
        {"1,2,0\n3,,1\n", "t.csv:2:3: row 2, field 2: empty, expected a number", ""},
        {"1,2,0\n3,4,\n", "t.csv:2:5: row 2: empty target", ""},
        {"a,b,c\n1,2,0\n3,4x,1\n", "t.csv:3:3: row 2, field 2 (b): '4x' is not a number, expected", ""},
        {"1,2,0\n3,nan,1\n", "t.csv:2:3: row 2, field 2: 'nan' is not a finite number", ""},
        {"1,2,0\n3,1e39,1\n", "t.csv:2:3: ", "in the range of float32"},
        {"1,2,0\n\n3,4,1\n", "t.csv:2:1: empty line between rows", ""},
        {"1,\"2,0\n3,4,1\n", "t.csv:1:3: this quote is not closed", ""},
        {"1,\"2\"2,0\n", "t.csv:1:6: text after a closing quote", ""},
        {"1,2.5\n2,3.5\n3,?\n", "t.csv:3:3: row 3: '?' in the target column is not a finite number",
         "classes"},
        {"1\n2\n", "t.csv:1:1: no column is left for the inputs", ""},
        {"1,a\n2,a\n", "t.csv:1:3: all rows have the class 'a'", ""},
        {"\xc3\xa9\xc3\xa9,u,v\n\"1\",2,0\n\xc3\xa4,3,1\n", "t.csv:3:1: ", "'\xc3\xa4'"},
        {"1,\xc3\xa9,0,x\n2,?,1,y\n", "t.csv:1:3: ", "is not a number"},
        {"1,2,\xc3\xa4,0\n", "t.csv:1:5: ", ""},
        {"a,\xc3\xa4\xc3\xb6,c\n5,\xc3\xa4\xc3\xb6,0\n", "t.csv:2:3: ", "(\xc3\xa4\xc3\xb6)"},
        {"\xc3\xa4,b,c,d\n1,\"2\",\xc3\xa4,4\n", "t.csv:2:7: ", ""},
    };
    for (size_t i = 0; i < sizeof mistake / sizeof mistake[0]; i++)
        expect_message(&plain, NULL, mistake[i].text, mistake[i].place, mistake[i].part);
}

Test(csv, columns_count_characters_not_bytes)
{
    expect_message(&plain, NULL, "a,b,c\n\"1\",\"\xc3\xa4\xc3\xa4\",0\n", "t.csv:2:6: ", "");
    char *ignore[] = {"1"};
    ls_csv_options options = {DEFAULTS, .ignore = {1, ignore}};
    expect_message(&options, NULL, "\xc3\xa4\xe2\x82\xac,x,1\n", "t.csv:1:4: ", "'x' is not a number");
}

Test(csv, wrong_column_names)
{
    char *target[] = {"kind"};
    ls_csv_options options = {.target = {1, target}};
    expect_message(&options, NULL, "a,b\n1,2\n", "t.csv:2:1: ", "the column 'kind'");
    target[0] = "3";
    expect_message(&options, NULL, "a,b\n1,2\n", "t.csv:2:1: ", "the column '3'");
    target[0] = "0";
    expect_message(&options, NULL, "a,b\n1,2\n", "t.csv:2:1: ", "the column '0'");
    char *twice[] = {"1", "1"};
    options.target = (ls_strings){2, twice};
    expect_message(&options, NULL, "1,2,3\n4,5,6\n", "t.csv:1:1: ", "already taken");
    options.target.value = (char *[]){"1", "2"};
    options.task = LS_CSV_TASK_CLASSES;
    expect_message(&options, NULL, "1,2,3\n4,5,6\n", "t.csv:1:1: ", "2 target columns, expected one");
}

static const char *const animals[] = {"cat", "dog", "emu"};

Test(csv, files_for_a_model_with_and_without_targets)
{
    ls_csv_model model = {2, animals, 3, false, NULL};
    expect_parsed(&plain, &model, "1,2,dog\n3,4,cat\n");
    expect_labels((int32_t[]){1, 0}, 2);
    cr_expect_eq(dataset.classes, 3);
    expect_parsed(&plain, &model, counted);
    expect_labels((int32_t[]){0, 1, 2, 1}, 4);
    expect_parsed(&plain, &model, "1,2\n3,4\n");
    cr_expect_null(dataset.labels);
    cr_expect_null(dataset.targets);
    cr_expect_eq(dataset.inputs, 2);
    expect_floats(dataset.floats, (float[]){1, 2, 3, 4}, 4);
    expect_message(&plain, &model, "1\n3\n", "t.csv:1:1: 1 columns, expected 2 inputs and 1 for the target",
                   "");
    expect_message(&plain, &model, "1,2,3,4\n", "t.csv:1:1: 4 columns, expected 2 inputs", "");
    expect_message(&plain, &model, "1,2,3\n", "t.csv:1:5: row 1: label '3' is out of range", "");
    model.needs_targets = true;
    expect_message(&plain, &model, "1,2\n3,4\n", "t.csv:1:1: 2 columns, expected 2 inputs and 1", "");
    ls_csv_model values = {1, NULL, 0, false, NULL};
    expect_parsed(&plain, &values, "1,0\n3,1\n1,0\n3,1\n");
    cr_expect_eq(dataset.classes, 0);
    expect_floats(dataset.targets, (float[]){0, 1, 0, 1}, 4);
}

Test(csv, files_without_targets_and_ignored_columns)
{
    char *target[] = {"kind"}, *ignore[] = {"id"};
    ls_csv_options options = {.target = {1, target}, .ignore = {1, ignore}};
    ls_csv_model model = {2, animals, 3, false, NULL};
    static const char *const text[] = {"id,kind,a,b\n7,emu,1,2\n", "id,a,b\n7,1,2\n", "a,b\n1,2\n", "1,2\n"};
    for (int i = 0; i < 4; i++) {
        expect_parsed(&options, &model, text[i]);
        expect_floats(dataset.floats, (float[]){1, 2}, 2);
        cr_expect_eq(dataset.labels != NULL, i == 0);
    }
    /* Numbers of columns are those of the full file. */
    options.target.value = (char *[]){"2"};
    options.ignore.value = (char *[]){"3"};
    expect_parsed(&options, &model, "1,0,9,2\n");
    expect_floats(dataset.floats, (float[]){1, 2}, 2);
    expect_parsed(&options, &model, "1,9,2\n");
    expect_floats(dataset.floats, (float[]){1, 2}, 2);
    cr_expect_null(dataset.labels);
}
