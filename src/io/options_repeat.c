/* Blocks that are repeated in lists of named components: {repeat: 3, name: block, layers: [...]} is replaced
   by its items three times over, before the list is read. An item conv of it becomes block_0_conv,
   block_1_conv and so on, and each copy keeps its place in the file. What items name as their inputs is
   looked up within the block first, then around it; "previous" is what comes into the repetition. */
#include "io/options_read.h"

#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/nearest.h"
#include "base/options.h"
#include "io/text.h"

static const char previous_name[] = "previous", input_name[] = "input";

enum { REPEAT_MAX = 10000, NAME_SIZE = 256 };

static const ls_option repeat_option = {
    .key = "repeat", .kind = LS_OPTION_INTEGER, .minimum = 1, .maximum = REPEAT_MAX};

typedef struct expansion {
    const ls_reader *reader;
    const ls_registry *registry;
    int nodes_left;
    ls_tree *to;              /* the items so far */
    char incoming[NAME_SIZE]; /* input of the next item, where the block around it names one, or empty */
} expansion;

/* What names mean at one level: the list of the recipe, or one repetition of a block. */
typedef struct scope {
    const struct scope *outer;
    const ls_tree *list;
    const char *prefix;   /* of the names of its items: "", "block_0_" */
    const char *previous; /* NULL outside of blocks */
} scope;

bool ls_tree_is_block(const ls_tree *item)
{
    return ls_tree_find(item, "type") == NULL &&
           (ls_tree_find(item, "repeat") != NULL || ls_tree_find(item, "layers") != NULL);
}

static const char *type_of(const ls_tree *item)
{
    const ls_tree *type = item->kind == LS_TREE_MAPPING ? ls_tree_find(item, "type") : item;
    return type != NULL && type->kind == LS_TREE_SCALAR ? type->text : "";
}

static const char *given_name(const ls_tree *item)
{
    const ls_tree *name = ls_tree_find(item, "name");
    return name != NULL && name->kind == LS_TREE_SCALAR ? name->text : NULL;
}

/* The name of item number index of a list: the one it has, or its type (repeat for blocks) with a number, as
   nn/model.c counts them. */
static void name_of(const ls_tree *list, int index, char *name, size_t size)
{
    const ls_tree *item = list->child[index];
    bool block = ls_tree_is_block(item);
    int number = 0;
    name[0] = '\0';
    if (given_name(item) != NULL) {
        ls_append(name, size, "%s", given_name(item));
        return;
    }
    for (int i = 0; i < index; i++) {
        const ls_tree *other = list->child[i];
        if (ls_tree_is_block(other) == block && (block || strcmp(type_of(other), type_of(item)) == 0))
            number++;
    }
    ls_append(name, size, "%s_%d", block ? "repeat" : type_of(item), number);
}

/* What the name of an item means when others name it as their input: for a block its last item. The blocks
   were checked when they were expanded. */
static void output_of(const ls_tree *list, int index, char *name, size_t size)
{
    name_of(list, index, name, size);
    for (const ls_tree *item = list->child[index]; ls_tree_is_block(item); item = list->child[index]) {
        char last[NAME_SIZE];
        long repeat = strtol(ls_tree_find(item, "repeat")->text, NULL, 10);
        list = ls_tree_find(item, "layers");
        index = list->count - 1;
        name_of(list, index, last, sizeof last);
        ls_append(name, size, "_%ld_%s", repeat - 1, last);
    }
}

/* Saves counting for most items. */
static bool may_be_called(const ls_tree *item, const char *name)
{
    const char *given = given_name(item), *type = ls_tree_is_block(item) ? "repeat" : type_of(item);
    return given != NULL ? strcmp(given, name) == 0 : strncmp(name, type, strlen(type)) == 0;
}

static void resolve(const scope *inner, const char *name, char *found, size_t size)
{
    found[0] = '\0';
    for (const scope *s = inner; s != NULL; s = s->outer) {
        if (s->previous != NULL && strcmp(name, previous_name) == 0) {
            ls_append(found, size, "%s", s->previous);
            return;
        }
        for (int i = 0; i < s->list->count; i++) {
            char known[NAME_SIZE];
            if (!may_be_called(s->list->child[i], name)) continue;
            name_of(s->list, i, known, sizeof known);
            if (strcmp(known, name) != 0) continue;
            output_of(s->list, i, known, sizeof known);
            ls_append(found, size, "%s%s", s->prefix, known);
            return;
        }
    }
    ls_append(found, size, "%s", name);
}

static ls_status set_text(ls_tree *scalar, const char *text)
{
    char *copy = ls_strdup(text);
    if (copy == NULL) return LS_ERROR_MEMORY;
    ls_free(scalar->text);
    scalar->text = copy;
    return LS_OK;
}

