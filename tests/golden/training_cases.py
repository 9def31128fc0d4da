"""Losses, optimisers, schedules and whole networks: some steps each."""
import torch
from torch import nn
from torch.nn import functional as F

from cases import INPUTS, case, counts, distribution, mixed, mse, unit
from references import Lamb, Lars, shrink

WEIGHTS = torch.tensor([1.0, 2.0, 0.5, 3.0])


def losses():
    def go(name, text, loss, units=4, **more):
        case(name, f"  - {{type: dense, units: {units}}}\n", nn.Sequential(nn.Linear(INPUTS, units)), text, loss, **more)
        if "reduction" not in text:  # the sum of a batch of six is six times its mean, but where samples have weights
            text = text[:-1] + ", reduction: sum}" if text.startswith("{") else "{type: " + text + ", reduction: sum}"
            total = lambda z, y: loss(z, y) * weight_of(name, y)
            case(name + " sum", f"  - {{type: dense, units: {units}}}\n", nn.Sequential(nn.Linear(INPUTS, units)), text, total,
                 "{type: sgd, lr: 0.1}", lambda n: torch.optim.SGD(n.parameters(), 0.1), **more)

    def weight_of(name, y):
        if name.endswith("weights") and name.startswith("softmax"):
            return WEIGHTS[y].sum()
        return (y != 1).sum() if name.endswith("ignore") else len(y)

    def hinge_of_two(z, y):
        return F.relu(1 - (2 * y - 1) * z[:, 0]).mean()

    def binary(z, y, **more):
        return F.binary_cross_entropy_with_logits(z, y, reduction="none", **more).sum(1).mean()

    values, classes = dict(outputs=4), dict(classes=4)
    softmax, sigmoid = dict(predict=lambda z: z.softmax(1)), dict(predict=torch.sigmoid)
    go("mse", "mse", mse, **values)
    go("mse of classes", "mse", lambda z, y: mse(z, F.one_hot(y, 4)), **classes)
    go("mae", "mae", lambda z, y: F.l1_loss(z, y), **values)
    go("huber", "{type: huber, delta: 0.4}", lambda z, y: F.huber_loss(z, y, delta=0.4), **values)
    go("binary_cross_entropy", "binary_cross_entropy", binary, target=unit, **values, **sigmoid)
    go("binary_cross_entropy of classes", "binary_cross_entropy", lambda z, y: binary(z, F.one_hot(y, 4).double()), **classes, **sigmoid)
    go("binary_cross_entropy of two", "binary_cross_entropy", lambda z, y: binary(z, y[:, None].double()), units=1, classes=2, **sigmoid)
    go("binary_cross_entropy weights", "{type: binary_cross_entropy, pos_weight: [1, 2, 0.5, 3]}",
       lambda z, y: binary(z, y, pos_weight=WEIGHTS), target=unit, **values, **sigmoid)
    go("binary_cross_entropy smooth", "{type: binary_cross_entropy, label_smoothing: 0.2}", lambda z, y: binary(z, y * 0.8 + 0.1), target=unit,
       **values, **sigmoid)
    go("softmax_cross_entropy", "softmax_cross_entropy", F.cross_entropy, **classes, **softmax)
    go("softmax_cross_entropy smooth", "{type: softmax_cross_entropy, label_smoothing: 0.1}",
       lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1), **classes, **softmax)
    go("softmax_cross_entropy weights", "{type: softmax_cross_entropy, class_weights: [1, 2, 0.5, 3]}",
       lambda z, y: F.cross_entropy(z, y, weight=WEIGHTS), **classes, **softmax)
    go("softmax_cross_entropy smooth weights", "{type: softmax_cross_entropy, class_weights: [1, 2, 0.5, 3], label_smoothing: 0.1}",
       lambda z, y: F.cross_entropy(z, y, weight=WEIGHTS, label_smoothing=0.1), **classes, **softmax)
    go("softmax_cross_entropy ignore", "{type: softmax_cross_entropy, ignore_label: 1}", lambda z, y: F.cross_entropy(z, y, ignore_index=1),
       **classes, **softmax)
    go("hinge", "hinge", lambda z, y: F.multi_margin_loss(z, y), **classes)
    go("hinge of two", "hinge", hinge_of_two, units=1, classes=2)
    go("hinge square", "{type: hinge, power: 2, margin: 0.7}", lambda z, y: F.multi_margin_loss(z, y, p=2, margin=0.7), **classes)
    go("poisson", "poisson", lambda z, y: F.poisson_nll_loss(z, y), target=counts, predict=torch.exp, **values)
    go("kullback_leibler", "kullback_leibler", lambda z, y: F.kl_div(z.log_softmax(1), y, reduction="batchmean"), target=distribution, **values,
       **softmax)
    case("poisson of counts", "  - {type: dense, units: 4, activation: softplus}\n",
         nn.Sequential(nn.Linear(INPUTS, 4), nn.Softplus(threshold=1e9)), "{type: poisson, log_input: false, epsilon: 0.01}",
         lambda z, y: F.poisson_nll_loss(z, y, log_input=False, eps=0.01), outputs=4, target=counts)


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk, self.number, self.kind = nn.Linear(INPUTS, 6), nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x):
        inner = torch.tanh(self.trunk(x))
        return torch.cat([self.number(inner), self.kind(inner)], 1)


