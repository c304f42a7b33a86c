"""Compares intervals and p values of metrics that are no means with a bootstrap of our own.

The first argument is a program that reads runs and prints comparisons, the second a folder for it.
"""

import json
import subprocess
import sys

import numpy as np

DRAWS = 10_000
SYSTEMS, SEEDS, SENTENCES, CLIPS, CLASSES = ["a", "b", "c"], 3, 300, 120, 5
rng = np.random.default_rng(11)


def bleu(rows, times):
    """Papineni et al. 2002, section 2.3, of rows that are taken so many times (draws x rows)."""
    counts = np.array([r["matches"] + r["totals"] + [r["candidate"], r["reference"]] for r in rows])
    sums = times @ counts.astype(float)
    matches, totals, candidate, reference = sums[:, :4], sums[:, 4:8], sums[:, 8], sums[:, 9]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(matches / totals).mean(axis=1))
        penalty = np.where(candidate > reference, 1.0, np.exp(1.0 - reference / candidate))
    return 100.0 * np.where((matches > 0).all(axis=1), penalty * precision, 0.0)


def error_rate(rows, times):
    edits, words = (np.array([r[name] for r in rows], float) for name in ["edits", "reference"])
    return 100.0 * (times @ edits) / (times @ words)


def mean_average_precision(rows, times):
    """Sum over thresholds of precision times what is added to recall; classes without any left out."""
    found = []
    for label in range(CLASSES):
        own = [r for r in rows if r["class"] == label]
        score = np.array([r["score"] for r in own])
        right = np.array([r["label"] for r in own], float)
        order = np.argsort(-score, kind="stable")
        # A threshold is where the next score is lower.
        last = np.append(np.diff(score[order]) != 0, True)
        taken = times[:, [own[at]["clip"] for at in order]]
        seen = np.cumsum(taken, axis=1)[:, last]
        hits = np.cumsum(taken * right[order], axis=1)[:, last]
        wanted = hits[:, -1:]
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(seen > 0, hits / seen, 0.0)
            recall = hits / wanted
        steps = np.diff(recall, axis=1, prepend=0.0)
        found.append(np.where(wanted[:, 0] > 0, (steps * precision).sum(axis=1), np.nan))
    return np.nanmean(found, axis=0)


def sentence(number, skill):
    reference = int(rng.integers(4, 30))
    candidate = max(1, reference + int(rng.integers(-3, 4)))
    totals = [max(candidate - n, 0) for n in range(4)]
    matches, most = [], candidate
    for total in totals:
        most = int(rng.binomial(min(most, total), skill))
        matches.append(most)
    return {
        "sentence": number, "matches": matches, "totals": totals, "candidate": candidate,
        "reference": reference, "edits": int(rng.binomial(reference, 1.0 - skill)),
    }


runs = []
difficulty = rng.normal(0.0, 0.06, SENTENCES)
labels = rng.random((CLIPS, CLASSES)) < 0.2
for skill, system in zip([0.78, 0.775, 0.74], SYSTEMS):
    for seed in range(SEEDS):
        level = skill + rng.normal(0.0, 0.004)
        sentences = [
            sentence(n, float(np.clip(level + difficulty[n], 0.05, 0.98))) for n in range(SENTENCES)
        ]
        # Scores of one decimal tie.
        clips = [
            {"clip": clip, "class": label, "label": bool(labels[clip, label]),
             "score": round(float(rng.normal(4.0 * skill * labels[clip, label], 1.5)), 1)}
            for clip in range(CLIPS) for label in range(CLASSES)
        ]
        runs.append({"system": system, "seed": seed,
                     "tables": {"sentences": sentences, "clips": clips}})

METRICS = [("bleu", "sentences", SENTENCES, bleu), ("error_rate", "sentences", SENTENCES, error_rate),
           ("map", "clips", CLIPS, mean_average_precision)]
for run in runs:
    run["results"] = {
        name: float(of(run["tables"][table], np.ones((1, items)))[0])
        for name, table, items, of in METRICS
    }

answer = subprocess.run(
    sys.argv[1:3], input=json.dumps(runs), capture_output=True, text=True, check=True
)
failed = False


def check(name, ours, theirs, error):
    global failed
    distance = abs(ours - theirs) / error
    # A few dozen numbers: the largest of so many normal values is hardly ever above 5.
    wrong = not distance <= 5.0
    failed |= wrong
    print(f"{name:32} {ours:9.4f} {theirs:9.4f}  {distance:.2f} standard errors"
          f"{'  FAILED' if wrong else ''}")


for comparison, (metric, table, items, of) in zip(json.loads(answer.stdout), METRICS):
    assert comparison["metric"] == metric and comparison["statistic"], comparison
    assert "refused_items" not in comparison, comparison["refused_items"]
    times = rng.multinomial(items, np.full(items, 1.0 / items), DRAWS).astype(float)
    taken = rng.multinomial(SEEDS, np.full(SEEDS, 1.0 / SEEDS), DRAWS) / SEEDS
    drawn, all_of = {}, {}
    for system in SYSTEMS:
        own = [run for run in runs if run["system"] == system]
        of_runs = np.stack([of(run["tables"][table], times) for run in own], axis=1)
        drawn[system] = (taken * of_runs).sum(axis=1)
        all_of[system] = np.mean([run["results"][metric] for run in own])
    keys = [key[0] for key in comparison["rows"]["keys"]]
    cells = dict(zip(keys, (row[0] for row in comparison["cells"])))
    best = next(system for system in SYSTEMS if cells[system]["standing"] == "best")
    for system in SYSTEMS:
        cell = cells[system]
        assert abs(cell["mean"] - all_of[system]) < 1e-9
        ordered = np.sort(drawn[system])
        for at, q in enumerate([0.025, 0.975]):
            # Where our bound lies among their draws, within the error of two samples of draws.
            place = np.searchsorted(ordered, cell["interval"][at]) / DRAWS
            check(f"{metric} {system} {q}", place, q, np.sqrt(2 * q * (1 - q) / DRAWS))
        if system == best:
            continue
        test = cell["test"]["hierarchical_bootstrap"]
        assert (test["seeds"], test["items"]) == (SEEDS, items), test
        observed = all_of[system] - all_of[best]
        off = np.abs(drawn[system] - drawn[best] - observed) >= abs(observed)
        p = (1 + off.sum()) / (DRAWS + 1)
        error = np.sqrt(2 * max(p, 1e-4) * (1 - min(p, 1 - 1e-4)) / DRAWS)
        check(f"{metric} {system} beside {best}: p", test["p"], p, error)

print(f"{len(METRICS)} metrics of items, NumPy {np.__version__}: {'FAILED' if failed else 'agree'}")
sys.exit(failed)
