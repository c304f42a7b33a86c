"""What a Python program tells the run that it is, and what it is told; and the tables of a store.

In a program that `regimen run` executes::

    import regimen

    options = regimen.params(lr=0.1, epochs=20)
    for epoch in range(1, options["epochs"] + 1):
        ...
        regimen.log(step=epoch, loss=loss)
    regimen.log(accuracy=accuracy)

The same program runs by itself: parameters are its defaults, and metrics are printed. Afterwards,
anywhere::

    runs = regimen.scan("results")["runs"].filter("current").collect()
"""

from regimen._program import artifact, checkpoint, folder, log, params, progress, resume, row, seed
from regimen._results import scan

__all__ = [
    "artifact",
    "checkpoint",
    "folder",
    "log",
    "params",
    "progress",
    "resume",
    "row",
    "scan",
    "seed",
]
