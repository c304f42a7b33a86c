"""The module in programs that `regimen run` executes, with the `regimen` that is on the path."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

EVERYTHING = """
import os, regimen
options = regimen.params(lr=1.0, epochs=5, net={"width": 8, "deep": False})
assert options == {"lr": 0.5, "epochs": 2, "net": {"width": 16, "deep": False}, "none": None}, options
assert regimen.seed(9) in (0, 1), regimen.seed(9)
for epoch in range(1, options["epochs"] + 1):
    regimen.log({"val/loss": options["lr"] / epoch}, step=epoch)
    regimen.progress(epoch, options["epochs"])
regimen.log(accuracy=0.5 + regimen.seed(), won=True)
regimen.row("said", text="yes", scores=[0.5, 1])
regimen.artifact("note.txt", f"seed {regimen.seed()}")
path = regimen.folder() / "weights.bin"
path.write_bytes(b"123")
os.chdir(regimen.folder())
regimen.artifact("weights.bin")
"""

# The first attempt ends in the middle, and the second goes on where it was.
RESUMED = """
import json, os, regimen, signal
last = regimen.resume()
begun = step = json.loads(last.read_bytes())["step"] if last else 0
print("begins at", begun)
while step < 4:
    step += 1
    regimen.log(step=step, loss=1 / step)
    regimen.checkpoint(lambda path: path.write_text(json.dumps({"step": step})))
    if step == 2 and not last:
        # The next one waits until this one was taken.
        regimen.checkpoint(json.dumps({"step": 2}).encode())
        os.kill(os.getpid(), signal.SIGKILL)
regimen.log(begun=begun)
"""

CHILD = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import regimen; regimen.log(loss=1)"], check=True)
"""


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def regimen(self, *words, code=0):
        done = subprocess.run(["regimen", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def run_program(self, text, *words, code=0, params=(), **config):
        """Executes a program as a sweep of two seeds or as `config` says, and gives what is known of the runs."""
        (self.folder / "train.py").write_text(text)
        params = {"program": [sys.executable, "train.py"], "files": ["train.py"], "pass": "json", **dict(params)}
        whole = {"name": "tried", "experiment": "command", "params": params, "sweep": {"seeds": 1}, **config}
        # JSON is YAML.
        (self.folder / "tried.yaml").write_text(json.dumps(whole))
        self.said = self.regimen("run", "tried.yaml", *words, code=code).stderr
        listed = self.regimen("list", "--format", "json").stdout
        return [json.loads(line) for line in listed.splitlines()]

    def test_everything_that_a_program_says_is_in_the_store(self):
        values = {"lr": 0.5, "epochs": 2, "net": {"width": 16}, "none": None}
        runs = self.run_program(EVERYTHING, params={"values": values}, sweep={"seeds": 2})
        final = [run["results"] for run in sorted(runs, key=lambda run: run["seed"])]
        wanted = {"accuracy": 0.5, "val/loss": 0.25, "won": 1.0}
        self.assertEqual(final, [wanted, {**wanted, "accuracy": 1.5}])
        kept = {path.name: path.read_bytes() for path in (self.folder / "results/artifacts").glob("*/*")}
        self.assertEqual(kept["weights.bin"], b"123")
        texts = sorted(path.read_text() for path in self.folder.glob("results/artifacts/*/note.txt"))
        self.assertEqual(texts, ["seed 0", "seed 1"])
        self.assertTrue(list(self.folder.glob("results/tables/command/said/*.parquet")))

    def test_a_run_goes_on_from_its_checkpoint(self):
        resources = {"retry": {"crash": 1}}
        [run] = self.run_program(RESUMED, "--checkpoint-every", "0", resources=resources)
        self.assertEqual((run["attempts"], run["results"]["begun"]), (2, 2.0))
        self.assertEqual(self.regimen("logs", run["run_id"]).stdout, "begins at 2\n")

    def test_a_failure_names_its_run_and_its_log(self):
        self.run_program("import regimen; regimen.log(loss='x')", code=1)
        self.assertIn("TypeError: loss: wanted a number, found 'x'", self.said)
        run = self.said.split("failed: ")[1].split()[0]
        self.assertIn("Traceback (most recent call last)", self.regimen("logs", run).stdout)

    def test_a_child_without_the_descriptor_is_told_so(self):
        self.run_program(CHILD, code=1)
        self.assertIn("report from the program that regimen started", " ".join(self.said.split()))

    def test_a_value_that_is_not_finite_fails_the_run(self):
        self.run_program("import regimen; regimen.log(step=1, loss=float('nan'))", code=1)
        self.assertIn("loss", self.said)


if __name__ == "__main__":
    unittest.main()
