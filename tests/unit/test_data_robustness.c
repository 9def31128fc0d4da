/* Damaged files: any truncation and any flipped bits give data or a message, never a crash. What is read is
 * whole: all numbers finite, all labels in range. Run with a sanitiser these tests see every access out of
 * bounds. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "base/random.h"
#include "data/cifar.h"
#include "data/csv.h"
#include "data/idx.h"

enum { FLIPS = 3000 };

static char last_word[] = "last", label_word[] = "label", id_word[] = "id";
static char *last_only[] = {last_word}, *label_only[] = {label_word}, *id_only[] = {id_word};

static const ls_csv_options variants[] = {
    {.target = {1, last_only}},
    {.target = {1, label_only}, .ignore = {1, id_only}},
    {.target = {1, last_only}, .task = LS_CSV_TASK_CLASSES, .header = LS_CSV_HEADER_NO},
    {.target = {1, last_only}, .separator = 4},
};

static const char *const texts[] = {
    "id,x,y,label\n1,2.5,-3e2,yes\n2,\"0.25\",7,no\n3,1e-40,8,\"y\"\"es\"\n4,5,6,no\n",
    "6,2,cat,dog,emu\n1,2,0\n3,4,1\n5,6,2\n7,8,1\n.5,5.,0\n1,1,2\n",
    "\357\273\2771;2;0.5\r\n3;4;1.5\r\n5;6;2\r\n\r\n",
    " 1 2 a\n3\t4   b\n5 6 \"a b\"\n",
};

static void expect_whole(const ls_dataset *dataset)
{
    cr_assert_gt(dataset->rows, 0);
    for (int64_t i = 0; dataset->floats && i < dataset->rows * dataset->inputs; i++)
        cr_assert(isfinite(dataset->floats[i]));
    for (int64_t i = 0; i < dataset->rows * dataset->outputs; i++) cr_assert(isfinite(dataset->targets[i]));
    for (int64_t i = 0; dataset->labels && i < dataset->rows; i++)
        cr_assert(dataset->labels[i] >= 0 && dataset->labels[i] < dataset->classes);
    for (int i = 0; i < dataset->classes; i++) cr_assert_not_null(dataset->class_names[i]);
}

static void check_status(ls_status status, const ls_dataset *dataset)
{
    if (status == LS_OK) {
        expect_whole(dataset);
    } else {
        cr_assert_eq(status, LS_ERROR_DATA, "%s", ls_error_message());
        cr_assert_gt(strlen(ls_error_message()), 8);
    }
}

/* bytes as a training file, and as one for a model, in all variants. */
static void try_csv(const char *bytes, size_t size)
{
    static const char *const names[] = {"cat", "dog", "emu"};
    const ls_csv_model model = {2, names, 3, false, NULL};
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++)
        for (int known = 0; known < 2; known++) {
            char *copy = ls_alloc(size + 1, 1);
            memcpy(copy, bytes, size);
            ls_dataset dataset = {0};
            check_status(ls_csv_parse(&variants[v], known ? &model : NULL, "damaged", copy, size, &dataset),
                         &dataset);
            ls_dataset_free(&dataset);
            ls_free(copy);
        }
}

/* Changes one to three bytes of the size bytes; the i-th damage of a file. */
static void damage(char *bytes, size_t size, uint64_t file, uint64_t i)
{
    ls_random_words r = ls_random(5, LS_RANDOM_BENCH, file, i);
    static const char likely[] = "\",;\t\n\r 0.-e\0\xff";
    for (uint32_t change = 0; change <= r.word[0] % 3; change++) {
        uint32_t word = r.word[1 + change];
        char *byte = &bytes[word % 65536 % size];
        *byte =
            word >> 31 ? likely[(word >> 16) % (sizeof likely - 1)] : (char)(*byte ^ (1 << (word >> 16) % 8));
    }
}

Test(data_robustness, truncated_tables)
{
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        for (size_t size = 0; size <= strlen(texts[t]); size++) try_csv(texts[t], size);
}

Test(data_robustness, flipped_bytes_in_tables)
{
    for (uint64_t i = 0; i < FLIPS / 2; i++) {
        char bytes[128];
        uint64_t t = i % (sizeof texts / sizeof texts[0]);
        size_t size = strlen(texts[t]);
        memcpy(bytes, texts[t], size);
        damage(bytes, size, t, i);
        try_csv(bytes, size);
    }
}

#define IMAGES                                                                                               \
    "\0\0\x08\x03\0\0\0\4\0\0\0\1\0\0\0\2"                                                                   \
    "abcdefgh"
#define FLOATS "\0\0\x0d\x02\0\0\0\2\0\0\0\1\x3f\xc0\0\0\xc0\0\0\0"
#define LABELS "\0\0\x08\x01\0\0\0\4\2\0\1\2"

static void try_idx(const char *bytes, size_t size)
{
    for (int labels = 0; labels < 3; labels++) {
        char *copy = ls_alloc(size, 1);
        memcpy(copy, bytes, size);
        ls_dataset dataset = {0};
        if (labels) dataset.rows = 4;
        ls_status status = labels ? ls_idx_parse_labels("damaged", copy, size, labels == 1 ? 0 : 3, &dataset)
                                  : ls_idx_parse_images("damaged", copy, size, &dataset);
        if (status == LS_OK && !labels) cr_assert(dataset.bytes || dataset.floats);
        cr_assert(status == LS_OK || status == LS_ERROR_DATA);
        dataset.classes = 0; /* names are given by the caller of the parser */
        ls_dataset_free(&dataset);
    }
}

Test(data_robustness, damaged_idx_files)
{
    static const struct {
        const char *bytes;
        size_t size;
    } files[] = {{IMAGES, sizeof IMAGES - 1}, {FLOATS, sizeof FLOATS - 1}, {LABELS, sizeof LABELS - 1}};
    for (uint64_t f = 0; f < 3; f++) {
        for (size_t size = 0; size <= files[f].size; size++) try_idx(files[f].bytes, size);
        for (uint64_t i = 0; i < FLIPS; i++) {
            char bytes[64];
            memcpy(bytes, files[f].bytes, files[f].size);
            damage(bytes, files[f].size, 10 + f, i);
            try_idx(bytes, files[f].size);
        }
    }
}

/* Any number of bytes, any labels: whole records in range, or a message. */
Test(data_robustness, damaged_cifar_files)
{
    enum { RECORD = 3073, RECORDS = 3 };
    for (uint64_t i = 0; i < 600; i++) {
        ls_random_words r = ls_random(5, LS_RANDOM_BENCH, 20, i);
        size_t size = i % 2 ? RECORDS * RECORD : r.word[0] % (RECORDS * RECORD + 1);
        char *bytes = ls_alloc(size, 1);
        if (i % 2) bytes[r.word[1] % RECORDS * RECORD] = (char)(r.word[2] % 16);
        ls_dataset dataset = {0};
        ls_status status = ls_cifar_add("damaged", bytes, size, LS_CIFAR_10, &dataset);
        cr_assert_eq(status == LS_OK, i % 2 ? r.word[2] % 16 < 10 : size > 0 && size % RECORD == 0);
        if (status == LS_OK) cr_assert_eq(dataset.rows, (int64_t)(size / RECORD));
        for (int64_t row = 0; row < dataset.rows; row++)
            cr_assert(dataset.labels[row] >= 0 && dataset.labels[row] < 10);
        dataset.classes = 0; /* names are given by the caller of the parser */
        ls_dataset_free(&dataset);
        ls_free(bytes);
    }
}
