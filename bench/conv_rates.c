/* The rates of the convolution kernels on one core, beside that of the matrix product, for the layers of
   LeNet and ResNet-20 and some more of 5 by 5: the best of many repetitions. Multiply-adds on padding do not
   count as work. Those of Winograd's algorithm are given as if they had done the work of the direct ones.
   make -C build bench/conv_rates && build/bench/conv_rates */
#include <stdio.h>
#include <time.h>
#include "base/memory.h"
#include "math/kernels.h"
#include "math/winograd.h"

enum { REPETITIONS = 60, TILE_ROWS = 48, WINOGRAD_ROWS = 32, WINOGRAD_CHANNELS = 64 };

typedef struct layer {
    const char *name;
    int64_t in, out, size, kernel, stride, padding;
} layer;

static const layer layers[] = {
    {"lenet conv 1", 1, 20, 28, 5, 1, 0},         {"lenet conv 2", 20, 50, 12, 5, 1, 0},
    {"5 x 5, 32 -> 32", 32, 32, 16, 5, 1, 2},     {"5 x 5, 64 -> 64", 64, 64, 8, 5, 1, 2},
    {"resnet input", 3, 16, 32, 3, 1, 1},         {"resnet 16 -> 16", 16, 16, 32, 3, 1, 1},
    {"resnet 16 -> 32 / 2", 16, 32, 32, 3, 2, 1}, {"resnet 32 -> 32", 32, 32, 16, 3, 1, 1},
    {"resnet 32 -> 64 / 2", 32, 64, 16, 3, 2, 1}, {"resnet 64 -> 64", 64, 64, 8, 3, 1, 1},
};

static const ls_kernels *kernels;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static float *numbers(int64_t count)
{
    float *array = ls_alloc((size_t)count, sizeof *array);
    for (int64_t i = 0; array != NULL && i < count; i++) array[i] = (float)(i * 7919 % 2001 - 1000) * 1e-3F;
    return array;
}

typedef struct arrays {
    ls_conv conv;
    float *x, *y, *dx, *weight, *bias, *tile, *scratch, *winograd;
    ls_gemm gemm;
} arrays;

typedef void work(const arrays *a);

static void forward(const arrays *a)
{
    kernels->conv_forward(&a->conv, a->x, a->bias, a->y);
}

static void backward(const arrays *a)
{
    kernels->conv_backward(&a->conv, a->y, a->dx);
}

/* In tiles as the layer asks for them. */
static void gradient(const arrays *a)
{
    const ls_grain_part part = {.x = a->x, .dy = a->y, .lane = 0, .count = a->conv.lanes};
    const int64_t window = a->conv.height.kernel * a->conv.width.kernel, all = a->conv.in_channels * window;
    const int64_t columns = LS_BLOCK / window * window;
    ls_conv_gradient block = {
        .conv = &a->conv, .part = &part, .part_count = 1, .scratch = a->scratch, .ld = a->conv.ld};
    for (int64_t row = 0; row < a->conv.out_channels; row += block.rows)
        for (int64_t column = 0; column < all; column += columns) {
            block.first_row = row;
            block.rows = a->conv.out_channels - row < TILE_ROWS ? a->conv.out_channels - row : TILE_ROWS;
            block.first_column = column;
            block.columns = all - column < columns ? all - column : columns;
            block.tile = a->tile + row * a->conv.ld + column;
            kernels->conv_gradient(&block);
        }
}

static void winograd_forward(const arrays *a)
{
    kernels->winograd_forward(&a->conv, a->x, a->bias, a->y, a->winograd);
}

