/* The source "idx": the format of MNIST. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "data/idx.h"
#include "data/sources.h"

static ls_dataset dataset;

static void leave(void)
{
    ls_dataset_free(&dataset);
}

TestSuite(idx, .fini = leave);

static char *copy_of(const char *bytes, size_t size)
{
    char *copy = ls_alloc(size, 1);
    memcpy(copy, bytes, size);
    return copy;
}

static ls_status parse_images(const char *bytes, size_t size)
{
    ls_dataset_free(&dataset);
    return ls_idx_parse_images("i.idx", copy_of(bytes, size), size, &dataset);
}

static ls_status parse_labels(const char *bytes, size_t size, int64_t rows, int classes)
{
    ls_dataset_free(&dataset);
    dataset.rows = rows;
    return ls_idx_parse_labels("l.idx", copy_of(bytes, size), size, classes, &dataset);
}

/* The literal without the 0 that C puts at its end. */
#define BYTES(text) text, sizeof(text) - 1

static void expect_error(ls_status status, const char *part)
{
    cr_expect_eq(status, LS_ERROR_DATA, "accepted, expected '%s'", part);
    cr_expect(strstr(ls_error_message(), part) != NULL, "'%s' does not contain '%s'", ls_error_message(),
              part);
}

static void expect_shape(int64_t rows, int rank, int64_t a, int64_t b, int64_t c)
{
    cr_expect_eq(dataset.rows, rows);
    cr_expect_eq(dataset.rank, rank);
    cr_expect_eq(dataset.shape[0], a);
    cr_expect_eq(dataset.shape[1], b);
    cr_expect_eq(dataset.shape[2], c);
    cr_expect_eq(dataset.inputs, a * (rank == 3 ? b * c : 1));
}

Test(idx, shapes_of_bytes)
{
    cr_assert_eq(parse_images(BYTES("\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\3"
                                    "abcde\xff")),
                 LS_OK);
    expect_shape(2, 3, 1, 1, 3);
    cr_expect_eq(memcmp(dataset.bytes, "abcde\xff", 6), 0);
    cr_assert_eq(parse_images(BYTES("\0\0\x08\x04\0\0\0\1\0\0\0\3\0\0\0\1\0\0\0\2"
                                    "abcdef")),
                 LS_OK);
    expect_shape(1, 3, 3, 1, 2);
    cr_assert_eq(parse_images(BYTES("\0\0\x08\x02\0\0\0\3\0\0\0\2"
                                    "abcdef")),
                 LS_OK);
    expect_shape(3, 1, 2, 0, 0);
}

Test(idx, floats)
{
    cr_assert_eq(parse_images(BYTES("\0\0\x0d\x02\0\0\0\2\0\0\0\1\x3f\xc0\0\0\xc0\0\0\0")), LS_OK);
    cr_assert_null(dataset.bytes);
    cr_expect_eq(dataset.floats[0], 1.5f);
    cr_expect_eq(dataset.floats[1], -2.0f);
    expect_error(parse_images(BYTES("\0\0\x0d\x02\0\0\0\2\0\0\0\1\x3f\xc0\0\0\x7f\xc0\0\0")),
                 "i.idx: byte 16: value 1 of row 2 is not finite");
}

