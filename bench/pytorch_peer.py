"""The workloads of "lockstep bench" in PyTorch: prints name and microseconds a step (minimum, median).

Usage: pytorch_peer.py THREADS [WORKLOAD...]
"""
import sys
import time

import torch

WORKLOADS = {
    "xor-b4-sgd": dict(sizes=[2, 3, 1], batch=4, activation=torch.nn.Sigmoid, momentum=0.0),
    "digits-b32-sgdm": dict(sizes=[64, 128, 10], batch=32, activation=torch.nn.ReLU, momentum=0.9),
    "mnist-mlp-b128-sgdm": dict(sizes=[784, 512, 256, 10], batch=128, activation=torch.nn.ReLU, momentum=0.9),
}
REPETITIONS, SECONDS = 7, 0.3


def make_step(work):
    torch.manual_seed(1)
    sizes, layers = work["sizes"], []
    for i in range(len(sizes) - 1):
        layers.append(torch.nn.Linear(sizes[i], sizes[i + 1]))
        if i + 2 < len(sizes):
            layers.append(work["activation"]())
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=work["momentum"])
    x = torch.randn(work["batch"], sizes[0])
    if sizes[-1] == 1:
        loss_function = torch.nn.BCEWithLogitsLoss()
        y = torch.randint(0, 2, (work["batch"], 1)).float()
    else:
        loss_function = torch.nn.CrossEntropyLoss()
        y = torch.randint(0, sizes[-1], (work["batch"],))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_function(model(x), y).backward()
        optimizer.step()

    return step


def measure(step):
    for _ in range(20):
        step()
    count, times = 1, []
    while True:
        begin = time.perf_counter()
        for _ in range(count):
            step()
        if time.perf_counter() - begin > SECONDS:
            break
        count *= 2
    for _ in range(REPETITIONS):
        begin = time.perf_counter()
        for _ in range(count):
            step()
        times.append((time.perf_counter() - begin) / count * 1e6)
    times.sort()
    return times[0], times[len(times) // 2]


def main():
    torch.set_num_threads(int(sys.argv[1]))
    for name in sys.argv[2:] or WORKLOADS:
        best, median = measure(make_step(WORKLOADS[name]))
        print(f"{name} {best:.2f} {median:.2f}", flush=True)


if __name__ == "__main__":
    main()
