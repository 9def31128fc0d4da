#!/usr/bin/python3
"""Writes tests/golden/optimizers.json: 50 steps of the optimisers and schedules of PyTorch, for
tests/unit/test_golden_optimizers.c. Needs Debian's python3-torch; the file is checked in, so the tests do not.
Usage: tests/golden/optimizers.py >tests/golden/optimizers.json"""
import json

import torch

COUNT, STEPS = 96, 50
index = torch.arange(COUNT)
start = (index * 37 % 128).float() / 64 - 1
target = (index * 29 % 64).float() / 64


def gradient(w, step):
    """Of a bowl whose steepness changes from step to step: exact numbers times w - target."""
    return (w - target) * ((step * 7 + index) % 5 + 1).float() / 4


optim = torch.optim
optimizers = {
    "{type: sgd, lr: 0.1}": lambda p: optim.SGD(p, lr=0.1),
    "{type: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.1}": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "{type: sgd, lr: 0.1, momentum: 0.9, nesterov: true}": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "{type: rmsprop}": lambda p: optim.RMSprop(p),
    "{type: rmsprop, centered: true, momentum: 0.9, alpha: 0.9, weight_decay: 0.1, epsilon: 0.001}":
        lambda p: optim.RMSprop(p, centered=True, momentum=0.9, alpha=0.9, weight_decay=0.1, eps=0.001),
    "{type: adagrad}": lambda p: optim.Adagrad(p),
    "{type: adagrad, lr: 0.1, lr_decay: 0.1, initial: 0.5, weight_decay: 0.1}":
        lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.5, weight_decay=0.1),
    "{type: adam}": lambda p: optim.Adam(p),
    "{type: adam, lr: 0.02, amsgrad: true, weight_decay: 0.1, beta1: 0.8, beta2: 0.9}":
        lambda p: optim.Adam(p, lr=0.02, amsgrad=True, weight_decay=0.1, betas=(0.8, 0.9)),
    "{type: adamw}": lambda p: optim.AdamW(p),
    "{type: adamw, lr: 0.02, weight_decay: 0.5, amsgrad: true}":
        lambda p: optim.AdamW(p, lr=0.02, weight_decay=0.5, amsgrad=True),
    "{type: rprop}": lambda p: optim.Rprop(p),
    "{type: rprop, lr: 0.1, shrink: 0.3, grow: 1.5, smallest: 0.001, largest: 0.3}":
        lambda p: optim.Rprop(p, lr=0.1, etas=(0.3, 1.5), step_sizes=(0.001, 0.3)),
}

rates = optim.lr_scheduler
schedules = {
    "schedule: {type: constant}": lambda o: rates.ConstantLR(o, 1),
    "schedule: {type: step, every: 7, unit: steps, factor: 0.3}": lambda o: rates.StepLR(o, 7, 0.3),
    "schedule: {type: multi_step, at: [3, 10, 40], unit: steps}": lambda o: rates.MultiStepLR(o, [3, 10, 40]),
    "schedule: {type: exponential, factor: 0.93, unit: steps}": lambda o: rates.ExponentialLR(o, 0.93),
    "schedule: {type: linear, length: 30, end_factor: 0.2, unit: steps}": lambda o: rates.LinearLR(o, 1, 0.2, 30),
    "schedule: {type: polynomial, length: 30, power: 1.7, unit: steps}": lambda o: rates.PolynomialLR(o, 30, 1.7),
    "schedule: {type: cosine, length: 50, end_factor: 0.1, unit: steps}": lambda o: rates.CosineAnnealingLR(o, 50, 0.01),
    "schedule: {type: cosine, period: 5, multiplier: 2, unit: steps}":
        lambda o: rates.CosineAnnealingWarmRestarts(o, 5, 2),
    "schedule: {type: one_cycle, length: 50, unit: steps}":
        lambda o: rates.OneCycleLR(o, 0.1, total_steps=50, cycle_momentum=False),
    "warmup: {length: 8, unit: steps, start_factor: 0.25}": lambda o: rates.LinearLR(o, 0.25, 1, 8),
    "warmup: {length: 8, unit: steps, start_factor: 0.25}, schedule: {type: step, every: 9, factor: 0.5, unit: steps}":
        lambda o: rates.SequentialLR(o, [rates.LinearLR(o, 0.25, 1, 8), rates.StepLR(o, 9, 0.5)], [8]),
}


def weights(make):
    w = torch.nn.Parameter(start.clone())
    optimizer = make([w])
    for step in range(STEPS):
        w.grad = gradient(w, step).detach()
        optimizer.step()
    return [float("%.9g" % x) for x in w.tolist()]


def rates_of(make):
    optimizer = optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule, result = make(optimizer), []
    for _ in range(STEPS):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return result


if not hasattr(rates, "PolynomialLR"):  # PyTorch before 1.13
    rates.PolynomialLR = lambda o, total, power: rates.LambdaLR(o, lambda t: max(0, 1 - t / total) ** power)
result = {"torch": torch.__version__,
          "optimizers": {name: weights(make) for name, make in optimizers.items()},
          "schedules": {name: rates_of(make) for name, make in schedules.items()}}
print("{")
print('"torch": "%s",' % result["torch"])
for kind in "optimizers", "schedules":
    print('"%s": {' % kind)
    entries = ["%s: %s" % (json.dumps(name), json.dumps(values)) for name, values in result[kind].items()]
    print(",\n".join(entries))
    print("}," if kind == "optimizers" else "}")
print("}")
