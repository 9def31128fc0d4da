/* Safetensors files: equal content gives equal bytes, everything comes back, and no damaged file is believed.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "io/safetensors.h"

static char directory[] = "/tmp/lockstep-safetensors-XXXXXX";
static char path[64];

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
}

static void leave(void)
{
    unlink(path);
    rmdir(directory);
}

TestSuite(safetensors, .init = enter, .fini = leave);

static const float weights[6] = {1.0f, -2.5f, 3e-40f, 0.0f, 1e30f, 0.1f};
static const uint64_t counters[2] = {UINT64_MAX, 7};
static const uint8_t bytes3[3] = {1, 2, 255};
static const double scalar = 0.1;
static const int64_t signed1[1] = {INT64_MIN};

static ls_tensor sample_tensor[] = {
    {.name = "hidden.weight", .type = LS_TENSOR_F32, .dims = 2, .dim = {2, 3}, .data = weights},
    {.name = "empty", .type = LS_TENSOR_F32, .dims = 2, .dim = {0, 3}},
    {.name = "odd \"name\" \xc3\xa9\n", .type = LS_TENSOR_U8, .dims = 1, .dim = {3}, .data = bytes3},
    {.name = "counters", .type = LS_TENSOR_U64, .dims = 1, .dim = {2}, .data = counters},
    {.name = "scalar", .type = LS_TENSOR_F64, .dims = 0, .data = &scalar},
    {.name = "signed", .type = LS_TENSOR_I64, .dims = 4, .dim = {1, 1, 1, 1}, .data = signed1},
};
enum { TENSORS = sizeof sample_tensor / sizeof sample_tensor[0] };
static ls_metadata sample_metadata[] = {{"model", "{\"a\": \"\xe2\x82\xac\"}"}, {"classes", ""}};

static ls_safetensors sample(void)
{
    return (ls_safetensors){
        .tensor_count = TENSORS, .tensor = sample_tensor, .metadata_count = 2, .metadata = sample_metadata};
}

static void write_sample(bool checksums)
{
    ls_safetensors content = sample();
    cr_assert_eq(ls_safetensors_write(path, &content, checksums), LS_OK, "%s", ls_error_message());
}

/* A file of a header text and so many bytes of data. */
static void write_raw(const char *header, uint64_t length, size_t data)
{
    char *zeros = ls_alloc(data + 1, 1);
    ls_file_part part[] = {{&length, 8}, {header, strlen(header)}, {zeros, data}};
    cr_assert_eq(ls_file_replace(path, part, 3), LS_OK);
    ls_free(zeros);
}

static void expect_failure(const char *words)
{
    ls_safetensors content;
    cr_assert_eq(ls_safetensors_read(path, &content), LS_ERROR_DATA, "not noticed: %s", words);
    cr_assert_not_null(strstr(ls_error_message(), words), "expected \"%s\", got: %s", words,
                       ls_error_message());
    cr_assert_not_null(strstr(ls_error_message(), path), "the file is not named: %s", ls_error_message());
    cr_assert_null(content.bytes);
    cr_assert_eq(content.tensor_count, 0);
}

static void refuse(const char *header, size_t data, const char *words)
{
    write_raw(header, strlen(header), data);
    expect_failure(words);
}

Test(safetensors, everything_comes_back)
{
    write_sample(true);
    ls_safetensors content;
    cr_assert_eq(ls_safetensors_read(path, &content), LS_OK, "%s", ls_error_message());
    cr_assert_eq(content.tensor_count, TENSORS);
    for (int i = 0; i < TENSORS; i++) {
        const ls_tensor *was = &sample_tensor[i], *is = ls_safetensors_find(&content, was->name);
        cr_assert_not_null(is);
        cr_assert_eq(is->type, was->type);
        cr_assert_eq(is->dims, was->dims);
        cr_assert_arr_eq(is->dim, was->dim, sizeof was->dim);
        cr_assert_eq(ls_tensor_bytes(is), ls_tensor_bytes(was));
        if (was->data) cr_assert_arr_eq(is->data, was->data, ls_tensor_bytes(was));
        size_t element = was->type == LS_TENSOR_U8 ? 1 : was->type == LS_TENSOR_F32 ? 4 : 8;
        cr_assert_eq((uintptr_t)is->data % element, 0, "%s is not aligned", was->name);
    }
    cr_assert_str_eq(ls_safetensors_metadata(&content, "model"), sample_metadata[0].value);
    cr_assert_str_eq(ls_safetensors_metadata(&content, "classes"), "");
    cr_assert_null(ls_safetensors_metadata(&content, "none"));
    cr_assert_null(ls_safetensors_find(&content, "none"));
    ls_safetensors_free(&content);
}

