/* Single-threaded vector kernels on plain arrays, one table per instruction set, chosen once at start.

   The bits are the same in every table: each output element is one chain of IEEE operations in an order that
   its definition fixes (fused multiply-adds with ascending k, starting from the bias or zero), so they depend
   neither on the width of vectors nor on shapes, blocking, alignment or cache sizes. The generic table is the
   reference in plain C.

   Layout: "panels" are [units][lanes] with one sample a lane, lanes a multiple of 16, contiguous unless a
   leading dimension is given. */
#ifndef LS_MATH_KERNELS_H
#define LS_MATH_KERNELS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/exact.h"
#include "math/image.h"

enum {
    LS_LANES = 16,            /* lanes come in multiples of it */
    LS_BLOCK = 64,            /* width of packed blocks */
    LS_PANEL_LANES_MAX = 256, /* of a panel */
};

/* C[m][n] = start + sum over k (ascending, fused) of A[m*row_stride + k*column_stride] * B[k*ldb + n]
   start is C[m][n] if accumulate, else bias[m] if bias is not NULL, else 0. N and ldb, ldc: multiples of 16
   (N any multiple of 16). B and C 64-byte aligned. M, K >= 0. */
typedef struct ls_gemm {
    int64_t M, N, K;
    const float *A;
    int64_t row_stride, column_stride;
    const float *B;
    int64_t ldb;
    float *C;
    int64_t ldc;
    const float *bias;
    bool accumulate;
} ls_gemm;

/* Activations (formulas: math/vector/activation.h). parameter: the slope of leaky_relu, alpha of elu, else
   unused. */
typedef enum ls_activation {
    LS_ACTIVATION_IDENTITY,
    LS_ACTIVATION_SIGMOID,
    LS_ACTIVATION_TANH,
    LS_ACTIVATION_RELU,
    LS_ACTIVATION_LEAKY_RELU,
    LS_ACTIVATION_GELU,
    LS_ACTIVATION_GELU_TANH,
    LS_ACTIVATION_ELU,
    LS_ACTIVATION_SELU,
    LS_ACTIVATION_SILU,
    LS_ACTIVATION_SOFTPLUS,
    LS_ACTIVATION_HARD_SIGMOID,
    LS_ACTIVATION_HARD_SWISH,
    LS_ACTIVATION_COUNT
} ls_activation;

/* What the kernels of all optimisers begin with. The direction g' of an element is
     g' = limit(gradient_scale g) + weight_decay w + l1 sign(w)
   where limit() keeps its magnitude within clip_value (0: no limit) and sign(0) = 0; before the step itself,
   w becomes w - shrink w. */
typedef struct ls_step_rule {
    float learning_rate, gradient_scale, clip_value, weight_decay, l1, shrink;
} ls_step_rule;

typedef struct ls_sgd_step {
    ls_step_rule rule;
    float momentum;
    bool nesterov;
} ls_sgd_step;

typedef struct ls_rmsprop_step {
    ls_step_rule rule;
    float alpha, rest, epsilon, momentum; /* rest = 1 - alpha */
} ls_rmsprop_step;

typedef struct ls_adagrad_step {
    ls_step_rule rule;
    float initial, epsilon;
} ls_adagrad_step;

typedef struct ls_adam_step { /* of Adam, AdamW and LAMB */
    ls_step_rule rule;
    float beta1, rest1, beta2, rest2, epsilon; /* rest = 1 - beta */
    float mean_factor; /* 1 / (1 - beta1^t): of LAMB; in Adam the learning rate has it */
    float root_factor; /* 1 / sqrt(1 - beta2^t) */
    float decay;       /* of LAMB: part of the step, not of the gradient */
} ls_adam_step;

typedef struct ls_rprop_step {
    ls_step_rule rule;
    float shrink, grow, smallest, largest;
    bool first; /* the learning rate stands for the step sizes before */
} ls_rprop_step;

typedef struct ls_squares {
    double weight, direction; /* sums of squares */
} ls_squares;

