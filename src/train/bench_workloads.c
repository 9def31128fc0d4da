#include "train/bench_workloads.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR(units)                                                                                        \
    {                                                                                                        \
        .rank = 1, .dim = { units }                                                                          \
    }
#define IMAGE(channels, height, width)                                                                       \
    {                                                                                                        \
        .rank = 3, .dim = { channels, height, width }                                                        \
    }

#define DENSE(units, activation) "  - {type: dense, units: " #units ", activation: " #activation "}\n"
#define LOGITS(units)            "  - {type: dense, units: " #units "}\n"
#define CONVOLVE(filters, kernel)                                                                            \
    "  - {type: conv2d, filters: " #filters ", kernel: " #kernel ", activation: relu}\n"
#define POOL "  - {type: max_pool, kernel: 2}\n"

#define MNIST_MLP DENSE(512, relu) DENSE(256, relu) LOGITS(10)
#define LENET     CONVOLVE(20, 5) POOL CONVOLVE(50, 5) POOL DENSE(500, relu) LOGITS(10)

/* He et al., CVPR 2016, section 4.2, for n = 3, with projections where the shape changes (option B). Filters
   of 3 by 3, batch normalisation after each convolution. */
#define NORMALISED(name, filters, stride, from)                                                              \
    "{type: conv2d, name: " name ", filters: " #filters ", kernel: 3, padding: same, stride: " #stride       \
    ", bias: false, initializer: he, inputs: " from "}, {type: batch_norm}"
#define RESIDUAL(filters)                                                                                    \
    NORMALISED("a", filters, 1, "previous")                                                                  \
    ", relu, {type: conv2d, filters: " #filters                                                              \
    ", kernel: 3, padding: same, bias: false, initializer: he}, {type: batch_norm, name: b}, "               \
    "{type: add, inputs: [b, previous]}, relu"
#define NARROWER(filters)                                                                                    \
    NORMALISED("a", filters, 2, "previous")                                                                  \
    ", relu, {type: conv2d, filters: " #filters                                                              \
    ", kernel: 3, padding: same, bias: false, initializer: he}, {type: batch_norm, name: b}, "               \
    "{type: conv2d, filters: " #filters                                                                      \
    ", kernel: 1, stride: 2, bias: false, inputs: previous}, {type: batch_norm, name: c}, "                  \
    "{type: add, inputs: [b, c]}, relu"
#define STAGE(filters)                                                                                       \
    "  - {repeat: 1, layers: [" NARROWER(filters) "]}\n  - {repeat: 2, layers: [" RESIDUAL(filters) "]}\n"
#define RESNET_20                                                                                            \
    "  - {type: conv2d, filters: 16, kernel: 3, padding: same, bias: false, initializer: he}\n"              \
    "  - batch_norm\n  - relu\n  - {repeat: 3, layers: [" RESIDUAL(16) "]}\n" STAGE(32)                      \
        STAGE(64) "  - global_average_pool\n" LOGITS(10)

#define ENTROPY "softmax_cross_entropy"
#define SGDM    "{type: sgd, lr: 0.01, momentum: 0.9}"

const ls_workload ls_workloads[] = {
    {"xor-b4-sgd", "2-3-1 sigmoid, batch 4, plain gradient descent", VECTOR(2), 1, 4,
     DENSE(3, sigmoid) LOGITS(1), "binary_cross_entropy", "{type: sgd, lr: 0.01}"},
    {"digits-b32-sgdm", "64-128-10 relu, batch 32, momentum", VECTOR(64), 10, 32, DENSE(128, relu) LOGITS(10),
     ENTROPY, SGDM},
    {"mnist-mlp-b32-sgdm", "784-512-256-10 relu, batch 32, momentum", VECTOR(784), 10, 32, MNIST_MLP, ENTROPY,
     SGDM},
    {"mnist-mlp-b128-sgdm", "784-512-256-10 relu, batch 128, momentum", VECTOR(784), 10, 128, MNIST_MLP,
     ENTROPY, SGDM},
    {"mnist-mlp-b512-sgdm", "784-512-256-10 relu, batch 512, momentum", VECTOR(784), 10, 512, MNIST_MLP,
     ENTROPY, SGDM},
    {"mnist-mlp-b128-adam", "784-512-256-10 relu, batch 128, Adam", VECTOR(784), 10, 128, MNIST_MLP, ENTROPY,
     "{type: adam, lr: 0.001}"},
    {"wide-mlp-b512-sgdm", "1024-2048-2048-2048-10 relu, batch 512, momentum", VECTOR(1024), 10, 512,
     DENSE(2048, relu) DENSE(2048, relu) DENSE(2048, relu) LOGITS(10), ENTROPY, SGDM},
    {"lenet-b64-sgdm", "convolutions of 20 and 50 filters of 5 by 5, 500, 10, batch 64, momentum",
     IMAGE(1, 28, 28), 10, 64, LENET, ENTROPY, SGDM},
    {"lenet-b128-sgdm", "convolutions of 20 and 50 filters of 5 by 5, 500, 10, batch 128, momentum",
     IMAGE(1, 28, 28), 10, 128, LENET, ENTROPY, SGDM},
    {"resnet20-b128-sgdm", "ResNet-20 on 3 x 32 x 32, batch normalisation, batch 128, momentum",
     IMAGE(3, 32, 32), 10, 128, RESNET_20, ENTROPY, SGDM},
};
const int ls_workload_count = sizeof ls_workloads / sizeof *ls_workloads;

static const char dense_prefix[] = "dense-";

/* A number from 1 to most at *at, which then points behind it; 0: none. */
static long read_number(const char **at, long most)
{
    char *end;
    if (!isdigit((unsigned char)**at)) return 0;
    long number = strtol(*at, &end, 10);
    *at = end;
    return number <= most ? number : 0;
}

bool ls_workload_from_name(const char *name, ls_workload *work, char text[LS_WORKLOAD_TEXT])
{
    enum { UNITS_MAX = 1 << 20, BATCH_MAX = 1 << 20 };
    const size_t prefix = sizeof dense_prefix - 1;
    const char *at = name + prefix;
    int layers = 0;
    size_t used = 0;
    if (strncmp(name, dense_prefix, prefix) != 0) return false;
    long inputs = read_number(&at, UNITS_MAX), units = 0;
    while (inputs > 0 && at[0] == '-' && at[1] != 'b') {
        at++;
        units = read_number(&at, UNITS_MAX);
        if (units == 0 || ++layers > LS_WORKLOAD_LAYERS_MAX) return false;
        bool last = at[0] == '-' && at[1] == 'b';
        used += (size_t)snprintf(text + used, LS_WORKLOAD_TEXT - used, "  - {type: dense, units: %ld%s}\n",
                                 units, last ? "" : ", activation: relu");
    }
    if (units < 2 || strncmp(at, "-b", 2) != 0) return false;
    at += 2;
    long batch = read_number(&at, BATCH_MAX);
    *work = (ls_workload){.name = name,
                          .describe = "dense layers",
                          .input = {.rank = 1, .dim = {inputs}},
                          .classes = (int)units,
                          .batch = (int)batch,
                          .model = text,
                          .loss = ENTROPY,
                          .optimizer = SGDM};
    return batch > 0 && *at == '\0';
}