/* Gives a mapping a key with a text, at the place of the mapping unless it has the key already. */
static ls_status set_key(ls_tree *mapping, const char *key, const char *text)
{
    ls_tree *child = ls_tree_find(mapping, key);
    if (child != NULL) return set_text(child, text);
    child = ls_tree_new(LS_TREE_SCALAR);
    if (child == NULL) return LS_ERROR_MEMORY;
    child->plain = true;
    child->line = mapping->line;
    child->column = mapping->column;
    child->origin = mapping->origin;
    ls_status status = set_text(child, text);
    if (status == LS_OK) status = ls_tree_set_key(child, key);
    if (status == LS_OK) return ls_tree_append(mapping, child);
    ls_tree_free(child);
    return status;
}

static ls_status resolve_inputs(const scope *s, ls_tree *inputs)
{
    ls_tree **item = inputs->kind == LS_TREE_LIST ? inputs->child : &inputs;
    int count = inputs->kind == LS_TREE_LIST ? inputs->count : 1;
    for (int i = 0; i < count; i++) {
        char found[NAME_SIZE];
        if (item[i]->kind != LS_TREE_SCALAR) continue; /* refused when it is read */
        resolve(s, item[i]->text, found, sizeof found);
        LS_TRY(set_text(item[i], found));
    }
    return LS_OK;
}

/* relu becomes {type: relu}, so that it can have a name. */
static ls_status make_mapping(ls_tree *item)
{
    char *word = item->text;
    item->text = NULL;
    item->kind = LS_TREE_MAPPING;
    ls_status status = set_key(item, "type", word);
    ls_free(word);
    return status;
}

/* Within blocks; other names are checked when they are read and when the model is built. */
static ls_status check_name(const expansion *e, const ls_tree *item, const char *name, const char *whole)
{
    const ls_tree *place = ls_tree_find(item, "name");
    if (place == NULL) place = item;
    bool previous = strcmp(name, previous_name) == 0;
    if (previous || strcmp(name, input_name) == 0) {
        return ls_tree_error(e->reader->file, place,
                             "the name '%s' stands for the input of %s; choose another", name,
                             previous ? "a repetition of a block" : "the model");
    }
    if (strlen(whole) <= LS_COMPONENT_NAME_MAX) return LS_OK;
    return ls_tree_error(e->reader->file, place,
                         "'%s' of the block would be called '%s', expected at most %d characters", name,
                         whole, LS_COMPONENT_NAME_MAX);
}

static ls_status name_item(const expansion *e, const scope *s, int index, ls_tree *item)
{
    char name[NAME_SIZE], whole[NAME_SIZE] = "";
    name_of(s->list, index, name, sizeof name);
    ls_append(whole, sizeof whole, "%s%s", s->prefix, name);
    if (s->outer != NULL) LS_TRY(check_name(e, item, name, whole));
    return set_key(item, "name", whole);
}

static ls_status append_item(expansion *e, const scope *s, int index)
{
    const ls_tree *from = s->list->child[index];
    ls_tree *item = NULL;
    e->nodes_left -= 2; /* the name, and what a word becomes */
    ls_status status = ls_tree_copy(from, &e->nodes_left, &item);
    if (status == LS_ERROR_RECIPE) {
        return ls_tree_error(e->reader->file, from,
                             "the list has more than %d values when its blocks are repeated", LS_TREE_NODES);
    }
    bool word = item != NULL && item->kind == LS_TREE_SCALAR && !ls_tree_is_null(item);
    if (status == LS_OK && word) status = make_mapping(item);
    /* What is no mapping with a type is refused when it is read. */
    if (status == LS_OK && type_of(item)[0] != '\0') status = name_item(e, s, index, item);
    ls_tree *inputs = status == LS_OK ? ls_tree_find(item, "inputs") : NULL;
    if (inputs != NULL) {
        status = resolve_inputs(s, inputs);
    } else if (status == LS_OK && e->incoming[0] != '\0' && item->kind == LS_TREE_MAPPING) {
        status = set_key(item, "inputs", e->incoming);
    }
    e->incoming[0] = '\0';
    if (status == LS_OK) return ls_tree_append(e->to, item);
    ls_tree_free(item);
    return status;
}

static ls_status check_key(const expansion *e, const ls_tree *child)
{
    static const char *const keys[] = {"repeat", "name", "inputs", "layers"};
    ls_nearest nearest = ls_nearest_start(child->key);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(child->key, keys[i]) == 0) return LS_OK;
        ls_nearest_show(&nearest, keys[i]);
    }
    if (nearest.best != NULL) {
        return ls_tree_key_error(e->reader->file, child, "unknown key '%.60s' of a block, did you mean '%s'?",
                                 child->key, nearest.best);
    }
    return ls_tree_key_error(e->reader->file, child,
                             "unknown key '%.60s' of a block, expected one of: repeat, name, inputs, layers",
                             child->key);
}

