"""runs.json: whole trainings on a table that is shipped, in double precision: what goes by epochs, and L-BFGS.

The model is linear from weights of zero, so nothing is drawn at random, and with a penalty of the weights its minimum is the only one.
Each case has the recipe, loss (before the update, as it is trained), test loss and learning rate after each epoch, and the weights that
the training ends with.
"""
import csv
import json
import os

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "datasets", "iris.csv")
BATCH, EPOCHS = 50, 20
HEAD = """data: {type: csv, train: iris.csv, test_fraction: 0}
model: [{type: dense, units: 3, initializer: zeros, name: line}]
loss: softmax_cross_entropy
"""


def table():
    with open(TABLE) as file:
        rows = [[float(v) for v in row] for row in list(csv.reader(file))[1:]]
    x = torch.tensor(rows)[:, :-1]
    return (x - x.mean(0)) / x.std(0, unbiased=False), torch.tensor([int(row[-1]) for row in rows])


def rounded(values):
    return [float("%.9g" % v) for v in values]


def minibatches(optimizer_text, training, schedule=None, plateau=None, averaged=None, lr=0.5, epochs=EPOCHS):
    """Gradient descent over the rows in their order."""
    x, y = table()
    line = torch.nn.Linear(4, 3)
    for p in line.parameters():
        p.data.zero_()
    update = torch.optim.SGD(line.parameters(), lr=lr)
    steps = schedule(update) if schedule else None
    fall = plateau(update) if plateau else None
    mean = torch.optim.swa_utils.AveragedModel(line)
    losses, rates = [], []
    for epoch in range(1, epochs + 1):
        total = 0
        for first in range(0, len(y), BATCH):
            update.zero_grad()
            value = F.cross_entropy(line(x[first:first + BATCH]), y[first:first + BATCH])
            value.backward()
            total += value.item() * BATCH
            update.step()
        losses.append(total / len(y))
        if averaged and averaged(epoch):
            mean.update_parameters(line)
        if fall:
            fall.step(losses[-1])
        if steps:
            steps.step()
        rates.append(update.param_groups[0]["lr"])
    last = mean.module if averaged else line
    recipe = HEAD + "optimizer: {type: sgd, lr: %g%s}\ntraining: {epochs: %d, batch: %d, shuffle: false%s}\n" % (
        lr, optimizer_text, epochs, BATCH, training)
    return {"recipe": recipe, "loss": rounded(losses), "rate": rounded(rates),
            "weights": rounded(last.weight.flatten().tolist() + last.bias.tolist())}


def by_lbfgs(steps, text, decay, **settings):
    """One iteration a step. The loss is that of the weights after it, without the penalty."""
    x, y = table()
    line = torch.nn.Linear(4, 3)
    for p in line.parameters():
        p.data.zero_()
    update = torch.optim.LBFGS(line.parameters(), max_iter=1, max_eval=100, tolerance_grad=1e-12, tolerance_change=1e-15,
                               line_search_fn="strong_wolfe", **settings)

    def objective():
        update.zero_grad()
        value = F.cross_entropy(line(x), y) + decay / 2 * sum((p ** 2).sum() for p in line.parameters())
        value.backward()
        return value

    losses = []
    for _ in range(steps):
        update.step(objective)
        with torch.no_grad():
            losses.append(F.cross_entropy(line(x), y).item())
    recipe = HEAD + "optimizer: {type: lbfgs%s, weight_decay: %g, decay_on: all}\ntraining: {epochs: %d, batch: 0}\n" % (text, decay, steps)
    return {"recipe": recipe, "loss": rounded(losses[:15]), "rate": [],
            "weights": rounded(line.weight.flatten().tolist() + line.bias.tolist())}


def text():
    s = torch.optim.lr_scheduler
    cases = {
        "step by epochs": minibatches(", schedule: {type: step, every: 6, factor: 0.5}", "", lambda u: s.StepLR(u, 6, 0.5)),
        "multi_step by epochs": minibatches(", schedule: {type: multi_step, at: [3, 11], factor: 0.3}", "",
                                            lambda u: s.MultiStepLR(u, [3, 11], 0.3)),
        "exponential by epochs": minibatches(", schedule: {type: exponential, factor: 0.9}", "", lambda u: s.ExponentialLR(u, 0.9)),
        # Lockstep waits for so many epochs, PyTorch for one more than its patience.
        "on_plateau": minibatches("", ", on_plateau: {monitor: loss, patience: 2, factor: 0.5, threshold: 0.08, cooldown: 3, min_lr: 0.1}",
                                  plateau=lambda u: s.ReduceLROnPlateau(u, patience=1, factor=0.5, threshold=0.08, cooldown=3, min_lr=0.1), epochs=32),
        "swa": minibatches("", ", average: {type: swa, start: 5, every: 4}", averaged=lambda e: e >= 5 and (e - 5) % 4 == 0),
        "lbfgs": by_lbfgs(11, "", 0.01),  # as long as both line searches accept their first points
        "lbfgs with a short history": by_lbfgs(10, ", history: 2, lr: 0.5", 0.01, history_size=2, lr=0.5),
        "lbfgs to the end": by_lbfgs(60, "", 0.05),
    }
    return json.dumps(cases, separators=(",", ":")).replace('},"', '},\n"') + "\n"