def outputs():
    """Three values and a class: two outputs of a model, with weighted losses of their own means."""

    model = ("  - {type: dense, name: trunk, units: 6, activation: tanh}\n  - {type: dense, name: number, units: 3, inputs: trunk}\n"
             "  - {type: dense, name: kind, units: 3, inputs: trunk}\n")
    table = ("losses:\n  - {type: huber, delta: 0.5, output: number, targets: [3, 1, 2], weight: 0.3}\n"
             "  - {type: softmax_cross_entropy, class_weights: [1, 2, 0.5], output: kind, targets: 4, weight: 1.7}\n")

    def two(z, y):
        kind = F.cross_entropy(z[:, 3:], y[:, 3].long(), weight=WEIGHTS[:3])
        return 0.3 * F.huber_loss(z[:, :3], y[:, [2, 0, 1]], delta=0.5) + 1.7 * kind

    case("two outputs", model, Branches(), table, two, "{type: sgd, lr: 0.2, momentum: 0.5}", sgd(0.2, momentum=0.5), steps=20, outputs=4,
         rows=10, batches=3, target=mixed, predict=lambda z: torch.cat([z[:, :3], z[:, 3:].softmax(1)], 1))


def sgd(*settings, **more):
    return lambda network: torch.optim.SGD(network.parameters(), *settings, **more)


def matrices(network):
    return [p for p in network.parameters() if p.dim() > 1]


def decaying(kind, decay, **settings):
    """Decay of weights alone, as Lockstep has it by default."""

    def make(network):
        vectors = [p for p in network.parameters() if p.dim() == 1]
        return kind([dict(params=matrices(network), weight_decay=decay), dict(params=vectors)], **settings)

    return make


def train(name, text, optimizer, **more):
    network = nn.Sequential(nn.Linear(INPUTS, 4), nn.Tanh(), nn.Linear(4, 2))
    case(name, "  - {type: dense, units: 4, activation: tanh}\n  - {type: dense, units: 2}\n", network, "mse", mse, text, optimizer, steps=50,
         outputs=2, **more)


