"""What a program is told by its run, and tells it: the protocol of the experiment `command`."""

from __future__ import annotations

import json
import operator
import os
import select
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from regimen._channel import descriptor, say

# Milliseconds between looks whether a checkpoint was taken.
_LOOK = 10

_announced = False


def params(**defaults: Any) -> dict[str, Any]:
    """The values of this run as its configuration has them, in the place of `defaults`.

    Maps are nested as they are in `values`, and a name with dots such as `net.width` stands for a
    value in a map. Outside of a run the result is `defaults`, or what is in the file that the
    variable `REGIMEN_PARAMS` names.
    """
    path = os.environ.get("REGIMEN_PARAMS")
    values = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    return _over(defaults, _nested(values))


def seed(default: int = 0) -> int:
    """The seed of this run; outside of a run, `default`."""
    return int(os.environ.get("REGIMEN_SEED", default))


def folder() -> Path:
    """A folder of this run's own, which is removed when the run is over.

    Files that `publish` of the configuration names are kept before. Outside of a run it is the current
    folder.
    """
    return Path(os.environ.get("REGIMEN_FOLDER", "."))


def log(metrics: Mapping[str, Any] | None = None, /, *, step: int | None = None, **more: Any) -> None:
    """Records metrics of a step, or final metrics where no step is given.

    Names that are no words come in a mapping: `log({"val/loss": 0.5}, step=3)`. A value is a number, a
    truth value (1 or 0), a NumPy scalar or a tensor of one element; `None` is no value. One that is not
    finite fails the run. Outside of a run they are printed.

    Raises `TypeError` for what is no number, and `ValueError` for no metrics or a negative step.
    """
    values = {name: _number(name, value) for name, value in {**(metrics or {}), **more}.items()}
    if not values:
        raise ValueError("log: wanted at least one metric, found none")
    shown = ", ".join(f"{name} {value}" for name, value in values.items())
    if step is None:
        say({"final": values}, f"final: {shown}")
        return
    if "step" in values:
        raise ValueError("log: wanted metrics of other names than `step`, which is the step")
    at = _whole("step", step)
    say({"step": at, **values}, f"step {at}: {shown}")


def progress(done: int, total: int) -> None:
    """Tells how far the run is: `done` of `total`, whole numbers of 0 or more. Outside of a run, nothing."""
    say({"progress": [_whole("done", done), _whole("total", total)]}, None)


def row(table: str, /, **values: Any) -> None:
    """Appends a row to a table of the experiment, such as the answer to one test item.

    Values are what JSON has, and NumPy's scalars; lists stay lists. Outside of a run it is printed.
    """
    say({"table": table, "row": values}, f"{table}: {values}")


def artifact(path: str | os.PathLike[str], content: bytes | str | None = None) -> Path:
    """Publishes a file under its own name, and returns where it lies.

    With `content`, a text or bytes, `path` is a name, and the file is written into `folder()` first. A
    file that was published must not be changed by the program any more. Outside of a run it stays where
    it is.

    Raises `FileNotFoundError` where there is no such file, and `ValueError` for a name with folders.
    """
    if content is not None:
        name = os.fspath(path)
        if name != Path(name).name:
            raise ValueError(f"artifact: wanted a name without folders, found {name!r}")
        data = content.encode() if isinstance(content, str) else content
        path = _replaced(folder() / name, lambda new: new.write_bytes(data))
    # regimen and the program may be in different folders.
    path = Path(path).absolute()
    if not path.is_file():
        raise FileNotFoundError(f"artifact: there is no file {path}")
    say({"artifact": str(path)}, f"artifact: {path}")
    return path


def resume() -> Path | None:
    """The checkpoint file that this attempt goes on from, or `None` where it begins.

    It holds what the program wrote in an earlier attempt, until the first `checkpoint` of this one.
    """
    path = os.environ.get("REGIMEN_CHECKPOINT")
    return Path(path) if path and Path(path).is_file() else None


def checkpoint(save: Callable[[Path], object] | bytes) -> None:
    """Hands over a checkpoint: bytes, or what `save` writes to the path that it is given.

    `checkpoint(lambda path: torch.save(state, path))` between two steps makes a run that was interrupted
    go on from there; `resume` is the other end. It waits until the checkpoint before was taken, together
    with all metrics before it; of those in quick succession, some are not kept. Outside of a run
    nothing is written.

    Raises `ValueError` where `save` wrote no file there, and `BrokenPipeError` when the run is gone.
    """
    global _announced
    path = os.environ.get("REGIMEN_CHECKPOINT")
    pipe = descriptor()
    if not path or pipe is None:
        return
    write = save if callable(save) else lambda new: new.write_bytes(save)
    _replaced(Path(path), write, lambda: _wait_until_taken(Path(path), pipe))
    say({"checkpoint": True}, None)
    _announced = True


def _wait_until_taken(path: Path, pipe: int) -> None:
    """Until regimen has removed the checkpoint that was announced last."""
    reader = select.poll()
    reader.register(pipe, 0)
    while _announced and path.exists():
        # Its only event is that nobody reads any more.
        if reader.poll(_LOOK):
            raise BrokenPipeError("checkpoint: regimen, which executed this program, has ended")


def _replaced(path: Path, write: Callable[[Path], object], wait: Callable[[], None] = lambda: None) -> Path:
    """Writes a file under another name and renames it, so that it is there whole or not at all."""
    new = path.with_name(path.name + ".new")
    write(new)
    if not new.is_file():
        raise ValueError(f"wanted a file at the path that was given, found none at {new}")
    wait()
    os.replace(new, path)
    return path


def _over(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` with `values` in their place, maps merged."""
    merged = dict(defaults)
    for name, value in values.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = _over(below, value)
        merged[name] = value
    return merged


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every value below the parts of its name; a name stays whole where another value is in the way."""
    nested: dict[str, Any] = {name: value for name, value in values.items() if "." not in name}
    for name, value in values.items():
        first, dot, rest = name.partition(".")
        below = nested.get(first, {})
        if dot and isinstance(below, dict):
            nested[first] = {**below, rest: value}
        elif dot:
            nested[name] = value
    return {name: _nested(value) if isinstance(value, dict) else value for name, value in nested.items()}


def _number(name: str, value: Any) -> float | int | bool | None:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name}: wanted a number, found {value!r}") from None


def _whole(name: str, value: Any) -> int:
    try:
        # Others than integers only where nothing is lost.
        whole = int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: wanted a whole number, found {value!r}") from None
    if whole < 0:
        raise ValueError(f"{name}: wanted a whole number of 0 or more, found {whole}")
    return whole
