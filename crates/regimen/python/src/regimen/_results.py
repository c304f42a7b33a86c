"""The tables of a store, read by polars."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars


def scan(
    store: str | os.PathLike[str] = "results",
    experiment: str | None = None,
    *,
    sweep: str | None = None,
) -> dict[str, polars.LazyFrame]:
    """The tables of an experiment in a store, by name, as lazy frames of polars.

    `runs` has a row a run with `params.*`, `final.*` and `current`, which is false where another run
    answers the same request by now; `metrics` has `run_id`, `step`, `metric` and `value`, if any were
    recorded by step; others are the tables that runs emit, each with a `run_id`. Programs are the
    experiment `command`. Without `experiment`, the store must have one alone. With `sweep` only its runs
    count, and of programs only the columns that it has.

    Tables are as `regimen run` wrote them last.

    Raises `ImportError` without polars, `FileNotFoundError` where there are no tables, and `ValueError`
    where the store has no such experiment or sweep, or several experiments.
    """
    try:
        import polars as pl
    except ImportError as error:
        raise ImportError("scan needs polars: pip install 'regimen-ml[polars]'") from error

    tables = Path(store) / "tables"
    if not (tables / "runs.parquet").is_file():
        raise FileNotFoundError(f"{tables}: wanted the tables of a store, found none; `regimen run` writes them")
    every = {path.parent.name: path.parent for path in sorted(tables.glob("*/runs.parquet"))}
    home = every[_chosen(store, "experiment", experiment, list(every))]
    frames = {"runs": pl.scan_parquet(home / "runs.parquet")}
    for below in sorted(path for path in home.iterdir() if path.is_dir()):
        frames[below.name] = pl.scan_parquet(below / "*.parquet")
    if sweep is None:
        return frames

    names = frames["runs"].select(pl.col("sweep").unique().sort()).collect()["sweep"].to_list()
    sweep = _chosen(store, "sweep", sweep, names)
    own = tables / "sweeps" / sweep / "runs.parquet"
    runs = pl.scan_parquet(own) if home.name == "command" and own.is_file() else frames["runs"]
    frames["runs"] = runs.filter(pl.col("sweep") == sweep)
    ids = frames["runs"].select("run_id")
    return {
        name: frame if name == "runs" else frame.join(ids, on="run_id", how="semi") for name, frame in frames.items()
    }


def _chosen(store: str | os.PathLike[str], what: str, asked: str | None, there: list[str]) -> str:
    """The name that is asked for, or the only one there."""
    if asked is None and len(there) == 1:
        return there[0]
    if asked is not None and asked in there:
        return asked
    found = "none" if asked is None else repr(asked)
    raise ValueError(f"{store}: wanted the name of one {what}, found {found}; there are: {', '.join(there)}")
