/* The source "cifar", on small files of the format. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "base/options.h"
#include "data/cifar.h"
#include "data/sources.h"
#include "support/directory.h"

enum { IMAGE = 3072, RECORDS = 3 };

static ls_dataset dataset, test;
static char directory[LS_TEST_DIRECTORY];

static void enter(void)
{
    ls_test_directory_make(directory);
}

static void leave(void)
{
    ls_dataset_free(&dataset);
    ls_dataset_free(&test);
    ls_test_directory_remove(directory);
}

TestSuite(cifar, .init = enter, .fini = leave);

/* Record r has the label bytes first + r (and first + r + 10), and pixel i is r + i modulo 251. */
static size_t make(unsigned char *to, int label_bytes, int first)
{
    unsigned char *at = to;
    for (int r = 0; r < RECORDS; r++) {
        for (int l = 0; l < label_bytes; l++) *at++ = (unsigned char)(first + r + 10 * l);
        for (int i = 0; i < IMAGE; i++) *at++ = (unsigned char)((r + i) % 251);
    }
    return (size_t)(at - to);
}

static ls_status add(int label_bytes, int first, ls_cifar_labels labels, size_t cut)
{
    static unsigned char bytes[RECORDS * (IMAGE + 2)];
    size_t size = make(bytes, label_bytes, first);
    return ls_cifar_add("c.bin", (char *)bytes, size - cut, labels, &dataset);
}

static void write_file(const char *name, int first)
{
    static unsigned char bytes[RECORDS * (IMAGE + 2)];
    ls_file_part part = {.bytes = bytes, .size = make(bytes, 1, first)};
    char *path = ls_path_join(directory, name);
    cr_assert_eq(ls_file_replace(path, &part, 1), LS_OK, "%s", ls_error_message());
    ls_free(path);
}

static void expect_error(ls_status status, const char *part)
{
    cr_expect_eq(status, LS_ERROR_DATA, "accepted, expected '%s'", part);
    cr_expect(strstr(ls_error_message(), part), "'%s' does not contain '%s'", ls_error_message(), part);
}

Test(cifar, records_become_images_of_three_planes)
{
    cr_assert_eq(add(1, 7, LS_CIFAR_10, 0), LS_OK, "%s", ls_error_message());
    cr_assert_eq(add(1, 0, LS_CIFAR_10, 0), LS_OK, "%s", ls_error_message());
    cr_expect(dataset.rows == 2 * RECORDS && dataset.inputs == IMAGE && dataset.classes == 10);
    cr_expect(dataset.rank == 3 && dataset.shape[0] == 3 && dataset.shape[1] == 32 && dataset.shape[2] == 32);
    for (int r = 0; r < 2 * RECORDS; r++) {
        cr_expect_eq(dataset.labels[r], r < RECORDS ? 7 + r : r - RECORDS);
        for (int i = 0; i < IMAGE; i++)
            cr_assert_eq(dataset.bytes[r * IMAGE + i], (r % RECORDS + i) % 251, "row %d, byte %d", r, i);
    }
}

Test(cifar, the_hundred_classes_have_two_labels_a_record)
{
    cr_assert_eq(add(2, 4, LS_CIFAR_100_COARSE, 0), LS_OK, "%s", ls_error_message());
    cr_expect(dataset.classes == 20 && dataset.labels[2] == 6 && dataset.bytes[IMAGE] == 1);
    ls_dataset_free(&dataset);
    cr_assert_eq(add(2, 4, LS_CIFAR_100_FINE, 0), LS_OK, "%s", ls_error_message());
    cr_expect(dataset.classes == 100 && dataset.labels[2] == 16);
}

Test(cifar, damage_is_named_with_its_place)
{
    expect_error(add(1, 8, LS_CIFAR_10, 0), "c.bin: record 3: the label is 10, expected 0 to 9");
    ls_dataset_free(&dataset);
    expect_error(add(1, 0, LS_CIFAR_10, 1), "2 records of 3073 and 3072 bytes more");
    ls_dataset_free(&dataset);
    expect_error(add(2, 0, LS_CIFAR_10, 0), "expected whole records of cifar10");
    expect_error(ls_cifar_add("c.bin", "", 0, LS_CIFAR_10, &dataset), "0 bytes");
}

static ls_cifar_options options = {.train = "data_batch_*.bin", .test = "test.bin", .names = "names.txt"};

static void write_names(const char *text)
{
    ls_file_part part = {.bytes = text, .size = strlen(text)};
    char *path = ls_path_join(directory, "names.txt");
    cr_assert_eq(ls_file_replace(path, &part, 1), LS_OK);
    ls_free(path);
}

Test(cifar, all_files_of_a_pattern_are_read_in_order)
{
    write_file("data_batch_2.bin", 3);
    write_file("data_batch_1.bin", 0);
    write_file("test.bin", 6);
    write_names("a\nb\r\nc\nd\ne\nf\ng\nh\ni\nlast");
    cr_assert_eq(ls_source_cifar.load(&options, directory, &dataset, &test), LS_OK, "%s", ls_error_message());
    cr_expect(dataset.rows == 2 * RECORDS && test.rows == RECORDS);
    for (int r = 0; r < 2 * RECORDS; r++) cr_expect_eq(dataset.labels[r], r);
    cr_expect_str_eq(dataset.class_names[1], "b");
    cr_expect_str_eq(dataset.class_names[2], "c");
    cr_expect_str_eq(test.class_names[9], "last");
    write_names("a\nb\n");
    ls_dataset_free(&dataset);
    ls_dataset_free(&test);
    expect_error(ls_source_cifar.load(&options, directory, &dataset, &test), "names.txt:3: no name");
}

Test(cifar, a_pattern_without_files_is_an_error)
{
    ls_status status = ls_source_cifar.load(&options, directory, &dataset, &test);
    cr_expect_eq(status, LS_ERROR_IO);
    cr_expect(strstr(ls_error_message(), "data_batch_*.bin"), "%s", ls_error_message());
}

Test(cifar, a_file_for_a_model_gets_the_names_of_its_classes)
{
    const char *names[] = {"p", "q", "r", "s", "t", "u", "v", "w", "x", "y"};
    write_file("test.bin", 6);
    char *path = ls_path_join(directory, "test.bin");
    cr_assert_eq(ls_source_cifar.load_file(&options, path, IMAGE, names, 10, &dataset), LS_OK);
    cr_expect_str_eq(dataset.class_names[dataset.labels[0]], "v");
    ls_dataset_free(&dataset);
    expect_error(ls_source_cifar.load_file(&options, path, 784, names, 10, &dataset), "784 inputs");
    expect_error(ls_source_cifar.load_file(&options, path, IMAGE, names, 3, &dataset), "expected the 3");
    ls_free(path);
}
