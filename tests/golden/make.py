#!/usr/bin/env python3
"""Makes tests/golden/cases.json: what PyTorch says of small networks, in double precision.

    /usr/bin/python3 tests/golden/make.py > tests/golden/cases.json        (Debian: python3-torch)

A case is a recipe of Lockstep and the same network here. Inputs, targets and initial weights are numbers of a formula (number()), which
the test repeats, so the file holds results alone: predictions before training, the loss of each step, parameters afterwards. With one
step of plain gradient descent and learning rate 1 the change of a weight is its gradient; a dense layer in front of each layer shows the
gradient by the layer's input.

Where the conventions of the two differ, the network here says it in Lockstep's: losses on values are means over the units of a sample, then
over samples; cross-entropy and divergence are sums over the units; batch normalisation keeps the running variance with N - 1, as PyTorch does.
"""
import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
ROWS, INPUTS = 6, 5


def number(series, index):
    """A float32 of 24 bits in [-1, 1) from a hash of two numbers; test_golden.c has the same."""
    h = (index * 2654435761 + series * 40503 + 12345) & 0xFFFFFFFF
    h ^= h >> 16
    h = (h * 0x45D9F3B) & 0xFFFFFFFF
    h ^= h >> 16
    return (h >> 8) * 2.0**-23 - 1


def numbers(series, *shape):
    count = 1
    for n in shape:
        count *= n
    return torch.tensor([number(series, i) for i in range(count)]).reshape(shape)


NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


