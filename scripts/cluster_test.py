"""Runs sweeps on a cluster of this machine: `cluster_test.py PROGRAM PART [WORD]`.

Each case has a folder of its own with a configuration, profiles and a store, and ends by comparing the
store with one that this machine filled alone, to the bit. `scripts/cluster-test` starts the clusters.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(sys.argv[1]).resolve()
PART, WORD = sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""

QUICKSTART = (ROOT / "configs/quickstart.yaml").read_text()
MANY = """name: many
experiment: descent
params: {{ noise: 0.1 }}
sweep: {{ grid: {{ learning_rate: [0.01, 0.02, 0.03, 0.04, 0.05] }}, seeds: {seeds} }}
"""
# Runs of some seconds that write checkpoints: each step draws noise for many coordinates.
LONG = """name: long
experiment: descent
params: {{ noise: 0.1, dimension: 20000, steps: {steps}, learning_rate: 1.0e-6 }}
sweep: {{ seeds: {seeds} }}
"""
# What all nodes see, each through a layer that delays it, and what sets the clock of a node.
STATE = pathlib.Path("/var/lib/regimen-slurm")
SHARED = STATE / "shared" if PART != "grid-engine" else None


SUBMITIT = """import submitit
executor = submitit.AutoExecutor(folder="submitit", cluster="slurm")
executor.update_parameters(timeout_min=5, cpus_per_task=1, slurm_mem="200MB", slurm_use_srun=False,
                           slurm_array_parallelism=8)
jobs = executor.map_array(abs, range(200))
assert sum(job.result() for job in jobs) == 19900
print(jobs[0].job_id.split("_")[0])
"""


def lab(*setup, **more):
    """A profile of the Slurm: lines of shell before a task begins, and other keys."""
    setup = [f". {STATE / 'clock'}", *setup]
    return json.dumps({"lab": {"scheduler": "slurm", "tasks": 4, "setup": setup, **more}})


def call(*words, check=True, **more):
    """What a program prints."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def until(what, holds, seconds=120):
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > seconds:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.2)


