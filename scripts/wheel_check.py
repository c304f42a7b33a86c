"""Tries the regimen of this virtual environment, which was installed from the wheel that the argument names."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import polars as pl

import regimen

# Seconds from nothing to a table and a report.
LIMIT = 60
# What the C library and the compiler bring on every Linux that the wheel's name admits.
SYSTEM = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}
TESTS = pathlib.Path(__file__).parent.parent / "crates/regimen/python/tests"


def check(what, holds, found=""):
    print(f"{'ok  ' if holds else 'FAILED'} {what}", flush=True)
    if not holds:
        sys.exit(f"found: {found}")


def shell(command, folder, code=0, **variables):
    words = ["env", *(f"{name}={value}" for name, value in variables.items()), "sh", "-c", command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    check(f"{command}: exit code {code}", done.returncode == code, done.stdout + done.stderr)
    return done


def libraries(program):
    """What a program needs beside the C library, and the kernels of OpenBLAS that it runs."""
    told = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", told))
    check(f"{program} needs nothing but {', '.join(sorted(needed))}", needed <= SYSTEM, needed - SYSTEM)


def kernels(folder):
    """All kernels of OpenBLAS are there, for the processor to choose or its user."""
    (folder / "it.yaml").write_text("name: it\nexperiment: dialog\nparams: { data: generated, epochs: 1 }\n")
    for core in ["Nehalem", "Haswell"]:
        shell(f"regimen run it.yaml --results {core}", folder, OPENBLAS_CORETYPE=core)
        [blas] = regimen.scan(folder / core)["runs"].select(pl.col("blas")).collect()["blas"]
        check(f"products by {blas}", blas.endswith(f"({core})"), blas)


def first_minute(folder):
    start = time.perf_counter()
    shell("regimen init demo --python", folder)
    demo = folder / "demo"
    ran = shell("regimen run configs/*.yaml", demo)
    seconds = time.perf_counter() - start
    print(ran.stdout)
    check("a table with marks", "*" in ran.stdout and "24 finished runs, 8 a cell" in ran.stdout, ran.stdout)
    check("a report", "accuracy" in (demo / "report.html").read_text())
    runs = regimen.scan(demo / "results")["runs"].filter("current").collect()
    check("24 runs in the tables", runs["final.accuracy"].is_not_null().sum() == 24, runs)
    again = shell("regimen run configs/*.yaml", demo)
    check("nothing is executed again", "24 were finished before" in again.stderr, again.stderr)
    check(f"{seconds:.1f} s: below {LIMIT} s", seconds < LIMIT)
    return demo, seconds


def change_and_crash(demo):
    program = demo / "train.py"
    text = program.read_text()
    program.write_text(text.replace("< 0.6", "< 0.5"))
    planned = shell("regimen plan configs/demo.yaml", demo).stdout
    check("a change makes 24 stale runs", planned.count("stale: train.py changed") == 24, planned)
    program.write_text(text.replace("    weights = [0.0] * 5", "    assert lr < 1, lr\n    weights = [0.0] * 5"))
    said = shell("regimen run configs/demo.yaml", demo, code=1).stderr
    failed = re.search(r"failed: (\w+) ", said)
    check("a failure names its run", failed and "AssertionError: 1.0" in said, said)
    logs = shell(f"regimen logs {failed[1]}", demo).stdout
    check("its log has the traceback", "AssertionError: 1.0" in logs, logs)


def queries(folder):
    """What the page about polars shows in Python comes to the numbers of `compare`."""
    root = pathlib.Path(__file__).parent.parent
    folder = folder / "queries"
    shutil.copytree(root / "results/published", folder / "results/published")
    shutil.copytree(root / "configs", folder / "configs")
    shell("regimen run configs/quickstart.yaml", folder)
    compared = json.loads(shell("regimen compare configs/quickstart.yaml --format json", folder).stdout)
    [code] = re.findall(r"```python\n(.*?)```", (root / "docs/polars.md").read_text(), re.DOTALL)
    before = os.getcwd()
    os.chdir(folder)
    names = {}
    exec(code, names)
    os.chdir(before)
    rows = {(row["params.regime"], row["params.learner"]): row for row in names["table"].to_dicts()}
    regimes, learners = (sum(compared[side]["keys"], []) for side in ["rows", "columns"])
    for regime, cells in zip(regimes, compared["cells"], strict=True):
        for learner, cell in zip(learners, cells, strict=True):
            row = rows.pop((regime, learner))
            theirs = (cell["published"] or {}).get("value")
            wanted = [cell["n"], cell["mean"], cell["deviation"], theirs, cell["gap"]]
            found = [row[name] for name in ["runs", "mean", "deviation", "value", "gap"]]
            near = all(a == b or abs(a - b) < 1e-9 for a, b in zip(found, wanted, strict=True))
            check(f"regime {regime}, {learner}: {found}", near, wanted)
    check("no other rows", not rows, rows)
    for row in names["gains"].to_dicts():
        cells = dict(zip(learners, compared["cells"][regimes.index(row["params.regime"])], strict=True))
        gain = cells["rbi"]["mean"] - cells["imitation"]["mean"]
        check(f"regime {row['params.regime']}: gains {row['gain']}", abs(row["gain"] - gain) < 1e-9, gain)
    check("curves", names["curves"]["value"].is_not_null().all(), names["curves"])


def main():
    wheel = pathlib.Path(sys.argv[1])
    program = shutil.which("regimen")
    check(
        f"{program} is of this environment", program and pathlib.Path(program).parent == pathlib.Path(sys.prefix, "bin")
    )
    libraries(program)
    with tempfile.TemporaryDirectory() as name:
        kernels(pathlib.Path(name))
        demo, seconds = first_minute(pathlib.Path(name))
        change_and_crash(demo)
        queries(pathlib.Path(name))
    subprocess.run([sys.executable, "-m", "unittest", "discover", "-s", TESTS], check=True)
    size = wheel.stat().st_size / 1e6
    print(f"{wheel.name}, {size:.0f} MB: installs, and comes to a table and a report in {seconds:.0f} s")


main()
