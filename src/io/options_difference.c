/* Where two structs of options differ. */
#include "io/options.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "base/options.h"

char *ls_path_absolute(const char *directory, const char *path)
{
    if (path[0] == '/') return ls_strdup(path);
    while (path[0] == '.' && path[1] == '/') path += 2;
    char here[PATH_MAX];
    bool current = strcmp(directory, ".") == 0 || directory[0] == '\0';
    if (directory[0] == '/') return ls_path_join(directory, path);
    if (getcwd(here, sizeof here) == NULL) return ls_path_join(directory, path);
    if (current) return ls_path_join(here, path);
    char *start = ls_path_join(here, directory);
    char *joined = start == NULL ? NULL : ls_path_join(start, path);
    ls_free(start);
    return joined;
}

/* The same file by any name, or files of the same content, packed or not. */
static bool same_content(const char *a, const char *b)
{
    struct stat at, bt;
    if (strcmp(a, b) == 0) return true;
    if (stat(a, &at) != 0 || stat(b, &bt) != 0) return false;
    if (at.st_dev == bt.st_dev && at.st_ino == bt.st_ino) return true;
    if (!S_ISREG(at.st_mode) || !S_ISREG(bt.st_mode)) return false;
    char *bytes_a = NULL, *bytes_b = NULL;
    size_t size_a = 0, size_b = 0;
    bool same = ls_file_read(a, &bytes_a, &size_a) == LS_OK && ls_file_read(b, &bytes_b, &size_b) == LS_OK &&
                size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;
    ls_free(bytes_a);
    ls_free(bytes_b);
    return same;
}

static bool same_path(const ls_options_pair *pair, const char *a, const char *b)
{
    if (a == NULL || b == NULL) return a == b;
    char *whole_a = ls_path_absolute(pair->directory_a, a);
    char *whole_b = ls_path_absolute(pair->directory_b, b);
    bool same = whole_a != NULL && whole_b != NULL && same_content(whole_a, whole_b);
    ls_free(whole_a);
    ls_free(whole_b);
    return same;
}

static bool same_string(const char *a, const char *b)
{
    if (a == NULL || b == NULL) return a == b;
    return strcmp(a, b) == 0;
}

static bool same_strings(const ls_strings *a, const ls_strings *b)
{
    if (a->count != b->count) return false;
    for (int i = 0; i < a->count; i++) {
        if (strcmp(a->value[i], b->value[i]) != 0) return false;
    }
    return true;
}

static bool same_integers(const ls_integers *a, const ls_integers *b)
{
    if (a->count != b->count || a->word != b->word) return false;
    for (int i = 0; i < a->count; i++) {
        if (a->value[i] != b->value[i]) return false;
    }
    return true;
}

static bool same_reals(const ls_reals *a, const ls_reals *b)
{
    if (a->count != b->count) return false;
    return a->count == 0 || memcmp(a->value, b->value, (size_t)a->count * sizeof *a->value) == 0;
}

/* The values of one option that needs no other table. */
static bool same_value(const ls_option *option, const ls_options_pair *pair)
{
    switch (option->kind) {
    case LS_OPTION_INTEGER:
        return *(const int64_t *)pair->a == *(const int64_t *)pair->b;
    case LS_OPTION_REAL: /* bit for bit: -0 is not 0 */
        return memcmp(pair->a, pair->b, sizeof(double)) == 0;
    case LS_OPTION_BOOLEAN:
        return *(const bool *)pair->a == *(const bool *)pair->b;
    case LS_OPTION_CHOICE:
        return *(const int *)pair->a == *(const int *)pair->b;
    case LS_OPTION_STRING:
        return same_string(*(char *const *)pair->a, *(char *const *)pair->b);
    case LS_OPTION_PATH:
        return same_path(pair, *(char *const *)pair->a, *(char *const *)pair->b);
    case LS_OPTION_INTEGERS:
        return same_integers(pair->a, pair->b);
    case LS_OPTION_REALS:
        return same_reals(pair->a, pair->b);
    case LS_OPTION_STRINGS:
        return same_strings(pair->a, pair->b);
    case LS_OPTION_COMPONENT:
    case LS_OPTION_LIST:
    case LS_OPTION_GROUP:
        break;
    }
    return true;
}

static ls_options_pair pair_of(const ls_options_pair *pair, const void *a, const void *b)
{
    return (ls_options_pair){
        .a = a, .b = b, .directory_a = pair->directory_a, .directory_b = pair->directory_b};
}

static bool component_differs(const ls_options_pair *pair, char *key, size_t size)
{
    const ls_component *a = pair->a, *b = pair->b;
    const char *where = NULL;
    if (a->type != b->type) {
        where = ".type";
    } else if (!same_string(a->name, b->name)) {
        where = ".name";
    } else if (!same_strings(&a->inputs, &b->inputs)) {
        where = ".inputs";
    }
    if (where != NULL) {
        ls_append(key, size, "%s", where);
        return true;
    }
    if (a->type == NULL) return false;
    ls_options_pair options = pair_of(pair, a->options, b->options);
    size_t length = strlen(key);
    ls_append(key, size, ".");
    if (ls_options_differ(a->type->options, &options, key, size)) return true;
    key[length] = '\0';
    return false;
}

static bool list_differs(const ls_options_pair *pair, char *key, size_t size)
{
    const ls_component_list *a = pair->a, *b = pair->b;
    size_t length = strlen(key);
    for (int i = 0; i < a->count && i < b->count; i++) {
        ls_options_pair item = pair_of(pair, &a->item[i], &b->item[i]);
        ls_append(key, size, ".%d", i);
        if (component_differs(&item, key, size)) return true;
        key[length] = '\0';
    }
    return a->count != b->count;
}

static bool option_differs(const ls_option *option, const ls_options_pair *pair, char *key, size_t size)
{
    ls_options_pair value = pair_of(pair, ls_option_value(option, pair->a), ls_option_value(option, pair->b));
    ls_append(key, size, "%s", option->key);
    if (option->kind == LS_OPTION_COMPONENT) return component_differs(&value, key, size);
    if (option->kind == LS_OPTION_LIST) return list_differs(&value, key, size);
    if (option->kind != LS_OPTION_GROUP) return !same_value(option, &value);
    ls_append(key, size, ".");
    return ls_options_differ(option->group, &value, key, size);
}

bool ls_options_differ(const ls_option *table, const ls_options_pair *pair, char *key, size_t size)
{
    size_t length = strlen(key);
    for (const ls_option *option = table; option != NULL && option->key != NULL; option++) {
        if (option->may_change_on_resume) continue;
        if (option_differs(option, pair, key, size)) return true;
        key[length] = '\0';
    }
    return false;
}
