/* Options as Markdown: tables of keys, written from the same tables that parse them. */
#include "io/options.h"

#include <string.h>
#include "base/options.h"
#include "io/text.h"

enum { REGISTRIES_MAX = 64 };

/* Registries in the order in which they were met, each documented once. */
typedef struct documenter {
    ls_text *text;
    int count;
    const ls_registry *registry[REGISTRIES_MAX];
} documenter;

static void meet(documenter *d, const ls_registry *registry)
{
    for (int i = 0; i < d->count; i++) {
        if (d->registry[i] == registry) return;
    }
    if (d->count < REGISTRIES_MAX) d->registry[d->count++] = registry;
}

/* A bar would end the cell of a table. */
static void write_cell(ls_text *text, const char *words)
{
    for (const char *c = words; *c != '\0'; c++) {
        ls_text_add(text, *c == '|' ? "\\%c" : "%c", *c);
    }
}

static void write_heading(ls_text *text, const char *title)
{
    char first = title[0];
    if (first >= 'a' && first <= 'z') first = (char)(first - 'a' + 'A');
    ls_text_add(text, "\n## %c%s", first, title + 1);
}

/* The anchor that Markdown viewers derive from the heading "Layer types". */
static void write_link(ls_text *text, const ls_registry *registry)
{
    ls_text_add(text, "[%s type](#", registry->kind);
    for (const char *c = registry->kind; *c != '\0'; c++) ls_text_add(text, "%c", *c == ' ' ? '-' : *c);
    ls_text_add(text, "-types)");
}

static void write_accepts(ls_text *text, const ls_option *option)
{
    char words[1024] = "";
    if (option->kind == LS_OPTION_COMPONENT) {
        ls_text_add(text, "%s ", ls_article(option->registry->kind));
        write_link(text, option->registry);
    } else if (option->kind == LS_OPTION_LIST) {
        ls_text_add(text, "a list, each item %s ", ls_article(option->registry->kind));
        write_link(text, option->registry);
    } else if (option->kind == LS_OPTION_GROUP) {
        ls_text_add(text, "a mapping, see below");
    } else {
        ls_option_accepts(option, words, sizeof words);
        write_cell(text, words);
    }
}

static void write_default(ls_text *text, const ls_option *option)
{
    if (option->kind == LS_OPTION_GROUP) {
        ls_text_add(text, "its defaults");
    } else if (option->default_text == NULL) {
        ls_text_add(text, "**required**");
    } else if (option->default_text[0] == '\0') {
        ls_text_add(text, "none");
    } else {
        ls_text_add(text, "`");
        write_cell(text, option->default_text);
        ls_text_add(text, "`");
    }
}

static void write_rows(documenter *d, const ls_option *table)
{
    ls_text_add(d->text, "\n| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n");
    for (const ls_option *option = table; option->key != NULL; option++) {
        ls_text_add(d->text, "| `%s` | ", option->key);
        write_accepts(d->text, option);
        ls_text_add(d->text, " | ");
        write_default(d->text, option);
        ls_text_add(d->text, " | ");
        write_cell(d->text, option->help == NULL ? "" : option->help);
        ls_text_add(d->text, "%s |\n", option->may_change_on_resume ? " May differ on resume." : "");
        if (option->registry != NULL) meet(d, option->registry);
    }
}

/* The groups of a table and the groups in them, each with its dotted name. */
static void write_groups(documenter *d, const ls_option *table, const char *prefix)
{
    for (const ls_option *option = table; option->key != NULL; option++) {
        if (option->kind != LS_OPTION_GROUP) continue;
        char name[128] = "";
        ls_append(name, sizeof name, "%s%s", prefix, option->key);
        ls_text_add(d->text, "\n### `%s`\n", name);
        write_rows(d, option->group);
        ls_append(name, sizeof name, ".");
        write_groups(d, option->group, name);
    }
}

static void write_registry(documenter *d, const ls_registry *registry)
{
    write_heading(d->text, registry->kind);
    ls_text_add(d->text, " types\n");
    if (registry->named) {
        ls_text_add(
            d->text,
            "\nEach may also have the keys `name` (a letter or `_`, then letters, digits, `_`, `.`, `-`, at "
            "most 48 characters, of its own) and `inputs` (the name or a list of names of the items whose "
            "outputs it takes; without it, the item before).\n\n"
            "An item may also be a block that is repeated, `{repeat: 3, name: block, layers: [...]}`: it "
            "stands for its "
            "layers three times over. Its layer `conv` becomes `block_0_conv`, `block_1_conv`, "
            "`block_2_conv`; layers "
            "without a name get their type and a number, blocks `repeat_0` and so on. Names in `inputs` are "
            "looked "
            "up among the layers of the block first, then around it; `previous` stands for what comes into a "
            "repetition, and the name of a block for its last layer. A block may name the one item it begins "
            "from in "
            "`inputs`. Blocks may stand in blocks. The resolved recipe lists all layers. Settings change one "
            "layer "
            "(`model.block_1_conv.filters=32`), a layer of all repetitions "
            "(`model.block.layers.conv.filters=32`) or "
            "the block (`model.block.repeat=5`).\n\n"
            "```yaml\n"
            "- repeat: 3\n"
            "  name: block\n"
            "  layers:\n"
            "  - {type: dense, units: 64, activation: relu, name: inner}\n"
            "  - {type: dense, units: 64, name: outer}\n"
            "  - {type: add, inputs: [outer, previous]}     # the shortcut of a residual network\n"
            "  - relu\n"
            "```\n");
    }
    for (int i = 0; registry->types[i] != NULL; i++) {
        const ls_component_type *type = registry->types[i];
        ls_text_add(d->text, "\n### `%s`\n\n%s\n", type->name, type->help == NULL ? "" : type->help);
        if (type->options == NULL || type->options->key == NULL) {
            ls_text_add(d->text, "\nNo options.\n");
            continue;
        }
        write_rows(d, type->options);
        char prefix[128] = "";
        ls_append(prefix, sizeof prefix, "%s.", type->name);
        write_groups(d, type->options, prefix);
    }
}

ls_status ls_options_document(ls_text *text, const ls_option *table)
{
    documenter d = {.text = text};
    ls_text_add(text, "\n## Keys\n");
    write_rows(&d, table);
    write_groups(&d, table, "");
    for (int i = 0; i < d.count; i++) write_registry(&d, d.registry[i]); /* grows while it is walked */
    return text->failed ? LS_ERROR_MEMORY : LS_OK;
}