def optimizers():
    o = torch.optim

    def go(name, text, kind, **settings):
        train(name, text, lambda network: kind(network.parameters(), **settings))

    go("sgd", "{type: sgd, lr: 0.1}", o.SGD, lr=0.1)
    go("sgd momentum", "{type: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.01, decay_on: all}", o.SGD, lr=0.05, momentum=0.9, weight_decay=0.01)
    go("sgd nesterov", "{type: sgd, lr: 0.05, momentum: 0.9, nesterov: true}", o.SGD, lr=0.05, momentum=0.9, nesterov=True)
    go("rmsprop", "{type: rmsprop, lr: 0.01}", o.RMSprop, lr=0.01)
    go("rmsprop centered", "{type: rmsprop, lr: 0.01, centered: true, momentum: 0.5}", o.RMSprop, lr=0.01, centered=True, momentum=0.5)
    go("adagrad", "{type: adagrad, lr: 0.1, lr_decay: 0.01}", o.Adagrad, lr=0.1, lr_decay=0.01)
    go("adam", "{type: adam, lr: 0.01}", o.Adam, lr=0.01)
    go("adam amsgrad", "{type: adam, lr: 0.01, amsgrad: true, weight_decay: 0.1, decay_on: all}", o.Adam, lr=0.01, amsgrad=True,
       weight_decay=0.1)
    go("adamw", "{type: adamw, lr: 0.01, weight_decay: 0.1, decay_on: all}", o.AdamW, lr=0.01, weight_decay=0.1)
    go("rprop", "{type: rprop, lr: 0.01}", o.Rprop, lr=0.01)
    go("lars", "{type: lars, lr: 0.5, trust: 0.02, weight_decay: 0.01}", Lars, lr=0.5, trust=0.02, decay=0.01)
    go("lamb", "{type: lamb, lr: 0.01, weight_decay: 0.1}", Lamb, lr=0.01, decay=0.1)


def regularisation():
    o = torch.optim

    def pull(strength):
        """An L1 penalty of the weights, in the gradient."""
        def before(network, update):
            for w in matrices(network):
                w.grad += strength * w.detach().sign()
        return before

    def hold(limit):
        """Rows of the weights are not longer (Srivastava et al., 2014, section 5.1)."""
        def after(network, update):
            with torch.no_grad():
                for w in matrices(network):
                    w *= (limit / w.norm(dim=1, keepdim=True)).clamp(max=1)
        return after

    def clip(norm=None, value=None):
        """As clip_grad_norm_ and clip_grad_value_, the former without the millionth that it adds to the norm."""
        def before(network, update):
            gradients = [p.grad for p in network.parameters()]
            length = torch.cat([g.flatten() for g in gradients]).norm()
            for g in gradients:
                if norm and length > norm:
                    g *= norm / length
                if value:
                    g.clamp_(-value, value)
        return before

    def grouped(network):
        first, last = network[0], network[2]
        return o.SGD([dict(params=[first.weight], lr=0.05, weight_decay=0.2), dict(params=[first.bias], lr=0.05, weight_decay=0.2),
                      dict(params=[last.weight], weight_decay=0.1), dict(params=[last.bias])], lr=0.1)

    def after_groups(network, update):
        hold(0.6)(network[:1], update)

    def before_groups(network, update):
        for w in network[0].weight, network[0].bias:
            w.grad += 0.03 * w.detach().sign()

    train("decay of weights", "{type: sgd, lr: 0.1, weight_decay: 0.1}", decaying(o.SGD, 0.1, lr=0.1))
    train("adamw decay of weights", "{type: adamw, lr: 0.01, weight_decay: 0.5}", lambda n: o.AdamW(
        [dict(params=matrices(n), weight_decay=0.5), dict(params=[p for p in n.parameters() if p.dim() == 1], weight_decay=0)], lr=0.01))
    train("decoupled decay", "{type: rmsprop, lr: 0.01, weight_decay: 0.5, decoupled: true, decay_on: all}",
          lambda n: o.RMSprop(n.parameters(), lr=0.01), before=lambda n, update: shrink(update, 0.5))
    train("l1", "{type: sgd, lr: 0.1, l1: 0.05}", sgd(0.1), before=pull(0.05))
    train("max_norm", "{type: sgd, lr: 0.1, max_norm: 0.5}", sgd(0.1), after=hold(0.5))
    train("clip_norm", "{type: sgd, lr: 0.5}", sgd(0.5), training=", clip_norm: 0.2", before=clip(norm=0.2))
    train("clip_value", "{type: adam, lr: 0.01}", lambda n: o.Adam(n.parameters(), 0.01), training=", clip_value: 0.05", before=clip(value=0.05))
    train("clip both", "{type: sgd, lr: 0.5, momentum: 0.5}", sgd(0.5, momentum=0.5), training=", clip_norm: 0.2, clip_value: 0.1",
          before=clip(0.2, 0.1))
    train("groups", "{type: sgd, lr: 0.1, weight_decay: 0.1, groups: [{match: dense_0.*, lr_factor: 0.5, weight_decay: 0.2, l1: 0.03, "
          "decay_on: all, max_norm: 0.6}]}", grouped, before=before_groups, after=after_groups)
    train("accumulate", "{type: sgd, lr: 0.1, momentum: 0.9}", sgd(0.1, momentum=0.9), training=", accumulate: 2, grain: 4", rows=16, batches=2,
          parts=2)


