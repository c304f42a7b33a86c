"""Compares the program named by the first argument with SciPy's L-BFGS-B.

The functions are those of crates/learn/examples/lbfgs/problems.rs. Without a program it prints what
SciPy finds, which is what crates/learn/tests/learn/lbfgs.rs compares with.
"""

import json
import subprocess
import sys

import numpy as np
import scipy
from scipy.optimize import minimize

WORD = (1 << 64) - 1


def draw(index):
    z = (index + 1) * 0x9E3779B97F4A7C15 & WORD
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & WORD
    return ((z ^ (z >> 31)) >> 11) * 2.0**-52 - 1.0


def rosenbrock(x):
    off, rest = x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
    gradient = np.zeros_like(x)
    gradient[:-1] -= 400.0 * off * x[:-1] + 2.0 * rest
    gradient[1:] += 200.0 * off
    return np.sum(100.0 * off**2 + rest**2), gradient


ROWS, WIDTH, PENALTY = 500, 50, 1e-3
X = np.array([[draw(row * WIDTH + j) for j in range(WIDTH)] for row in range(ROWS)])
CLEAN = X @ np.array([draw(1_000_000 + j) for j in range(WIDTH)])
LABELS = np.where(CLEAN + [draw(2_000_000 + row) for row in range(ROWS)] > 0.0, 1.0, -1.0)


def logistic(w):
    margin = LABELS * (X @ w)
    value = np.mean(np.logaddexp(0.0, -margin)) + PENALTY / 2 * w @ w
    slope = -LABELS / (1.0 + np.exp(margin))
    return value, X.T @ slope / ROWS + PENALTY * w


alternating = np.where(np.arange(100) % 2 == 0, -1.2, 1.0)
PROBLEMS = {
    "rosenbrock 2": (rosenbrock, alternating[:2], None),
    "rosenbrock 100": (rosenbrock, alternating, None),
    "logistic": (logistic, np.zeros(WIDTH), None),
    "rosenbrock 100, bounded": (rosenbrock, alternating, (-0.5, 0.8)),
    "logistic, bounded": (logistic, np.zeros(WIDTH), (-0.5, 1.0)),
    "logistic, non-negative": (logistic, np.zeros(WIDTH), (0.0, np.inf)),
}

theirs = {}
for name, (function, start, bounds) in PROBLEMS.items():
    options = {"maxcor": 10, "ftol": 1e-12, "gtol": 1e-8, "maxfun": 10**6, "maxiter": 10**6}
    bounds = bounds and [bounds] * len(start)
    theirs[name] = minimize(
        function, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )

if len(sys.argv) < 2:
    print(f"SciPy {scipy.__version__}")
    for name, found in theirs.items():
        print(f"{name:24} value {found.fun!r}, {found.nfev} evaluations")
    sys.exit()

failed = False
answer = subprocess.run(sys.argv[1:2], capture_output=True, text=True, check=True)
for line in answer.stdout.splitlines():
    ours = json.loads(line)
    their = theirs.pop(ours["problem"])
    off, ratio = ours["value"] - their.fun, ours["evaluations"] / their.nfev
    wrong = off > 1e-8 or ratio > 1.2
    failed |= wrong
    print(
        f"{ours['problem']:24} value {ours['value']:.9e}, {off:+.1e} of SciPy's; "
        f"{ours['evaluations']} evaluations, SciPy {their.nfev}, ratio {ratio:.2f}"
        f"{'  FAILED' if wrong else ''}"
    )
failed |= bool(theirs)
print(f"SciPy {scipy.__version__}: {'FAILED' if failed else 'agree'}")
sys.exit(failed)
