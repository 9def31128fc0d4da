/* From text to a struct of options: parse, apply overrides, read. */
#include "io/options.h"

#include "base/memory.h"
#include "base/options.h"
#include "io/options_read.h"
#include "io/tree.h"

static ls_status expand_lists(const ls_reader *reader, const ls_option *table, const ls_tree *root)
{
    for (const ls_option *option = table; option->key != NULL; option++) {
        ls_tree *list = option->kind == LS_OPTION_LIST ? ls_tree_find(root, option->key) : NULL;
        if (list != NULL && option->registry->named) LS_TRY(ls_tree_expand(reader, option->registry, list));
    }
    return LS_OK;
}

static ls_status apply_override(const ls_option *table, const char *setting, char **origin, ls_tree *root)
{
    *origin = ls_format("--set %s", setting);
    if (*origin == NULL) return LS_ERROR_MEMORY;
    return ls_tree_override(table, setting, *origin, root);
}

/* What changes a block comes before the blocks are repeated, all else after it, each in the order given. */
static ls_status apply_overrides(const ls_reader *reader, const ls_option *table,
                                 const ls_options_input *input, char **origins, ls_tree *root)
{
    for (int i = 0; i < input->override_count; i++) {
        if (!ls_tree_overrides_block(table, input->overrides[i], root)) continue;
        LS_TRY(apply_override(table, input->overrides[i], &origins[i], root));
    }
    LS_TRY(expand_lists(reader, table, root));
    for (int i = 0; i < input->override_count; i++) {
        if (origins[i] != NULL) continue;
        LS_TRY(apply_override(table, input->overrides[i], &origins[i], root));
        LS_TRY(expand_lists(reader, table, root)); /* the list itself may have been set */
    }
    return LS_OK;
}

static ls_status check_root(const ls_option *table, const ls_options_input *input, const ls_tree *root)
{
    char known[LS_WORDS_SIZE] = "";
    for (const ls_option *option = table; option->key != NULL; option++) {
        ls_append(known, sizeof known, "%s%s", known[0] != '\0' ? ", " : "", option->key);
    }
    if (root == NULL) {
        return ls_error(LS_ERROR_RECIPE, "%s:1:1: %s is empty, expected the keys: %s", input->name,
                        input->what, known);
    }
    if (root->kind == LS_TREE_MAPPING) return LS_OK;
    char found[128];
    ls_tree_describe(root, found, sizeof found);
    return ls_tree_error(input->name, root, "%s is %s, expected a mapping with the keys: %s", input->what,
                         found, known);
}

static ls_status read_tree(ls_reader *reader, const ls_option *table, const ls_options_input *input,
                           char **origins, ls_tree *root, void *options)
{
    LS_TRY(check_root(table, input, root));
    LS_TRY(apply_overrides(reader, table, input, origins, root));
    ls_read_table_call call = {.table = table, .mapping = root, .place = root, .owner = input->what};
    ls_status status = ls_read_table(reader, &call, options);
    if (status != LS_OK) ls_options_clear(table, options);
    return status;
}

ls_status ls_options_read(const ls_option *table, const ls_options_input *input, void *options)
{
    ls_reader reader = {.file = input->name, .without_paths = input->without_paths};
    ls_tree *root = NULL;
    LS_TRY(ls_tree_parse(input->text, input->size, input->name, NULL, &root));
    char **origins = ls_alloc((size_t)input->override_count, sizeof *origins);
    ls_status status = LS_ERROR_MEMORY;
    if (origins != NULL) status = read_tree(&reader, table, input, origins, root, options);
    for (int i = 0; origins != NULL && i < input->override_count; i++) ls_free(origins[i]);
    ls_free(origins);
    ls_tree_free(root);
    return status;
}
