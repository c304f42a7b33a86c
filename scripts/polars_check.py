"""Runs the program named by the first argument in the folder named by the second, and reads the tables."""

import json
import pathlib
import subprocess
import sys
import time

import polars as pl

program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
store = folder / "store"
failed = False


def run(name, config, store, *more):
    path = folder / f"{name}.yaml"
    # JSON is YAML.
    path.write_text(json.dumps({"name": name, **config}))
    arguments = [program, "run", path, "--in-process", "-j", "2", "--results", store, *more]
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check(what, found, wanted):
    global failed
    failed |= found != wanted
    print(f"{what:60} {found}{'' if found == wanted else f'  FAILED: wanted {wanted}'}")


def rows(pattern):
    return pl.scan_parquet(store / "tables" / pattern).collect()


def read_all(runs):
    for pattern, wanted in runs.items():
        check(pattern, rows(pattern).height, wanted)


descent = {
    "experiment": "descent",
    "params": {"steps": 20},
    "sweep": {"grid": {"learning_rate": [0.1, 0.2, 0.3]}, "seeds": 2},
}
script = r"""
echo "{\"step\": 1, \"loss\": 0.5}" >&3
echo "{\"table\": \"answers\", \"row\": {\"said\": \"yes\"}}" >&3
echo "{\"final\": {\"loss\": $REGIMEN_NUMBER}}" >&3
"""
command = {
    "experiment": "command",
    "params": {"program": ["sh", "-c", script], "pass": "environment"},
    "sweep": {"grid": {"values.number": [1, 2]}, "seeds": 2},
}
run("descent", descent, store)
run("command", command, store)
read_all(
    {
        "*.parquet": 10,
        "descent/runs.parquet": 6,
        "descent/metrics/*.parquet": 12,
        "command/runs.parquet": 4,
        "command/metrics/*.parquet": 4,
        "command/answers/*.parquet": 4,
    }
)

# Parameters and a final metric that the earlier runs did not have, and a metric of another name.
command["params"]["program"][2] = script + r"""
echo "{\"step\": 2, \"accuracy\": 1}" >&3
echo "{\"table\": \"answers\", \"row\": {\"said\": \"no\", \"score\": 0.25}}" >&3
echo "{\"final\": {\"accuracy\": 1}}" >&3
"""
command["sweep"]["grid"] |= {"values.decay": [0.5], "values.net.kind": ["wide"]}
run("command-later", command, store)
read_all(
    {
        "*.parquet": 14,
        "descent/runs.parquet": 6,
        "command/runs.parquet": 8,
        "command/metrics/*.parquet": 12,
        "command/answers/*.parquet": 12,
    }
)
runs = rows("command/runs.parquet")
column = lambda name: sorted(runs[name].to_list(), key=lambda value: (value is None, value))
check("params.values.number", column("params.values.number"), [1] * 4 + [2] * 4)
check("params.values.decay", column("params.values.decay"), [0.5] * 4 + [None] * 4)
check("params.values.net.kind", column("params.values.net.kind"), ["wide"] * 4 + [None] * 4)
check("type of params.values.decay", str(runs.schema["params.values.decay"]), "Float64")
check("final.accuracy", column("final.accuracy"), [1.0] * 4 + [None] * 4)
lazy = pl.scan_parquet(store / "tables/command/answers/*.parquet")
check("score, null where it was not given", lazy.collect()["score"].null_count(), 8)
joined = pl.scan_parquet(store / "tables/command/metrics/*.parquet").join(
    pl.scan_parquet(store / "tables/command/runs.parquet"), on="run_id"
)
loss = joined.filter(pl.col("metric") == "loss").group_by("params.values.number").len().collect()
check("metrics joined with runs", sorted(loss.rows()), [(1, 4), (2, 4)])

store = folder / "large"
sizes = {"grid": {"learning_rate": [at / 1000 for at in range(1, 101)]}, "seeds": 1000}
run("large", descent | {"params": {"steps": 1}, "sweep": sizes}, store)
for pattern in ["runs.parquet", "descent/runs.parquet"]:
    start = time.perf_counter()
    height = rows(pattern).height
    seconds = time.perf_counter() - start
    check(f"{pattern} of 100,000 runs", height, 100_000)
    check(f"  read in {seconds:.3f} s: below 1 s", seconds < 1.0, True)

print(f"polars {pl.__version__}: {'FAILED' if failed else 'every table reads as it is'}")
sys.exit(failed)
