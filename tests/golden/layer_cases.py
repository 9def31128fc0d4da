"""Layers and activations: one step each, which shows outputs and gradients."""
import torch
from torch import nn
from torch.nn import functional as F

from cases import INPUTS, Fn, case, mse

DENSE = "  - {type: dense, units: 24}\n"


def layer(name, text, network, out, shape="2, 3, 4", training="", whole=0, first=True, rows=6):
    """The layer between a dense layer, seen as an image, and the loss."""
    before = [nn.Linear(INPUTS, 24), nn.Unflatten(1, [int(n) for n in shape.split(",")])] if first else []
    model = (DENSE + f"  - {{type: reshape, shape: [{shape}], name: left}}\n" if first else "") + text
    case(name, model, nn.Sequential(*before, *network, nn.Flatten()), "mse", mse, outputs=out, training=training, whole=whole,
         again="batch_norm" in name, rows=rows)


def vectors(name, text, network, out):
    """The same after a dense layer of 24 units."""
    case(name, DENSE + text, nn.Sequential(nn.Linear(INPUTS, 24), *network), "mse", mse, outputs=out, again="batch_norm" in name)


def activations():
    table = [("identity", "identity", nn.Identity()), ("sigmoid", "sigmoid", nn.Sigmoid()), ("tanh", "tanh", nn.Tanh()),
             ("relu", "relu", nn.ReLU()), ("leaky_relu", "leaky_relu", nn.LeakyReLU()),
             ("leaky_relu slope", "{type: leaky_relu, slope: 0.1}", nn.LeakyReLU(0.1)), ("elu", "elu", nn.ELU()),
             ("elu alpha", "{type: elu, alpha: 0.5}", nn.ELU(0.5)), ("selu", "selu", nn.SELU()), ("gelu", "gelu", nn.GELU()),
             ("gelu tanh", "{type: gelu, approximate: tanh}", Fn(lambda x: F.gelu(x, approximate="tanh"))), ("silu", "silu", nn.SiLU()),
             ("softplus", "softplus", nn.Softplus(threshold=1e9)), ("hard_sigmoid", "hard_sigmoid", nn.Hardsigmoid()),
             ("hard_swish", "hard_swish", nn.Hardswish()), ("prelu", "prelu", nn.PReLU(2)),
             ("prelu shared", "{type: prelu, shared: true}", nn.PReLU(1)), ("softmax", "softmax", nn.Softmax(1)),
             ("log_softmax", "log_softmax", nn.LogSoftmax(1))]
    for name, text, module in table:
        layer(name, f"  - {text}\n", [module], 24)
    for name, module in ("prelu", nn.PReLU(24)), ("softmax", nn.Softmax(1)), ("log_softmax", nn.LogSoftmax(1)):
        vectors(name + " of vectors", f"  - {name}\n", [module], 24)


def plain_layers():
    layer("dense", "  - {type: dense, units: 4}\n", [nn.Flatten(), nn.Linear(24, 4)], 4)
    layer("dense without bias", "  - {type: dense, units: 4, bias: false, activation: tanh}\n",
          [nn.Flatten(), nn.Linear(24, 4, bias=False), nn.Tanh()], 4)
    layer("flatten", "  - flatten\n", [nn.Flatten()], 24)
    layer("reshape", "  - {type: reshape, shape: [4, 6]}\n", [nn.Flatten()], 24)
    layer("reshape to what is left", "  - {type: reshape, shape: [4, -1]}\n  - softmax\n", [nn.Flatten(), nn.Unflatten(1, [4, 6]), nn.Softmax(1)],
          24)
    layer("embedding", "  - {type: embedding, values: 7, units: 3}\n", [Fn(lambda x: x.long()), nn.Embedding(7, 3),
                                                                         Fn(lambda e: e.transpose(1, 2))], 15, whole=7, first=False)
    layer("add", "  - {type: tanh, name: right, inputs: left}\n  - {type: add, inputs: [left, right]}\n",
          [Fn(lambda x: x + torch.tanh(x))], 24)
    layer("add of three", "  - {type: tanh, name: right, inputs: left}\n  - {type: sigmoid, name: third, inputs: left}\n"
          "  - {type: add, inputs: [left, third, right]}\n", [Fn(lambda x: x + torch.tanh(x) + torch.sigmoid(x))], 24)
    layer("concatenate", "  - {type: tanh, name: right, inputs: left}\n  - {type: concatenate, inputs: [right, left]}\n",
          [Fn(lambda x: torch.cat([torch.tanh(x), x], 1))], 48)
    layer("concatenate of other channels", "  - {type: conv2d, filters: 3, kernel: 3, padding: 1, name: right}\n"
          "  - {type: concatenate, inputs: [left, right]}\n", [Beside(nn.Conv2d(2, 3, 3, padding=1))], 60)