class Fn(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def kept(module):
    """Parameters and running statistics in Lockstep's order."""
    found = []
    for child in module.modules():
        names = ["weight", "bias", "running_mean", "running_var"]
        found += [getattr(child, n) for n in names if isinstance(getattr(child, n, None), torch.Tensor)]
    return found


def fill(network):
    """Weights of matrices are the formula's numbers over 2, those of vectors 1 or 0 (as they are) plus a quarter of them."""
    with torch.no_grad():
        for p, tensor in enumerate(kept(network)):
            if not tensor.requires_grad:
                continue
            values = numbers(100 + p, *tensor.shape)
            norm = [m for m in network.modules() if isinstance(m, NORMS) and (m.weight is tensor or m.bias is tensor)]
            if tensor.dim() > 1 and not norm:
                tensor.copy_(values / 2)
            else:
                tensor.copy_(values / 4 + (1 if norm and norm[0].weight is tensor else 0))


cases = []


def case(name, model, network, loss_text, loss, optimizer_text="{type: sgd, lr: 1}", optimizer=None, steps=1, classes=0, outputs=0,
         inputs=INPUTS, rows=ROWS, batches=1, whole=0, predict=lambda z: z, target=lambda t: t, training="", covers="", again=False):
    """loss(output, target) is the loss of a batch; predict turns outputs into what Lockstep predicts. The steps take the batches in turn.
    again: predictions after training, too, where running statistics are other than 0 and 1."""
    fill(network)
    x = numbers(1, rows * batches, inputs)
    if whole:
        x = torch.floor((x + 1) / 2 * whole)
    labels = torch.tensor([i * 5 % classes for i in range(rows * batches)]) if classes else None
    y = labels if classes else target(numbers(2, rows * batches, outputs))
    update = (optimizer or (lambda p: torch.optim.SGD(p, lr=1.0)))([p for p in network.parameters()])
    predictions = predictions_of(network, predict, x)
    losses = []
    for step in range(steps):
        of = slice(step % batches * rows, (step % batches + 1) * rows)
        update.zero_grad()
        value = loss(network(x[of]), y[of])
        value.backward()
        losses.append(value.item())
        update.step()
        for schedule in getattr(update, "schedules", []):
            schedule.step()
    after = [round_to(v) for p in kept(network) for v in p.detach().flatten().tolist()]
    data = f"{{type: push, inputs: {inputs}, " + (f"classes: {classes}}}" if classes else f"outputs: {outputs}}}")
    recipe = f"data: {data}\nmodel:\n{model}loss: {loss_text}\noptimizer: {optimizer_text}\ntraining: {{batch: {rows}{training}}}\n"
    cases.append({"name": name, "covers": covers or name, "recipe": recipe, "rows": rows, "batches": batches, "whole": whole, "steps": steps,
                  "target": target_name(target), "predictions": predictions,
                  "losses": [round_to(v) for v in losses[:: max(1, steps // 10)]], "every": max(1, steps // 10), "after": after})
    if again:
        cases[-1]["predictions after"] = predictions_of(network, predict, x)


def predictions_of(network, predict, x):
    network.eval()
    with torch.no_grad():
        result = [round_to(v) for v in predict(network(x)).flatten().tolist()]
    network.train()
    return result


def round_to(value):
    return float(f"{value:.8g}")


def target_name(target):
    return getattr(target, "__name__", "plain") if target.__name__ != "<lambda>" else "plain"


def unit(t):
    return (t + 1) / 2


def counts(t):
    return torch.floor((t + 1) * 4)


def distribution(t):
    shares = (t + 1) / 2 + 0.25
    return shares / shares.sum(1, keepdim=True)


def mse(z, y):
    return ((z - y) ** 2).mean(1).mean()


DENSE = "  - {type: dense, units: 24}\n"


def layer(name, text, network, out, shape="2, 3, 4", covers="", training="", whole=0, first=True):
    """The layer between a dense layer, seen as an image, and the loss."""
    before = [nn.Linear(INPUTS, 24), nn.Unflatten(1, [int(n) for n in shape.split(",")])] if first else []
    model = (DENSE + f"  - {{type: reshape, shape: [{shape}], name: left}}\n" if first else "") + text
    case(name, model, nn.Sequential(*before, *network, nn.Flatten()), "mse", mse, outputs=out, covers=covers or name, training=training,
         whole=whole, again="batch_norm" in name)


def activations():
    table = [("identity", "identity", nn.Identity()), ("sigmoid", "sigmoid", nn.Sigmoid()), ("tanh", "tanh", nn.Tanh()),
             ("relu", "relu", nn.ReLU()), ("leaky_relu", "{type: leaky_relu, slope: 0.1}", nn.LeakyReLU(0.1)),
             ("elu", "elu", nn.ELU()), ("selu", "selu", nn.SELU()), ("gelu", "gelu", nn.GELU()),
             ("gelu tanh", "{type: gelu, approximate: tanh}", Fn(lambda x: F.gelu(x, approximate="tanh"))), ("silu", "silu", nn.SiLU()),
             ("softplus", "softplus", nn.Softplus(threshold=1e9)), ("hard_sigmoid", "hard_sigmoid", nn.Hardsigmoid()),
             ("hard_swish", "hard_swish", nn.Hardswish()), ("prelu", "prelu", nn.PReLU(2)), ("prelu shared", "{type: prelu, shared: true}",
                                                                                            nn.PReLU(1)),
             ("softmax", "softmax", nn.Softmax(1)), ("log_softmax", "log_softmax", nn.LogSoftmax(1))]
    for name, text, module in table:
        layer(name, f"  - {text}\n", [module], 24, covers=name.split()[0])


def layers():
    layer("dense", "  - {type: dense, units: 4}\n", [nn.Flatten(), nn.Linear(24, 4)], 4)
    layer("flatten", "  - flatten\n", [nn.Flatten()], 24)
    layer("reshape", "  - {type: reshape, shape: [4, 6]}\n", [nn.Flatten()], 24)
    layer("conv2d", "  - {type: conv2d, filters: 3, kernel: 2}\n", [nn.Conv2d(2, 3, 2)], 18)
    layer("conv2d stride", "  - {type: conv2d, filters: 2, kernel: [2, 3], stride: [1, 2], padding: [1, 2]}\n",
          [nn.Conv2d(2, 2, (2, 3), (1, 2), (1, 2))], 24, covers="conv2d")
    layer("conv2d same", "  - {type: conv2d, filters: 2, kernel: 3, padding: same, bias: false}\n",
          [nn.Conv2d(2, 2, 3, padding="same", bias=False)], 24, covers="conv2d")
    layer("conv2d groups", "  - {type: conv2d, filters: 4, kernel: 2, groups: 2, dilation: [1, 2]}\n",
          [nn.Conv2d(2, 4, 2, groups=2, dilation=(1, 2))], 16, covers="conv2d")
    layer("conv2d large", "  - {type: conv2d, filters: 2, kernel: 5, padding: 2}\n", [nn.Conv2d(2, 2, 5, padding=2)], 24, covers="conv2d")
    layer("conv1d", "  - {type: conv1d, filters: 3, kernel: 3, stride: 2}\n", [nn.Conv1d(4, 3, 3, 2)], 6, shape="4, 6")
    layer("conv1d same", "  - {type: conv1d, filters: 2, kernel: 3, padding: same, dilation: 2}\n",
          [nn.Conv1d(4, 2, 3, padding="same", dilation=2)], 12, shape="4, 6", covers="conv1d")
    layer("conv1d groups", "  - {type: conv1d, filters: 4, kernel: 2, padding: 1, groups: 4, bias: false}\n",
          [nn.Conv1d(4, 4, 2, padding=1, groups=4, bias=False)], 28, shape="4, 6", covers="conv1d")
    layer("max_pool of signals", "  - {type: max_pool, kernel: 2, dilation: 2, stride: 1}\n", [nn.MaxPool1d(2, 1, dilation=2)], 16,
          shape="4, 6", covers="max_pool")
    layer("average_pool of signals", "  - {type: average_pool, kernel: 3, stride: 2}\n", [nn.AvgPool1d(3, 2)], 8, shape="4, 6",
          covers="average_pool")
    layer("max_pool", "  - {type: max_pool, kernel: 2}\n", [nn.MaxPool2d(2)], 4)
    layer("max_pool overlap", "  - {type: max_pool, kernel: 3, stride: 2, padding: 1}\n", [nn.MaxPool2d(3, 2, 1)], 8, covers="max_pool")
    layer("average_pool", "  - {type: average_pool, kernel: 2, stride: 1, padding: 1}\n", [nn.AvgPool2d(2, 1, 1)], 40)
    layer("average_pool without padding", "  - {type: average_pool, kernel: 2, stride: 1, padding: 1, count_padding: false}\n",
          [nn.AvgPool2d(2, 1, 1, count_include_pad=False)], 40, covers="average_pool")
    layer("global_average_pool", "  - global_average_pool\n", [nn.AdaptiveAvgPool2d(1)], 2)
    layer("batch_norm", "  - {type: batch_norm, statistics: batch}\n", [nn.BatchNorm2d(2)], 24)
    layer("batch_norm of one grain", "  - batch_norm\n", [nn.BatchNorm2d(2)], 24, covers="batch_norm", training=", grain: 8")
    layer("batch_norm of vectors", "  - flatten\n  - {type: batch_norm, statistics: batch, affine: false}\n",
          [nn.Flatten(), nn.BatchNorm1d(24, affine=False)], 24, covers="batch_norm")
    layer("batch_norm options", "  - {type: batch_norm, statistics: batch, momentum: 0.4, epsilon: 0.1}\n",
          [nn.BatchNorm2d(2, momentum=0.4, eps=0.1)], 24, covers="batch_norm")
    layer("layer_norm options", "  - {type: layer_norm, epsilon: 0.1, affine: false}\n",
          [nn.LayerNorm([2, 3, 4], eps=0.1, elementwise_affine=False)], 24, covers="layer_norm")
    layer("group_norm options", "  - {type: group_norm, groups: 4, epsilon: 0.1, affine: false}\n",
          [nn.GroupNorm(4, 4, eps=0.1, affine=False)], 24, shape="4, 2, 3", covers="group_norm")
    layer("layer_norm", "  - layer_norm\n", [nn.LayerNorm([2, 3, 4])], 24)
    layer("group_norm", "  - {type: group_norm, groups: 2}\n", [nn.GroupNorm(2, 4)], 24, shape="4, 2, 3")
    layer("embedding", "  - {type: embedding, values: 7, units: 3}\n", [Fn(lambda x: x.long()), nn.Embedding(7, 3),
                                                                         Fn(lambda e: e.transpose(1, 2))], 15, whole=7, first=False)
    layer("add", "  - {type: tanh, name: right, inputs: left}\n  - {type: add, inputs: [left, right]}\n",
          [Fn(lambda x: x + torch.tanh(x))], 24)
    layer("concatenate", "  - {type: tanh, name: right, inputs: left}\n  - {type: concatenate, inputs: [right, left]}\n",
          [Fn(lambda x: torch.cat([torch.tanh(x), x], 1))], 48)


def losses():
    def go(name, text, loss, units=4, **more):
        case(name, f"  - {{type: dense, units: {units}}}\n", nn.Sequential(nn.Linear(INPUTS, units)), text, loss, covers=name.split()[0], **more)

    w = torch.tensor([1.0, 2.0, 0.5, 3.0])
    values, classes = dict(outputs=4), dict(classes=4)
    softmax, sigmoid = dict(predict=lambda z: z.softmax(1)), dict(predict=torch.sigmoid)
    go("mse", "mse", mse, **values)
    go("mse sum", "{type: mse, reduction: sum}", lambda z, y: ((z - y) ** 2).mean(1).sum(), **values)
    go("mae", "mae", lambda z, y: F.l1_loss(z, y), **values)
    go("huber", "{type: huber, delta: 0.4}", lambda z, y: F.huber_loss(z, y, delta=0.4), **values)
    go("binary_cross_entropy", "binary_cross_entropy", lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1).mean(),
       target=unit, **values, **sigmoid)
    go("binary_cross_entropy weights", "{type: binary_cross_entropy, pos_weight: [1, 2, 0.5, 3]}",
       lambda z, y: F.binary_cross_entropy_with_logits(z, y, pos_weight=w, reduction="none").sum(1).mean(), target=unit, **values, **sigmoid)
    go("softmax_cross_entropy", "softmax_cross_entropy", F.cross_entropy, **classes, **softmax)
    go("softmax_cross_entropy smooth", "{type: softmax_cross_entropy, label_smoothing: 0.1}",
       lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1), **classes, **softmax)
    go("softmax_cross_entropy weights", "{type: softmax_cross_entropy, class_weights: [1, 2, 0.5, 3]}",
       lambda z, y: F.cross_entropy(z, y, weight=w), **classes, **softmax)
    go("softmax_cross_entropy ignore", "{type: softmax_cross_entropy, ignore_label: 1}", lambda z, y: F.cross_entropy(z, y, ignore_index=1),
       **classes, **softmax)
    go("hinge", "hinge", lambda z, y: F.multi_margin_loss(z, y), **classes)
    go("hinge square", "{type: hinge, power: 2, margin: 0.7}", lambda z, y: F.multi_margin_loss(z, y, p=2, margin=0.7), **classes)
    go("poisson", "poisson", lambda z, y: F.poisson_nll_loss(z, y), target=counts, predict=torch.exp, **values)
    go("kullback_leibler", "kullback_leibler", lambda z, y: F.kl_div(z.log_softmax(1), y, reduction="batchmean"), target=distribution, **values,
       **softmax)


def optimizers():
    def go(name, text, make, schedule=None, covers=""):
        def optimizer(parameters):
            update = make(parameters)
            update.schedules = [schedule(update)] if schedule else []
            return update

        network = nn.Sequential(nn.Linear(INPUTS, 4), nn.Tanh(), nn.Linear(4, 2))
        case(name, "  - {type: dense, units: 4, activation: tanh}\n  - {type: dense, units: 2}\n", network, "mse", mse, text, optimizer, steps=50,
             outputs=2, covers=covers or name.split()[0])

    o, s = torch.optim, torch.optim.lr_scheduler
    go("sgd", "{type: sgd, lr: 0.1}", lambda p: o.SGD(p, 0.1))
    go("sgd momentum", "{type: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.01, decay_on: all}",
       lambda p: o.SGD(p, 0.05, momentum=0.9, weight_decay=0.01))
    go("sgd nesterov", "{type: sgd, lr: 0.05, momentum: 0.9, nesterov: true}", lambda p: o.SGD(p, 0.05, momentum=0.9, nesterov=True))
    go("rmsprop", "{type: rmsprop, lr: 0.01}", lambda p: o.RMSprop(p, 0.01))
    go("rmsprop centered", "{type: rmsprop, lr: 0.01, centered: true, momentum: 0.5}", lambda p: o.RMSprop(p, 0.01, centered=True, momentum=0.5))
    go("adagrad", "{type: adagrad, lr: 0.1, lr_decay: 0.01}", lambda p: o.Adagrad(p, 0.1, lr_decay=0.01))
    go("adam", "{type: adam, lr: 0.01}", lambda p: o.Adam(p, 0.01))
    go("adam amsgrad", "{type: adam, lr: 0.01, amsgrad: true, weight_decay: 0.1, decay_on: all}",
       lambda p: o.Adam(p, 0.01, amsgrad=True, weight_decay=0.1))
    go("adamw", "{type: adamw, lr: 0.01, weight_decay: 0.1, decay_on: all}", lambda p: o.AdamW(p, 0.01, weight_decay=0.1))
    go("rprop", "{type: rprop, lr: 0.01}", lambda p: o.Rprop(p, 0.01))

    def scheduled(name, text, make, covers=""):
        go("schedule " + name, f"{{type: sgd, lr: 0.2, schedule: {{{text}, unit: steps}}}}", lambda p: o.SGD(p, 0.2), make, "schedule " +
           (covers or name))

    scheduled("step", "type: step, every: 10, factor: 0.5", lambda u: s.StepLR(u, 10, 0.5))
    scheduled("multi_step", "type: multi_step, at: [10, 25], factor: 0.3", lambda u: s.MultiStepLR(u, [10, 25], 0.3))
    scheduled("exponential", "type: exponential, factor: 0.95", lambda u: s.ExponentialLR(u, 0.95))
    scheduled("cosine", "type: cosine, length: 50", lambda u: s.CosineAnnealingLR(u, 50))
    scheduled("linear", "type: linear, length: 50", lambda u: s.LambdaLR(u, lambda t: 1 - t / 50))
    scheduled("polynomial", "type: polynomial, length: 50, power: 2", lambda u: s.LambdaLR(u, lambda t: (1 - t / 50) ** 2))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.na = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
        self.b, self.nb = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)

    def forward(self, x):
        return F.relu(self.nb(self.b(F.relu(self.na(self.a(x))))) + x)


class Half(nn.Module):
    """A block of half the size and one more channel, with a projected shortcut."""

    def __init__(self):
        super().__init__()
        self.a, self.na = nn.Conv2d(3, 4, 3, 2, padding=1, bias=False), nn.BatchNorm2d(4)
        self.b, self.nb = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.s, self.ns = nn.Conv2d(3, 4, 1, 2, bias=False), nn.BatchNorm2d(4)

    def forward(self, x):
        return F.relu(self.nb(self.b(F.relu(self.na(self.a(x))))) + self.ns(self.s(x)))


def networks():
    lenet = nn.Sequential(nn.Unflatten(1, [1, 8, 8]), nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2), nn.ReLU(),
                          nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))
    case("lenet", "  - {type: reshape, shape: [1, 8, 8]}\n  - {type: conv2d, filters: 3, kernel: 3, activation: relu}\n"
         "  - {type: max_pool, kernel: 2}\n  - {type: conv2d, filters: 4, kernel: 2, activation: relu}\n"
         "  - {type: dense, units: 8, activation: relu}\n  - {type: dense, units: 4}\n", lenet, "softmax_cross_entropy", F.cross_entropy,
         "{type: sgd, lr: 0.05, momentum: 0.9}", lambda p: torch.optim.SGD(p, 0.05, momentum=0.9), steps=20, classes=4, inputs=64, rows=20, batches=3,
         predict=lambda z: z.softmax(1))
    resnet = nn.Sequential(nn.Unflatten(1, [1, 6, 6]), nn.Conv2d(1, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU(), Block(), Half(),
                           nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))
    conv = "{type: conv2d, filters: 3, kernel: 3, padding: same, bias: false}"
    half = "{type: conv2d, filters: 4, kernel: 3, stride: 2, padding: 1, bias: false}"
    same = "{type: conv2d, filters: 4, kernel: 3, padding: 1, bias: false}"
    shortcut = "{type: conv2d, name: shortcut, filters: 4, kernel: 1, stride: 2, bias: false, inputs: previous}"
    norm = "type: batch_norm, statistics: batch"
    case("resnet", f"  - {{type: reshape, shape: [1, 6, 6]}}\n  - {conv}\n  - {{{norm}}}\n  - relu\n"
         f"  - {{repeat: 1, layers: [{conv}, {{{norm}}}, relu, {conv}, {{{norm}, name: sum}}, {{type: add, inputs: [sum, previous]}}, relu]}}\n"
         f"  - {{repeat: 1, name: half, layers: [{half}, {{{norm}}}, relu, {same}, {{{norm}, name: sum}}, {shortcut}, "
         f"{{{norm}, name: projection}}, {{type: add, inputs: [sum, projection]}}, relu]}}\n"
         "  - global_average_pool\n  - {type: dense, units: 4}\n", resnet, "softmax_cross_entropy", F.cross_entropy,
         "{type: sgd, lr: 0.05, momentum: 0.9}", lambda p: torch.optim.SGD(p, 0.05, momentum=0.9), steps=20, classes=4, inputs=36, rows=20, batches=3,
         predict=lambda z: z.softmax(1), again=True)


activations()
layers()
losses()
optimizers()
networks()
print("[" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "]")
print(f"{len(cases)} cases", file=sys.stderr)
