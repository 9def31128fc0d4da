/* Data sets in memory, the split into training and test, and the sources as recipes use them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "base/memory.h"
#include "data/csv.h"
#include "data/sources.h"

static char last_word[] = "last";
static char *last_only[] = {last_word};

/* A table whose input is the number of the row, and whose target is ten times that. */
static void make_table(int rows, ls_dataset *dataset)
{
    static const ls_csv_options options = {.target = {1, last_only}, .task = LS_CSV_TASK_VALUES};
    char *text = ls_alloc((size_t)rows * 24 + 8, 1), *at = text + sprintf(text, "x,y\n");
    for (int i = 0; i < rows; i++) at += sprintf(at, "%d,%d\n", i, 10 * i);
    *dataset = (ls_dataset){0};
    cr_assert_eq(ls_csv_parse(&options, NULL, "table", text, (size_t)(at - text), dataset), LS_OK);
    ls_free(text);
}

Test(dataset, take_copies_rows_and_names)
{
    ls_dataset table, taken;
    make_table(5, &table);
    cr_assert_eq(ls_dataset_take(&table, (uint32_t[]){4, 0, 4}, 3, &taken), LS_OK);
    ls_dataset_free(&table);
    cr_expect_eq(table.rows, 0);
    cr_expect_null(table.floats);
    cr_expect_eq(taken.rows, 3);
    cr_expect_eq(taken.floats[0], 4);
    cr_expect_eq(taken.floats[1], 0);
    cr_expect_eq(taken.targets[2], 40);
    cr_expect_eq(taken.inputs, 1);
    cr_expect_eq(taken.shape[0], 1);
    cr_expect_str_eq(taken.output_names[0], "y");
    ls_dataset_free(&taken);
}

Test(dataset, take_copies_bytes_and_labels)
{
    uint8_t bytes[] = {1, 2, 3, 4};
    int32_t labels[] = {0, 1};
    char *names[] = {"no", "yes"};
    ls_dataset from = {.rows = 2,
                       .inputs = 2,
                       .shape = {2},
                       .rank = 1,
                       .bytes = bytes,
                       .classes = 2,
                       .labels = labels,
                       .class_names = names};
    ls_dataset taken;
    cr_assert_eq(ls_dataset_take(&from, (uint32_t[]){1, 0}, 2, &taken), LS_OK);
    cr_expect_eq(memcmp(taken.bytes, (uint8_t[]){3, 4, 1, 2}, 4), 0);
    cr_expect_eq(taken.labels[0], 1);
    cr_expect_str_eq(taken.class_names[1], "yes");
    cr_expect_null(taken.floats);
    ls_dataset_free(&taken);
}

Test(dataset, digest_sees_every_part)
{
    uint8_t bytes[] = {1, 2, 3, 4};
    float floats[] = {1, 2, 3, 4}, targets[] = {5, 6};
    int32_t labels[] = {0, 1};
    char *names[] = {"no", "yes"}, *others[] = {"noy", "es"}, *outputs[] = {"y"};
    ls_dataset base = {.rows = 2,
                       .inputs = 2,
                       .shape = {2},
                       .rank = 1,
                       .floats = floats,
                       .classes = 2,
                       .labels = labels,
                       .class_names = names};
    uint64_t digest = ls_dataset_digest(&base);
    ls_dataset copy = base;
    cr_expect_eq(ls_dataset_digest(&copy), digest);
    float other_floats[] = {1, 2, 4, 3};
    int32_t other_labels[] = {1, 1};
    ls_dataset changed[8];
    for (int i = 0; i < 8; i++) changed[i] = base;
    changed[0].floats = other_floats;
    changed[1].labels = other_labels;
    changed[2].class_names = others;
    changed[3].shape[0] = 1;
    changed[4].floats = NULL;
    changed[4].bytes = bytes;
    changed[5].outputs = 1;
    changed[5].targets = targets;
    changed[6] = changed[5];
    changed[6].output_names = outputs;
    changed[7].labels = NULL;
    for (int i = 0; i < 8; i++) {
        uint64_t other = ls_dataset_digest(&changed[i]);
        cr_expect_neq(other, digest, "change %d", i);
        for (int j = 0; j < i; j++)
            cr_expect_neq(other, ls_dataset_digest(&changed[j]), "changes %d, %d", i, j);
    }
}

/* --- Loading from files --- */

static char directory[] = "/tmp/lockstep-data-XXXXXX";
static char train_name[] = "train.csv.gz", test_name[] = "test.csv";
static ls_dataset train, test;

