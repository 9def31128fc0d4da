"""optimizers.json: 50 steps of optimisers on one parameter, and 50 rates of schedules, as PyTorch has them.

The key is the optimiser or the schedule as a recipe writes it. The parameter is one that decays and has one dimension. What
PyTorch lacks comes from references.py, there in double precision.
"""
import json

import torch

from references import Lamb, Lars, shrink

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
    "{type: adam, lr: 0.02, epsilon: 0.01}": lambda p: optim.Adam(p, lr=0.02, eps=0.01),
    "{type: adamw, lr: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 0.01}":
        lambda p: optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), eps=0.01),
    "{type: adagrad, lr: 0.1, epsilon: 0.1}": lambda p: optim.Adagrad(p, lr=0.1, eps=0.1),
    "{type: rprop, weight_decay: 0.1}": lambda p: optim.Rprop(p, lr=0.01),
}
decays = {"{type: rprop, weight_decay: 0.1}": 0.1}  # added to the gradient here: Rprop of PyTorch has no decay

# In double precision.
references = {
    "{type: lars, trust: 0.02}": lambda p: Lars(p, lr=1, trust=0.02),
    "{type: lars, lr: 0.5, momentum: 0.5, trust: 0.05, weight_decay: 0.1}":
        lambda p: Lars(p, lr=0.5, momentum=0.5, trust=0.05, decay=0.1),
    "{type: lamb}": lambda p: Lamb(p, lr=0.001),
    "{type: lamb, lr: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 0.01, weight_decay: 0.5}":
        lambda p: Lamb(p, lr=0.02, betas=(0.8, 0.95), eps=0.01, decay=0.5),
    "{type: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.1, decoupled: true}": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "{type: rmsprop, weight_decay: 0.5, decoupled: true}": lambda p: optim.RMSprop(p),
    "{type: adagrad, lr: 0.1, weight_decay: 0.1, decoupled: true}": lambda p: optim.Adagrad(p, lr=0.1),
}
beside = {"{type: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.1, decoupled: true}": 0.1,
          "{type: rmsprop, weight_decay: 0.5, decoupled: true}": 0.5,
          "{type: adagrad, lr: 0.1, weight_decay: 0.1, decoupled: true}": 0.1}

rates = optim.lr_scheduler


def behind(warm, schedule):
    """The rates of a warm-up of so many steps, then those of a schedule that knows nothing of it."""
    return warm, schedule


if not hasattr(rates, "PolynomialLR"):  # PyTorch before 1.13
    rates.PolynomialLR = lambda o, total, power: rates.LambdaLR(o, lambda t: max(0, 1 - t / total) ** power)