/* Losses that are share times a sum over the units of a function of the output x and the target t. s is 2t -
   1, p the factor of the unit (1 without factors), a the parameter. */
typedef enum ls_element_kind {
    LS_ELEMENT_ABSOLUTE,      /* |x - t| */
    LS_ELEMENT_HUBER,         /* (x - t)^2 / 2 where |x - t| <= a, else a (|x - t| - a/2) */
    LS_ELEMENT_HINGE,         /* max(0, a - s x) */
    LS_ELEMENT_SQUARED_HINGE, /* max(0, a - s x)^2 */
    LS_ELEMENT_POISSON,       /* x - t log(x + a) */
    LS_ELEMENT_POISSON_LOG,   /* exp(x) - t x */
    LS_ELEMENT_BINARY         /* -p t' log(sigmoid(x)) - (1 - t') log(1 - sigmoid(x)), t' = t (1 - a) + a/2 */
} ls_element_kind;
typedef struct ls_element_loss {
    ls_element_kind kind;
    float parameter, share;
    const double *factor; /* of unit u: factor[u * factor_step], rounded to float; NULL: 1 */
    int64_t factor_step;
} ls_element_loss;

/* What a cross-entropy over classes has beyond the label. */
typedef struct ls_class_loss {
    const double *class_weight; /* [units], rounded to float; NULL: 1 */
    float smoothing;
} ls_class_loss;

/* The gradient of a small parameter over one panel, in one go: gradient[m*ld + n] for m < M, n < N (at most
   LS_LANES; columns up to LS_LANES are written, too) is the exact sum over grains of the chains over their
   samples s of left[m][s] right[n][s], times factor. left NULL: ones. rows: samples, at most LS_BLOCK. */
typedef struct ls_small_outer {
    int64_t M, N, rows, grain;
    const float *left, *right; /* [M][lanes], [N][lanes] */
    int64_t lanes;
    ls_exact_scale scale;
    uint64_t terms; /* grains */
    double factor;
    float *gradient;
    int64_t ld;
} ls_small_outer;

/* Samples of one grain that lie side by side: neighbouring lanes of one panel. */
typedef struct ls_sample_part {
    const float *at; /* the lane of the first of them in row 0 of the panel */
    int64_t lane;    /* its number */
    int64_t count;
    bool ends_grain; /* no other part of the grain follows */
} ls_sample_part;

/* The memory of the panel that a part lies in. */
static inline const float *ls_part_panel(const ls_sample_part *part)
{
    return part->at - part->lane;
}

/* The row of the first sample of a part, in rows [lanes][LS_BLOCK] that begin at a place of its panel. */
static inline const float *ls_part_row(const ls_sample_part *part, int64_t place)
{
    return ls_part_panel(part) + place + part->lane * LS_BLOCK;
}

/* The part behind the grain that begins with part first. */
static inline int64_t ls_grain_end(const ls_sample_part *part, int64_t first)
{
    while (!part[first].ends_grain) first++;
    return first + 1;
}

/* Whole grains in so many parts. */
static inline int64_t ls_grain_count(const ls_sample_part *part, int64_t parts)
{
    int64_t grains = 0;
    for (int64_t p = 0; p < parts; p++) grains += part[p].ends_grain;
    return grains;
}

/* The gradient of a block of a parameter: for m < M, n < N the exact sum over grains of the chains over their
   samples s of left[m][s] right[s][n]. N: a multiple of LS_LANES, at most LS_BLOCK. In the memory of the
   panel of s, left[m][s] lies left + m*lanes + (lane of s) floats from the beginning, right[s][n] lies right
   + (lane of s)*LS_BLOCK + n from it, 64-byte aligned for n = 0. Either sum is not NULL and gets the sum of
   the terms (base/exact.h), or gradient gets its value times factor. */