Test(idx, images_that_are_wrong)
{
    expect_error(parse_images(BYTES("")), "i.idx: 0 bytes");
    expect_error(parse_images(BYTES("PNG!PNG!")), "i.idx: byte 0: begins with 504e4721");
    expect_error(parse_images(BYTES("\0\0\x07\x03\0\0\0\0")), "begins with 00000703");
    expect_error(parse_images(BYTES("\0\0\x08\x05\0\0\0\0")), "byte 3: 5 dimensions");
    expect_error(parse_images(BYTES("\0\0\x08\x03\0\0\0\1\0\0")),
                 "ends after 10 bytes within its header, expected 16");
    expect_error(parse_images(BYTES("\0\0\x0e\x02\0\0\0\1\0\0\0\1"
                                    "12345678")),
                 "type 0x0e (64-bit floats)");
    expect_error(parse_images(BYTES("\0\0\x08\x01\0\0\0\1a")), "is this the file of the labels?");
    expect_error(parse_images(BYTES("\0\0\x08\x02\0\0\0\2\0\0\0\2"
                                    "abc")),
                 "3 bytes of values, expected 4; the file is cut");
    expect_error(parse_images(BYTES("\0\0\x08\x02\0\0\0\2\0\0\0\2"
                                    "abcde")),
                 "byte 16: 1 bytes too many");
    expect_error(parse_images(BYTES("\0\0\x08\x02\0\0\0\0\0\0\0\2")), "byte 4: dimension 1 is 0");
    expect_error(
        parse_images(BYTES("\0\0\x0d\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                           "ab")),
        "expected more than");
}

Test(idx, labels)
{
    cr_assert_eq(parse_labels(BYTES("\0\0\x08\x01\0\0\0\3\2\0\1"), 3, 0), LS_OK);
    cr_expect_eq(dataset.classes, 3);
    cr_expect_eq(dataset.labels[0], 2);
    cr_expect_eq(dataset.labels[2], 1);
    cr_assert_eq(parse_labels(BYTES("\0\0\x08\x01\0\0\0\3\2\0\1"), 3, 5), LS_OK);
    cr_expect_eq(dataset.classes, 5);
    expect_error(parse_labels(BYTES("\0\0\x08\x01\0\0\0\3\1\0\2"), 3, 2),
                 "l.idx: byte 10: label 2 of row 3 is out of range, expected 0 to 1");
    expect_error(parse_labels(BYTES("\0\0\x08\x01\0\0\0\3\2\0\1"), 4, 0), "3 labels, expected 4");
    expect_error(parse_labels(BYTES("\0\0\x08\x01\0\0\0\3\2\0"), 3, 0), "cut off");
    expect_error(parse_labels(BYTES("\0\0\x08\x02\0\0\0\1\0\0\0\3\2\0\1"), 3, 0),
                 "is this the file of the images?");
    expect_error(parse_labels(BYTES("\0\0\x0d\x01\0\0\0\1\0\0\0\0"), 1, 0), "type 0x0d");
}

static void expect_name(const char *images, const char *labels)
{
    char *name;
    cr_assert_eq(ls_idx_labels_name(images, &name), LS_OK);
    cr_expect(labels ? name && strcmp(name, labels) == 0 : !name, "%s gives %s", images,
              name ? name : "nothing");
    ls_free(name);
}

Test(idx, name_of_the_labels)
{
    expect_name("d/t10k-images-idx3-ubyte.gz", "d/t10k-labels-idx1-ubyte.gz");
    expect_name("images/train-images.idx3-ubyte", "images/train-labels.idx1-ubyte");
    expect_name("images/idx3/set-images", "images/idx3/set-labels");
    expect_name("images/faces", NULL);
}

static char directory[] = "/tmp/lockstep-idx-XXXXXX";

static void write_file(const char *name, const char *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    ls_file_part part = {bytes, size};
    cr_assert_eq(ls_file_replace(path, &part, 1), LS_OK);
}

static void enter_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    write_file("train-images-idx3-ubyte", BYTES("\0\0\x08\x03\0\0\0\3\0\0\0\1\0\0\0\2"
                                                "abcdef"));
    write_file("train-labels-idx1-ubyte", BYTES("\0\0\x08\x01\0\0\0\3\2\0\1"));
    write_file("test-images", BYTES("\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\2"
                                    "gh"));
    write_file("test-labels", BYTES("\0\0\x08\x01\0\0\0\1\1"));
    write_file("bad-labels", BYTES("\0\0\x08\x01\0\0\0\1\3"));
    write_file("tall-images", BYTES("\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\1"
                                    "gh"));
}

static void leave_directory(void)
{
    static const char *const names[] = {"train-images-idx3-ubyte",
                                        "train-labels-idx1-ubyte",
                                        "test-images",
                                        "test-labels",
                                        "bad-labels",
                                        "tall-images"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        remove(path);
    }
    rmdir(directory);
    leave();
}

TestSuite(idx_files, .init = enter_directory, .fini = leave_directory);

static char images_name[] = "train-images-idx3-ubyte", labels_name[] = "train-labels-idx1-ubyte";
static char test_images_name[] = "test-images", test_labels_name[] = "test-labels",
            bad_labels_name[] = "bad-labels";
static char tall_images_name[] = "tall-images";

Test(idx_files, training_and_test)
{
    ls_idx_options options = {{.test_fraction = 0.5}, images_name,      labels_name,
                              test_images_name,       test_labels_name, 0};
    ls_component source = {.type = &ls_source_idx.base, .options = &options};
    ls_dataset train, test;
    cr_assert_eq(ls_data_load(&source, directory, 1, &train, &test), LS_OK, "%s", ls_error_message());
    cr_expect_eq(train.rows, 3);
    cr_expect_eq(train.classes, 3);
    cr_expect_str_eq(train.class_names[2], "2");
    cr_expect_eq(test.rows, 1);
    cr_expect_eq(test.classes, 3);
    cr_expect_eq(test.labels[0], 1);
    ls_dataset_free(&train);
    ls_dataset_free(&test);
    options.test_labels = bad_labels_name;
    expect_error(ls_data_load(&source, directory, 1, &train, &test), "bad-labels: byte 8: label 3 of row 1");
    cr_expect_null(train.bytes);
    options.test_labels = test_labels_name;
    options.test_images = tall_images_name;
    expect_error(ls_data_load(&source, directory, 1, &train, &test), "same shape");
    options.test_images = NULL;
    cr_expect_str_eq(ls_source_idx.base.check(&options), "test_labels needs test_images as well");
    options.test_labels = NULL;
    cr_expect_null(ls_source_idx.base.check(&options));
    options.test_images = test_images_name;
    cr_expect_str_eq(ls_source_idx.base.check(&options), "test_images needs test_labels as well");
}

Test(idx_files, file_for_a_model)
{
    ls_idx_options options = {0};
    static const char *const names[] = {"x", "y", "z"};
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, images_name);
    cr_assert_eq(ls_source_idx.load_file(&options, path, 2, names, 3, &dataset), LS_OK, "%s",
                 ls_error_message());
    cr_expect_eq(dataset.labels[0], 2, "labels beside the images are used");
    cr_expect_str_eq(dataset.class_names[1], "y");
    ls_dataset_free(&dataset);
    snprintf(path, sizeof path, "%s/%s", directory, tall_images_name);
    cr_assert_eq(ls_source_idx.load_file(&options, path, 2, names, 3, &dataset), LS_OK, "%s",
                 ls_error_message());
    cr_expect_null(dataset.labels);
    ls_dataset_free(&dataset);
    expect_error(ls_source_idx.load_file(&options, path, 3, names, 3, &dataset),
                 "2 numbers a row, expected the 3");
}
