"""The programs of two folders, run in turn: `compare.py BEFORE AFTER [NAME...]`.

Prints for each line of the benchmarks `engine`, `hypergrad` and `dialog` the fastest time of each side
and the median of the ratios after / before over pairs of neighbouring runs. A line above the limit is
marked, and makes the exit code 1. NAMEs pick the lines whose name contains one of them.
"""

import argparse
import json
import statistics
import subprocess
import sys

ENGINE = [
    ("sgemm 2048", "machine", "--job gemm --n 2048"),
    ("exp", "machine", "--job exp --n 1000000"),
    ("tanh", "machine", "--job tanh --n 1000000"),
    ("sigmoid", "machine", "--job sigmoid --n 1000000"),
    ("memory network, 1 hop", "memory_network", "--hops 1"),
    ("memory network, 3 hops", "memory_network", "--hops 3"),
    ("LSTM attention", "seq2seq", "--cell lstm"),
    ("GRU attention", "seq2seq", "--cell gru"),
    ("CaffeNet step", "convtrain", ""),
    ("style 256", "style", "--size 256"),
    ("style 512", "style", "--size 512"),
]
HYPERGRAD = [
    (f"hypergrad {way}, {steps} steps, {dtype}", "meta_iteration",
     f"--steps {steps} --dtype {dtype} --way {way}")
    for steps in (100, 1000)
    for dtype in ("float32", "float64")
    for way in ("reversible", "tape", "checkpointed")
]


def lines(threads):
    for count in threads:
        for name, program, words in ENGINE:
            yield f"{name}, {count} thread(s)", program, f"{words} --threads {count}", "seconds"
    if 1 in threads:
        for name, program, words in HYPERGRAD:
            yield name, program, words, "seconds"


def run(folder, program, words, budget):
    command = [f"{folder}/{program}", *words.split()]
    if "--reps" not in words:
        command += ["--budget", str(budget)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--budget", type=float, default=2.0, help="seconds of a run")
    parser.add_argument("--threads", type=int, action="append", help="1, 2 or both")
    parser.add_argument("--limit", type=float, default=1.05, help="most that a line may slow down")
    parser.add_argument("--fastest", action="store_true",
                        help="go by each run's fastest repetition, on a machine that others use")
    options = parser.parse_intermixed_args()
    slow = 0
    print(f"{'':42} {'before':>10} {'after':>10}  ratio (lowest to highest of the pairs)")
    for name, program, words, _ in lines(options.threads or [1, 2]):
        if options.names and not any(wanted in name for wanted in options.names):
            continue
        key = "min" if options.fastest else "seconds"
        times = {options.before: [], options.after: []}
        for _ in range(options.pairs):
            for folder, found in times.items():
                found.append(run(folder, program, words, options.budget)[key])
        before, after = times.values()
        ratios = sorted(b / a for a, b in zip(before, after))
        ratio = statistics.median(ratios)
        if options.fastest:
            ratio = min(after) / min(before)
        mark = ""
        if ratio > options.limit:
            slow, mark = slow + 1, "  SLOWER"
        print(f"{name:42} {min(before) * 1e3:8.3f}ms {min(after) * 1e3:8.3f}ms  {ratio:5.3f}"
              f" ({ratios[0]:.3f} to {ratios[-1]:.3f}){mark}", flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