class Beside(nn.Module):
    """The input, and behind it what a layer makes of it."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return torch.cat([x, self.inner(x)], 1)


def padded(*sides, value=0.0):
    """[top, bottom, left, right] or [before, behind], as Lockstep writes them; PyTorch begins with the last dimension."""
    return Fn(lambda x: F.pad(x, sides[2:] + sides[:2], value=value))


def convolutions():
    layer("conv2d", "  - {type: conv2d, filters: 3, kernel: 2}\n", [nn.Conv2d(2, 3, 2)], 18)
    layer("conv2d stride", "  - {type: conv2d, filters: 2, kernel: [2, 3], stride: [1, 2], padding: [1, 2]}\n",
          [nn.Conv2d(2, 2, (2, 3), (1, 2), (1, 2))], 24)
    layer("conv2d same", "  - {type: conv2d, filters: 2, kernel: 3, padding: same, bias: false}\n",
          [nn.Conv2d(2, 2, 3, padding="same", bias=False)], 24)
    layer("conv2d same even", "  - {type: conv2d, filters: 2, kernel: [2, 4], padding: same}\n", [nn.Conv2d(2, 2, (2, 4), padding="same")], 24)
    # Outputs ceil(3 / 2) x ceil(4 / 3): margins of (2 - 1) 2 + 2 - 3 = 1 and (2 - 1) 3 + 3 - 4 = 2.
    layer("conv2d same stride", "  - {type: conv2d, filters: 3, kernel: [2, 3], padding: same, stride: [2, 3]}\n",
          [padded(0, 1, 1, 1), nn.Conv2d(2, 3, (2, 3), (2, 3))], 12)
    layer("conv2d sides", "  - {type: conv2d, filters: 2, kernel: 3, padding: [0, 1, 2, 1]}\n", [padded(0, 1, 2, 1), nn.Conv2d(2, 2, 3)], 20)
    layer("conv2d groups", "  - {type: conv2d, filters: 4, kernel: 2, groups: 2, dilation: [1, 2]}\n",
          [nn.Conv2d(2, 4, 2, groups=2, dilation=(1, 2))], 16)
    layer("conv2d by channel", "  - {type: conv2d, filters: 8, kernel: 2, groups: 4, activation: tanh}\n",
          [nn.Conv2d(4, 8, 2, groups=4), nn.Tanh()], 16, shape="4, 2, 3")
    layer("conv2d all", "  - {type: conv2d, filters: 6, kernel: [3, 2], stride: [2, 1], padding: [2, 1], dilation: [2, 3], groups: 2, bias: false}\n",
          [nn.Conv2d(4, 6, (3, 2), (2, 1), (2, 1), (2, 3), groups=2, bias=False)], 12, shape="4, 2, 3")
    layer("conv2d large", "  - {type: conv2d, filters: 2, kernel: 5, padding: 2}\n", [nn.Conv2d(2, 2, 5, padding=2)], 24)
    layer("conv2d points", "  - {type: conv2d, filters: 5, kernel: 1, stride: 2}\n", [nn.Conv2d(2, 5, 1, 2)], 20)
    layer("conv2d direct", "  - {type: conv2d, filters: 3, kernel: 3, padding: same, algorithm: direct}\n",
          [nn.Conv2d(2, 3, 3, padding="same")], 36)
    layer("conv2d winograd", "  - {type: conv2d, filters: 3, kernel: 3, padding: same, algorithm: winograd}\n",
          [nn.Conv2d(2, 3, 3, padding="same")], 36)
    layer("conv2d winograd sides", "  - {type: conv2d, filters: 2, kernel: 3, padding: [0, 1, 2, 1], algorithm: winograd}\n",
          [padded(0, 1, 2, 1), nn.Conv2d(2, 2, 3)], 20)
    layer("conv2d winograd large", "  - {type: conv2d, filters: 2, kernel: 5, padding: same, algorithm: winograd}\n",
          [nn.Conv2d(2, 2, 5, padding="same")], 24)
    layer("conv2d winograd large sides", "  - {type: conv2d, filters: 2, kernel: 5, padding: [2, 5, 1, 3], algorithm: winograd}\n",
          [padded(2, 5, 1, 3), nn.Conv2d(2, 2, 5)], 48)
    layer("conv1d", "  - {type: conv1d, filters: 3, kernel: 3, stride: 2}\n", [nn.Conv1d(4, 3, 3, 2)], 6, shape="4, 6")
    layer("conv1d same", "  - {type: conv1d, filters: 2, kernel: 3, padding: same, dilation: 2}\n",
          [nn.Conv1d(4, 2, 3, padding="same", dilation=2)], 12, shape="4, 6")
    layer("conv1d sides", "  - {type: conv1d, filters: 3, kernel: 4, padding: [2, 0], activation: sigmoid}\n",
          [padded(2, 0), nn.Conv1d(4, 3, 4), nn.Sigmoid()], 15, shape="4, 6")
    layer("conv1d groups", "  - {type: conv1d, filters: 4, kernel: 2, padding: 1, groups: 4, bias: false}\n",
          [nn.Conv1d(4, 4, 2, padding=1, groups=4, bias=False)], 28, shape="4, 6")
    layer("conv1d all", "  - {type: conv1d, filters: 6, kernel: 3, stride: 2, padding: 3, dilation: 2, groups: 2}\n",
          [nn.Conv1d(4, 6, 3, 2, 3, 2, groups=2)], 24, shape="4, 6")


def mean_of_windows(kernel, stride, dilation, sides, count_padding):
    """By unfolding: PyTorch's average pooling has neither dilation nor margins that differ from side to side."""

    def windows(x):
        n, c = x.shape[:2]
        x = F.pad(x, sides[2:] + sides[:2])
        return F.unfold(x, kernel, dilation, 0, stride).reshape(n, c, kernel[0] * kernel[1], -1)

    def forward(x):
        inputs = windows(torch.ones_like(x)).sum(2)
        return windows(x).sum(2) / (kernel[0] * kernel[1] if count_padding else inputs)

    return Fn(forward)


