"""Compares the program named by the first argument with SciPy and NumPy."""

import json
import subprocess
import sys

import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(7)
samples = []
for _ in range(1000):
    n = int(rng.integers(2, 21))
    scale = 10.0 ** rng.uniform(-3, 3)
    a = rng.normal(rng.normal(), 1, n) * scale
    b = a + rng.normal(rng.uniform(-2, 2), rng.uniform(0.1, 2), n) * scale
    samples.append([a.tolist(), b.tolist()])
answer = subprocess.run(
    sys.argv[1:2], input=json.dumps(samples), capture_output=True, text=True, check=True
)
ours = json.loads(answer.stdout)

worst = {}


def check(name, ours, theirs):
    error = abs(ours - theirs) / max(1.0, abs(theirs))
    worst[name] = max(worst.get(name, 0.0), float(error))


raw, off = [], []
for (a, b), our in zip(samples, ours["tables"]):
    a, b = np.array(a), np.array(b)
    check("mean", our["mean"], np.mean(a))
    check("deviation", our["deviation"], np.std(a, ddof=1))
    check("median", our["median"], np.median(a))
    for name, test in [
        ("paired", stats.ttest_rel(a, b)),
        ("welch", stats.ttest_ind(a, b, equal_var=False)),
    ]:
        check(name + " t", our[name]["t"], test.statistic)
        check(name + " degrees", our[name]["degrees"], test.df)
        check(name + " p", our[name]["p"], test.pvalue)
        worst[name + " p, relative"] = max(
            worst.get(name + " p, relative", 0.0), abs(our[name]["p"] / test.pvalue - 1.0)
        )
    raw.append(stats.ttest_rel(a, b).pvalue)
    # Means of 10,000 draws.
    draws = np.sort(a[rng.integers(0, len(a), (10_000, len(a)))].mean(axis=1))
    for at, q in enumerate([0.025, 0.975]):
        # Where our bound lies among their draws: q, up to the error of two samples of draws.
        low = np.searchsorted(draws, our["interval"][at] - 1e-9 * abs(a).max()) / 10_000
        high = np.searchsorted(draws, our["interval"][at] + 1e-9 * abs(a).max()) / 10_000
        distance = max(low - q, q - high, 0.0)
        off.append(distance / np.sqrt(2 * q * (1 - q) / 10_000))

order = np.argsort(raw)
running = 0.0
for rank, at in enumerate(order):
    running = max(running, min(1.0, raw[at] * (len(raw) - rank)))
    check("holm", ours["holm"][at], running)

failed = False
for name, error in worst.items():
    wrong = not error <= 1e-9
    failed |= wrong
    print(f"{name:22} largest error {error:.1e}{'  FAILED' if wrong else ''}")
off = np.array(off)
# 2,000 bounds: the largest of so many normal values is near 3.5, hardly ever above 5.
failed |= bool(off.max() > 5.0)
print(f"{'interval':22} largest distance {off.max():.2f} standard errors, mean {off.mean():.2f}")
print(f"{len(samples)} tables, SciPy {scipy.__version__}: {'FAILED' if failed else 'agree'}")
sys.exit(failed)
