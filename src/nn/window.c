#include "nn/window.h"
#include <assert.h>
#include <stdio.h>

const char *const ls_padding_words[] = {"valid", "same", NULL};
enum { VALID = 1, SAME = 2 }; /* ls_integers.word */

static const char *const dimension_name[2][2] = {{"", "length"}, {"height", "width"}};

static const ls_window_options *options_of(const ls_node *node)
{
    return node->options;
}

static int64_t number_of(const ls_integers *list, int dimension)
{
    return list->value[list->count == 1 ? 0 : dimension];
}

static int64_t at_least_zero(int64_t number)
{
    return number > 0 ? number : 0;
}

/* Rounds down; C rounds towards zero. */
static int64_t divided(int64_t number, int64_t by)
{
    return number >= 0 ? number / by : -((-number + by - 1) / by);
}

/* One dimension of dimensions; behind is the padding at its end. The number of outputs may come out below 1.
 */
static ls_span span_of(const ls_window_options *options, int dimension, int dimensions, int64_t in,
                       int64_t *behind)
{
    const ls_integers *padding = &options->padding;
    ls_span span = {.in = in};
    span.kernel = number_of(&options->kernel, dimension);
    span.stride = options->stride.count == 0 ? span.kernel : number_of(&options->stride, dimension);
    span.dilation = number_of(&options->dilation, dimension);
    const int64_t window = span.dilation * (span.kernel - 1) + 1;
    *behind = 0;
    if (padding->word == SAME) {
        span.out = (in + span.stride - 1) / span.stride;
        const int64_t total = at_least_zero((span.out - 1) * span.stride + window - in);
        span.before = total / 2;
        *behind = total - span.before;
        return span;
    }
    if (padding->word != VALID) {
        const bool sides = padding->count == 2 * dimensions;
        span.before = sides ? padding->value[2 * dimension] : number_of(padding, dimension);
        *behind = sides ? padding->value[2 * dimension + 1] : span.before;
    }
    span.out = divided(in + span.before + *behind - window, span.stride) + 1;
    return span;
}

static int dimensions_of(const ls_node *node)
{
    return node->in[0].rank - 1;
}

static ls_window window_of(const ls_node *node, int64_t behind[2])
{
    const ls_window_options *options = options_of(node);
    const int64_t *size = node->in[0].dim + 1;
    ls_window window = {.height = {.in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1}};
    behind[0] = 0;
    if (dimensions_of(node) == 1) {
        window.width = span_of(options, 0, 1, size[0], &behind[1]);
    } else {
        window.height = span_of(options, 0, 2, size[0], &behind[0]);
        window.width = span_of(options, 1, 2, size[1], &behind[1]);
    }
    return window;
}

ls_window ls_window_of(const ls_node *node)
{
    int64_t behind[2];
    return window_of(node, behind);
}

static ls_status check_rank(const ls_layer_build *build, int dimensions)
{
    const int rank = build->node->in[0].rank;
    if (dimensions > 0 ? rank == dimensions + 1 : rank == 2 || rank == 3) return LS_OK;
    const char *hint = "give the data a shape (data.shape) or put a layer of type reshape in front";
    if (dimensions == 1 && rank == 3)
        hint = "take conv2d for images, or make signals of them with a layer of type reshape in front";
    if (dimensions == 2 && rank == 2)
        hint = "take conv1d for signals, or make images of them with a layer of type reshape in front";
    char in[LS_SHAPE_TEXT];
    ls_shape_text(&build->node->in[0], in, sizeof in);
    return ls_layer_error(build, "an input of %s comes in, but a layer of type %s takes %s; %s", in,
                          build->node->type->base.name,
                          dimensions == 1   ? "channels x length"
                          : dimensions == 2 ? "channels x height x width"
                                            : "channels x length or channels x height x width",
                          hint);
}

