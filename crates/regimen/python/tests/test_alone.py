"""The module in a program that nobody executes as a run."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import regimen


CHECKPOINTS = """
import regimen, sys
regimen.checkpoint(b"one")
sys.stdin.readline()
try:
    regimen.checkpoint(lambda path: path.write_text("two"))
except BrokenPipeError as error:
    print(error)
"""


class Number:
    """What NumPy's scalars and tensors of one element are to the module."""

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return float(self.value)

    def __index__(self):
        return self.value

    def tolist(self):
        return self.value


def printed(say):
    """What is printed while `say` is called."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        say()
    return output.getvalue()


class Alone(unittest.TestCase):
    def setUp(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REGIMEN_")}
        change = mock.patch.dict(os.environ, kept, clear=True)
        change.start()
        self.addCleanup(change.stop)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, kind, say):
        with self.assertRaises(kind) as raised:
            say()
        return str(raised.exception)

    def test_defaults_are_the_parameters(self):
        self.assertEqual(regimen.params(lr=0.1, net={"width": 8}), {"lr": 0.1, "net": {"width": 8}})
        self.assertEqual(regimen.params(), {})
        self.assertEqual((regimen.seed(), regimen.seed(3)), (0, 3))
        self.assertEqual((regimen.resume(), str(regimen.folder())), (None, "."))

    def test_values_of_a_file_come_over_defaults_below_the_parts_of_their_names(self):
        path = self.folder / "params.json"
        path.write_text('{"lr": 1, "net": {"width": 16}, "net.deep.on": true, "lr.end": 2.0, "far": Infinity}')
        with mock.patch.dict(os.environ, REGIMEN_PARAMS=str(path)):
            found = regimen.params(lr=0.1, epochs=2, net={"width": 8, "name": "a"})
        net = {"width": 16, "name": "a", "deep": {"on": True}}
        wanted = {"lr": 1, "epochs": 2, "net": net, "lr.end": 2.0, "far": float("inf")}
        self.assertEqual(found, wanted)
        self.assertEqual([type(found[name]) for name in ["lr", "lr.end"]], [int, float])

    def test_reports_are_printed(self):
        say = lambda: (regimen.log(step=3, loss=0.5), regimen.log({"val/acc": True}, f1=None))
        self.assertEqual(printed(say), "step 3: loss 0.5\nfinal: val/acc True, f1 None\n")
        self.assertEqual(printed(lambda: regimen.log(step=Number(2), loss=Number(1))), "step 2: loss 1.0\n")
        self.assertEqual(printed(lambda: regimen.row("said", text="yes")), "said: {'text': 'yes'}\n")
        self.assertEqual(printed(lambda: regimen.progress(1, 2)), "")
        self.assertEqual(printed(lambda: regimen.checkpoint(b"state")), "")

    def test_what_is_no_metric_is_refused(self):
        self.assertEqual(self.refused(ValueError, regimen.log), "log: wanted at least one metric, found none")
        text = self.refused(TypeError, lambda: regimen.log(loss="0.5"))
        self.assertEqual(text, "loss: wanted a number, found '0.5'")
        self.refused(TypeError, lambda: regimen.log(loss=[0.5]))
        text = self.refused(ValueError, lambda: regimen.log(step=-1, loss=1))
        self.assertEqual(text, "step: wanted a whole number of 0 or more, found -1")
        self.refused(TypeError, lambda: regimen.log(step=1.5, loss=1))
        self.refused(TypeError, lambda: regimen.progress("1", 2))
        self.refused(ValueError, lambda: regimen.log({"step": 1}, step=1))
        self.refused(TypeError, lambda: regimen.row("said", text=object()))

    def test_artifacts_lie_where_they_were_written(self):
        path = self.folder / "a.txt"
        text = self.refused(FileNotFoundError, lambda: regimen.artifact(path))
        self.assertEqual(text, f"artifact: there is no file {path}")
        path.write_text("a")
        self.assertEqual(printed(lambda: regimen.artifact(path)), f"artifact: {path}\n")
        with mock.patch.dict(os.environ, REGIMEN_FOLDER=str(self.folder)):
            printed(lambda: regimen.artifact("b.bin", b"\x00"))
            text = self.refused(ValueError, lambda: regimen.artifact("c/d.txt", "d"))
        self.assertEqual(text, "artifact: wanted a name without folders, found 'c/d.txt'")
        self.assertEqual({p.name: p.read_bytes() for p in self.folder.iterdir()}, {"a.txt": b"a", "b.bin": b"\x00"})

    def test_nothing_is_written_to_a_descriptor_that_is_another_file(self):
        other = self.folder / "other"
        with open(other, "w") as file, mock.patch.dict(os.environ, REGIMEN_METRICS_FD=str(file.fileno())):
            text = self.refused(RuntimeError, lambda: regimen.log(loss=1))
            self.assertIn(f"pass_fds=[{file.fileno()}]", text)
        self.assertEqual(other.read_text(), "")

    def test_a_pipe_takes_json_lines(self):
        reader, writer = os.pipe()
        with mock.patch.dict(os.environ, REGIMEN_METRICS_FD=str(writer)):
            regimen.log(step=1.0, loss=float("nan"))
            regimen.row("said", scores=Number([1, 2]))
        os.close(writer)
        with open(reader) as lines:
            found = [json.loads(line) for line in lines]
        self.assertEqual(str(found[0]), "{'step': 1, 'loss': nan}")
        self.assertEqual(found[1], {"table": "said", "row": {"scores": [1, 2]}})

    def test_a_checkpoint_waits_until_the_one_before_was_taken(self):
        reader, writer = os.pipe()
        path = self.folder / "checkpoint"
        variables = {**os.environ, "REGIMEN_METRICS_FD": str(writer), "REGIMEN_CHECKPOINT": str(path)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        child = subprocess.Popen([sys.executable, "-c", CHECKPOINTS], env=variables, pass_fds=[writer], **pipes)
        os.close(writer)
        line = os.read(reader, 100)
        self.assertEqual((line, path.read_bytes()), (b'{"checkpoint": true}\n', b"one"))
        # Nobody takes it, and then nobody is there.
        os.close(reader)
        said, _ = child.communicate("\n")
        self.assertEqual(said, "checkpoint: regimen, which executed this program, has ended\n")
        self.assertEqual(path.read_bytes(), b"one")

    def test_importing_it_imports_nothing_that_has_to_be_installed(self):
        text = "import sys, regimen; print([name for name in sys.modules if name.startswith('polars')])"
        said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        self.assertEqual(said.stdout, "[]\n")


if __name__ == "__main__":
    unittest.main()
