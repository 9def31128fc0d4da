"""The dense workloads in scikit-learn's MLPClassifier: prints name and microseconds a step (minimum, median) of
partial_fit on one batch.

    sklearn_peer.py [--threads N] [WORKLOAD...]
"""
import os
import sys
import time

from own_runner import Parser, missing, one_of, positive
from workloads import SKLEARN, WORKLOADS


def main():
    parser = Parser(__doc__)
    parser.add_argument("--threads", metavar="N", type=positive, default=1)
    parser.add_argument("workload", metavar="WORKLOAD", nargs="*", type=one_of(SKLEARN))
    options = parser.parse_args()
    # Read when the libraries are loaded.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(options.threads)
    try:
        import numpy
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        sys.exit(missing("scikit-learn"))
    for name in options.workload or SKLEARN:
        (inputs, *hidden, classes), _, batch, optimizer = WORKLOADS[name]
        random = numpy.random.RandomState(1)
        x, y = random.randn(batch, inputs).astype("float32"), random.randint(0, classes, batch)
        model = MLPClassifier(hidden, solver="adam" if optimizer == "adam" else "sgd", batch_size=batch, alpha=0,
                              learning_rate_init=0.001)
        model.partial_fit(x, y, classes=numpy.arange(classes))
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
