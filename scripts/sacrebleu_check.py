"""Compares the program named by the first argument with sacreBLEU, on 1,000 made-up outputs.

There are empty outputs and references of nothing but white space, one to three words, characters of many
scripts, punctuation within and around numbers, entities, and blocks of words that moved.
"""

import json
import random
import subprocess
import sys

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF, TER

WORDS = (
    "a the man woman dog two young is are runs down street in front of an old house with red shirt and "
    "Ein Mann Frau läuft über die Straße, großer Hund; café naïve Ελλάδα Σίσυφος ΟΔΟΣ дом собака 日本語 "
    "汉字。 「字」 مرحبا नमस्ते 👍 👩‍👩‍👧 e\u0301 İstanbul ½ ② x² 3.14 1,000 2-3 90% $5 €7 &amp; &lt;b&gt; &quot;so&quot; "
    "<skipped> don't l'eau 's it's (and) [or] {no} /me a/b -- - … ... . , ! ? ; : « » _x_ #1 a@b.de "
    "wait... 7. .5 5,a ,5 \u00a0 \u2009 \u3000 \u001f"
).split(" ")


def sentence(rng):
    length = rng.choice([1, 2, 3, 3, 5, 8, 12, 20, 35, 70])
    return " ".join(rng.choice(WORDS) for _ in range(length))


def output(rng, reference):
    """The reference with some words replaced, left out, put in, and some blocks moved."""
    words = reference.split(" ")
    rate = rng.choice([0.0, 0.1, 0.3, 0.7])
    made = []
    for word in words:
        draw = rng.random()
        if draw < rate / 3:
            continue
        made.append(rng.choice(WORDS) if draw < rate else word)
        if rng.random() < rate / 4:
            made.append(rng.choice(WORDS))
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        if len(made) > 2:
            start = rng.randrange(len(made))
            block = made[start : start + rng.randint(1, 6)]
            del made[start : start + len(block)]
            to = rng.randint(0, len(made))
            made[to:to] = block
    return " ".join(made) + rng.choice(["", "", "\n", " "])


def pairs():
    rng = random.Random(1)
    made = [("", "a b"), ("", " "), ("a", " "), ("a", "a"), ("a b", "a b c"), ("A b", "a B")]
    made += [(sentence(rng), sentence(rng)) for _ in range(100)]
    while len(made) < 1000:
        reference = sentence(rng)
        made.append((output(rng, reference) if rng.random() < 0.97 else "", reference))
    return made


made = pairs()
answer = subprocess.run(
    sys.argv[1:2], input=json.dumps(made), capture_output=True, text=True, check=True
)
ours = json.loads(answer.stdout)
candidates, references = [pair[0] for pair in made], [pair[1] for pair in made]

theirs = {}
for tokenizer in ["none", "13a", "intl"]:
    for method in ["none", "floor", "add-k", "exp"]:
        settings = {"tokenize": tokenizer, "smooth_method": method}
        metric, single = BLEU(**settings), BLEU(**settings, effective_order=True)
        corpus = metric.corpus_score(candidates, [references]).score
        theirs[str(metric.get_signature())] = (corpus, single)
for name, metric in [("TER", TER()), ("chrF", CHRF())]:
    theirs[name] = (metric.corpus_score(candidates, [references]).score, metric)

failed = set(ours) != set(theirs)
if failed:
    print("signatures differ:", sorted(set(ours) ^ set(theirs)))
for name, (corpus, single) in theirs.items():
    found = ours.get(name)
    if found is None:
        continue
    worst, at = 0.0, None
    for index, (candidate, reference) in enumerate(made):
        off = abs(single.sentence_score(candidate, [reference]).score - found["each"][index])
        if off > worst:
            worst, at = off, index
    off = abs(corpus - found["corpus"])
    wrong = not (off <= 1e-9 and worst <= 1e-9)
    failed |= wrong
    print(f"{name}: {corpus:.4f}, off by {off:.1e}; sentences by {worst:.1e}")
    if worst > 1e-9:
        print("  ", made[at], "found", found["each"][at])
print(f"sacreBLEU {sacrebleu.__version__}, {len(made)} outputs: {'different' if failed else 'equal'}")
sys.exit(failed)
