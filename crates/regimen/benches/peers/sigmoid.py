"""1 / (1 + e^-x) of n float32 into a preallocated output, by a peer; prints one JSON line.

x = uniform(1, n) - 0.5 from the generator of all workloads. The unit is one call.
"""

import argparse
import json
import resource
import statistics
import time

import numpy as np


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", choices=["sigmoid"], default="sigmoid")
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--peer", choices=["numpy", "scipy", "torch"], required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=2.0)
    return parser.parse_args()


def uniform(seed, n):
    """Stream `seed`: splitmix64 of the counters seed 2^32 + 1 to n, in [0, 1)."""
    z = (np.uint64(seed) << np.uint64(32)) + np.arange(1, n + 1, dtype=np.uint64)
    z = z * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


def call(peer, threads, x):
    """A call to time, and its output."""
    y = np.empty_like(x)
    if peer == "torch":
        import torch

        torch.set_num_threads(threads)
        x, y = torch.tensor(x), torch.tensor(y)
        return lambda: torch.sigmoid(x, out=y), y
    if peer == "scipy":
        from scipy.special import expit

        return lambda: expit(x, out=y), y

    def by_exp():
        np.negative(x, out=y)
        np.exp(y, out=y)
        np.add(y, np.float32(1), out=y)
        np.divide(np.float32(1), y, out=y)

    return by_exp, y


def main():
    options = arguments()
    x = (uniform(1, options.n) - 0.5).astype(np.float32)
    run, y = call(options.peer, options.threads, x)
    for _ in range(2):
        run()
    seconds, busy, start = [], time.process_time(), time.perf_counter()
    while len(seconds) < 5 or time.perf_counter() - start < options.budget:
        before = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - before)
    line = {
        "workload": "sigmoid",
        "peer": options.peer,
        "threads": options.threads,
        "unit": "call",
        "seconds": statistics.median(seconds),
        "cpu_seconds": (time.process_time() - busy) / len(seconds),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "check": {"c[0]": float(y[0])},
    }
    print(json.dumps(line))


main()
