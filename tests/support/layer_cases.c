#include "support/layer_cases.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "base/options.h"
#include "support/default_component.h"
#include "support/written_model.h"

enum { SHAPES_MAX = 3 };

typedef struct tuple {
    int inputs;
    ls_shape in[SHAPES_MAX];
} tuple;

#define VECTOR(UNITS)                                                                                        \
    {                                                                                                        \
        .rank = 1, .dim = { UNITS }                                                                          \
    }
#define SERIES(CHANNELS, LENGTH)                                                                             \
    {                                                                                                        \
        .rank = 2, .dim = { CHANNELS, LENGTH }                                                               \
    }
#define IMAGE(CHANNELS, HEIGHT, WIDTH)                                                                       \
    {                                                                                                        \
        .rank = 3, .dim = { CHANNELS, HEIGHT, WIDTH }                                                        \
    }

static const tuple tuples[] = {
    {1, {VECTOR(1)}},
    {1, {VECTOR(17)}},
    {1, {VECTOR(30)}},
    {1, {SERIES(3, 7)}},
    {1, {SERIES(17, 1)}},
    {1, {IMAGE(2, 3, 5)}},
    {1, {IMAGE(1, 6, 5)}},
    {1, {IMAGE(17, 2, 3)}},
    {2, {VECTOR(17), VECTOR(17)}},
    {2, {VECTOR(17), VECTOR(3)}},
    {2, {IMAGE(2, 3, 5), IMAGE(2, 3, 5)}},
    {2, {IMAGE(1, 3, 5), IMAGE(2, 3, 5)}},
    {3, {VECTOR(3), VECTOR(3), VECTOR(3)}},
    {3, {SERIES(2, 3), SERIES(1, 3), SERIES(17, 3)}},
};
static const int64_t sizes[] = {1, 3, 17, 30}; /* of required options: units and the like */

/* Layers whose options only make sense together. */
static const struct written_case {
    const char *layer;
    ls_shape in;
} written_cases[] = {
    /* windows larger than the input, but for padding */
    {"{type: conv2d, filters: 3, kernel: [4, 5], padding: 3}", IMAGE(1, 2, 3)},
    {"{type: conv2d, filters: 2, kernel: 6, padding: same}", IMAGE(3, 2, 3)},
    {"{type: conv1d, filters: 3, kernel: 5, padding: same}", SERIES(1, 3)},
    /* strides that leave inputs out at the end, or are larger than the window */
    {"{type: conv2d, filters: 17, kernel: 3, stride: 2, padding: 1}", IMAGE(2, 6, 5)},
    {"{type: conv2d, filters: 2, kernel: 2, stride: [3, 2], bias: false}", IMAGE(1, 7, 6)},
    {"{type: conv2d, filters: 3, kernel: 1, stride: 2}", IMAGE(17, 3, 4)},
    {"{type: conv1d, filters: 5, kernel: 3, stride: 2, padding: [2, 0]}", SERIES(17, 9)},
    /* padding of each side, dilation, groups */
    {"{type: conv2d, filters: 2, kernel: 3, padding: [0, 2, 3, 1]}", IMAGE(2, 4, 3)},
    {"{type: conv2d, filters: 6, kernel: [3, 2], padding: same, dilation: 2, groups: 3, bias: false}",
     IMAGE(3, 4, 5)},
    {"{type: conv2d, filters: 3, kernel: 3, stride: 3, padding: same, dilation: [1, 2]}", IMAGE(1, 7, 8)},
    {"{type: conv1d, filters: 34, kernel: 3, padding: 1, groups: 17}", SERIES(17, 4)},
    /* tiles of Winograd's algorithm within the image and over its edges, more channels than a vector holds */
    {"{type: conv2d, filters: 3, kernel: 3, padding: same, algorithm: winograd}", IMAGE(2, 6, 4)},
    {"{type: conv2d, filters: 17, kernel: 3, padding: [0, 2, 3, 1], algorithm: winograd}", IMAGE(3, 5, 2)},
    {"{type: conv2d, filters: 2, kernel: 3, padding: same, algorithm: winograd}", IMAGE(1, 1, 1)},
    {"{type: conv2d, filters: 34, kernel: 3, padding: 1, bias: false}", IMAGE(17, 4, 5)},
    {"{type: conv2d, filters: 3, kernel: 5, padding: same, algorithm: winograd}", IMAGE(2, 6, 9)},
    {"{type: conv2d, filters: 17, kernel: 5, padding: [0, 3, 5, 1], algorithm: winograd}", IMAGE(2, 6, 2)},
    {"{type: conv2d, filters: 2, kernel: 5, padding: same, bias: false, algorithm: winograd}",
     IMAGE(1, 1, 1)},
    {"{type: max_pool, kernel: 3, stride: 2, padding: 1}", IMAGE(2, 6, 5)},
    {"{type: max_pool, kernel: 2, stride: 3}", IMAGE(1, 7, 5)},
    {"{type: max_pool, kernel: [2, 3], stride: 1, padding: same, dilation: 2}", IMAGE(3, 4, 5)},
    {"{type: max_pool, kernel: 2}", SERIES(17, 7)},
    {"{type: average_pool, kernel: 3, stride: 2, padding: 1}", IMAGE(2, 6, 5)},
    {"{type: average_pool, kernel: 3, stride: 2, padding: same, count_padding: false}", IMAGE(1, 5, 6)},
    {"{type: average_pool, kernel: 2, stride: 3}", SERIES(3, 7)},
};

