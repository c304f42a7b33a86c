"""A small classifier trained by gradient descent, to be replaced by a program of your own.

Values of the configuration come as arguments, and metrics leave as JSON lines on the descriptor that
`REGIMEN_METRICS_FD` names. Without it they are printed: `python3 train.py --lr 0.5`.
"""

import argparse
import json
import math
import os
import random


def report(**line):
    text = json.dumps(line) + "\n"
    descriptor = os.environ.get("REGIMEN_METRICS_FD")
    if descriptor:
        os.write(int(descriptor), text.encode())
    else:
        print(text, end="")


def examples(rng, count):
    """Points of the plane as [1, x, y, x^2, y^2], and whether they lie in a circle, one in ten of them wrong."""
    found = []
    for _ in range(count):
        x, y = rng.uniform(-1, 1), rng.uniform(-1, 1)
        inside = (x * x + y * y < 0.6) != (rng.random() < 0.1)
        found.append(([1, x, y, x * x, y * y], float(inside)))
    return found


def probability(weights, features):
    return 1 / (1 + math.exp(-sum(w * f for w, f in zip(weights, features))))


def train(lr, epochs, seed):
    """The share of right answers about new examples, after stochastic gradient descent."""
    rng = random.Random(seed)
    training, test = examples(rng, 400), examples(rng, 1000)
    weights = [0.0] * 5
    for epoch in range(1, epochs + 1):
        rng.shuffle(training)
        loss = 0.0
        for features, label in training:
            p = probability(weights, features)
            loss -= math.log(max(p if label else 1 - p, 1e-12)) / len(training)
            weights = [w - lr * (p - label) * f for w, f in zip(weights, features)]
        report(step=epoch, loss=loss)
        report(progress=[epoch, epochs])
    right = sum((probability(weights, features) > 0.5) == bool(label) for features, label in test)
    return right / len(test)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    report(final={"accuracy": train(given.lr, given.epochs, given.seed)})


if __name__ == "__main__":
    main()
