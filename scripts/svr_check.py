"""Compares the program named by the first argument with liblinear's -s 11 at -e 1e-10.

Each line of `rank_pool --job check` is a sequence: liblinear solves it again, the objectives must agree to
1e-6 of their size, ours being no higher than that, and the frames outside the tube must be the same but
for those within 1e-6 of its edge. Each line of `rank_pool --job classify` is a linear classifier, which
liblinear's -s 2 trains again: objectives must agree likewise, and weights to 1e-6 of their size.
"""

import json
import subprocess
import sys

import numpy as np
from liblinear.liblinearutil import parameter, problem, train


def uniform(seed, count):
    z = (np.uint64(seed) << np.uint64(32)) + np.arange(1, count + 1, dtype=np.uint64)
    z = z * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)) * 2.0**-53


def compare(ours):
    rows, width, half, epsilon = ours["T"], ours["D"], ours["c"], ours["epsilon"]
    x = 2 * uniform(ours["seed"], rows * width).reshape(rows, width) - 1
    labels = np.arange(1.0, rows + 1)
    options = f"-s 11 -c {half} -p {epsilon} -e 1e-10 -B -1 -q"
    w = np.array(train(problem(labels, x), parameter(options)).get_decfun()[0])
    over = lambda w: np.abs(x @ w - labels) - epsilon
    value = lambda w: 0.5 * w @ w + half * (np.maximum(0, over(w)) ** 2).sum()
    off = value(np.array(ours["w"])) / value(w) - 1
    sure = np.abs(over(w)) > 1e-6
    differ = int(((over(w) > 0) != np.array(ours["outside"]))[sure].sum())
    return off, differ


worst, above, differ, systems, count = 0.0, 0.0, 0, 0, 0
answer = subprocess.run([sys.argv[1], "--job", "check"], capture_output=True, text=True, check=True)
for line in answer.stdout.splitlines():
    ours = json.loads(line)
    off, other = compare(ours)
    worst, above = max(worst, abs(off)), max(above, off)
    differ, systems, count = differ + other, max(systems, ours["systems"]), count + 1
bad = count != 100 or worst > 1e-6 or differ > 0


def classifier(ours):
    """How far the worst of the classes is from liblinear's, by objective and by weights."""
    rows, width, classes, cost = ours["rows"], ours["D"], ours["classes"], ours["c"]
    x = 2 * uniform(ours["seed"], rows * width).reshape(rows, width) - 1
    x[::classes, 0] += 0.5
    whole = np.hstack([x, np.ones((rows, 1))])
    off, apart = 0.0, 0.0
    for number, weights in enumerate(ours["weights"]):
        labels = np.where(np.arange(rows) % classes == number, 1.0, -1.0)
        # liblinear takes the first label that it meets for the positive one.
        order = np.argsort(-labels, kind="stable")
        options = parameter(f"-s 2 -c {cost} -e 1e-10 -B 1 -q")
        w, bias = train(problem(labels[order], x[order]), options).get_decfun()
        w = np.append(w, bias)
        value = lambda w: 0.5 * w @ w + cost * (np.maximum(0, 1 - labels * (whole @ w)) ** 2).sum()
        found = np.array(weights)
        off = max(off, abs(value(found) / value(w) - 1))
        apart = max(apart, np.linalg.norm(found - w) / np.linalg.norm(w))
    return off, apart


answer = subprocess.run([sys.argv[1], "--job", "classify"], capture_output=True, text=True, check=True)
found = [classifier(json.loads(line)) for line in answer.stdout.splitlines()]
off, apart = (max(values) for values in zip(*found))
wrong = len(found) != 20 or off > 1e-6 or apart > 1e-6
print(
    f"{len(found)} classifications: objectives within {off:.1e} of liblinear's, weights within "
    f"{apart:.1e}: {'FAILED' if wrong else 'agree'}"
)
print(
    f"{count} sequences: objectives within {worst:.1e} of liblinear's, at most {above:.1e} above; "
    f"{differ} frames on another side; at most {systems} systems: {'FAILED' if bad else 'agree'}"
)
sys.exit(bool(bad or wrong))