static ls_status check_counts(const ls_layer_build *build)
{
    const ls_window_options *options = options_of(build->node);
    const int dimensions = dimensions_of(build->node);
    const struct {
        const char *key;
        const ls_integers *list;
        bool sides;
    } lists[] = {{"kernel", &options->kernel, false},
                 {"stride", &options->stride, false},
                 {"padding", &options->padding, true},
                 {"dilation", &options->dilation, false}};
    for (int i = 0; i < 4; i++) {
        const int count = lists[i].list->count;
        if (count <= 1 || count == dimensions || (lists[i].sides && count == 2 * dimensions)) continue;
        if (dimensions == 1)
            return ls_layer_error(build, "%s has %d numbers, expected one%s", lists[i].key, count,
                                  lists[i].sides ? ", or two: [before, behind]"
                                                 : " for an input of one dimension");
        return ls_layer_error(build, "%s has %d numbers, expected one, or two: [height, width]%s",
                              lists[i].key, count,
                              lists[i].sides ? ", or four: [top, bottom, left, right]" : "");
    }
    return LS_OK;
}

/* The number of outputs, as in "(28 + 2*0 - 5)/1 + 1 = 24". */
static void arithmetic(const ls_span *span, int64_t behind, char *text, size_t size)
{
    char padding[64], window[64];
    if (span->before == behind)
        snprintf(padding, sizeof padding, "2*%lld", (long long)behind);
    else
        snprintf(padding, sizeof padding, "%lld + %lld", (long long)span->before, (long long)behind);
    if (span->dilation == 1)
        snprintf(window, sizeof window, "%lld", (long long)span->kernel);
    else
        snprintf(window, sizeof window, "%lld*(%lld - 1) - 1", (long long)span->dilation,
                 (long long)span->kernel);
    snprintf(text, size, "(%lld + %s - %s)/%lld + 1 = %lld", (long long)span->in, padding, window,
             (long long)span->stride, (long long)span->out);
}

static ls_status check_size(const ls_layer_build *build, const ls_span *span, int64_t behind,
                            const char *name)
{
    char text[256];
    if (span->out >= 1) return LS_OK;
    arithmetic(span, behind, text, sizeof text);
    return ls_layer_error(
        build,
        "a kernel of %lld does not fit into a %s of %lld: %s outputs, expected at least 1; use padding",
        (long long)span->kernel, name, (long long)span->in, text);
}

ls_status ls_window_build(const ls_layer_build *build, int dimensions, ls_window *window)
{
    LS_TRY(ls_layer_takes(build, 1));
    LS_TRY(check_rank(build, dimensions));
    LS_TRY(check_counts(build));
    int64_t behind[2];
    *window = window_of(build->node, behind);
    const char *const *name = dimension_name[dimensions_of(build->node) - 1];
    LS_TRY(check_size(build, &window->height, behind[0], name[0]));
    return check_size(build, &window->width, behind[1], name[1]);
}

ls_shape ls_window_shape(const ls_node *node, int64_t channels, const ls_window *window)
{
    if (dimensions_of(node) == 1) return (ls_shape){.rank = 2, .dim = {channels, window->width.out}};
    return (ls_shape){.rank = 3, .dim = {channels, window->height.out, window->width.out}};
}

int64_t ls_window_input(const ls_span *span, int64_t o, int64_t k)
{
    const int64_t in = o * span->stride - span->before + k * span->dilation;
    return in >= 0 && in < span->in ? in : -1;
}

static int64_t first_empty(const ls_span *span)
{
    for (int64_t o = 0; o < span->out; o++) {
        int64_t k = 0;
        while (k < span->kernel && ls_window_input(span, o, k) < 0) k++;
        if (k == span->kernel) return o;
    }
    return -1;
}

ls_status ls_window_holds_inputs(const ls_layer_build *build, const ls_window *window)
{
    const ls_span *spans[2] = {&window->height, &window->width};
    for (int d = 0; d < 2; d++) {
        const int64_t empty = first_empty(spans[d]);
        if (empty < 0) continue;
        return ls_layer_error(build,
                              "output %lld along the %s would look at nothing but padding; use less of it",
                              (long long)empty, dimension_name[dimensions_of(build->node) - 1][d]);
    }
    return LS_OK;
}

ls_status ls_window_build_pool(ls_layer_build *build)
{
    ls_window window;
    LS_TRY(ls_window_build(build, 0, &window));
    LS_TRY(ls_window_holds_inputs(build, &window));
    build->node->out = ls_window_shape(build->node, build->node->in[0].dim[0], &window);
    return LS_OK;
}
