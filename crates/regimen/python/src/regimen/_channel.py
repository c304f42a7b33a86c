"""The descriptor by which a program reports to its run: JSON lines, or print where there is none."""

from __future__ import annotations

import json
import os
import stat
import threading
from typing import Any

_METRICS = "REGIMEN_METRICS_FD"

_turn = threading.Lock()


def descriptor() -> int | None:
    """The descriptor for reports; `None` outside of a run.

    Raises `RuntimeError` in a process that has the run's environment and not its descriptor, where
    another file may have that number.
    """
    text = os.environ.get(_METRICS)
    if not text:
        return None
    try:
        if stat.S_ISFIFO(os.fstat(int(text)).st_mode):
            return int(text)
    except (OSError, ValueError):
        pass
    raise RuntimeError(
        f"{_METRICS} is {text}, and this process has no such pipe: report from the program that regimen "
        f"started, or start this one by subprocess.Popen(..., pass_fds=[{text}])"
    )


def say(line: dict[str, Any], shown: str | None) -> None:
    """Sends a line, whole also among threads; outside of a run, prints `shown`."""
    text = json.dumps(line, default=_plain)
    pipe = descriptor()
    if pipe is None:
        if shown is not None:
            print(shown, flush=True)
        return
    data = memoryview(text.encode() + b"\n")
    with _turn:
        while data:
            data = data[os.write(pipe, data) :]


def _plain(value: Any) -> Any:
    """NumPy's arrays and scalars, and tensors, as lists and numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"wanted what JSON has, found {value!r}")
