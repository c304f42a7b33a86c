"""Tries the regimen of this virtual environment, which was installed from the wheel that the argument names."""

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
    subprocess.run([sys.executable, "-m", "unittest", "discover", "-s", TESTS], check=True)
    size = wheel.stat().st_size / 1e6
    print(f"{wheel.name}, {size:.0f} MB: installs, and comes to a table and a report in {seconds:.0f} s")


main()