Test(safetensors, equal_content_gives_equal_bytes)
{
    char *first, *second, *third;
    size_t size, again;
    write_sample(true);
    cr_assert_eq(ls_file_read(path, &first, &size), LS_OK);
    cr_assert_eq(*(uint64_t *)(void *)first % 8, 0, "the header is not padded");

    /* metadata in another order */
    ls_metadata turned[] = {sample_metadata[1], sample_metadata[0]};
    ls_safetensors content = sample();
    content.metadata = turned;
    cr_assert_eq(ls_safetensors_write(path, &content, true), LS_OK);
    cr_assert_eq(ls_file_read(path, &second, &again), LS_OK);
    cr_assert_eq(again, size);
    cr_assert_arr_eq(first, second, size);

    /* what was read is written as it was, with checksums made anew */
    cr_assert_eq(ls_safetensors_read(path, &content), LS_OK);
    cr_assert_eq(ls_safetensors_write(path, &content, true), LS_OK);
    ls_safetensors_free(&content);
    cr_assert_eq(ls_file_read(path, &third, &again), LS_OK);
    cr_assert_eq(again, size);
    cr_assert_arr_eq(first, third, size);
    ls_free(first);
    ls_free(second);
    ls_free(third);
}

Test(safetensors, the_header_is_as_the_format_says)
{
    static const float one = 1;
    ls_tensor tensor[] = {{.name = "b", .dims = 1, .dim = {1}, .data = &one}, {.name = "a", .data = &one}};
    ls_metadata metadata[] = {{"y", "2"}, {"x", "1"}};
    ls_safetensors content = {2, tensor, 2, metadata, NULL};
    const char *expected = "{\"__metadata__\":{\"x\":\"1\",\"y\":\"2\"},"
                           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                           "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}}";
    char *bytes;
    size_t size;
    cr_assert_eq(ls_safetensors_write(path, &content, false), LS_OK);
    cr_assert_eq(ls_file_read(path, &bytes, &size), LS_OK);
    cr_assert_eq(memcmp(bytes + 8, expected, strlen(expected)), 0, "%s", bytes + 8);
    cr_assert_eq(size, 8 + (strlen(expected) + 7) / 8 * 8 + 8);
    ls_free(bytes);
}

Test(safetensors, a_file_without_tensors_is_sound)
{
    ls_safetensors none = {0}, content;
    cr_assert_eq(ls_safetensors_write(path, &none, true), LS_OK);
    cr_assert_eq(ls_safetensors_read(path, &content), LS_OK, "%s", ls_error_message());
    cr_assert_eq(content.tensor_count, 0);
    ls_safetensors_free(&content);
}

Test(safetensors, every_flipped_bit_is_caught)
{
    char *bytes;
    size_t size;
    write_sample(true);
    cr_assert_eq(ls_file_read(path, &bytes, &size), LS_OK);
    uint64_t header;
    memcpy(&header, bytes, 8);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 4;
        ls_file_part part = {bytes, size};
        cr_assert_eq(ls_file_replace(path, &part, 1), LS_OK);
        ls_safetensors content;
        ls_status status = ls_safetensors_read(path, &content);
        cr_assert_neq(status, LS_OK, "byte %zu of %zu (header %llu)", i, size, (unsigned long long)header);
        if (i >= 8 + header) cr_assert_not_null(strstr(ls_error_message(), "checksum"));
        bytes[i] ^= 4;
    }
    ls_free(bytes);
}

