"""The workloads of "lockstep bench" as the programs to compare with need them, and which ones each of these runs."""
import collections

# network: the units of dense layers, or the name of one with convolutions; shape: of a sample.
Workload = collections.namedtuple("Workload", "network shape batch optimizer")

MNIST = (784, 512, 256, 10)
WORKLOADS = {
    "xor-b4-sgd": Workload((2, 3, 1), (2,), 4, "sgd"),
    "digits-b32-sgdm": Workload((64, 128, 10), (64,), 32, "sgdm"),
    "mnist-mlp-b32-sgdm": Workload(MNIST, (784,), 32, "sgdm"),
    "mnist-mlp-b128-sgdm": Workload(MNIST, (784,), 128, "sgdm"),
    "mnist-mlp-b512-sgdm": Workload(MNIST, (784,), 512, "sgdm"),
    "mnist-mlp-b128-adam": Workload(MNIST, (784,), 128, "adam"),
    "wide-mlp-b512-sgdm": Workload((1024, 2048, 2048, 2048, 10), (1024,), 512, "sgdm"),
    "lenet-b64-sgdm": Workload("lenet", (1, 28, 28), 64, "sgdm"),
    "lenet-b128-sgdm": Workload("lenet", (1, 28, 28), 128, "sgdm"),
    "resnet20-b128-sgdm": Workload("resnet20", (3, 32, 32), 128, "sgdm"),
}

PYTORCH = list(WORKLOADS)
SKLEARN = ["digits-b32-sgdm", "mnist-mlp-b32-sgdm", "mnist-mlp-b128-sgdm", "mnist-mlp-b512-sgdm", "mnist-mlp-b128-adam"]
FANN = ["xor-b4-sgd"]

# What several ranks are compared in unless other workloads are named.
RANKS = ["mnist-mlp-b32-sgdm", "mnist-mlp-b128-sgdm", "lenet-b128-sgdm"]