class Case:
    """One sweep in a folder of its own."""

    def __init__(self, config, clusters, env=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="regimen-cluster-", dir=SHARED))
        (self.folder / "sweep.yaml").write_text(config)
        (self.folder / "clusters.yaml").write_text(clusters)
        self.env = dict(os.environ, XDG_CONFIG_HOME=str(self.folder), **dict(env))

    def regimen(self, *words, code=0, results="store", seconds=400):
        words = [PROGRAM, *words, "--results", results]
        done = subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=seconds)
        if done.returncode != code:
            raise AssertionError(f"{words}: wanted {code}, found {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def run(self, *more, code=0):
        return self.regimen("run", "sweep.yaml", "--cluster", "lab", "--lease", "5", *more, code=code)

    def start(self):
        """Detached; the job's number."""
        self.run("--detach")
        return self.job()

    def records(self):
        return sorted(path for path in (self.folder / "store/submissions").iterdir() if path.is_dir())

    def job(self):
        return json.loads((self.records()[-1] / "job.json").read_text())

    def drivers(self):
        live = self.folder / "store/claims/live"
        return len([path for path in live.iterdir() if not path.name.startswith(".")]) if live.exists() else 0

    def wait(self, runs):
        """Waits for the end, and checks that every run counts once and as it does here."""
        said = self.run()
        assert re.search(rf"{runs:,} finished, 0 failed|{runs:,} were finished before", said), said
        self.same(runs)

    def same(self, runs):
        self.regimen("run", "sweep.yaml", results="here")
        self.regimen("compare", "--against", "here", "--exact")
        counts = json.loads(self.regimen("status", "--format", "json").splitlines()[0])["runs"]
        assert counts == {"finished": runs}, counts


def running(job):
    return len(call("squeue", "-h", "-r", "-t", "R", "-j", job, "-o", "%K").splitlines())


def at_once(job):
    """Lets requeued tasks begin, which Slurm has wait for two minutes."""
    waiting = call("squeue", "-h", "-r", "-t", "PD", "-j", job, "-o", "%K", check=False).split()
    if waiting:
        # Slurm revokes what lets a task start in the second in which it was requeued.
        time.sleep(2)
    for index in waiting:
        call("scontrol", "update", f"jobid={job}_{index}", "StartTime=now", check=False)


def quickstart():
    case = Case(QUICKSTART, lab())
    case.wait(48)
    return case


def two_thousand():
    case = Case(MANY.format(seeds=400), lab())
    start = time.monotonic()
    case.run()
    print(f"     2,000 runs in {time.monotonic() - start:.1f} s")
    case.wait(2000)
    return case


def doctor():
    case = Case(QUICKSTART, lab("unset LD_PRELOAD"))
    said = case.regimen("doctor", "--cluster", "lab")
    assert "bad" not in said, said
    ahead = Case(QUICKSTART, lab("export FAKETIME=+2m"))
    said = ahead.regimen("doctor", "--cluster", "lab", code=1)
    assert re.search(r"bad  the clock of n\d is \+1\d\d s apart", said), said
    return case


def cancelled_task():
    case = Case(LONG.format(steps=3000, seeds=24), lab())
    job = case.start()
    until("four drivers", lambda: case.drivers() == 4)
    call("scancel", f"{job}_1")
    case.wait(24)
    assert len(case.records()) == 1
    return case


def requeued_task():
    case = Case(LONG.format(steps=6000, seeds=48), lab())
    job = case.start()
    until("four drivers", lambda: case.drivers() == 4)
    call("scontrol", "requeue", f"{job}_2")
    until("a task that left", lambda: running(job) == 3)

    def returned():
        at_once(job)
        return running(job) == 4

    until("its return", returned)
    case.wait(48)
    return case


def preempted():
    case = Case(LONG.format(steps=3000, seeds=24), lab())
    job = case.start()
    until("four drivers", lambda: case.drivers() == 4)
    script = case.folder / "other"
    script.write_text("#!/bin/sh\nsleep 3\n")
    call("sbatch", "--partition=high", "--exclusive", "--nodes=4", "--output=/dev/null", script)
    until("preemption", lambda: running(job) == 0)
    until("the other job's end", lambda: not call("squeue", "-h", "-p", "high").strip())
    at_once(job)
    until("the return", lambda: running(job) > 0)
    case.wait(24)
    return case


def time_limit():
    # A limit is a minute at least; Slurm ends the task before the run is through.
    case = Case(LONG.format(steps=120000, seeds=4), lab(time="1m", warning="20s"))
    job = case.start()
    until("four drivers", lambda: case.drivers() == 4)
    log = lambda: "".join(path.read_text() for path in case.records()[0].glob("*.log"))
    until("another turn", lambda: "another turn is asked for" in log(), 150)

    def over():
        at_once(job)
        return "; of all 4, 4 finished" in log()

    until("the end", over, 400)
    case.wait(4)
    assert len(case.records()) == 1
    return case


def killed_between():
    case = Case(LONG.format(steps=300, seeds=8), lab())
    real, folder = shutil.which("sbatch"), case.folder / "bin"
    folder.mkdir()
    (folder / "sbatch").write_text(f"#!/bin/bash\n{real} \"$@\" >/dev/null; kill -9 $PPID\n")
    (folder / "sbatch").chmod(0o755)
    path = case.env["PATH"]
    case.env["PATH"] = f"{folder}:{path}"
    case.run("--detach", code=-9)
    assert not (case.records()[0] / "job.json").exists()
    case.env["PATH"] = path
    case.run("--detach")
    assert len(case.records()) == 1 and case.job()
    case.wait(8)
    return case


def refused():
    case = Case(QUICKSTART, lab(partition="nowhere"))
    said = case.run(code=2)
    assert "could not be submitted to lab" in said and "nowhere" in said, said
    assert case.records() == []
    return case


def other_version():
    case = Case(QUICKSTART, lab(program="PLACE"))
    other = case.folder / "regimen-of-another-commit"
    binary, commit = PROGRAM.read_bytes(), call("git", "-C", ROOT, "rev-parse", "HEAD").strip().encode()
    if commit not in binary:
        print("     left out: the program is not built from the present commit")
        return case
    other.write_bytes(binary.replace(commit, commit[::-1]))
    other.chmod(0o755)
    clusters = case.folder / "clusters.yaml"
    clusters.write_text(clusters.read_text().replace("PLACE", str(other)))
    said = case.run(code=1)
    assert "no task is left and no run ended" in said and "the sweep was planned by regimen" in said, said
    assert re.search("bad  n. has version", case.regimen("doctor", "--cluster", "lab", code=1))
    return case


def controller_restarted():
    case = Case(LONG.format(steps=3000, seeds=24), lab())
    case.start()
    until("four drivers", lambda: case.drivers() == 4)
    pid = STATE / "pids/slurmctld"
    os.kill(int(pid.read_text()), signal.SIGTERM)
    time.sleep(2)
    again = subprocess.Popen(["slurmctld", "-D", "-f", "/etc/slurm/slurm.conf"], start_new_session=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pid.write_text(str(again.pid))
    until("the controller", lambda: subprocess.run(["scontrol", "ping"], capture_output=True).returncode == 0)
    case.wait(24)
    return case


def node_lost():
    """A slurmd is killed and its step freezes: the lease lapses, others go on, and it wakes late."""
    case = Case(LONG.format(steps=6000, seeds=16), lab())
    job = case.start()
    until("four drivers", lambda: case.drivers() == 4)
    node = call("squeue", "-h", "-r", "-j", f"{job}_0", "-o", "%N").strip()
    daemon = [pid for pid in processes() if pid[1][:2] == ["slurmd", "-D"] and pid[1][-1] == node]
    os.kill(daemon[0][0], signal.SIGKILL)
    frozen = [pid for pid, words in processes() if "regimen" in words[0] and of_node(pid, node)]
    assert frozen, "the step outlives its slurmd"
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    case.wait(16)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    time.sleep(3)
    case.same(16)
    call("scancel", job, check=False)
    call(ROOT / "scripts/cluster/slurm", "restart", node)
    return case


def processes():
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            except OSError:
                continue
            if words:
                found.append((int(folder.name), words))
    return found


def of_node(pid, node):
    try:
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"SLURMD_NODENAME={node}".encode() in environment


def cancelled_sweep():
    case = Case(LONG.format(steps=3000, seeds=24), lab())
    job = case.start()
    until("four drivers", lambda: case.drivers() == 4)
    case.regimen("cancel", "long")
    until("no task", lambda: not call("squeue", "-h", "-j", job, check=False).strip())
    case.wait(24)
    assert len(case.records()) == 2
    return case


def full_disk():
    """The disk of a node is full: what fails says so, and is done once the disk has room."""
    place = pathlib.Path("/mnt/regimen-scratch")
    place.mkdir(exist_ok=True)
    config = """name: full
experiment: command
params: { program: [sh, -c, 'head -c 300000 /dev/zero > {folder}/big && echo "{\\"final\\": {\\"n\\": {seed}}}" >&3'] }
sweep: { seeds: 40 }
"""
    case = Case(config, lab(f"export TMPDIR={place}"))
    node = (STATE / "pids/slurmd-n1").read_text().strip()
    inside = ["nsenter", "-t", node, "-m"]
    call(*inside, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place)
    try:
        said = case.run(code=1)
    finally:
        call(*inside, "umount", place)
    assert "No space left on device" in said, said
    assert re.search(r"[1-9]\d* failed", said), said
    case.run("--retry-failed")
    case.same(40)
    return case


def limits():
    """MaxArraySize 10 and MaxSubmitJobs 5: 500 runs go through five tasks."""
    case = Case(MANY.format(seeds=100), "lab: { scheduler: slurm, tasks: 100 }\n")
    case.wait(500)
    intent = json.loads((case.records()[0] / "intent.json").read_text())
    assert intent["request"]["tasks"] == 5, intent
    return case


def overhead():
    """What a run costs beside its work: here, in an array of one task a run, by submitit."""
    trivial = MANY.replace("noise: 0.1", "steps: 1").format(seeds=400)
    case = Case(trivial, lab())
    job, start = case.start(), time.monotonic()
    until("the end", lambda: not call("squeue", "-h", "-j", job, check=False).strip(), 300)
    costs = {"regimen": (2000, time.monotonic() - start, cpu_of(job))}
    case.wait(2000)
    start = time.monotonic()
    words = ["sbatch", "--parsable", "--array=0-199", "--output=/dev/null", "--wrap", "true"]
    job = call(*words).strip()
    until("the end", lambda: not call("squeue", "-h", "-j", job, check=False).strip(), 300)
    costs["raw array"] = (200, time.monotonic() - start, cpu_of(job))
    python = ROOT / "target/submitit/bin/python"
    if not python.exists():
        call(sys.executable, "-m", "venv", python.parent.parent)
        call(python, "-m", "pip", "install", "-q", "submitit")
    start = time.monotonic()
    job = call(python, "-c", SUBMITIT, cwd=case.folder).strip()
    costs["submitit"] = (200, time.monotonic() - start, cpu_of(job))
    for name, (runs, seconds, cpu) in costs.items():
        print(f"     {name:10} {runs:5} runs {1e3 * seconds / runs:8.2f} ms a run {1e3 * cpu / runs:8.2f} CPU-ms a run")
    return case


def cpu_of(job):
    """CPU seconds of all processes of a job, from accounting."""
    time.sleep(5)
    total = 0.0
    steps = [line.split("|") for line in call("sacct", "-n", "-P", "-j", job, "-o", "JobID,TotalCPU").split()]
    for days, _, clock in (spent.rpartition("-") for step, spent in steps if step.endswith(".batch")):
        parts = [float(part) for part in clock.split(":")]
        total += 86400 * float(days or 0) + sum(part * 60**i for i, part in enumerate(reversed(parts)))
    return total


def accounted():
    """States of tasks that the queue has forgotten come from accounting."""
    case = Case(QUICKSTART, lab())
    case.wait(48)
    said = call("sacct", "-n", "-X", "-P", "-j", case.job(), "-o", "JobID,State")
    assert "COMPLETED" in said, said
    return case


def engine_quickstart():
    case = Case(QUICKSTART, "lab: { scheduler: grid-engine, tasks: 4 }\n")
    case.wait(48)
    return case


def engine_rescheduled():
    case = Case(LONG.format(steps=3000, seeds=24), "lab: { scheduler: grid-engine, tasks: 4 }\n")
    job = case.start()
    until("four drivers", lambda: case.drivers() == 4)
    call("qmod", "-rj", f"{job}.2")
    call("qdel", f"{job}.3")
    case.wait(24)
    return case


def engine_time():
    more = ", time: 40s, warning: 25s"
    case = Case(LONG.format(steps=120000, seeds=4), "lab: { scheduler: grid-engine, tasks: 4" + more + " }\n")
    case.start()
    log = lambda: "".join(path.read_text() for path in case.records()[0].glob("*.log"))
    until("another turn", lambda: "another turn is asked for" in log())
    until("the end", lambda: "; of all 4, 4 finished" in log(), 400)
    case.wait(4)
    return case


def engine_cancelled():
    case = Case(LONG.format(steps=3000, seeds=24), "lab: { scheduler: grid-engine, tasks: 4 }\n")
    case.start()
    until("four drivers", lambda: case.drivers() == 4)
    case.regimen("cancel", "long")
    until("no task", lambda: not call("qstat", "-u", "root").strip())
    case.wait(24)
    return case


CASES = {
    "slurm": [doctor, quickstart, two_thousand, cancelled_task, requeued_task, preempted, killed_between, refused,
              other_version, cancelled_sweep, controller_restarted, node_lost, full_disk, time_limit],
    "accounting": [limits, accounted],
    "overhead": [overhead],
    "grid-engine": [engine_quickstart, engine_rescheduled, engine_time, engine_cancelled],
}

failed = 0
for test in CASES[PART]:
    if WORD not in test.__name__:
        continue
    start = time.monotonic()
    try:
        case = test()
        print(f"ok   {test.__name__} ({time.monotonic() - start:.0f} s)", flush=True)
        shutil.rmtree(case.folder, ignore_errors=True)
    except Exception as error:
        failed += 1
        print(f"FAIL {test.__name__} ({time.monotonic() - start:.0f} s): {error}", flush=True)
sys.exit(1 if failed else 0)