Test(safetensors, a_checksum_names_its_tensor)
{
    char *bytes;
    size_t size;
    write_sample(true);
    cr_assert_eq(ls_file_read(path, &bytes, &size), LS_OK);
    bytes[size - 1] ^= 1;
    ls_file_part part = {bytes, size};
    cr_assert_eq(ls_file_replace(path, &part, 1), LS_OK);
    expect_failure("tensor \"signed\"");
    ls_free(bytes);
}

Test(safetensors, any_truncation_is_caught)
{
    char *bytes;
    size_t size;
    write_sample(false);
    cr_assert_eq(ls_file_read(path, &bytes, &size), LS_OK);
    for (size_t length = 0; length < size; length++) {
        ls_safetensors content;
        ls_file_part part = {bytes, length};
        cr_assert_eq(ls_file_replace(path, &part, 1), LS_OK);
        cr_assert_eq(ls_safetensors_read(path, &content), LS_ERROR_DATA, "%zu of %zu bytes", length, size);
    }
    ls_free(bytes);
}

#define ENTRY(name, type, shape, begin, end)                                                                 \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

Test(safetensors, wrong_headers_have_clear_messages)
{
    write_raw("{}", 3, 0);
    expect_failure("beyond the end of the file");
    write_raw("{}", 100000001, 0);
    expect_failure("not a safetensors file");
    write_raw("{}", UINT64_MAX, 0);
    expect_failure("not a safetensors file");
    write_raw("{}", 0, 0);
    expect_failure("not a safetensors file");
    refuse("[]", 0, "does not begin with");
    refuse("{\"a\":", 0, "not sound JSON");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,99999999999999999999]}}", 4,
           "not sound JSON");
    refuse("{" ENTRY("a", "F32", "[1]", "0", "4") "," ENTRY("a", "F32", "[1]", "4", "8") "}", 8, "duplicate");
    refuse("{\"__metadata__\":[]}", 0, "object of strings");
    refuse("{\"__metadata__\":{\"key\":1}}", 0, "\"key\" are not a string");
    refuse("{\"a\":1}", 0, "\"a\" is not an object");
}

