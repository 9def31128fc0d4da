/* What layers have in common whose window slides over an image {channels, height, width} or a signal
 * {channels, length}: options, geometry, messages. */
#ifndef LS_NN_WINDOW_H
#define LS_NN_WINDOW_H

#include "nn/layer.h"

/* The options of such a layer begin with this struct. Lists hold one number for all dimensions or one for
 * each. */
typedef struct ls_window_options {
    ls_integers kernel, stride; /* no stride: the kernel */
    ls_integers padding; /* or one of ls_padding_words; also two numbers for each dimension: before and behind
                          */
    ls_integers dilation;
} ls_window_options;

extern const char *const ls_padding_words[]; /* "valid", "same", NULL */

/* The entries of a layer's table for them (rows of designated initialisers). */
#define LS_WINDOW_OPTIONS(STRIDE_DEFAULT, STRIDE_HELP)                                                       \
    {.key = "kernel",                                                                                        \
     .kind = LS_OPTION_INTEGERS,                                                                             \
     .offset = offsetof(ls_window_options, kernel),                                                          \
     .minimum = 1,                                                                                           \
     .maximum = 1 << 16,                                                                                     \
     .help = "Size of the window: one number for all dimensions, or `[height, width]`."},                    \
        {.key = "stride",                                                                                    \
         .kind = LS_OPTION_INTEGERS,                                                                         \
         .offset = offsetof(ls_window_options, stride),                                                      \
         .minimum = 1,                                                                                       \
         .maximum = 1 << 16,                                                                                 \
         .default_text = STRIDE_DEFAULT,                                                                     \
         .help = "Steps of the window from an output to the next, like kernel." STRIDE_HELP},                \
        {.key = "padding",                                                                                   \
         .kind = LS_OPTION_INTEGERS,                                                                         \
         .offset = offsetof(ls_window_options, padding),                                                     \
         .minimum = 0,                                                                                       \
         .maximum = 1 << 16,                                                                                 \
         .default_text = "valid",                                                                            \
         .choices = ls_padding_words,                                                                        \
         .help =                                                                                             \
             "Margin around the input: one number for all sides, `[height, width]`, or each side, `[top, "   \
             "bottom, left, right]` (in one dimension `[before, behind]`). valid: none. same: as much as "   \
             "gives ceil(size / stride) outputs; where it is odd, the end gets one more."},                  \
    {                                                                                                        \
        .key = "dilation", .kind = LS_OPTION_INTEGERS, .offset = offsetof(ls_window_options, dilation),      \
        .minimum = 1, .maximum = 1 << 16, .default_text = "1",                                               \
        .help = "Distance of neighbouring taps of the window, like kernel."                                  \
    }

/* The window of a layer. In one dimension height is all ones. */
typedef struct ls_window {
    ls_span height, width;
} ls_window;

/* Works it out while the layer is built. dimensions: 1 or 2, or 0 for as many as the input has. Errors: an
 * input of another rank, a list of the wrong length, a window that does not fit. */
ls_status ls_window_build(const ls_layer_build *build, int dimensions, ls_window *window);

/* The same for a layer that was built. */
ls_window ls_window_of(const ls_node *node);

/* The shape of the output: channels and the positions of the window. */
ls_shape ls_window_shape(const ls_node *node, int64_t channels, const ls_window *window);

/* Fails if a window holds nothing but padding. */
ls_status ls_window_holds_inputs(const ls_layer_build *build, const ls_window *window);

/* The build of a layer that makes one output a channel and window: pooling. Windows must hold inputs. */
ls_status ls_window_build_pool(ls_layer_build *build);

/* The input under tap k of output position o, or -1 on padding. */
int64_t ls_window_input(const ls_span *span, int64_t o, int64_t k);

#endif