static void write_table(const char *name, const char *mode, int rows)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    gzFile file = gzopen(path, mode);
    cr_assert_not_null(file);
    for (int i = 0; i < rows; i++) gzprintf(file, "%d,%s\n", i, i % 3 ? "no" : "yes");
    gzclose(file);
}

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    write_table(train_name, "wb", 101);
    write_table(test_name, "wbT", 7);
}

static void leave(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, train_name);
    remove(path);
    snprintf(path, sizeof path, "%s/%s", directory, test_name);
    remove(path);
    rmdir(directory);
    ls_dataset_free(&train);
    ls_dataset_free(&test);
}

TestSuite(source, .init = enter, .fini = leave);

static ls_status load(const ls_csv_options *options, uint64_t seed)
{
    ls_component source = {.type = &ls_source_csv.base, .options = (void *)options};
    ls_dataset_free(&train);
    ls_dataset_free(&test);
    return ls_data_load(&source, directory, seed, &train, &test);
}

/* Each row in one of the two sets, in the order of the file, with its own label. */
static void expect_partition(int rows, int tested)
{
    int seen[128] = {0};
    cr_assert_eq(test.rows, tested);
    cr_assert_eq(train.rows, rows - tested);
    const ls_dataset *sets[] = {&train, &test};
    for (int s = 0; s < 2; s++)
        for (int64_t i = 0; i < sets[s]->rows; i++) {
            int row = (int)sets[s]->floats[i];
            seen[row]++;
            cr_expect_eq(sets[s]->labels[i], row % 3 == 0);
            cr_expect(i == 0 || sets[s]->floats[i] > sets[s]->floats[i - 1]);
        }
    for (int i = 0; i < rows; i++) cr_expect_eq(seen[i], 1, "row %d is used %d times", i, seen[i]);
}

Test(source, split_is_a_partition_by_the_seed)
{
    ls_csv_options options = {
        .common = {.test_fraction = 0.2}, .train = train_name, .target = {1, last_only}};
    cr_assert_eq(load(&options, 1), LS_OK, "%s", ls_error_message());
    expect_partition(101, 20);
    uint64_t digest = ls_dataset_digest(&test);
    cr_assert_eq(load(&options, 1), LS_OK);
    cr_expect_eq(ls_dataset_digest(&test), digest);
    cr_assert_eq(load(&options, 2), LS_OK);
    cr_expect_neq(ls_dataset_digest(&test), digest);
    expect_partition(101, 20);
}

Test(source, sizes_of_the_split)
{
    ls_csv_options options = {.common = {.test_fraction = 0}, .train = train_name, .target = {1, last_only}};
    static const struct {
        double fraction;
        int tested;
    } cases[] = {{0, 0}, {0.001, 1}, {0.5, 51}, {0.9, 91}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        options.common.test_fraction = cases[i].fraction;
        cr_assert_eq(load(&options, 3), LS_OK);
        cr_expect_eq(test.rows, cases[i].tested, "fraction %g", cases[i].fraction);
        cr_expect_eq(train.rows, 101 - cases[i].tested);
    }
    options.train = test_name;
    options.common.test_fraction = 0.9;
    write_table(test_name, "wbT", 2);
    cr_assert_eq(load(&options, 3), LS_OK, "%s", ls_error_message());
    cr_expect_eq(train.rows, 1);
    cr_expect_eq(test.rows, 1);
}

Test(source, test_file_takes_the_classes_of_the_training_file)
{
    ls_csv_options options = {
        .common = {.test_fraction = 0.2}, .train = train_name, .test = test_name, .target = {1, last_only}};
    cr_assert_eq(load(&options, 1), LS_OK, "%s", ls_error_message());
    cr_expect_eq(train.rows, 101);
    cr_expect_eq(test.rows, 7);
    cr_expect_eq(test.labels[0], 1);
    write_table(test_name, "wbT", 1);
    cr_assert_eq(load(&options, 1), LS_OK, "%s", ls_error_message());
    cr_expect_eq(test.classes, 2);
    cr_expect_eq(test.labels[0], 1, "one class is enough here, and it keeps its number");
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, test_name);
    ls_file_part part = {"1,no\n2,perhaps\n", 15};
    cr_assert_eq(ls_file_replace(path, &part, 1), LS_OK);
    cr_assert_eq(load(&options, 1), LS_ERROR_DATA);
    cr_expect(strstr(ls_error_message(), "test.csv:2:3: row 2: label 'perhaps' is none of the 2 classes"),
              "%s", ls_error_message());
    cr_expect_null(train.floats, "nothing is left after a failure");
}

