"""The form of networks.json: small networks in double precision, and what becomes of them.

A case is a recipe of Lockstep and the same network here. Inputs, targets and initial weights are numbers of a formula (number()), which
the test repeats, so the file holds results alone: predictions before training, the loss of each step, parameters afterwards. With one
step of plain gradient descent and learning rate 1 the change of a weight is its gradient; a dense layer in front of each layer shows the
gradient by the layer's input.

Where the conventions of the two differ, the network here says it in Lockstep's: losses on values are means over the units of a sample, then
over samples; cross-entropy and divergence are sums over the units; batch normalisation keeps the running variance with N - 1, as PyTorch does.
"""
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
ROWS, INPUTS = 6, 5
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)
cases = []


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


# What the test makes of the formula's numbers where they are targets.


def plain(t):
    return t


def unit(t):
    return (t + 1) / 2


def counts(t):
    return torch.floor((t + 1) * 4)


def distribution(t):
    shares = (t + 1) / 2 + 0.25
    return shares / shares.sum(1, keepdim=True)


def mixed(t):
    """The last of a row is a class of three."""
    return torch.cat([t[:, :-1], torch.floor((t[:, -1:] + 1) / 2 * 3)], 1)


def mse(z, y):
    return ((z - y) ** 2).mean(1).mean()


def data_text(inputs, outputs, classes, target):
    if classes:
        return f"{{type: push, inputs: {inputs}, classes: {classes}}}"
    kinds = f", target_classes: {[0] * (outputs - 1) + [3]}" if target is mixed else ""
    return f"{{type: push, inputs: {inputs}, outputs: {outputs}{kinds}}}"


def case(name, model, network, loss_text, loss, optimizer_text="{type: sgd, lr: 1}", optimizer=None, steps=1, classes=0, outputs=0,
         inputs=INPUTS, rows=ROWS, batches=1, whole=0, predict=lambda z: z, target=plain, training="", again=False, schedule=None,
         before=None, after=None, average=None, parts=1):
    """loss(output, target) is the loss of a batch; predict turns outputs into what Lockstep predicts. loss_text may also be a list of
    losses ("losses: ..."). The steps take the batches in turn, each in so many parts. again: predictions after training, too, where
    running statistics are other than 0 and 1, or weights are averaged. before and after are called with network and optimizer around
    each update; average makes an average of the network, which then predicts."""
    fill(network)
    x = numbers(1, rows * batches, inputs)
    if whole:
        x = torch.floor((x + 1) / 2 * whole)
    labels = torch.tensor([i * 5 % classes for i in range(rows * batches)]) if classes else None
    y = labels if classes else target(numbers(2, rows * batches, outputs))
    update = optimizer(network) if optimizer else torch.optim.SGD(network.parameters(), lr=1.0)
    rate = schedule(update) if schedule else None
    mean = average(network) if average else None
    predictions = predictions_of(network, predict, x)
    losses = []
    for step in range(steps):
        first = step % batches * rows
        update.zero_grad()
        losses.append(0)
        for part in range(parts):
            of = slice(first + part * rows // parts, first + (part + 1) * rows // parts)
            value = loss(network(x[of]), y[of]) / parts
            value.backward()
            losses[-1] += value.item()
        if before:
            before(network, update)
        update.step()
        if after:
            after(network, update)
        if rate:
            rate.step()
        if mean:
            mean.update_parameters(network)
    data = data_text(inputs, outputs, classes, target)
    loss_text = loss_text if loss_text.startswith("losses:") else f"loss: {loss_text}\n"
    recipe = f"data: {data}\nmodel:\n{model}{loss_text}optimizer: {optimizer_text}\ntraining: {{batch: {rows}{training}}}\n"
    every = max(1, steps // 10)
    cases.append({"name": name, "recipe": recipe, "rows": rows, "batches": batches, "whole": whole, "steps": steps,
                  "target": target.__name__, "predictions": predictions, "losses": [rounded(v) for v in losses[::every]], "every": every,
                  "after": [rounded(v) for p in kept(network) for v in p.detach().flatten().tolist()]})
    if again:
        cases[-1]["predictions after"] = predictions_of(mean.module if mean else network, predict, x)


def predictions_of(network, predict, x):
    network.eval()
    with torch.no_grad():
        result = [rounded(v) for v in predict(network(x)).flatten().tolist()]
    network.train()
    return result


def rounded(value):
    return float(f"{value:.8g}")