Test(safetensors, wrong_tensors_have_clear_messages)
{
    refuse("{" ENTRY("w", "BF16", "[1]", "0", "2") "}", 2, "tensor \"w\" has the dtype \"BF16\"");
    refuse("{\"w\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor \"w\" has no dtype");
    refuse("{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor \"w\" has no shape");
    refuse("{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "needs data_offsets");
    refuse("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "needs data_offsets");
    refuse("{" ENTRY("w", "F32", "[1.0]", "0", "4") "}", 4, "must be whole numbers");
    refuse("{" ENTRY("w", "F32", "[\"1\"]", "0", "4") "}", 4, "must be whole numbers");
    refuse("{" ENTRY("w", "F32", "[-1]", "0", "4") "}", 4, "-1 is not");
    refuse("{" ENTRY("w", "F32", "[1]", "-4", "0") "}", 4, "-4 is not");
    refuse("{" ENTRY("w", "F32", "[1]", "0", "9007199254740993") "}", 4, "0 to 2^53");
    refuse("{" ENTRY("w", "F32", "[9007199254740992,9007199254740992]", "0", "4") "}", 4, "does not fit");
    refuse("{" ENTRY("w", "F32", "[1,1,1,1,1]", "0", "4") "}", 4, "5 dimensions");
    refuse("{" ENTRY("w", "F32", "[1]", "4", "0") "}", 4, "before they begin");
    refuse("{" ENTRY("w", "F32", "[2]", "0", "4") "}", 4, "does not fit its 4 bytes");
    refuse("{" ENTRY("w", "F32", "[2]", "0", "8") "}", 4, "cut short");
}

Test(safetensors, data_must_be_covered_exactly_once)
{
    refuse("{" ENTRY("a", "F32", "[1]", "0", "4") "," ENTRY("b", "F32", "[1]", "0", "4") "}", 8, "overlap");
    refuse("{" ENTRY("a", "F32", "[2]", "0", "8") "," ENTRY("b", "F32", "[1]", "4", "8") "}", 8, "overlap");
    refuse("{" ENTRY("a", "F32", "[1]", "0", "4") "," ENTRY("b", "F32", "[1]", "8", "12") "}", 12, "gap");
    refuse("{" ENTRY("a", "F32", "[1]", "4", "8") "}", 8, "gap");
    refuse("{" ENTRY("a", "F32", "[1]", "0", "4") "}", 5, "the last 1 bytes");
    refuse("{}", 1, "the last 1 bytes");
    refuse("{\"__metadata__\":{\"lockstep.checksum.w\":\"0123456789abcdef\"}}", 0, "tensor \"w\" is missing");
}

/* Files of other programs: data in another order than the header, no padding, more keys. */
Test(safetensors, files_of_other_programs_are_read)
{
    const char *header = "{" ENTRY("b", "F32", "[1]", "1", "5") ",\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
                                                                "\"more\":[],\"data_offsets\":[0,1]}}";
    uint64_t length = strlen(header);
    const float value = 2.5f;
    ls_file_part part[] = {{&length, 8}, {header, length}, {"\7", 1}, {&value, 4}};
    cr_assert_eq(ls_file_replace(path, part, 4), LS_OK);
    ls_safetensors content;
    cr_assert_eq(ls_safetensors_read(path, &content), LS_OK, "%s", ls_error_message());
    const ls_tensor *b = ls_safetensors_find(&content, "b");
    cr_assert_eq((uintptr_t)b->data % 4, 0);
    cr_assert_eq(*(const float *)b->data, 2.5f);
    cr_assert_eq(*(const uint8_t *)ls_safetensors_find(&content, "a")->data, 7);
    ls_safetensors_free(&content);
}

Test(safetensors, wrong_content_is_not_written)
{
    ls_tensor twice[] = {sample_tensor[0], sample_tensor[0]};
    ls_tensor named = sample_tensor[0], negative = sample_tensor[0], broken = sample_tensor[0];
    ls_metadata keys[] = {{"a", "1"}, {"a", "2"}}, latin[] = {{"a", "\xe9"}};
    named.name = "__metadata__";
    negative.dim[0] = -2;
    broken.name = "\xff";
    const ls_safetensors wrong[] = {
        {.tensor_count = 2, .tensor = twice},     {.tensor_count = 1, .tensor = &named},
        {.tensor_count = 1, .tensor = &negative}, {.tensor_count = 1, .tensor = &broken},
        {.metadata_count = 2, .metadata = keys},  {.metadata_count = 1, .metadata = latin}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(ls_safetensors_write(path, &wrong[i], false), LS_ERROR_ARGUMENT, "case %zu", i);
        cr_assert_not(ls_file_exists(path));
    }
}

/* The pages of the last good file serve as material: bytes are replaced, moved and cut at random. */
Test(safetensors, random_mutations_never_crash)
{
    char *bytes;
    size_t size;
    uint64_t state = 88172645463325252u, good = 0;
    write_sample(false);
    cr_assert_eq(ls_file_read(path, &bytes, &size), LS_OK);
    char *mutant = ls_alloc(size, 1);
    static const char likely[] = "0123456789-{}[],:\"F\\u.e ";
    for (int trial = 0; trial < 10000; trial++) {
        memcpy(mutant, bytes, size);
        size_t length = size;
        for (int change = trial % 4; change >= 0; change--) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            size_t at = (size_t)(state >> 8) % size;
            char text = likely[(state >> 40) % (sizeof likely - 1)];
            mutant[at] = state & 1 ? text : (char)(state >> 50);
            if ((state >> 3) % 16 == 0) length = at;
        }
        FILE *file = fopen(path, "wb");
        fwrite(mutant, 1, length, file);
        fclose(file);
        ls_safetensors content;
        if (ls_safetensors_read(path, &content) == LS_OK) good++;
        ls_safetensors_free(&content);
    }
    cr_assert_gt(good, 0);
    cr_assert_lt(good, 5000);
    ls_free(mutant);
    ls_free(bytes);
}