def pooling():
    nothing = float("-inf")
    layer("max_pool", "  - {type: max_pool, kernel: 2}\n", [nn.MaxPool2d(2)], 4)
    layer("max_pool overlap", "  - {type: max_pool, kernel: 3, stride: 2, padding: 1}\n", [nn.MaxPool2d(3, 2, 1)], 8)
    layer("max_pool dilation", "  - {type: max_pool, kernel: [2, 2], stride: 1, dilation: [1, 2]}\n", [nn.MaxPool2d(2, 1, dilation=(1, 2))], 8)
    layer("max_pool same", "  - {type: max_pool, kernel: [2, 3], stride: [2, 3], padding: same}\n",
          [padded(0, 1, 1, 1, value=nothing), nn.MaxPool2d((2, 3), (2, 3))], 8)
    layer("max_pool sides", "  - {type: max_pool, kernel: 2, stride: 1, padding: [1, 0, 0, 1]}\n",
          [padded(1, 0, 0, 1, value=nothing), nn.MaxPool2d(2, 1)], 24)
    layer("max_pool of signals", "  - {type: max_pool, kernel: 2, dilation: 2, stride: 1}\n", [nn.MaxPool1d(2, 1, dilation=2)], 16,
          shape="4, 6")
    layer("average_pool", "  - {type: average_pool, kernel: 2, stride: 1, padding: 1}\n", [nn.AvgPool2d(2, 1, 1)], 40)
    layer("average_pool without padding", "  - {type: average_pool, kernel: 2, stride: 1, padding: 1, count_padding: false}\n",
          [nn.AvgPool2d(2, 1, 1, count_include_pad=False)], 40)
    layer("average_pool side by side", "  - {type: average_pool, kernel: [3, 2]}\n", [nn.AvgPool2d((3, 2))], 4)
    for counted in True, False:
        more = "" if counted else ", count_padding: false"
        layer("average_pool same" + more, f"  - {{type: average_pool, kernel: [2, 3], stride: [2, 3], padding: same{more}}}\n",
              [mean_of_windows((2, 3), (2, 3), (1, 1), (0, 1, 1, 1), counted)], 8)
        layer("average_pool dilation" + more,
              f"  - {{type: average_pool, kernel: 2, stride: 1, dilation: [2, 3], padding: [0, 1, 2, 0]{more}}}\n",
              [mean_of_windows((2, 2), (1, 1), (2, 3), (0, 1, 2, 0), counted)], 12)
    layer("average_pool of signals", "  - {type: average_pool, kernel: 3, stride: 2}\n", [nn.AvgPool1d(3, 2)], 8, shape="4, 6")
    layer("global_average_pool", "  - global_average_pool\n", [nn.AdaptiveAvgPool2d(1)], 2)
    layer("global_average_pool of signals", "  - global_average_pool\n", [nn.AdaptiveAvgPool1d(1)], 4, shape="4, 6")


