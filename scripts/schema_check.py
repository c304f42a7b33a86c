"""Validates configurations by the schemas that the program of the first argument prints."""

import json
import pathlib
import subprocess
import sys

import jsonschema
from ruamel.yaml import YAML

HEAD = "name: x\nexperiment: descent\n"
GOOD = [
    "params: { learning_rate: 1, noise: 0.5 }",
    "sweep: { grid: { learning_rate: [1, 0.5], params.momentum: 0..=0.9 step 0.1 }, seeds: 3 }",
    "sweep: [{ seeds: [1, 5] }, { seeds: 0..4, exclude: [{ momentum: 0 }] }]",
    "sweep: { zip: { dimension: { range: [2, 8, 2] }, 'function': [sphere] } }",
    "sweep: { random: { count: 2, draw: sobol, params: { noise: { uniform: [0, 1] } } } }",
    "sweep: { when: { if: noise == 0, grid: { momentum: [0, 1] } } }",
    "search: { first: 1, rungs: 2, goal: lower }\nresources: { memory: 1.5GiB, time: 90s, retry: { crash: 2 } }",
    "table: [{ rows: noise, value: [value, distance] }, { value: value, where: seed == 1, passes: 0.5 }]",
    "report: page.html",
    "needs: { a: a.yaml, b: { config: b.yaml, where: seed == this.seed } }\nsweep:",
]
BAD = [
    "parms: {}",
    "params: { learning_rte: 1 }",
    "params: { learning_rate: fast }",
    "params: 3",
    "sweep: { grid: { learning_rte: [1] } }",
    "sweep: { grid: { learning_rate: [fast] } }",
    "sweep: { grid: { learning_rate: 0.1 } }",
    "sweep: { grid: { learning_rate: [] } }",
    "sweep: { gird: {} }",
    "sweep: { seeds: 0 }",
    "sweep: { seeds: few }",
    "sweep: { random: { params: { noise: { uniform: [0, 1] } } } }",
    "sweep: { random: { count: 2, params: { noise: { unifrom: [0, 1] } } } }",
    "sweep: { when: { grid: { momentum: [0, 1] } } }",
    "sweep: { exclude: [{ momentun: 0 }] }",
    "search: { first: 0, rungs: 2 }",
    "search: { first: 1, rungs: 2, goal: up }",
    "resources: { memory: 3 }",
    "resources: { threads: many }",
    "resources: { retry: { crashes: 1 } }",
    "resources: { device: tpu }",
    "table: { rows: noise }",
    "table: { value: value, row: noise }",
    "needs: { a: { where: seed == 1 } }",
    "extends: 3",
]
REMOVED = object()


def reader():
    """YAML 1.2 as an editor reads it, which leaves out what `!remove` removes."""
    yaml = YAML(typ="safe", pure=True)
    yaml.constructor.add_constructor("!remove", lambda *_: REMOVED)
    return yaml


def seen(node):
    if isinstance(node, dict):
        return {str(key): seen(value) for key, value in node.items() if value is not REMOVED}
    return [seen(value) for value in node] if isinstance(node, list) else node


def parsed(text):
    return seen(reader().load(text))


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    failures = []

    def validator(*words):
        printed = subprocess.run([program, "schema", *words], check=True, capture_output=True, text=True).stdout
        schema = json.loads(printed)
        jsonschema.validators.validator_for(schema).check_schema(schema)
        return jsonschema.validators.validator_for(schema)(schema)

    def want(holds, what):
        if not holds:
            failures.append(what)

    every, descent = validator("--config"), validator("descent", "--config")
    files = sorted(pathlib.Path("configs").rglob("*.yaml"))
    want(len(files) > 40, f"configs: wanted more than 40 files, found {len(files)}")
    for path in files:
        wrong = [f"{list(error.path)}: {error.message}" for error in every.iter_errors(parsed(path.read_text()))]
        want(not wrong, f"{path}: {wrong}")
    for text in GOOD:
        node = parsed(HEAD + text)
        wrong = [error.message for schema in (every, descent) for error in schema.iter_errors(node)]
        want(not wrong, f"{text}: {wrong}")
    file = folder / "bad.yaml"
    for text in BAD:
        node = parsed(HEAD + text)
        want(not every.is_valid(node) and not descent.is_valid(node), f"the schema takes {text}")
        file.write_text(HEAD + text)
        planned = subprocess.run([program, "plan", file], check=False, capture_output=True)
        want(planned.returncode == 2, f"plan takes {text}")
    for text in ["name: x", "name: x\nexperiment: descend", "name: 3\nexperiment: descent"]:
        want(not every.is_valid(parsed(text)), f"the schema takes {text}")
    for text in ["params: { anything: 1 }", "extends: a.yaml\nname: x\nparams: { anything: 1 }"]:
        want(every.is_valid(parsed(text)), f"the schema refuses the part {text}")
    want(not descent.is_valid(parsed("name: x\nexperiment: dialog")), "the schema of descent takes dialog")
    print("\n".join(failures) or f"{len(files)} configurations, {len(GOOD)} right and {len(BAD)} wrong ones: as wanted")
    sys.exit(bool(failures))


main()