static ls_status check_layers(const expansion *e, const ls_tree *block)
{
    const ls_tree *layers = ls_tree_find(block, "layers");
    const char *file = e->reader->file, *kind = e->registry->kind;
    if (layers == NULL) {
        return ls_tree_error(file, block,
                             "missing key 'layers' of a block, expected a list with at least one %s", kind);
    }
    if (layers->kind == LS_TREE_LIST && layers->count > 0) return LS_OK;
    char found[128] = "an empty list";
    if (layers->kind != LS_TREE_LIST) ls_tree_describe(layers, found, sizeof found);
    return ls_tree_error(file, layers, "'layers' is %s, expected a list with at least one %s", found, kind);
}

/* The keys of a block; the number of its repetitions. */
static ls_status check_block(const expansion *e, const ls_tree *block, int64_t *repeat)
{
    for (int i = 0; i < block->count; i++) LS_TRY(check_key(e, block->child[i]));
    const ls_tree *times = ls_tree_find(block, "repeat");
    const ls_tree *name = ls_tree_find(block, "name"), *inputs = ls_tree_find(block, "inputs");
    if (times == NULL) {
        return ls_tree_error(e->reader->file, block,
                             "missing key 'repeat' of a block, expected an integer, 1 to %d", REPEAT_MAX);
    }
    LS_TRY(ls_read_plain(e->reader, &repeat_option, times, repeat));
    LS_TRY(check_layers(e, block));
    if (name != NULL) LS_TRY(ls_read_identifier(e->reader, "name", name));
    if (inputs != NULL) LS_TRY(ls_read_identifier(e->reader, "inputs", inputs));
    return LS_OK;
}

static ls_status expand_items(expansion *e, const scope *s);

/* What the next item would take as its input. */
static void find_incoming(const expansion *e, char *name, size_t size)
{
    name[0] = '\0';
    if (e->incoming[0] != '\0') {
        ls_append(name, size, "%s", e->incoming);
    } else if (e->to->count == 0) {
        ls_append(name, size, "%s", input_name);
    } else {
        name_of(e->to, e->to->count - 1, name, size);
    }
}

static ls_status expand_block(expansion *e, const scope *outer, int index)
{
    const ls_tree *block = outer->list->child[index];
    const ls_tree *inputs = ls_tree_find(block, "inputs");
    char name[NAME_SIZE];
    int64_t repeat = 0;
    LS_TRY(check_block(e, block, &repeat));
    name_of(outer->list, index, name, sizeof name);
    LS_TRY(check_name(e, block, name, name));
    if (inputs != NULL) resolve(outer, inputs->text, e->incoming, sizeof e->incoming);
    for (int64_t i = 0; i < repeat; i++) {
        char prefix[NAME_SIZE] = "", previous[NAME_SIZE];
        ls_append(prefix, sizeof prefix, "%s%s_%lld_", outer->prefix, name, (long long)i);
        find_incoming(e, previous, sizeof previous);
        scope inner = {
            .outer = outer, .list = ls_tree_find(block, "layers"), .prefix = prefix, .previous = previous};
        LS_TRY(expand_items(e, &inner));
    }
    return LS_OK;
}

static ls_status expand_items(expansion *e, const scope *s)
{
    for (int i = 0; i < s->list->count; i++) {
        bool block = ls_tree_is_block(s->list->child[i]);
        LS_TRY(block ? expand_block(e, s, i) : append_item(e, s, i));
    }
    return LS_OK;
}

ls_status ls_tree_expand(const ls_reader *reader, const ls_registry *registry, ls_tree *list)
{
    int blocks = 0;
    for (int i = 0; list->kind == LS_TREE_LIST && i < list->count; i++)
        blocks += ls_tree_is_block(list->child[i]);
    if (blocks == 0) return LS_OK;
    if (list->count > LS_TREE_KEYS) {
        return ls_tree_error(reader->file, list, "more than %d items in a list with blocks", LS_TREE_KEYS);
    }
    expansion e = {
        .reader = reader, .registry = registry, .nodes_left = LS_TREE_NODES, .to = ls_tree_new(LS_TREE_LIST)};
    if (e.to == NULL) return LS_ERROR_MEMORY;
    scope all = {.list = list, .prefix = ""};
    ls_status status = expand_items(&e, &all);
    if (status == LS_OK) {
        ls_tree old = *list;
        list->count = e.to->count;
        list->capacity = e.to->capacity;
        list->child = e.to->child;
        e.to->count = old.count;
        e.to->capacity = old.capacity;
        e.to->child = old.child;
    }
    ls_tree_free(e.to);
    return status;
}
