"""The workloads of "lockstep bench" in PyTorch: prints name and microseconds a step (minimum, median).

    pytorch_peer.py [--threads N | --ranks N] [WORKLOAD...]

--ranks N: DistributedDataParallel over gloo, N processes of one thread, the same global batch.
Networks of convolutions run in both layouts of images, and the faster one counts (often channels last).
"""
import os
import sys
import time

from own_runner import Parser, missing, one_of, positive
from workloads import WORKLOADS

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    sys.exit(missing("PyTorch"))

REPETITIONS, SECONDS = 5, 0.3


def mlp(sizes, activation):
    layers = []
    for i in range(len(sizes) - 1):
        layers.append(nn.Linear(sizes[i], sizes[i + 1]))
        if i + 2 < len(sizes):
            layers.append(activation())
    return nn.Sequential(*layers)


def lenet():
    return nn.Sequential(nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10))


class Residual(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.a = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.b = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.norm_a, self.norm_b = nn.BatchNorm2d(filters), nn.BatchNorm2d(filters)
        self.shortcut = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        y = F.relu(self.norm_a(self.a(x)))
        return F.relu(self.norm_b(self.b(y)) + self.shortcut(x))


def resnet20():
    blocks, channels = [], 16
    for filters in (16, 32, 64):
        for i in range(3):
            blocks.append(Residual(channels, filters, 2 if i == 0 and filters != 16 else 1))
            channels = filters
    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks,
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


NETWORKS = {"lenet": lenet, "resnet20": resnet20}


def make_step(name, ranks=1, layout=torch.contiguous_format):
    network, shape, batch, optimizer = WORKLOADS[name]
    binary = name.startswith("xor")
    rows = batch // ranks
    torch.manual_seed(1)
    if network in NETWORKS:
        model = NETWORKS[network]()
    else:
        model = mlp(network, nn.Sigmoid if binary else nn.ReLU)
    x = torch.randn(rows, *shape)
    if len(shape) == 3:
        model, x = model.to(memory_format=layout), x.to(memory_format=layout)
    if ranks > 1:
        model = nn.parallel.DistributedDataParallel(model)
    if optimizer == "adam":
        update = torch.optim.Adam(model.parameters(), lr=0.001)
    else:
        update = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9 if optimizer == "sgdm" else 0.0)
    loss_function = nn.BCEWithLogitsLoss() if binary else nn.CrossEntropyLoss()
    y = torch.randint(0, 2, (rows, 1)).float() if binary else torch.randint(0, 10, (rows,))

    def step():
        update.zero_grad(set_to_none=True)
        loss_function(model(x), y).backward()
        update.step()

    return step


def timed(step, count, ranks):
    """Seconds for count steps; the slowest rank counts."""
    begin = time.perf_counter()
    for _ in range(count):
        step()
    seconds = time.perf_counter() - begin
    if ranks > 1:
        both = torch.tensor([seconds], dtype=torch.float64)
        torch.distributed.all_reduce(both, op=torch.distributed.ReduceOp.MAX)
        seconds = both.item()
    return seconds


def measure(step, ranks=1):
    for _ in range(3):
        step()
    count = 1
    while timed(step, count, ranks) < SECONDS:
        count *= 2
    times = sorted(timed(step, count, ranks) / count * 1e6 for _ in range(REPETITIONS))
    return times[0], times[len(times) // 2]


def best_of_layouts(name, ranks=1):
    layouts = [torch.contiguous_format]
    if len(WORKLOADS[name].shape) == 3:
        layouts.append(torch.channels_last)
    return min(measure(make_step(name, ranks, layout), ranks) for layout in layouts)


def run_rank(rank, ranks, names, port):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=ranks)
    for name in names:
        best, median = best_of_layouts(name, ranks)
        if rank == 0:
            print(f"{name} {best:.2f} {median:.2f}", flush=True)
    torch.distributed.destroy_process_group()


def main():
    parser = Parser(__doc__)
    layout = parser.add_mutually_exclusive_group()
    layout.add_argument("--threads", metavar="N", type=positive, default=1)
    layout.add_argument("--ranks", metavar="N", type=positive)
    parser.add_argument("workload", metavar="WORKLOAD", nargs="*", type=one_of(WORKLOADS))
    options = parser.parse_args()
    names = options.workload or list(WORKLOADS)
    if options.ranks:
        port = 29500 + os.getpid() % 1000
        torch.multiprocessing.spawn(run_rank, args=(options.ranks, names, port), nprocs=options.ranks)
        return
    torch.set_num_threads(options.threads)
    for name in names:
        best, median = best_of_layouts(name)
        print(f"{name} {best:.2f} {median:.2f}", flush=True)


if __name__ == "__main__":
    main()
