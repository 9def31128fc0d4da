"""losses.json: losses and their derivatives as PyTorch has them, in double precision.

Each case has the loss as a recipe writes it, the outputs x [rows][units] of the last layer, labels [rows] or values
[rows][units], the mean loss over the batch, and its derivative by x. Numbers are drawn once and rounded to floats, so
that both sides begin with the same bits.
"""
import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
draw = torch.Generator().manual_seed(7)
ROWS, UNITS = 9, 4
cases = []


def rounded(tensor):
    return tensor.to(torch.float32).to(torch.float64)


def add(loss, x, function, values=None, labels=None):
    x = rounded(x).requires_grad_()
    mean = function(x)
    mean.backward()
    case = {"loss": loss, "x": x.detach().tolist(), "mean": mean.item(), "gradient": x.grad.tolist()}
    if labels is not None:
        case["labels"] = labels.tolist()
    if values is not None:
        case["values"] = values.tolist()
    cases.append(case)


x = 2 * torch.randn(ROWS, UNITS, generator=draw)
values = rounded(torch.randn(ROWS, UNITS, generator=draw))
labels = torch.randint(UNITS, (ROWS,), generator=draw)
shares = rounded(torch.softmax(torch.randn(ROWS, UNITS, generator=draw), 1))
chances = rounded(torch.rand(ROWS, UNITS, generator=draw))
counts = torch.randint(7, (ROWS, UNITS), generator=draw).to(torch.float64)
weights = torch.tensor([0.5, 2.0, 1.0, 0.25])
listed = "[0.5, 2, 1, 0.25]"

add("mse", x, lambda y: F.mse_loss(y, values), values)
add("mae", x, lambda y: F.l1_loss(y, values), values)
add("huber", x, lambda y: F.huber_loss(y, values), values)
add("{type: huber, delta: 0.25}", x, lambda y: F.huber_loss(y, values, delta=0.25), values)


# Lockstep adds the units of a sample, PyTorch takes their mean.
def binary(y, targets, **options):
    return UNITS * F.binary_cross_entropy_with_logits(y, targets, **options)


add("binary_cross_entropy", x, lambda y: binary(y, chances), chances)
add("{type: binary_cross_entropy, pos_weight: %s}" % listed, x,
    lambda y: binary(y, chances, pos_weight=weights), chances)
add("{type: binary_cross_entropy, pos_weight: 3, label_smoothing: 0.25}", x,
    lambda y: binary(y, chances * 0.75 + 0.125, pos_weight=torch.tensor(3.0)), chances)

for smoothing in 0, 0.125:
    for weighted in False, True:
        for ignored in -1, 2:
            loss = "{type: softmax_cross_entropy, label_smoothing: %g, ignore_label: %d%s}" % (
                smoothing, ignored, ", class_weights: " + listed if weighted else "")
            add(loss, x, lambda y: F.cross_entropy(y, labels, label_smoothing=smoothing, ignore_index=ignored,
                                                   weight=weights if weighted else None), labels=labels)

add("hinge", x, lambda y: F.multi_margin_loss(y, labels), labels=labels)
add("{type: hinge, power: 2, margin: 0.75}", x, lambda y: F.multi_margin_loss(y, labels, p=2, margin=0.75),
    labels=labels)
one = x[:, :1]
two = labels % 2
sides = 2 * two.to(torch.float64).unsqueeze(1) - 1
add("hinge", one, lambda y: F.relu(1 - sides * y).mean(), labels=two)

add("poisson", x, lambda y: F.poisson_nll_loss(y, counts), counts)
add("{type: poisson, log_input: false, epsilon: 0.03125}", x.abs() + 0.1,
    lambda y: F.poisson_nll_loss(y, counts, log_input=False, eps=0.03125), counts)
add("kullback_leibler", x, lambda y: F.kl_div(F.log_softmax(y, 1), shares, reduction="batchmean"), shares)


def text():
    return "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"