class BatchNormOfGrains(nn.BatchNorm2d):
    """In training with mean and variance of each grain; the running ones are those of the whole batch."""

    def __init__(self, channels, grain):
        super().__init__(channels)
        self.grain = grain

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        super().forward(x.detach())
        parts = [F.batch_norm(p, None, None, self.weight, self.bias, True, 0, self.eps) for p in x.split(self.grain)]
        return torch.cat(parts)


def norms():
    layer("batch_norm", "  - {type: batch_norm, statistics: batch}\n", [nn.BatchNorm2d(2)], 24)
    layer("batch_norm of one grain", "  - batch_norm\n", [nn.BatchNorm2d(2)], 24, training=", grain: 8")
    layer("batch_norm of grains", "  - batch_norm\n", [BatchNormOfGrains(2, 4)], 24, training=", grain: 4", rows=10)
    layer("batch_norm of vectors", "  - flatten\n  - {type: batch_norm, statistics: batch, affine: false}\n",
          [nn.Flatten(), nn.BatchNorm1d(24, affine=False)], 24)
    layer("batch_norm of signals", "  - {type: batch_norm, statistics: batch}\n", [nn.BatchNorm1d(4)], 24, shape="4, 6")
    layer("batch_norm options", "  - {type: batch_norm, statistics: batch, momentum: 0.4, epsilon: 0.1}\n",
          [nn.BatchNorm2d(2, momentum=0.4, eps=0.1)], 24)
    layer("layer_norm", "  - layer_norm\n", [nn.LayerNorm([2, 3, 4])], 24)
    layer("layer_norm options", "  - {type: layer_norm, epsilon: 0.1, affine: false}\n",
          [nn.LayerNorm([2, 3, 4], eps=0.1, elementwise_affine=False)], 24)
    vectors("layer_norm of vectors", "  - layer_norm\n", [nn.LayerNorm(24)], 24)
    layer("group_norm", "  - {type: group_norm, groups: 2}\n", [nn.GroupNorm(2, 4)], 24, shape="4, 2, 3")
    layer("group_norm of one group", "  - group_norm\n", [nn.GroupNorm(1, 4)], 24, shape="4, 2, 3")
    layer("group_norm of signals", "  - {type: group_norm, groups: 2}\n", [nn.GroupNorm(2, 4)], 24, shape="4, 6")
    layer("group_norm options", "  - {type: group_norm, groups: 4, epsilon: 0.1, affine: false}\n",
          [nn.GroupNorm(4, 4, eps=0.1, affine=False)], 24, shape="4, 2, 3")


ALL = [activations, plain_layers, convolutions, pooling, norms]
