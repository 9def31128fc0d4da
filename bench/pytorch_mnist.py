"""The network of bench/whole-run in PyTorch, up to the first epoch after which 98 % of the test digits are right.

    pytorch_mnist.py DIRECTORY THREADS EPOCHS

Prints epochs and accuracy. The whole data set is one tensor in memory, from which batches are taken by their indices:
faster than a DataLoader here.
"""
import gzip
import os
import sys

from own_runner import Parser, missing, positive

try:
    import numpy
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    sys.exit(missing("PyTorch"))


def read(directory, name, header):
    with gzip.open(os.path.join(directory, name)) as file:
        return numpy.frombuffer(file.read(), dtype=numpy.uint8, offset=header)


def load(directory, name):
    labels = torch.from_numpy(read(directory, f"{name}-labels-idx1-ubyte.gz", 8).astype(numpy.int64))
    images = read(directory, f"{name}-images-idx3-ubyte.gz", 16).reshape(len(labels), 784)
    return torch.from_numpy(images.astype(numpy.float32) / 255), labels


def main():
    parser = Parser(__doc__)
    parser.add_argument("directory", metavar="DIRECTORY")
    parser.add_argument("threads", metavar="THREADS", type=positive)
    parser.add_argument("epochs", metavar="EPOCHS", type=positive)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    x, t = load(options.directory, "train")
    test_x, test_t = load(options.directory, "t10k")
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    for layer in model[::2]:
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(1, options.epochs + 1):
        order = torch.randperm(len(t))
        for batch in order.split(128):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), t[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (model(test_x).argmax(1) == test_t).float().mean().item()
        if accuracy >= 0.98:
            break
    print(epoch, accuracy)


main()
