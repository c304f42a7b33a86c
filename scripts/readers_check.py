"""Runs the program named by the first argument in the folder named by the second, and reads the tables."""

import json
import math
import pathlib
import subprocess
import sys
import time

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
store = folder / "store"
failed = False

# A table as rows of Python values, by each reader. The first is what the others are compared with.
READERS = {
    "pyarrow": lambda path: pq.read_table(path).to_pylist(),
    "pandas": lambda path: pd.read_parquet(path).to_dict("records"),
    "pandas with Arrow's types": lambda path: pd.read_parquet(path, dtype_backend="pyarrow").to_dict("records"),
    "polars": lambda path: pl.read_parquet(path).to_dicts(),
    "polars, lazily": lambda path: pl.scan_parquet(path).collect().to_dicts(),
    "DuckDB": lambda path: duckdb_rows(duckdb.sql(f"select * from read_parquet('{path}')")),
}


def duckdb_rows(relation):
    return [dict(zip(relation.columns, row)) for row in relation.fetchall()]


def plain(value):
    """A value as every reader means it: pandas has NaN for nothing and floats for whole numbers beside it."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return value


def run(name, config, store, *more):
    path = folder / f"{name}.yaml"
    # JSON is YAML.
    path.write_text(json.dumps({"name": name, **config}))
    arguments = [program, "run", path, "--in-process", "-j", "2", "--results", store, *more]
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check(what, found, wanted):
    global failed
    failed |= found != wanted
    print(f"{what:70} {found}{'' if found == wanted else f'  FAILED: wanted {wanted}'}")


def read_all(store):
    """Every table by every reader, each value the same in all of them."""
    for path in sorted((store / "tables").rglob("*.parquet")):
        rows = {}
        for name, read in READERS.items():
            try:
                rows[name] = [{key: plain(value) for key, value in row.items()} for row in read(path)]
            except Exception as error:
                rows[name] = f"{type(error).__name__}: {error}"
        expected = rows["pyarrow"]
        for name, found in rows.items():
            same = found == expected and not isinstance(found, str)
            note = "the same" if same else str(found)[:200]
            check(f"{path.relative_to(store)} by {name}", note, "the same")


def rows(pattern):
    return pl.scan_parquet(store / "tables" / pattern).collect()


def heights(runs):
    for pattern, wanted in runs.items():
        check(f"rows of {pattern}", rows(pattern).height, wanted)


descent = {
    "experiment": "descent",
    "params": {"steps": 20},
    "sweep": {"grid": {"learning_rate": [0.1, 0.2, 0.3]}, "seeds": 2},
}
script = folder / "train.sh"
SCRIPT = r"""
echo "{\"step\": 1, \"loss\": 0.5}" >&3
echo "{\"table\": \"answers\", \"row\": {\"said\": \"yes\", \"all\": [\"yes\", \"no\"], \"scores\": [0.5, 0.25]}}" >&3
echo "{\"final\": {\"loss\": $REGIMEN_NUMBER}}" >&3
"""
script.write_text(SCRIPT)
command = {
    "experiment": "command",
    "params": {
        "program": ["sh", str(script)],
        "files": [str(script)],
        "pass": "environment",
        "values": {"sizes": [1, 2], "names": ["a", "b"], "empty": []},
    },
    "sweep": {"grid": {"values.number": [1, 2]}, "seeds": 2},
}
run("descent", descent, store)
run("command", command, store)
heights(
    {
        "*.parquet": 10,
        "descent/runs.parquet": 6,
        "descent/metrics/*.parquet": 12,
        "command/runs.parquet": 4,
        "command/metrics/*.parquet": 4,
        "command/answers/*.parquet": 4,
    }
)
read_all(store)

# Parameters and a final metric that the earlier runs did not have, and a metric of another name.
script.write_text(
    SCRIPT
    + r"""