typedef struct ls_exact_product {
    int64_t M, N;
    const ls_sample_part *part; /* [parts], parts >= 1 */
    int64_t parts;
    int64_t left, right, lanes;
    ls_exact_scale scale;
    uint64_t terms; /* the number of grains; used with gradient only */
    double factor;  /* likewise */
    uint64_t *sum;  /* [M][lds] */
    int64_t lds;
    float *gradient; /* [M][ldg] */
    int64_t ldg;
} ls_exact_product;

/* A mask that sets elements of a panel to zero. The element e of a sample is kept where word e % 4 of
   ls_random at counter (a = counter, b = sample << 32 | e / 4) is below the threshold; what is kept is
   multiplied by scale. */
typedef struct ls_dropout {
    uint64_t key, counter; /* seed; a with the purpose in its top byte, as ls_random_counter gives it */
    int64_t first, count;  /* number of the sample in lane 0; lanes from count on are treated like lane 0 */
    int64_t group;         /* rows of the panel that are one element */
    uint32_t threshold;
    float scale;
} ls_dropout;

typedef struct ls_kernels {
    const char *name; /* "generic", "avx2", "avx512" */

    void (*gemm)(const ls_gemm *gemm);

    /* Convolutions of panels of images (math/image.h). y and dx are stored, not added to. bias [out_channels]
       may be NULL. Each element of y is one chain over (input channel of the group, kh, kw) ascending, from
       the bias or zero; each element of dx one over (output channel of the group, kh, kw) ascending, from
       zero. Taps on padding are left out. */
    void (*conv_forward)(const ls_conv *conv, const float *x, const float *bias, float *y);
    void (*conv_backward)(const ls_conv *conv, const float *dy, float *dx);
    /* The gradient by the weights: for each element and each of LS_LANES lanes one chain over the groups of
       lanes and the positions of dy ascending, from zero, with zeros for x on padding; then the lanes of the
       grain, others being zero, are added in pairs: neighbours, then neighbouring pairs, and so on. */
    void (*conv_gradient)(const ls_conv_gradient *gradient);
    /* The same of windows of 3 by 3 or 5 by 5 with stride and dilation 1 and one group, by Winograd's minimal
       filtering (math/winograd.h): other sums with other roundings, with the same promise about bits.
       Scratch: 64-byte aligned, ls_winograd_scratch() floats; for the gradient ls_winograd_gradient_scratch()
       floats, and blocks are whole windows (first_column and columns multiples of 9 or 25). */
    void (*winograd_forward)(const ls_conv *conv, const float *x, const float *bias, float *y,
                             float *scratch);
    void (*winograd_backward)(const ls_conv *conv, const float *dy, float *dx, float *scratch);
    void (*winograd_gradient)(const ls_conv_gradient *gradient);
    /* sum[c*lanes + n] = sum over p (ascending, from zero) of x[(c*positions + p)*lanes + n] */
    void (*channel_sums)(int64_t channels, int64_t positions, int64_t lanes, const float *x, float *sum);

    /* Pooling of panels of images. y is the largest of a window's inputs, the first of equal ones, NaN before
       all others; index [units of y][lanes] is its tap, kh * width.kernel + kw. Or y is the sum of the inputs
       (ascending) times 1 / their number. dx is stored: for each input the sum over the outputs that look at
       it (ascending). */
    void (*max_pool_forward)(const ls_pool *pool, const float *x, float *y, int32_t *index);
    void (*max_pool_backward)(const ls_pool *pool, const float *dy, const int32_t *index, float *dx);
    void (*average_pool_forward)(const ls_pool *pool, const float *x, float *y);
    void (*average_pool_backward)(const ls_pool *pool, const float *dy, float *dx);

    /* sum[m] = from[m*lanes] + from[m*lanes + 1] + ... + from[m*lanes + samples - 1], one chain of additions
       from zero, or from sum[m] (accumulate), for m < rows. */
    void (*chain_sums)(const float *from, int64_t lanes, int64_t rows, int64_t samples, bool accumulate,
                       float *sum);

    /* A panel with samples as rows, in blocks of LS_BLOCK units: to[b*LS_BLOCK*lanes + k*LS_BLOCK + n] =
       from[(b*LS_BLOCK + n)*lanes + k] for k < count (count <= lanes); zero where b*LS_BLOCK + n >= units.
       past_caches: as stream (with AVX-512, else as usual), to 64-byte aligned. */
    void (*pack)(const float *from, int64_t lanes, int64_t units, int64_t count, bool past_caches, float *to);

    /* Samples into a panel: to[u*lanes + n] = (row[n][u] - shift[u]) * scale[u], u < units, n < count (count
       <= lanes); lanes n >= count get a copy of lane 0. shift and scale may be NULL (no change). Rows of
       bytes or of floats. count >= 1. past_caches: as in pack. */
    void (*gather_floats)(const float *const *row, int64_t count, int64_t units, const float *shift,
                          const float *scale, int64_t lanes, bool past_caches, float *to);
    void (*gather_bytes)(const uint8_t *const *row, int64_t count, int64_t units, const float *shift,
                         const float *scale, int64_t lanes, bool past_caches, float *to);

    /* to[i] = from[i], i < count, past the caches: for what other cores have read, and would have to give
       back line by line. Visible to who synchronises with the caller. count: a multiple of LS_LANES; to:
       64-byte aligned. */
    void (*stream)(const float *from, float *to, int64_t count);

    /* to[i] = from[i], i < count, for what another core wrote and is about to write again. With AVX-512
       from's lines do not push others out of the caches here, and with give_up they leave all caches where
       the processor can, as the other core would wait for this one to give them back line by line. count: a
       multiple of LS_LANES. */
    void (*take)(const float *from, float *to, int64_t count, bool give_up);

    /* Largest bit pattern of |x| (NaN above infinity above all finite). */
    uint32_t (*largest)(const float *x, int64_t count);

    /* y = a + b; y may be a or b. count: a multiple of 16. */
    void (*add)(const float *a, const float *b, float *y, int64_t count);

    /* Statistics of each lane over positions rows of lanes, in double: the mean, and the sum of the squared
       differences from it (m2). Sums are float chains over every fourth position around the first value of
       the lane, folded into doubles after 64 positions. */
    void (*moments)(int64_t positions, int64_t lanes, const float *x, double *mean, double *m2);
    /* y = (x - mean[n]) scale[n] + shift, for each lane n; in place allowed. */
    void (*normalise)(int64_t positions, int64_t lanes, const float *x, const float *mean, const float *scale,
                      float shift, float *y);
    /* For each lane, added up like moments: sum of dy and of dy (x - mean[n]). */
    void (*norm_sums)(int64_t positions, int64_t lanes, const float *x, const float *mean, const float *dy,
                      double *sum_dy, double *sum_dyx);
    /* dx = dy a[n] - (x - mean[n]) c[n] - b[n]; in place (dx == dy) allowed. */
    void (*norm_backward)(int64_t positions, int64_t lanes, const float *x, const float *mean,
                          const float *dy, const float *a, const float *b, const float *c, float *dx);

    /* Exact sums of a tile of rows x columns: sum = term(x), sum += term(x) (base/exact.h). */
    void (*exact_store)(ls_exact_scale scale, int64_t rows, int64_t columns, const float *x, int64_t ldx,
                        uint64_t *sum, int64_t lds);
    void (*exact_add)(ls_exact_scale scale, int64_t rows, int64_t columns, const float *x, int64_t ldx,
                      uint64_t *sum, int64_t lds);
    /* sum += x, modulo 2^64. */
    void (*add_integers)(const uint64_t *x, uint64_t *sum, int64_t count);
    /* The last term and the end in one: x = (float)(value(sum + term(last), terms) * factor); sum NULL: there
       is no other term. */
    void (*exact_close)(ls_exact_scale scale, uint64_t terms, double factor, int64_t rows, int64_t columns,
                        const float *last, int64_t ldl, const uint64_t *sum, int64_t lds, float *x,
                        int64_t ldx);
    void (*exact_outer)(const ls_small_outer *outer);
    void (*exact_product)(const ls_exact_product *product);
    /* x = (float)(value(sum, terms) * factor) */
    void (*exact_finish)(ls_exact_scale scale, uint64_t terms, double factor, int64_t rows, int64_t columns,
                         const uint64_t *sum, int64_t lds, float *x, int64_t ldx);

    /* y = f(x), in place allowed; dx = dy * f', where f' is computed from saved = y if
       ls_activation_from_output(), else from saved = x. In place (dx == dy) allowed. count: a multiple of 16.
     */
    void (*activation_forward)(ls_activation which, float parameter, const float *x, float *y, int64_t count);
    void (*activation_backward)(ls_activation which, float parameter, const float *saved, const float *dy,
                                float *dx, int64_t count);

    /* y = x where the mask keeps it, scaled, else 0; x and y are [elements * group][lanes]. In place allowed.
     */
    void (*dropout)(const ls_dropout *mask, int64_t elements, int64_t lanes, const float *x, float *y);

    /* Losses over a panel: for each lane n the loss (of the sample, not yet averaged or weighted) into
       loss[n] and its derivative times weight[n] into delta[u*lanes + n] (delta may be NULL). Lanes of weight
       0 get loss 0 and delta +0. target is [units][lanes] or label[lanes]. squared_error       loss = 1/units
       * sum_u (x - t)^2 binary_entropy      loss = sum_u max(x,0) - x t + log(1 + exp(-|x|)), on logits
         softmax_entropy     loss = log(sum_u exp(x_u)) - x_label, computed from x - max; label in 0..units-1
     */
    void (*squared_error)(int64_t units, int64_t lanes, const float *x, const float *target,
                          const float *weight, float *delta, float *loss);
    void (*binary_entropy)(int64_t units, int64_t lanes, const float *x, const float *target,
                           const float *weight, float *delta, float *loss);
    void (*softmax_entropy)(int64_t units, int64_t lanes, const float *x, const int32_t *label,
                            const float *weight, float *delta, float *loss);
    /* Further losses with the same rules, where weight is 1, or 0 for lanes that do not count (its product
       with a loss is the caller's).
         element_loss        see ls_element_kind
         smoothed_entropy    (1 - a) w_label nll_label + a/units sum_u w_u nll_u, with a the smoothing and
                             nll_u = log(sum_v exp(x_v)) - x_u
         multi_margin        1/units sum over u != label of max(0, margin - x_label + x_u)^(1 or 2)
         divergence          sum_u t_u (log t_u - log softmax(x)_u), 0 log 0 = 0 */
    void (*element_loss)(const ls_element_loss *call, int64_t units, int64_t lanes, const float *x,
                         const float *target, const float *weight, float *delta, float *loss);
    void (*smoothed_entropy)(const ls_class_loss *call, int64_t units, int64_t lanes, const float *x,
                             const int32_t *label, const float *weight, float *delta, float *loss);
    void (*multi_margin)(float margin, bool squared, int64_t units, int64_t lanes, const float *x,
                         const int32_t *label, const float *weight, float *delta, float *loss);
    void (*divergence)(int64_t units, int64_t lanes, const float *x, const float *target, const float *weight,
                       float *delta, float *loss);
    void (*exponential)(const float *x, float *y, int64_t count); /* in place allowed; count as above */
    void (*softmax)(int64_t units, int64_t lanes, const float *x, float *y);
    /* From y = softmax(x): dx_u = y_u (dy_u - sum_v y_v dy_v). In place (dx == dy) allowed. */
    void (*softmax_backward)(int64_t units, int64_t lanes, const float *y, const float *dy, float *dx);
    /* y_u = x_u - log(sum_v exp(x_v)); from y: dx_u = dy_u - exp(y_u) sum_v dy_v. In place allowed. */
    void (*log_softmax)(int64_t units, int64_t lanes, const float *x, float *y);
    void (*log_softmax_backward)(int64_t units, int64_t lanes, const float *y, const float *dy, float *dx);
    void (*argmax)(int64_t units, int64_t lanes, const float *x, int32_t *index); /* lowest index of the
                                                                                     largest; NaN counts as
                                                                                     the largest */

    /* Steps of optimisers: w and the arrays of state are updated; g' is the direction of ls_step_rule. Any
       count and alignment. Of sgd, velocity may be NULL if momentum is 0:

       v = momentum v + g';  w = w - learning_rate (nesterov ? g' + momentum v : v) */
    void (*sgd)(const ls_sgd_step *step, int64_t count, float *w, const float *gradient, float *velocity);
    /* s = alpha s + rest g'^2;  a = alpha a + rest g';  d = g' / (sqrt(s - a^2) + epsilon)
       v = momentum v + d;  w = w - learning_rate v
       average NULL: a = 0 (not centred). velocity NULL: v = d. */
    void (*rmsprop)(const ls_rmsprop_step *step, int64_t count, float *w, const float *gradient,
                    float *square, float *average, float *velocity);
    /* s = s + g'^2;  w = w - learning_rate g' / (sqrt(s + initial) + epsilon) */
    void (*adagrad)(const ls_adagrad_step *step, int64_t count, float *w, const float *gradient, float *sum);
    /* m = beta1 m + rest1 g';  s = beta2 s + rest2 g'^2;  largest = max(largest, s)
       w = w - learning_rate m / (root_factor sqrt(largest) + epsilon)
       largest NULL: the root of s (no amsgrad). */
    void (*adam)(const ls_adam_step *step, int64_t count, float *w, const float *gradient, float *mean,
                 float *square, float *largest);
    /* c = sign(g') sign(previous)
       size = size (c > 0 ? grow : c < 0 ? shrink : 1), within smallest and largest
       where c < 0: g' = 0
       w = w - size sign(g');  previous = g' */
    void (*rprop)(const ls_rprop_step *step, int64_t count, float *w, const float *gradient, float *previous,
                  float *size);

    /* LAMB: m and s as in adam, and the sums of squares of w and of
         u = mean_factor m / (root_factor sqrt(s) + epsilon) + decay w;
       then w = w - learning_rate u, with the same m, s and w. */
    ls_squares (*lamb_moments)(const ls_adam_step *step, int64_t count, const float *w, const float *gradient,
                               float *mean, float *square);
    void (*lamb_apply)(const ls_adam_step *step, int64_t count, float *w, const float *mean,
                       const float *square);
    /* Sums of squares of w and of g'. */
    ls_squares (*squares)(const ls_step_rule *rule, int64_t count, const float *w, const float *gradient);
    /* w = w limit / |w| if |w| > limit */
    void (*limit_norm)(double limit, int64_t count, float *w);

    /* Arithmetic on arenas. average = average + share (x - average), the sum and product fused. */
    void (*blend)(float share, int64_t count, const float *x, float *average);
    /* y = y + scale x, fused. */
    void (*add_scaled)(float scale, int64_t count, const float *x, float *y);
    /* The sum of a[i] b[i] in double precision: element i belongs to chain i mod 16, and the chains are added
       as (0 + 8, 1 + 9, ...), (0 + 4, ...), (0 + 2, ...), 0 + 1. */
    double (*dot)(int64_t count, const float *a, const float *b);
} ls_kernels;

/* The table for this processor: the best it can run, capped by the environment variable LOCKSTEP_ISA =
 * generic | avx2 | avx512. Chosen once. */
const ls_kernels *ls_kernels_get(void);
const ls_kernels *ls_kernels_named(const char *name); /* NULL if unknown or this processor cannot run it; for
                                                         tests */

bool ls_activation_from_output(ls_activation which);

/* Number of the rules that fix the bits; raised whenever a change alters any result. Part of the fingerprint.
 */
enum { LS_NUMERICS_VERSION = 4 };

#endif