def averages():
    def ema(decay, warm):
        def blend(mean, weight, taken):
            share = min(decay, (1 + taken) / (10 + taken)) if warm else decay
            return share * mean + (1 - share) * weight
        return lambda network: torch.optim.swa_utils.AveragedModel(network, avg_fn=blend)

    train("ema", "{type: sgd, lr: 0.1}", sgd(0.1), training=", average: {type: ema, decay: 0.9}", average=ema(0.9, True), again=True)
    train("ema without warm-up", "{type: sgd, lr: 0.1}", sgd(0.1), training=", average: {type: ema, decay: 0.95, warmup: false}",
          average=ema(0.95, False), again=True)


def schedules():
    s = torch.optim.lr_scheduler

    def go(name, text, make):
        train("schedule " + name, f"{{type: sgd, lr: 0.2, schedule: {{{text}, unit: steps}}}}", sgd(0.2), schedule=make)

    go("step", "type: step, every: 10, factor: 0.5", lambda u: s.StepLR(u, 10, 0.5))
    go("multi_step", "type: multi_step, at: [10, 25], factor: 0.3", lambda u: s.MultiStepLR(u, [10, 25], 0.3))
    go("exponential", "type: exponential, factor: 0.95", lambda u: s.ExponentialLR(u, 0.95))
    go("cosine", "type: cosine, length: 50", lambda u: s.CosineAnnealingLR(u, 50))
    go("cosine with restarts", "type: cosine, period: 8, multiplier: 2, end_factor: 0.1", lambda u: s.CosineAnnealingWarmRestarts(u, 8, 2, 0.02))
    go("linear", "type: linear, length: 50", lambda u: s.LambdaLR(u, lambda t: 1 - t / 50))
    go("polynomial", "type: polynomial, length: 50, power: 2", lambda u: s.LambdaLR(u, lambda t: (1 - t / 50) ** 2))
    go("inverse_sqrt", "type: inverse_sqrt, scale: 5", lambda u: s.LambdaLR(u, lambda t: (5 / (5 + t)) ** 0.5))
    go("one_cycle", "type: one_cycle, length: 50", lambda u: s.OneCycleLR(u, 0.2, total_steps=50, cycle_momentum=False))


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
         "{type: sgd, lr: 0.05, momentum: 0.9}", sgd(0.05, momentum=0.9), steps=20, classes=4, inputs=64, rows=20, batches=3,
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
         "{type: sgd, lr: 0.05, momentum: 0.9}", sgd(0.05, momentum=0.9), steps=20, classes=4, inputs=36, rows=20, batches=3,
         predict=lambda z: z.softmax(1), again=True)


ALL = [losses, outputs, optimizers, regularisation, averages, schedules, networks]
