/* libfyaml's events into a tree. The tree is our own for the sake of places, limits and messages: libfyaml's
   documents report duplicate keys and deep nesting in words and places of their own. */
#include "io/tree.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "io/utf8.h"

enum { ANCHORS_MAX = 64 };

typedef struct anchor {
    char name[64];
    const ls_tree *node;
    bool open; /* its node is not complete yet */
} anchor;

typedef struct builder {
    const char *text;
    size_t size;
    const char *name, *origin;
    struct fy_diag *diagnostics;
    struct fy_parser *parser;
    int line, column; /* the last known place, for what has none of its own */
    int nodes_left, depth;
    int anchor_count;
    anchor anchor[ANCHORS_MAX];
} builder;

static ls_status fail(const builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static ls_status fail(const builder *b, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return ls_place_error(b->name, b->origin, b->line, b->column, message);
}

static bool is_text(const char *text, size_t size)
{
    while (size > 0) {
        uint32_t code = 0;
        size_t length = ls_utf8_decode(text, size, &code);
        if (length == 0 || code == 0) return false;
        text += length;
        size -= length;
    }
    return true;
}

static ls_status check_encoding(builder *b)
{
    const char *text = b->text;
    size_t left = b->size;
    while (left > 0) {
        uint32_t code = 0;
        size_t length = ls_utf8_decode(text, left, &code);
        if (length == 0)
            return fail(b, "byte 0x%02x is not UTF-8, expected UTF-8 text", (unsigned char)*text);
        if (!ls_utf8_is_text(code)) {
            return fail(b, "control character 0x%02x, expected text", (unsigned)code);
        }
        b->column = code == '\n' ? 1 : b->column + 1;
        b->line += code == '\n';
        text += length;
        left -= length;
    }
    b->line = b->column = 1;
    return LS_OK;
}

/* libfyaml calls a tab in the indentation by many names, so look for it where the error is and one line on.
 */
static bool tab_in_indentation(const builder *b, int line, int *tab_line, int *tab_column)
{
    const char *text = b->text, *end = b->text + b->size;
    for (int number = 1; number <= line + 1 && text < end; number++) {
        const char *start = text;
        while (text < end && *text == ' ') text++;
        if (number >= line && text < end && *text == '\t') {
            *tab_line = number;
            *tab_column = (int)(text - start) + 1;
            return true;
        }
        const char *next = memchr(text, '\n', (size_t)(end - text));
        if (next == NULL) return false;
        text = next + 1;
    }
    return false;
}

static ls_status syntax_error(builder *b)
{
    void *previous = NULL;
    const char *what = "it cannot be read";
    const struct fy_diag_error *error = fy_diag_errors_iterate(b->diagnostics, &previous);
    if (error != NULL && error->line > 0 && error->column > 0) {
        b->line = error->line;
        b->column = error->column;
    }
    if (error != NULL && error->msg != NULL) what = error->msg;
    if (tab_in_indentation(b, b->line, &b->line, &b->column)) {
        return fail(b, "a tab at the beginning of a line, expected spaces");
    }
    return fail(b, "not valid YAML: %s", what);
}

static void note_place(builder *b, const struct fy_mark *mark, int back)
{
    if (mark == NULL || mark->line < 0 || mark->column < 0) return;
    b->line = mark->line + 1;
    b->column = mark->column + 1 > back ? mark->column + 1 - back : 1;
}

static ls_status next_event(builder *b, struct fy_event **event)
{
    *event = fy_parser_parse(b->parser);
    if (*event == NULL) return syntax_error(b);
    if ((*event)->type == FYET_MAPPING_END || (*event)->type == FYET_SEQUENCE_END) return LS_OK;
    bool behind = (*event)->type == FYET_ALIAS; /* marks point behind the quote or the asterisk */
    if ((*event)->type == FYET_SCALAR) {
        enum fy_scalar_style style = fy_token_scalar_style((*event)->scalar.value);
        behind = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    }
    note_place(b, fy_event_start_mark(*event), behind ? 1 : 0);
    return LS_OK;
}

static ls_status scalar_text(builder *b, struct fy_token *token, char **copy)
{
    size_t size = 0;
    const char *text = fy_token_get_text(token, &size);
    *copy = NULL;
    if (text == NULL && size > 0) return ls_error(LS_ERROR_MEMORY, "cannot get memory for a YAML value");
    if (text == NULL) text = "";
    if (!is_text(text, size)) return fail(b, "a value with a zero byte or broken UTF-8, expected text");
    *copy = ls_alloc(size + 1, 1);
    if (*copy == NULL) return LS_ERROR_MEMORY;
    memcpy(*copy, text, size);
    return LS_OK;
}

static ls_status add_anchor(builder *b, struct fy_token *token, const ls_tree *node, int *index)
{
    *index = -1;
    if (token == NULL) return LS_OK;
    size_t size = 0;
    const char *text = fy_token_get_text(token, &size);
    if (text == NULL || size >= sizeof b->anchor[0].name) {
        return fail(b, "the name of an anchor is too long, expected at most 63 bytes");
    }
    if (b->anchor_count == ANCHORS_MAX) return fail(b, "more than %d anchors", ANCHORS_MAX);
    *index = b->anchor_count++;
    anchor *added = &b->anchor[*index];
    memcpy(added->name, text, size);
    added->name[size] = '\0';
    added->node = node;
    added->open = true;
    return LS_OK;
}

static ls_status build_alias(builder *b, struct fy_token *token, ls_tree **node)
{
    size_t size = 0;
    const char *text = fy_token_get_text(token, &size);
    if (text == NULL) return ls_error(LS_ERROR_MEMORY, "cannot get memory for a YAML alias");
    for (int i = b->anchor_count - 1; i >= 0; i--) {
        const anchor *known = &b->anchor[i];
        if (strlen(known->name) != size || memcmp(known->name, text, size) != 0) continue;
        if (known->open) return fail(b, "the alias *%s stands inside what it stands for", known->name);
        int before = b->nodes_left;
        ls_status status = ls_tree_copy(known->node, &b->nodes_left, node);
        if (status == LS_ERROR_MEMORY) return status;
        if (status != LS_OK)
            return fail(b, "more than %d values (%d before this alias)", LS_TREE_NODES,
                        LS_TREE_NODES - before);
        ls_free((*node)->key);
        (*node)->key = NULL;
        return LS_OK;
    }
    return fail(b, "the alias *%.*s has no anchor before it", size > 60 ? 60 : (int)size, text);
}

static ls_status build_node(builder *b, struct fy_event *event, ls_tree **node);

/* Reads the key of the next entry, or finds the end of the mapping (*key NULL). */
static ls_status build_key(builder *b, char **key)
{
    struct fy_event *event;
    *key = NULL;
    LS_TRY(next_event(b, &event));
    ls_status status = LS_OK;
    if (event->type == FYET_SCALAR && event->scalar.tag == NULL) {
        status = scalar_text(b, event->scalar.value, key);
    } else if (event->type != FYET_MAPPING_END) {
        status = fail(b, "a key that is not a plain word");
    }
    fy_parser_event_free(b->parser, event);
    return status;
}

static ls_status build_value(builder *b, ls_tree *mapping, char *key)
{
    int key_line = b->line, key_column = b->column;
    const ls_tree *twin = ls_tree_find(mapping, key);
    struct fy_event *event = NULL;
    ls_tree *child = NULL;
    ls_status status = LS_OK;
    if (twin != NULL) {
        status = fail(b, "duplicate key '%.60s', it is in line %d already", key, twin->key_line);
    } else if (mapping->count == LS_TREE_KEYS) {
        status = fail(b, "more than %d keys in one mapping", LS_TREE_KEYS);
    }
    if (status == LS_OK) status = next_event(b, &event);
    if (status == LS_OK) status = build_node(b, event, &child);
    if (event != NULL) fy_parser_event_free(b->parser, event);
    if (status != LS_OK) {
        ls_free(key);
        return status;
    }
    child->key = key;
    child->key_line = key_line;
    child->key_column = key_column;
    return ls_tree_append(mapping, child);
}

static ls_status build_mapping(builder *b, ls_tree *mapping)
{
    for (;;) {
        char *key;
        LS_TRY(build_key(b, &key));
        if (key == NULL) return LS_OK;
        LS_TRY(build_value(b, mapping, key));
    }
}

static ls_status build_list(builder *b, ls_tree *list)
{
    for (;;) {
        struct fy_event *event;
        ls_tree *child = NULL;
        LS_TRY(next_event(b, &event));
        bool end = event->type == FYET_SEQUENCE_END;
        ls_status status = end ? LS_OK : build_node(b, event, &child);
        fy_parser_event_free(b->parser, event);
        if (end || status != LS_OK) return status;
        LS_TRY(ls_tree_append(list, child));
    }
}

static ls_status fill_node(builder *b, struct fy_event *event, ls_tree *node)
{
    struct fy_token *tag = fy_event_get_tag_token(event);
    if (tag != NULL) return fail(b, "a tag (!), expected a value without one");
    int mark;
    LS_TRY(add_anchor(b, fy_event_get_anchor_token(event), node, &mark));
    if (node->kind == LS_TREE_SCALAR) {
        node->plain = fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
        LS_TRY(scalar_text(b, event->scalar.value, &node->text));
    } else {
        if (b->depth == LS_TREE_DEPTH) return fail(b, "nested more than %d levels deep", LS_TREE_DEPTH);
        b->depth++;
        LS_TRY(node->kind == LS_TREE_LIST ? build_list(b, node) : build_mapping(b, node));
        b->depth--;
    }
    if (mark >= 0) b->anchor[mark].open = false;
    return LS_OK;
}

static ls_status build_node(builder *b, struct fy_event *event, ls_tree **node)
{
    ls_tree_kind kind;
    if (event->type == FYET_ALIAS) return build_alias(b, event->alias.anchor, node);
    if (event->type == FYET_SCALAR) {
        kind = LS_TREE_SCALAR;
    } else if (event->type == FYET_SEQUENCE_START) {
        kind = LS_TREE_LIST;
    } else if (event->type == FYET_MAPPING_START) {
        kind = LS_TREE_MAPPING;
    } else {
        return fail(b, "not valid YAML: a value is missing");
    }
    if (--b->nodes_left < 0) return fail(b, "more than %d values", LS_TREE_NODES);
    ls_tree *made = ls_tree_new(kind);
    if (made == NULL) return LS_ERROR_MEMORY;
    made->line = b->line;
    made->column = b->column;
    made->origin = b->origin;
    ls_status status = fill_node(b, event, made);
    if (status != LS_OK) {
        ls_tree_free(made);
        return status;
    }
    *node = made;
    return LS_OK;
}

/* What follows the document: nothing, or an error. */
static ls_status expect_end(builder *b)
{
    struct fy_event *event;
    for (;;) {
        LS_TRY(next_event(b, &event));
        enum fy_event_type type = event->type;
        fy_parser_event_free(b->parser, event);
        if (type == FYET_STREAM_END) return LS_OK;
        if (type != FYET_DOCUMENT_END) {
            return fail(b, "a second document (---), expected one document in a file");
        }
    }
}

static ls_status build_document(builder *b, ls_tree **tree)
{
    for (;;) {
        struct fy_event *event;
        LS_TRY(next_event(b, &event));
        enum fy_event_type type = event->type;
        ls_status status = LS_OK;
        bool begins = type != FYET_STREAM_START && type != FYET_DOCUMENT_START && type != FYET_STREAM_END;
        if (begins) status = build_node(b, event, tree);
        fy_parser_event_free(b->parser, event);
        if (type == FYET_STREAM_END) return LS_OK;
        if (begins) return status == LS_OK ? expect_end(b) : status;
    }
}

static ls_status open_parser(builder *b)
{
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.output_fn = NULL;
    quiet.level = FYET_ERROR;
    b->diagnostics = fy_diag_create(&quiet);
    if (b->diagnostics == NULL) return ls_error(LS_ERROR_MEMORY, "cannot get memory to read YAML");
    fy_diag_set_collect_errors(b->diagnostics, true);
    struct fy_parse_cfg settings = {
        .flags = FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2,
        .diag = b->diagnostics,
    };
    b->parser = fy_parser_create(&settings);
    if (b->parser == NULL || fy_parser_set_string(b->parser, b->text, b->size) != 0) {
        return ls_error(LS_ERROR_MEMORY, "cannot get memory to read YAML");
    }
    return LS_OK;
}

ls_status ls_tree_parse(const char *text, size_t size, const char *name, const char *origin, ls_tree **tree)
{
    *tree = NULL;
    builder *b = ls_alloc(1, sizeof *b);
    if (b == NULL) return LS_ERROR_MEMORY;
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark */
        text += 3;
        size -= 3;
    }
    *b = (builder){.text = text, .size = size, .name = name, .origin = origin, .line = 1, .column = 1};
    b->nodes_left = LS_TREE_NODES;
    ls_status status = LS_OK;
    if (size > LS_TREE_BYTES) {
        status = fail(b, "the text is larger than %d MB", LS_TREE_BYTES >> 20);
    }
    if (status == LS_OK) status = check_encoding(b);
    if (status == LS_OK && size > 0) status = open_parser(b);
    if (status == LS_OK && size > 0) status = build_document(b, tree);
    if (b->parser != NULL) fy_parser_destroy(b->parser);
    if (b->diagnostics != NULL) fy_diag_destroy(b->diagnostics);
    ls_free(b);
    if (status != LS_OK || (*tree != NULL && ls_tree_is_null(*tree))) {
        ls_tree_free(*tree);
        *tree = NULL;
    }
    return status;
}