static void winograd_backward(const arrays *a)
{
    kernels->winograd_backward(&a->conv, a->y, a->dx, a->winograd);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* In blocks as the layer asks for them. */
static void winograd_gradient(const arrays *a)
{
    const ls_grain_part part = {.x = a->x, .dy = a->y, .lane = 0, .count = a->conv.lanes};
    const int64_t window = a->conv.height.kernel * a->conv.width.kernel, all = a->conv.in_channels * window;
    ls_conv_gradient block = {
        .conv = &a->conv, .part = &part, .part_count = 1, .scratch = a->winograd, .ld = a->conv.ld};
    for (int64_t row = 0; row < a->conv.out_channels; row += block.rows)
        for (int64_t column = 0; column < all; column += block.columns) {
            block.first_row = row;
            block.rows = least(a->conv.out_channels - row, WINOGRAD_ROWS);
            block.first_column = column;
            block.columns = least(all - column, WINOGRAD_CHANNELS * window);
            block.tile = a->tile + row * a->conv.ld + column;
            kernels->winograd_gradient(&block);
        }
}

static void product(const arrays *a)
{
    kernels->gemm(&a->gemm);
}

static double best_of(work *run, const arrays *a)
{
    double best = 1e9;
    for (int r = 0; r < REPETITIONS; r++) {
        double start = seconds();
        run(a);
        double taken = seconds() - start;
        best = taken < best ? taken : best;
    }
    return best;
}

/* Pairs of an output and a tap that do not fall on padding. */
static int64_t pairs(const ls_span *span)
{
    int64_t count = 0;
    for (int64_t o = 0; o < span->out; o++)
        for (int64_t k = 0; k < span->kernel; k++) {
            int64_t in = o * span->stride - span->before + k;
            count += in >= 0 && in < span->in;
        }
    return count;
}

static void print_layer(const layer *l, int64_t lanes)
{
    ls_span span = {
        .in = l->size, .kernel = l->kernel, .stride = l->stride, .dilation = 1, .before = l->padding};
    span.out = (l->size + 2 * l->padding - l->kernel) / l->stride + 1;
    arrays a = {.conv = {.in_channels = l->in,
                         .out_channels = l->out,
                         .groups = 1,
                         .lanes = lanes,
                         .height = span,
                         .width = span}};
    a.conv.ld = (l->in * l->kernel * l->kernel + LS_LANES) / LS_LANES * LS_LANES;
    a.conv.weight = a.weight = numbers(l->out * a.conv.ld);
    a.tile = numbers(l->out * a.conv.ld);
    a.bias = numbers(l->out);
    a.x = numbers(l->in * span.in * span.in * lanes);
    a.dx = numbers(l->in * span.in * span.in * lanes);
    a.y = numbers(l->out * span.out * span.out * lanes);
    a.scratch = numbers(ls_conv_gradient_scratch(&a.conv, TILE_ROWS));
    a.winograd = numbers(ls_winograd_scratch(&a.conv) +
                         ls_winograd_gradient_scratch(&a.conv, WINOGRAD_ROWS, WINOGRAD_CHANNELS));
    double operations = 2e-9 * (double)(l->in * l->out * lanes) * (double)pairs(&span) * (double)pairs(&span);
    printf("%-20s %5d %10.1f %10.1f %10.1f", l->name, (int)lanes, operations / best_of(forward, &a),
           operations / best_of(backward, &a), operations / best_of(gradient, &a));
    if (ls_winograd_fits(&a.conv))
        printf(" %10.1f %10.1f %10.1f", operations / best_of(winograd_forward, &a),
               operations / best_of(winograd_backward, &a), operations / best_of(winograd_gradient, &a));
    printf("\n");
    ls_free(a.weight), ls_free(a.tile), ls_free(a.bias), ls_free(a.x), ls_free(a.dx), ls_free(a.y),
        ls_free(a.scratch), ls_free(a.winograd);
}

static void print_product(void)
{
    enum { M = 64, N = 64, K = 576 };
    float *A = numbers(M * K), *B = numbers(K * N), *C = numbers(M * N);
    arrays a = {.gemm = {.M = M,
                         .N = N,
                         .K = K,
                         .A = A,
                         .row_stride = K,
                         .column_stride = 1,
                         .B = B,
                         .ldb = N,
                         .C = C,
                         .ldc = N}};
    printf("matrix product 64 x 64 x 576: %.1f GFLOP/s\n", 2e-9 * M * N * K / best_of(product, &a));
    ls_free(A), ls_free(B), ls_free(C);
}

int main(void)
{
    kernels = ls_kernels_get();
    print_product();
    printf("%-20s %5s %10s %10s %10s %10s %10s %10s  GFLOP/s\n", "layer", "lanes", "forward", "backward",
           "gradient", "winograd", "backward", "gradient");
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        for (int64_t lanes = LS_LANES; lanes <= 2 * LS_LANES; lanes += LS_LANES)
            print_layer(&layers[i], lanes);
    return 0;
}