echo "{\"step\": 2, \"accuracy\": 1}" >&3
echo "{\"table\": \"answers\", \"row\": {\"said\": \"no\", \"score\": 0.25}}" >&3
echo "{\"final\": {\"accuracy\": 1}}" >&3
"""
)
command["sweep"]["grid"] |= {"values.decay": [0.5], "values.net.kind": ["wide"]}
run("command-later", command, store)
heights({"*.parquet": 14, "descent/runs.parquet": 6, "command/runs.parquet": 8, "command/answers/*.parquet": 12})
runs = rows("command/runs.parquet")
column = lambda name: sorted(runs[name].to_list(), key=lambda value: (value is None, value))
check("params.values.number", column("params.values.number"), [1] * 4 + [2] * 4)
check("params.values.decay", column("params.values.decay"), [0.5] * 4 + [None] * 4)
check("type of params.values.decay", str(runs.schema["params.values.decay"]), "Float64")
check("type of params.program", str(runs.schema["params.program"]), "List(String)")
check("final.accuracy", column("final.accuracy"), [1.0] * 4 + [None] * 4)
lazy = pl.scan_parquet(store / "tables/command/answers/*.parquet")
check("score, null where it was not given", lazy.collect()["score"].null_count(), 8)
joined = pl.scan_parquet(store / "tables/command/metrics/*.parquet").join(
    pl.scan_parquet(store / "tables/command/runs.parquet"), on="run_id"
)
loss = joined.filter(pl.col("metric") == "loss").group_by("params.values.number").len().collect()
check("metrics joined with runs", sorted(loss.rows()), [(1, 4), (2, 4)])

# The same requests by another script: old rows are told apart, and the documented groupings count the new.
script.write_text(SCRIPT.replace("$REGIMEN_NUMBER", "$((REGIMEN_NUMBER + 10))"))
del command["sweep"]["grid"]["values.decay"], command["sweep"]["grid"]["values.net.kind"]
run("command", command, store)
read_all(store)
path = store / "tables/command/runs.parquet"
wanted = [(1, 2, 11.0), (2, 2, 12.0)]
number, final = "params.values.number", "final.loss"
by_polars = (
    pl.scan_parquet(path)
    .filter(pl.col("current") & pl.col("params.values.decay").is_null())
    .group_by(number)
    .agg(pl.len(), pl.col(final).mean())
    .sort(number)
    .collect()
)
check("current rows by polars", by_polars.rows(), wanted)
frame = pd.read_parquet(path)
by_pandas = frame[frame["current"] & frame["params.values.decay"].isna()].groupby(number)[final].agg(["size", "mean"])
check("current rows by pandas", [tuple(row) for row in by_pandas.itertuples()], wanted)
by_duckdb = duckdb.sql(
    f"""select "{number}", count(*), avg("{final}") from '{path}'
        where current and "params.values.decay" is null group by 1 order by 1"""
)
check("current rows by DuckDB", by_duckdb.fetchall(), wanted)
check("scripts that rows were made with, by pandas", frame.groupby("data").ngroups, 3)
sums = json.loads(frame["data"].iloc[0])
check("what a row was made with", list(sums), [f"file:{script}"])

store = folder / "large"
sizes = {"grid": {"learning_rate": [at / 1000 for at in range(1, 101)]}, "seeds": 1000}
run("large", descent | {"params": {"steps": 1}, "sweep": sizes}, store)
for pattern in ["runs.parquet", "descent/runs.parquet"]:
    start = time.perf_counter()
    height = rows(pattern).height
    seconds = time.perf_counter() - start
    check(f"{pattern} of 100,000 runs by polars", height, 100_000)
    check(f"  read in {seconds:.3f} s: below 1 s", seconds < 1.0, True)

versions = f"pandas {pd.__version__}, polars {pl.__version__}, DuckDB {duckdb.__version__}, pyarrow {pa.__version__}"
print(f"{versions}: {'FAILED' if failed else 'every table reads as it is'}")
sys.exit(failed)
