"""Fits y = 3 x + 1 by stochastic gradient descent."""

import argparse
import json
import os
import random
import time

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=200)
arguments = parser.parse_args()

seed = int(os.environ["REGIMEN_SEED"])
checkpoint = os.environ["REGIMEN_CHECKPOINT"]
metrics = os.fdopen(int(os.environ["REGIMEN_METRICS_FD"]), "w", buffering=1)


def say(**message):
    print(json.dumps(message), file=metrics)


def save(state):
    with open(checkpoint + ".new", "w") as file:
        json.dump(state, file)
    os.replace(checkpoint + ".new", checkpoint)
    say(checkpoint=True)
    # Gone means taken, with everything that was said before.
    while os.path.exists(checkpoint):
        time.sleep(0.001)


state = {"step": 0, "slope": 0.0, "offset": 0.0}
if os.path.exists(checkpoint):
    with open(checkpoint) as file:
        state = json.load(file)

while state["step"] < arguments.steps:
    # Randomness is a function of seed and step, so going on draws what the whole run would.
    draw = random.Random(f"{seed} {state['step']}")
    x = draw.uniform(-1, 1)
    residual = state["slope"] * x + state["offset"] - (3 * x + 1 + draw.gauss(0, 0.1))
    state["slope"] -= arguments.lr * residual * x
    state["offset"] -= arguments.lr * residual
    state["step"] += 1
    if state["step"] % 50 == 0:
        say(step=state["step"], loss=residual**2)
        say(progress=[state["step"], arguments.steps])
        save(state)

say(final={"slope": state["slope"], "offset": state["offset"]})
print(f"test={(state['slope'] - 3) ** 2 / 3 + (state['offset'] - 1) ** 2:.9f}")