enum { WRITTEN = sizeof written_cases / sizeof written_cases[0] };
enum { TUPLES = sizeof tuples / sizeof tuples[0], SIZES = sizeof sizes / sizeof sizes[0] };

bool build_alone(const ls_component *component, const ls_shape *in, int inputs, ls_model *model)
{
    *model = (ls_model){.input = in[0]};
    model->node = ls_alloc(1, sizeof *model->node);
    cr_assert_not_null(model->node);
    model->node_capacity = 1;
    ls_node *node = model->node;
    node->type = (const ls_layer_type *)component->type;
    node->options = component->options;
    node->input_count = inputs;
    for (int i = 0; i < inputs; i++) node->in[i] = in[i];
    snprintf(node->name, sizeof node->name, "%.40s_0", component->type->name);
    ls_layer_build build = {.node = node, .model = model};
    if (node->type->build(&build) == LS_OK) {
        model->node_count = 1;
        return true;
    }
    ls_model_free(model);
    return false;
}

static int choice_count(const ls_option *option)
{
    int count = 0;
    while (option->choices[count] != NULL) count++;
    return count;
}

/* Variation 0 is the default; each following one changes one switch or choice. False: there are no more. */
static bool vary(ls_component *component, int variation)
{
    int next = 1;
    if (variation == 0) return true;
    for (const ls_option *option = component->type->options; option != NULL && option->key != NULL;
         option++) {
        void *field = ls_option_field(option, component->options);
        if (option->kind == LS_OPTION_BOOLEAN && next++ == variation) {
            *(bool *)field = !*(bool *)field;
            return true;
        }
        if (option->kind != LS_OPTION_CHOICE) continue;
        int others = choice_count(option) - 1;
        if (variation < next + others) {
            *(int *)field = (*(int *)field + 1 + variation - next) % (others + 1);
            return true;
        }
        next += others;
    }
    return false;
}

static bool has_required_option(const ls_component_type *type)
{
    for (const ls_option *option = type->options; option != NULL && option->key != NULL; option++)
        if (option->default_text == NULL) return true;
    return false;
}

static int try_shapes(const ls_component *component, layer_check check)
{
    int accepted = 0;
    const ls_component_type *type = component->type;
    if (type->check != NULL && type->check(component->options) != NULL) return 0;
    for (int t = 0; t < TUPLES; t++) {
        ls_model model;
        if (!build_alone(component, tuples[t].in, tuples[t].inputs, &model)) continue;
        accepted++;
        check(&model, &model.node[0]);
        ls_model_free(&model);
    }
    return accepted;
}

static void for_each_shape(const ls_component_type *type, layer_check check)
{
    int accepted = 0;
    int tried = has_required_option(type) ? SIZES : 1;
    for (int s = 0; s < tried; s++)
        for (int variation = 0;; variation++) {
            ls_component component = default_component(&ls_layer_registry, type->name, sizes[s]);
            bool more = vary(&component, variation);
            if (more) accepted += try_shapes(&component, check);
            ls_component_clear(&component);
            if (!more) break;
        }
    cr_assert_gt(accepted, 0, "%s accepts none of the shapes tried", type->name);
}

void for_each_layer(layer_check check)
{
    const ls_component_type *const *type = ls_layer_registry.types;
    cr_assert_not_null(*type);
    for (; *type != NULL; type++) for_each_shape(*type, check);
    for (int i = 0; i < WRITTEN; i++) {
        char text[256];
        snprintf(text, sizeof text, "model: [%s]", written_cases[i].layer);
        written_model written = write_model(text, &written_cases[i].in);
        check(&written.model, &written.model.node[0]);
        written_model_free(&written);
    }
}
