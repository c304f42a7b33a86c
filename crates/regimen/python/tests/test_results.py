"""`regimen.scan` on stores that `regimen run` made; needs polars."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import polars as pl

import regimen

PROGRAM = """
import regimen
for step in (1, 2):
    regimen.log(step=step, loss=regimen.params()["lr"] / step)
regimen.row("said", text="yes")
"""


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "train.py").write_text(PROGRAM)
        params = {"program": [sys.executable, "train.py"], "files": ["train.py"], "pass": "json"}
        for name, values in [("first", [0.5, 1.0]), ("second", [2.0])]:
            sweep = {"grid": {"values.lr": values}, "seeds": 2}
            cls.run_sweep({"name": name, "experiment": "command", "params": params, "sweep": sweep})

    @classmethod
    def run_sweep(cls, config, store="results"):
        (cls.folder / "it.yaml").write_text(json.dumps(config))
        words = ["regimen", "run", "it.yaml", "--results", store]
        subprocess.run(words, cwd=cls.folder, check=True, capture_output=True)

    def test_tables_are_lazy_frames_by_name(self):
        tables = regimen.scan(self.folder / "results")
        self.assertEqual(list(tables), ["runs", "metrics", "said"])
        self.assertTrue(all(isinstance(table, pl.LazyFrame) for table in tables.values()))
        means = tables["runs"].filter("current").group_by("params.values.lr").agg(pl.mean("final.loss"))
        wanted = [(0.5, 0.25), (1.0, 0.5), (2.0, 1.0)]
        self.assertEqual(means.sort("params.values.lr").collect().rows(), wanted)
        joined = tables["metrics"].join(tables["runs"], on="run_id").filter(pl.col("step") == 1).collect()
        self.assertEqual(
            sorted(zip(joined["params.values.lr"], joined["value"])), [(v, v) for v in [0.5, 0.5, 1, 1, 2, 2]]
        )
        self.assertEqual(tables["said"].collect()["text"].to_list(), ["yes"] * 6)

    def test_a_sweep_has_its_runs_alone(self):
        tables = regimen.scan(self.folder / "results", sweep="second")
        self.assertEqual(
            {name: table.collect().height for name, table in tables.items()}, {"runs": 2, "metrics": 4, "said": 2}
        )
        with self.assertRaisesRegex(
            ValueError, "wanted the name of one sweep, found 'third'; there are: first, second"
        ):
            regimen.scan(self.folder / "results", sweep="third")

    def test_one_of_several_experiments_is_to_be_named(self):
        descent = {"name": "descent", "experiment": "descent", "params": {"steps": 5}, "sweep": {"seeds": 2}}
        self.run_sweep(descent, "both")
        only = regimen.scan(self.folder / "both", sweep="descent")["runs"].collect()
        self.assertEqual(only["params.steps"].to_list(), [5, 5])
        params = {"program": ["true"]}
        self.run_sweep({"name": "p", "experiment": "command", "params": params, "sweep": {"seeds": 1}}, "both")
        with self.assertRaisesRegex(ValueError, "one experiment, found none; there are: command, descent"):
            regimen.scan(self.folder / "both")
        self.assertEqual(regimen.scan(self.folder / "both", "command")["runs"].collect().height, 1)

    def test_a_folder_without_tables_is_told(self):
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        with self.assertRaisesRegex(FileNotFoundError, "^no/tables: wanted the tables of a store"):
            regimen.scan("no")
        self.assertEqual(regimen.scan()["runs"].collect().height, 6)


if __name__ == "__main__":
    unittest.main()