WARM = "warmup: {length: 8, unit: steps, start_factor: 0.25}"
schedules = {
    "schedule: {type: constant}": lambda o: rates.ConstantLR(o, 1),
    "schedule: {type: step, every: 7, unit: steps, factor: 0.3}": lambda o: rates.StepLR(o, 7, 0.3),
    "schedule: {type: multi_step, at: [3, 10, 40], unit: steps}": lambda o: rates.MultiStepLR(o, [3, 10, 40]),
    "schedule: {type: multi_step, at: 20, factor: 0.3, unit: steps}": lambda o: rates.MultiStepLR(o, [20], 0.3),
    "schedule: {type: exponential, factor: 0.93, unit: steps}": lambda o: rates.ExponentialLR(o, 0.93),
    "schedule: {type: linear, length: 30, end_factor: 0.2, unit: steps}": lambda o: rates.LinearLR(o, 1, 0.2, 30),
    "schedule: {type: polynomial, length: 30, power: 1.7, unit: steps}": lambda o: rates.PolynomialLR(o, 30, 1.7),
    "schedule: {type: polynomial, length: 30, power: 3, end_factor: 0.1, unit: steps}":
        lambda o: rates.LambdaLR(o, lambda t: 0.1 + 0.9 * max(0, 1 - t / 30) ** 3),
    "schedule: {type: cosine, length: 50, end_factor: 0.1, unit: steps}": lambda o: rates.CosineAnnealingLR(o, 50, 0.01),
    "schedule: {type: cosine, period: 5, multiplier: 2, unit: steps}":
        lambda o: rates.CosineAnnealingWarmRestarts(o, 5, 2),
    "schedule: {type: cosine, period: 9, end_factor: 0.2, unit: steps}":
        lambda o: rates.CosineAnnealingWarmRestarts(o, 9, 1, eta_min=0.02),
    "schedule: {type: one_cycle, length: 50, unit: steps}":
        lambda o: rates.OneCycleLR(o, 0.1, total_steps=50, cycle_momentum=False),
    "schedule: {type: one_cycle, length: 50, rise: 0.45, start_factor: 0.1, end_factor: 0.001, unit: steps}":
        lambda o: rates.OneCycleLR(o, 0.1, total_steps=50, pct_start=0.45, div_factor=10, final_div_factor=100,
                                   cycle_momentum=False),
    "schedule: {type: inverse_sqrt, scale: 8, unit: steps}": lambda o: rates.LambdaLR(o, lambda t: (8 / (8 + t)) ** 0.5),
    WARM: lambda o: rates.LinearLR(o, 0.25, 1, 8),
    WARM + ", schedule: {type: step, every: 9, factor: 0.5, unit: steps}": behind(8, lambda o: rates.StepLR(o, 9, 0.5)),
    WARM + ", schedule: {type: multi_step, at: [10, 30], unit: steps}": behind(8, lambda o: rates.MultiStepLR(o, [10, 30])),
    WARM + ", schedule: {type: exponential, factor: 0.9, unit: steps}": behind(8, lambda o: rates.ExponentialLR(o, 0.9)),
    WARM + ", schedule: {type: linear, length: 50, unit: steps}": behind(8, lambda o: rates.LinearLR(o, 1, 0, 42)),
    WARM + ", schedule: {type: polynomial, length: 50, unit: steps}": behind(8, lambda o: rates.PolynomialLR(o, 42, 2)),
    WARM + ", schedule: {type: cosine, length: 50, unit: steps}": behind(8, lambda o: rates.CosineAnnealingLR(o, 42)),
    WARM + ", schedule: {type: cosine, period: 6, multiplier: 2, unit: steps}":
        behind(8, lambda o: rates.CosineAnnealingWarmRestarts(o, 6, 2)),
    WARM + ", schedule: {type: inverse_sqrt, scale: 8, unit: steps}":
        behind(8, lambda o: rates.LambdaLR(o, lambda t: (8 / (8 + t)) ** 0.5)),
    WARM + ", schedule: {type: one_cycle, length: 50, unit: steps}":
        behind(8, lambda o: rates.OneCycleLR(o, 0.1, total_steps=42, cycle_momentum=False)),
}


def weights(name, make, dtype):
    w = torch.nn.Parameter(start.to(dtype, copy=True))
    optimizer = make([w])
    for group in optimizer.param_groups:
        group["adapts"] = True
    for step in range(STEPS):
        w.grad = gradient(w, step).detach() + decays.get(name, 0) * w.detach()
        shrink(optimizer, beside.get(name, 0))
        optimizer.step()
    return [float("%.9g" % x) for x in w.tolist()]


def walk(make, steps):
    if isinstance(make, tuple):
        return walk(lambda o: rates.LinearLR(o, 0.25, 1, make[0]), make[0]) + walk(make[1], steps - make[0])
    optimizer = optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule, result = make(optimizer), []
    for _ in range(steps):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return result


def text():
    result = {"optimizers": {name: weights(name, make, torch.float32) for name, make in optimizers.items()},
              "schedules": {name: walk(make, STEPS) for name, make in schedules.items()}}
    result["optimizers"].update({name: weights(name, make, torch.float64) for name, make in references.items()})
    lines = ['"torch": "%s"' % torch.__version__]
    for kind, entries in result.items():
        entries = ["%s: %s" % (json.dumps(name), json.dumps(values)) for name, values in entries.items()]
        lines.append('"%s": {\n%s\n}' % (kind, ",\n".join(entries)))
    return "{\n" + ",\n".join(lines) + "\n}\n"