Test(source, missing_files_are_named)
{
    char missing[] = "missing.csv";
    ls_csv_options options = {.train = missing, .target = {1, last_only}};
    cr_expect_eq(load(&options, 1), LS_ERROR_IO);
    cr_expect(strstr(ls_error_message(), "missing.csv") != NULL, "%s", ls_error_message());
}

/* Refused memory at one depth after the other: a status each time, and no leak for the sanitiser to see. */
Test(source, refused_memory_is_a_status)
{
    char faults[512] = "memory:nth=1", *at = faults + strlen(faults);
    for (int depth = 2, passage = 1; depth <= 16; depth++)
        at += sprintf(at, ",memory:nth=%d", passage += depth);
    setenv("LOCKSTEP_FAULT", faults, 1);
    ls_csv_options options = {
        .common = {.test_fraction = 0.2}, .train = train_name, .test = test_name, .target = {1, last_only}};
    for (int depth = 1; depth <= 16; depth++)
        cr_assert_eq(load(&options, 1), LS_ERROR_MEMORY, "depth %d", depth);
    cr_assert_eq(load(&options, 1), LS_OK, "%s", ls_error_message());
}

Test(source, rows_get_the_shape_of_the_recipe)
{
    ls_csv_options options = {.common = {.test_fraction = 0.5, .shape = {.count = 3, .value = {1, 1, 1}}},
                              .train = train_name,
                              .target = {1, last_only}};
    cr_assert_eq(load(&options, 1), LS_OK, "%s", ls_error_message());
    for (int i = 0; i < 2; i++) {
        const ls_dataset *set = i == 0 ? &train : &test;
        cr_expect(set->rank == 3 && set->shape[0] == 1 && set->shape[1] == 1 && set->shape[2] == 1);
    }
    options.common.shape = (ls_integers){.count = 2, .value = {3, 5}};
    cr_expect_eq(load(&options, 1), LS_ERROR_RECIPE);
    cr_expect_str_eq(ls_error_message(),
                     "data.shape is 3 x 5 = 15 numbers, but a row of the data has 1 inputs");
    options.common.shape = (ls_integers){.count = 5, .value = {1, 1, 1, 1, 1}};
    cr_expect_eq(load(&options, 1), LS_ERROR_RECIPE);
    cr_expect_str_eq(ls_error_message(), "data.shape has 5 dimensions, expected at most 4");
}

Test(source, xor_is_whole)
{
    ls_data_options options = {.test_fraction = 0.5};
    ls_component source = {.type = &ls_source_xor.base, .options = &options};
    cr_assert_eq(ls_data_load(&source, NULL, 1, &train, &test), LS_OK);
    cr_expect_eq(train.rows, 4);
    cr_expect_eq(test.rows, 0);
    cr_expect_eq(train.classes, 2);
    for (int i = 0; i < 4; i++) {
        int a = (int)train.floats[2 * i], b = (int)train.floats[2 * i + 1];
        cr_expect_eq(2 * a + b, i);
        cr_expect_eq(train.labels[i], a ^ b);
    }
}

Test(source, pushed_rows_are_not_loaded)
{
    ls_push_options options = {.inputs = 1, .classes = 2};
    ls_component source = {.type = &ls_source_push.base, .options = &options};
    cr_expect(ls_source_push.pushed);
    cr_expect_null(ls_source_push.base.check(&options));
    options.outputs = 1;
    cr_expect_not_null(ls_source_push.base.check(&options));
    options.outputs = 0;
    cr_expect_eq(ls_data_load(&source, NULL, 1, &train, &test), LS_ERROR_RECIPE);
    static const char *const names[] = {"no", "yes"};
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, test_name);
    cr_assert_eq(ls_source_push.load_file(&options, path, 1, names, 2, &test), LS_OK, "%s",
                 ls_error_message());
    cr_expect_eq(test.labels[0], 1);
    cr_expect_eq(test.rows, 7);
}

Test(source, registry_has_complete_tables)
{
    for (int i = 0; ls_source_registry.types[i]; i++) {
        const ls_source_type *type = (const ls_source_type *)ls_source_registry.types[i];
        cr_expect_not_null(type->base.help, "%s", type->base.name);
        cr_expect_geq(type->base.options_size, sizeof(ls_data_options), "%s", type->base.name);
        cr_expect_eq(type->load == NULL, type->pushed, "%s", type->base.name);
        cr_expect_not_null(type->load_file, "%s", type->base.name);
        for (const ls_option *option = type->base.options; option->key; option++)
            cr_expect_not_null(option->help, "%s.%s", type->base.name, option->key);
    }
}
