"""The dense workloads in scikit-learn's MLPClassifier: prints name and microseconds a step (minimum, median) of partial_fit on one batch.

Usage: sklearn_peer.py THREADS [WORKLOAD...]
"""
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = sys.argv[1]
import numpy  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

WORKLOADS = {
    "digits-b32-sgdm": (64, (128,), 32, "sgd"),
    "mnist-mlp-b32-sgdm": (784, (512, 256), 32, "sgd"),
    "mnist-mlp-b128-sgdm": (784, (512, 256), 128, "sgd"),
    "mnist-mlp-b512-sgdm": (784, (512, 256), 512, "sgd"),
    "mnist-mlp-b128-adam": (784, (512, 256), 128, "adam"),
}


def main():
    for name in sys.argv[2:] or WORKLOADS:
        inputs, hidden, batch, solver = WORKLOADS[name]
        random = numpy.random.RandomState(1)
        x, y = random.randn(batch, inputs).astype("float32"), random.randint(0, 10, batch)
        model = MLPClassifier(hidden, solver=solver, batch_size=batch, alpha=0, learning_rate_init=0.001)
        model.partial_fit(x, y, classes=numpy.arange(10))
        count, times = 1, []
        while True:
            begin = time.perf_counter()
            for _ in range(count):
                model.partial_fit(x, y)
            if time.perf_counter() - begin > 0.3:
                break
            count *= 2
        for _ in range(5):
            begin = time.perf_counter()
            for _ in range(count):
                model.partial_fit(x, y)
            times.append((time.perf_counter() - begin) / count * 1e6)
        times.sort()
        print(f"{name} {times[0]:.2f} {times[len(times) // 2]:.2f}", flush=True)


if __name__ == "__main__":
    main()
