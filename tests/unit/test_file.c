/* Files: whole reads, gzip, and replacement that leaves the old file or the new one, never half of one. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "base/file.h"
#include "base/memory.h"

static char directory[] = "/tmp/lockstep-file-XXXXXX";
static char path[64];

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/data", directory);
}

/* Removes what tests leave: files, and directories one level deep. */
static void leave(void)
{
    DIR *entries = opendir(directory);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s", directory, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) remove(name);
    }
    closedir(entries);
    rmdir(directory);
}

TestSuite(file, .init = enter, .fini = leave);

static int count_entries(void)
{
    int count = -2;
    DIR *entries = opendir(directory);
    while (readdir(entries) != NULL) count++;
    closedir(entries);
    return count;
}

static void put(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void expect_content(const char *expected, size_t expected_size)
{
    char *bytes;
    size_t size;
    cr_assert_eq(ls_file_read(path, &bytes, &size), LS_OK, "%s", ls_error_message());
    cr_assert_eq(size, expected_size);
    cr_assert_eq(memcmp(bytes, expected, size), 0);
    cr_assert_eq(bytes[size], '\0');
    ls_free(bytes);
}

static void expect_failure(ls_status expected, const char *part)
{
    char *bytes;
    size_t size;
    cr_assert_eq(ls_file_read(path, &bytes, &size), expected, "%s", ls_error_message());
    cr_assert_null(bytes);
    cr_assert_eq(size, 0);
    cr_assert_not_null(strstr(ls_error_message(), path), "%s", ls_error_message());
    cr_assert_not_null(strstr(ls_error_message(), part), "%s", ls_error_message());
}

/* One gzip member by zlib's compressor. */
static size_t pack(const void *bytes, size_t size, unsigned char *packed, size_t room)
{
    z_stream stream = {0};
    cr_assert_eq(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

static char *make_text(size_t size)
{
    char *text = ls_alloc(size, 1);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = (char)('a' + (state >> 24) % 20);
    }
    return text;
}

Test(file, reads_plain_files_of_any_size)
{
    size_t sizes[] = {0, 1, 2, 17, 4096, 300000};
    for (int i = 0; i < 6; i++) {
        char *text = make_text(sizes[i]);
        put(text, sizes[i]);
        expect_content(text, sizes[i]);
        ls_free(text);
    }
    put("\x1f", 1);
    expect_content("\x1f", 1);
}

Test(file, reads_files_whose_size_the_system_does_not_know)
{
    char *bytes;
    size_t size;
    cr_assert_eq(ls_file_read("/proc/self/maps", &bytes, &size), LS_OK, "%s", ls_error_message());
    cr_assert_gt(size, 1000);
    cr_assert_eq(strlen(bytes), size);
    ls_free(bytes);
}

Test(file, unpacks_gzip)
{
    enum { SIZE = 400000, ROOM = 500000 };
    char *text = make_text(SIZE);
    unsigned char *packed = ls_alloc(ROOM, 1);
    size_t sizes[] = {0, 1, 1000, SIZE};
    for (int i = 0; i < 4; i++) {
        put(packed, pack(text, sizes[i], packed, ROOM));
        expect_content(text, sizes[i]);
    }
    memset(text, 'x', SIZE); /* packs 1:1000, far more than the first guess may be */
    put(packed, pack(text, SIZE, packed, ROOM));
    expect_content(text, SIZE);
    ls_free(text);
    ls_free(packed);
}

Test(file, unpacks_gzip_of_several_members)
{
    enum { SIZE = 100000, ROOM = 200000 };
    char *text = make_text(SIZE);
    unsigned char *packed = ls_alloc(ROOM, 1);
    size_t cuts[] = {0, 90000, 90000, 90003, SIZE}, end = 0;
    for (int i = 0; i < 4; i++) end += pack(text + cuts[i], cuts[i + 1] - cuts[i], packed + end, ROOM - end);
    put(packed, end);
    expect_content(text, SIZE);
    put(packed, end + 512); /* zeros, as tapes pad */
    expect_content(text, SIZE);
    packed[end + 3] = 'x';
    put(packed, end + 512);
    expect_failure(LS_ERROR_DATA, "not gzip");
    ls_free(text);
    ls_free(packed);
}

Test(file, every_truncation_of_gzip_is_an_error)
{
    enum { SIZE = 3000, ROOM = 5000 };
    char *text = make_text(SIZE);
    unsigned char *packed = ls_alloc(ROOM, 1);
    size_t first = pack(text, SIZE / 2, packed, ROOM);
    size_t end = first + pack(text + SIZE / 2, SIZE / 2, packed + first, ROOM - first);
    for (size_t size = 2; size < end; size += size < 20 || size + 20 > end ? 1 : 37) {
        if (size == first) continue; /* a whole file of one member */
        put(packed, size);
        expect_failure(LS_ERROR_DATA, size == first + 1 ? "not gzip" : "ends too early");
    }
    ls_free(text);
    ls_free(packed);
}

Test(file, broken_gzip_is_an_error)
{
    enum { SIZE = 3000, ROOM = 5000 };
    char *text = make_text(SIZE);
    unsigned char *packed = ls_alloc(ROOM, 1);
    size_t end = pack(text, SIZE, packed, ROOM);
    packed[end - 6] ^= 1; /* its checksum */
    put(packed, end);
    expect_failure(LS_ERROR_DATA, "broken gzip");
    packed[end - 6] ^= 1;
    packed[end / 2] ^= 0x55;
    put(packed, end);
    expect_failure(LS_ERROR_DATA, "gzip");
    ls_free(text);
    ls_free(packed);
}

Test(file, missing_files_and_directories_are_named_with_the_reason)
{
    expect_failure(LS_ERROR_IO, "No such file");
    mkdir(path, 0777);
    expect_failure(LS_ERROR_IO, "Is a directory");
}

Test(file, injected_open_failure)
{
    put("text", 4);
    setenv("LOCKSTEP_FAULT", "open", 1);
    expect_failure(LS_ERROR_IO, "cannot open");
    expect_content("text", 4);
}

Test(file, injected_short_reads_and_read_failures)
{
    put("text", 4);
    setenv("LOCKSTEP_FAULT", "read:nth=1,read:nth=3", 1);
    expect_failure(LS_ERROR_IO, "ended after 0 of 4 bytes");
    expect_failure(LS_ERROR_IO, "(after 4 bytes)");
    expect_content("text", 4);
}

/* Refuses the first, second, ... allocation until a read succeeds. */
Test(file, refused_memory_names_the_file)
{
    unsigned char packed[1000];
    setenv("LOCKSTEP_FAULT", "memory:nth=1,memory:nth=3,memory:nth=6,memory:nth=10", 1);
    put(packed, pack("text", 4, packed, sizeof packed));
    for (int i = 0; i < 3; i++) {
        expect_failure(LS_ERROR_MEMORY, "of memory");
        cr_assert_not_null(strstr(ls_error_message(), "cannot get"));
    }
}

static ls_status replace(const char *text)
{
    ls_file_part parts[] = {{text, strlen(text)}, {"", 0}, {"|end", 4}};
    return ls_file_replace(path, parts, 3);
}

Test(file, replaces_and_creates)
{
    cr_assert_eq(replace("first"), LS_OK, "%s", ls_error_message());
    expect_content("first|end", 9);
    cr_assert_eq(replace("other"), LS_OK, "%s", ls_error_message());
    expect_content("other|end", 9);
    cr_assert_eq(ls_file_replace(path, NULL, 0), LS_OK);
    expect_content("", 0);
    cr_assert_eq(count_entries(), 1);
}

Test(file, large_parts_are_written_in_pieces)
{
    enum { SIZE = 3500000 };
    char *text = make_text(SIZE);
    ls_file_part parts[] = {{text, SIZE - 10}, {text + SIZE - 10, 10}};
    cr_assert_eq(ls_file_replace(path, parts, 2), LS_OK, "%s", ls_error_message());
    expect_content(text, SIZE);
    ls_free(text);
}

Test(file, new_files_have_the_permissions_of_ordinary_ones)
{
    struct stat information;
    umask(027);
    cr_assert_eq(replace("text"), LS_OK);
    cr_assert_eq(stat(path, &information), 0);
    cr_assert_eq(information.st_mode & 0777, 0640);
}

Test(file, replaces_in_the_current_directory)
{
    ls_file_part part = {"text", 4};
    cr_assert_eq(chdir(directory), 0);
    cr_assert_eq(ls_file_replace("data", &part, 1), LS_OK, "%s", ls_error_message());
    expect_content("text", 4);
    cr_assert_eq(count_entries(), 1);
}

/* The fault hits while a file is replaced; the old one must survive alone. */
static void expect_old_file(const char *fault)
{
    put("old", 3);
    setenv("LOCKSTEP_FAULT", fault, 1);
    cr_assert_eq(replace("new"), LS_ERROR_IO);
    cr_assert_not_null(strstr(ls_error_message(), path), "%s", ls_error_message());
    cr_assert_eq(count_entries(), 1);
    expect_content("old", 3);
    cr_assert_eq(replace("new"), LS_OK, "%s", ls_error_message());
    expect_content("new|end", 7);
    cr_assert_eq(count_entries(), 1);
}

Test(file, failure_to_create_leaves_the_old_file)
{
    expect_old_file("open");
}

Test(file, failure_to_open_the_directory_leaves_the_old_file)
{
    expect_old_file("open:nth=2");
}

Test(file, failure_to_write_leaves_the_old_file)
{
    expect_old_file("write");
}

Test(file, failure_to_write_a_later_part_leaves_the_old_file)
{
    expect_old_file("write:nth=2");
}

Test(file, failure_to_sync_leaves_the_old_file)
{
    expect_old_file("sync");
}

Test(file, failure_to_rename_leaves_the_old_file)
{
    expect_old_file("rename");
}

Test(file, failure_to_sync_the_directory_is_an_error_but_the_new_file_is_whole)
{
    put("old", 3);
    setenv("LOCKSTEP_FAULT", "sync:nth=2", 1);
    cr_assert_eq(replace("new"), LS_ERROR_IO);
    cr_assert_not_null(strstr(ls_error_message(), "power"), "%s", ls_error_message());
    expect_content("new|end", 7);
    cr_assert_eq(count_entries(), 1);
}

Test(file, a_directory_is_not_replaced)
{
    mkdir(path, 0777);
    cr_assert_eq(replace("text"), LS_ERROR_IO);
    cr_assert_eq(count_entries(), 1);
    snprintf(path, sizeof path, "%s/none/data", directory);
    cr_assert_eq(replace("text"), LS_ERROR_IO);
    cr_assert_not_null(strstr(ls_error_message(), "No such file"), "%s", ls_error_message());
}

Test(file, passes_over_names_that_are_taken)
{
    char taken[128];
    for (int i = 0; i < 3; i++) {
        snprintf(taken, sizeof taken, "%s.tmp-%ld-%d", path, (long)getpid(), i);
        fclose(fopen(taken, "w"));
    }
    cr_assert_eq(replace("text"), LS_OK, "%s", ls_error_message());
    expect_content("text|end", 8);
    cr_assert_eq(count_entries(), 4);
}

Test(file, exists_or_not)
{
    cr_assert_not(ls_file_exists(path));
    put("", 0);
    cr_assert(ls_file_exists(path));
    cr_assert(ls_file_exists(directory));
}

Test(file, makes_directories_with_parents)
{
    cr_assert_eq(chdir(directory), 0);
    const char *names[] = {"a", "a", "a/b//c/", "./a/d", "."};
    for (int i = 0; i < 5; i++) cr_assert_eq(ls_directory_make(names[i]), LS_OK, "%s", ls_error_message());
    cr_assert(ls_file_exists("a/b/c") && ls_file_exists("a/d"));
    put("", 0);
    cr_assert_eq(ls_directory_make("data/below"), LS_ERROR_IO);
    cr_assert_not_null(strstr(ls_error_message(), "'data': Not a directory"), "%s", ls_error_message());
    cr_assert_eq(ls_directory_make("data"), LS_ERROR_IO);
    rmdir("a/b/c");
    rmdir("a/b");
    rmdir("a/d");
}

static void expect_text(char *text, const char *expected)
{
    cr_assert_str_eq(text, expected);
    ls_free(text);
}

Test(file, joins_and_splits_paths)
{
    expect_text(ls_path_join("runs", "a/b"), "runs/a/b");
    expect_text(ls_path_join("runs/", "a"), "runs/a");
    expect_text(ls_path_join("runs", "/a"), "/a");
    expect_text(ls_path_join("", "a"), "a");
    expect_text(ls_path_join(NULL, "a"), "a");
    expect_text(ls_path_join("/", "a"), "/a");
    expect_text(ls_path_directory("a/b"), "a");
    expect_text(ls_path_directory("a//b//"), "a");
    expect_text(ls_path_directory("a"), ".");
    expect_text(ls_path_directory(""), ".");
    expect_text(ls_path_directory("/a"), "/");
    expect_text(ls_path_directory("/"), "/");
    expect_text(ls_path_directory("/a/b/c"), "/a/b");
}
